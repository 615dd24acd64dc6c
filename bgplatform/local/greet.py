"""Waits until the site is ready, prints its address, runs the sample job: `python -m bgplatform.local.greet`.

It is a separate process because the launcher runs no threads and does not import Django.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

from bgplatform.local.console import say
from bgplatform.local.state import State

POLL_SECONDS = 0.2
HINT_SECONDS = 90.0


def answers(address: str) -> bool:
    """Whether /readyz answers 200."""
    try:
        with urllib.request.urlopen(f"{address}readyz", timeout=5) as response:  # noqa: S310  # our own loopback
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def not_ready(address: str) -> str:
    """Returns what /readyz reports as missing."""
    try:
        with urllib.request.urlopen(f"{address}readyz", timeout=5):  # noqa: S310  # our own loopback
            return "nothing"
    except urllib.error.HTTPError as error:
        return error.read(2000).decode(errors="replace").strip()
    except (urllib.error.URLError, OSError) as error:
        return f"it does not answer yet ({error})"


def wait_until_ready(address: str) -> None:
    """Wait until the site is ready; print every 90 s what is still missing."""
    hint_at = time.monotonic() + HINT_SECONDS
    while not answers(address):
        if time.monotonic() >= hint_at:
            say(f"Still starting. According to {address}readyz this is missing: {not_ready(address)}")
            hint_at += HINT_SECONDS
        time.sleep(POLL_SECONDS)


def banner(address: str, state: State, *, first: bool) -> str:
    """Returns the address and how to sign in, in a frame that stands out among log lines.

    The password is shown at the first start only; later banners name the file that holds it.
    """
    lines = [f"bgplatform is running:  {address}", ""]
    if not state.sign_in.exists():
        lines.append("Sign in with your account.")
    elif first:
        known = state.sign_in.read_text().splitlines()
        lines += ["Sign in as its first administrator:", *(f"  {line}" for line in known)]
        lines.append(f"Both are kept in {_relative(state.sign_in)}, which only you can read.")
    else:
        lines.append(f"The first administrator's sign-in is in {_relative(state.sign_in)}.")
    lines += ["", "Ctrl-C stops everything."]
    width = max(map(len, lines))
    frame = "─" * (width + 2)
    return "\n".join((f"┌{frame}┐", *(f"│ {line.ljust(width)} │" for line in lines), f"└{frame}┘"))


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main() -> int:
    """The command line; see the module docstring. Returns the exit code."""
    state = State(Path(os.environ["BGPLATFORM_STATE"]))
    run = state.read_run()
    if run is None:
        return 1
    wait_until_ready(run.address)
    first = not state.samples_shown.exists()
    say(banner(run.address, state, first=first))
    state.write_run(replace(run, ready=True))
    if first:
        from bgplatform.local.samples import show_samples

        show_samples(run.address, state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
