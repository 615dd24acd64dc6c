"""The courier process, which delivers webhooks: `python -m dramatiq bgplatform.courier --processes 1
--threads 16`.

Its threads spend almost all of their time waiting for other people's servers, so picture processing has
threads of its own. It loads no model.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")
django.setup()

import jobs.courier_actors  # noqa: E402
from bgplatform.broker import broker  # noqa: E402
from bgplatform.child_process import ExitWithMaster  # noqa: E402

__all__ = ["broker", "jobs"]

broker.add_middleware(ExitWithMaster())
