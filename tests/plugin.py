"""Loaded before everything else (see pyproject.toml): sets the environment for the tests' settings.

Each test process has its own state folder and Valkey, so that suites can run side by side.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any, Final

import pytest

# Each of these runs in one worker, from beginning to end: its tests share a running platform, or measure one.
# The mark `xdist_group` cannot do that: xdist 3.8 sets `_nodeid`, which pytest 9.2 no longer reads.
GROUPS: Final = {
    "tests/e2e/": "e2e",
    "tests/clients/": "clients",
    "tests/s3/": "s3",
    "tests/faults/": "faults",
    "tests/attack/": "faults",
    "tests/benchmarks/test_": "faults",
}

_state = tempfile.mkdtemp(prefix="bgp-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
# collectstatic's target: without this folder WhiteNoise warns in every test.
os.mkdir(os.path.join(_state, "static"))

# The caller's platform settings must not reach the tests, except for the database.
_SETTINGS = ("MODEL", "DEVICE", "PRECISION", "SIGN_UP", "HTTPS", "BEHIND_PROXY", "ALLOWED_HOSTS", "WINDOW")
for _name in (*_SETTINGS, "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME", "OIDC_SIGN_UP"):
    os.environ.pop(_name, None)
os.environ.update(
    {
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
        "DEBUG": "true",
        "BGPLATFORM_STATE": _state,
        "REDIS_URL": f"unix://{_state}/valkey.sock",
        "MODEL": "u2netp",
        # Tests must not depend on this machine's free disk space.
        "STORE_MIN_FREE_BYTES": "0",
        "DJANGO_SETTINGS_MODULE": "bgplatform.settings",
    }
)


def group_of(nodeid: str) -> str:
    """The unit of work that a test belongs to: its group, or itself."""
    return next((group for start, group in GROUPS.items() if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distributes tests by `group_of`, the largest groups first."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)
