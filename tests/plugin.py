"""Loaded before everything else (see pyproject.toml): the environment that the tests' settings read.

Each test process has a state folder and a Valkey of its own, so that suites run side by side.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_state = tempfile.mkdtemp(prefix="bgp-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
# Where collectstatic would put its files: WhiteNoise warns in every test if there is no such folder.
os.mkdir(os.path.join(_state, "static"))

# What the caller's environment says of the platform must not reach the tests, but for the database.
for _name in ("MODEL", "DEVICE", "PRECISION", "SIGN_UP", "HTTPS", "BEHIND_PROXY", "ALLOWED_HOSTS", "WINDOW"):
    os.environ.pop(_name, None)
os.environ.update(
    {
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
        "DEBUG": "true",
        "BGPLATFORM_STATE": _state,
        "REDIS_URL": f"unix://{_state}/valkey.sock",
        "MODEL": "u2netp",
        # How full this machine's disk is decides no test.
        "STORE_MIN_FREE_BYTES": "0",
        "DJANGO_SETTINGS_MODULE": "bgplatform.settings",
    }
)
