"""`python -m segmentation COMMAND`: the engine as a command-line program, without the platform."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

COMMANDS = ("cutout", "weights", "evaluate", "bench", "train", "export")
EPILOG = "Exit codes: 0 success; 1 failure, explained on stderr; 2 usage error; 130 interrupted."


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"segmentation.cli.{command}")


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser with every sub-command. Each is a module of segmentation.cli with add_arguments and
    run.
    """
    parser = argparse.ArgumentParser(
        prog="python -m segmentation", description="Remove image backgrounds with U²-Net.", epilog=EPILOG
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = _module(name)
        module.add_arguments(commands.add_parser(name, help=module.HELP, epilog=EPILOG))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = build_parser().parse_args(arguments)
    try:
        return int(_module(args.command).run(args))
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
