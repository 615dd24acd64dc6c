"""Loaded before everything else (see pyproject.toml): sets the environment for the tests' settings.

Each test process has its own state folder and Valkey, so that suites can run side by side.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_state = tempfile.mkdtemp(prefix="bgp-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
# collectstatic's target: without this folder WhiteNoise warns in every test.
os.mkdir(os.path.join(_state, "static"))

# The caller's platform settings must not reach the tests, except for the database.
for _name in ("MODEL", "DEVICE", "PRECISION", "SIGN_UP", "HTTPS", "BEHIND_PROXY", "ALLOWED_HOSTS", "WINDOW"):
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
