"""The launcher: `python -m bgplatform.local [--with-parent]`, which `make run` calls."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bgplatform.local import ports, process_tree, valkey
from bgplatform.local.console import LocalRunError, say
from bgplatform.local.processes import run_procfile
from bgplatform.local.state import ROOT, Run, State
from bgplatform.local.supervise import LAUNCHER_VARIABLE

INTERRUPTED = 130


def environment(state: State, given: Mapping[str, str]) -> tuple[dict[str, str], str | None]:
    """Returns the environment for every process, and a note where the port is not the default one.

    Variables that are already set stay as they are; the rest gets defaults for a run on this machine alone.
    Raises LocalRunError where a value cannot work.
    """
    values = dict(given)
    values["BGPLATFORM_STATE"] = str(state.folder)
    values.setdefault("HOST", "127.0.0.1")
    port, note = ports.for_web(values.get("PORT"), values["HOST"])
    values["PORT"] = str(port)
    values.setdefault("SECRET_KEY", state.secret_key())
    if "REDIS_URL" not in values:
        values["REDIS_URL"] = valkey.choose_url(state)
    values.setdefault("SITE_URL", origin(values))
    values["DJANGO_SETTINGS_MODULE"] = "bgplatform.settings"
    values["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), values.get("PATH", os.defpath)))
    values["PYTHONUNBUFFERED"] = "1"
    values[LAUNCHER_VARIABLE] = str(os.getpid())
    return values, note


def address(values: Mapping[str, str]) -> str:
    """Returns the site's address on this machine, with a trailing slash."""
    return f"{origin(values)}{values.get('PATH_PREFIX', '')}/"


def origin(values: Mapping[str, str]) -> str:
    """Returns the scheme, host and port of that address."""
    host = values["HOST"]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{values['PORT']}"


def step(values: Mapping[str, str], *arguments: str, quiet: bool = False) -> None:
    """Run one preparation command. Raises LocalRunError where it fails; it has printed the reason by then.

    `quiet`: show only its standard error, which carries progress and problems.
    """
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=dict(values),
        cwd=ROOT,
        check=False,
        stdout=subprocess.DEVNULL if quiet else None,
        preexec_fn=process_tree.die_with_parent,
    )
    if done.returncode:
        raise LocalRunError(
            f"bgplatform was not started: `python -m {' '.join(arguments)}` failed; see the messages above."
        )


def launch(given: Mapping[str, str]) -> int:
    """Prepare, start, and run until stopped. Returns the exit code."""
    state = State(Path(given.get("BGPLATFORM_STATE") or ROOT / "var"))
    with state.lock():
        state.run_file.unlink(missing_ok=True)
        own_valkey = "REDIS_URL" not in given
        if own_valkey and (stale := valkey.stop_stale(state)):
            say(stale)
        values, note = environment(state, given)
        if note:
            say(note)
        if not own_valkey:
            say("REDIS_URL is set, so no Valkey is started.")
        step(values, "segmentation", "weights", "pull", values.get("MODEL", "u2net"), quiet=True)
        step(values, "bgplatform.local.prepare")
        redis_url = values["REDIS_URL"]
        state.write_run(Run(pid=os.getpid(), address=address(values), redis_url=redis_url, ready=False))
        try:
            say("Starting …")
            return run_procfile(ROOT / "Procfile", values, without=() if own_valkey else ("valkey",))
        finally:
            state.run_file.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module docstring. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bgplatform.local", description="Run the whole platform here."
    )
    parser.add_argument("--with-parent", action="store_true", help="also stop when the calling process ends")
    if parser.parse_args(arguments).with_parent:
        process_tree.die_with_parent()
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # until the processes run, SIGTERM and Ctrl-C both abort
    try:
        return launch(os.environ)
    except LocalRunError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped before it had started.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
