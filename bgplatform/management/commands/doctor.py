"""`manage.py doctor`: checks what this process depends on."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bgplatform.doctor import broker, database, engine, site, store
from bgplatform.doctor.finding import Level

PARTS = (database, broker, store, engine, site)
MARKS = {Level.OK: "ok", Level.WARNING: "warning", Level.ERROR: "ERROR"}


class Command(BaseCommand):
    """Changes nothing, but for one small file in the store, which it deletes."""

    help = "Check database, broker, file store, engine, address and mail, and say what to do."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--json", action="store_true", help="Print a JSON list instead of text.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints every finding. Exits with 1 if one is an error."""
        findings = [finding for part in PARTS for finding in part.check()]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2))
        else:
            for finding in findings:
                self.stdout.write(f"{MARKS[finding.level]:8} {finding.check}: {finding.message}")
                if finding.remedy:
                    self.stdout.write(f"         → {finding.remedy}")
        if any(finding.level is Level.ERROR for finding in findings):
            sys.exit(1)
