"""The web, the courier and the scheduler start with the packages of requirements/web.txt alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from bgplatform.dev import lock

ROOT = Path(__file__).resolve().parents[2]

# Refuses modules of packages that the web does not install, then imports all that a web process may load.
PROGRAM = """
import importlib, json, pkgutil, sys
from importlib.abc import MetaPathFinder

refused = set(json.loads(sys.argv[1]))
at_start = set(sys.modules)  # .pth files load a module or two

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())

import bgplatform.asgi
import bgplatform.courier
from django.contrib import admin
from django.core.management import call_command
from django.urls import get_resolver

def walk(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            walk(pattern)

walk(get_resolver())
admin.autodiscover()
call_command("check")
for app in ("accounts", "jobs"):
    commands = importlib.import_module(f"{app}.management.commands")
    for found in pkgutil.iter_modules(commands.__path__):
        importlib.import_module(f"{commands.__name__}.{found.name}")
for room in ("jobs.views", "jobs.api", "jobs.compat", "jobs.webhooks", "accounts.views"):
    package = importlib.import_module(room)
    for found in pkgutil.walk_packages(package.__path__, f"{room}."):
        importlib.import_module(found.name)
import boto3, jobs.storage.s3, django.db.backends.postgresql.base
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - at_start})))
"""


def test_a_web_process_imports_only_what_its_requirements_list(tmp_path: Path) -> None:
    web, _groups = lock.project()
    allowed = lock.closure(web).keys()
    providers = packages_distributions()
    refused = [
        module
        for module, names in providers.items()
        if not any(canonicalize_name(name) in allowed for name in names)
        and module not in sys.stdlib_module_names
    ]
    assert {"torch", "openvino", "cv2", "scipy"} <= set(refused)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(refused)],
        cwd=ROOT,
        env={
            **os.environ,
            "SECRET_KEY": "only-for-this-test-" + "0123456789" * 4,
            "DEBUG": "true",
            "BGPLATFORM_STATE": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & set(refused)
    assert {"django", "rest_framework", "PIL", "numpy"} <= loaded
