"""The courier process: `python -m dramatiq bgplatform.courier --processes 1 --threads 16`.

Delivers webhooks. Its threads wait for other people's servers almost all of the time, which is why they are
not the threads that work on pictures. It loads no model.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")
django.setup()

import jobs.courier_actors  # noqa: E402
from bgplatform.broker import broker  # noqa: E402
from bgplatform.child import ExitWithMaster  # noqa: E402

__all__ = ["broker", "jobs"]

broker.add_middleware(ExitWithMaster())
