"""Prepares the state before the processes start: `python -m bgplatform.local.prepare`, once at every start.

It applies the migrations, collects the static files if they changed, and creates an administrator if there is
no user. One process does it all, because loading Django takes most of the time.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from bgplatform.local.console import LocalRunError, say
from bgplatform.local.state import ROOT, State, write_private

ADMINISTRATOR = "admin@localhost"
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alike characters


def new_password() -> str:
    """Returns a readable password of 79 bits: sixteen letters and digits in four groups."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def migrate() -> None:
    """Apply pending migrations, and say so."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)


def static_fingerprint(folder: Path, requirements: Path) -> str:
    """Returns a digest of our static files (path, size, mtime) and of the requirements, whose packages add
    others.
    """
    digest = hashlib.sha256(requirements.read_bytes())
    for path in sorted(folder.rglob("*")):
        facts = path.stat()
        digest.update(f"{path.relative_to(folder)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect_static(state: State) -> None:
    """Collect, hash and compress the static files, unless they are unchanged."""
    from django.conf import settings
    from django.core.management import call_command

    memory = state.folder / "static.fingerprint"
    current = static_fingerprint(ROOT / "static", ROOT / "requirements.txt")
    if memory.exists() and memory.read_text() == current and Path(settings.STATIC_ROOT).is_dir():
        return
    say("Collecting the pages' style and scripts …")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    memory.write_text(current)


def first_administrator(state: State) -> bool:
    """If there is no user, create an administrator and save the password. Returns whether it did."""
    from allauth.account.models import EmailAddress

    from accounts.models import User

    with transaction.atomic():
        if User.objects.exists():
            return False
        password = new_password()
        user = User.objects.create_superuser(ADMINISTRATOR, password)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        write_private(state.sign_in, f"e-mail    {ADMINISTRATOR}\npassword  {password}\n")
    return True


def main() -> int:
    """The command line; see the module docstring. Returns the exit code."""
    try:
        django.setup()
        from django.conf import settings

        state = State(settings.STATE_DIR)
        migrate()
        collect_static(state)
        first_administrator(state)
    except (ImproperlyConfigured, LocalRunError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
