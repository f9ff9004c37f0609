"""The command line: ``python -m kerasish COMMAND``.

Each command is a module of this package with ``add_parser(commands)``, which adds its parser to
argparse's subparsers and sets the default ``run``: a function from the parsed arguments to the
exit code. Messages for people who mistyped something go to stderr, results to stdout.

Exit codes: 0 all is well, 1 it could not be done (the message says why), 2 wrong arguments,
130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = ("run", "summary", "evaluate", "predict", "convert", "runs")


class CommandError(Exception):
    """What a command raises when it cannot do its work: the message is all that people see."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all commands."""
    import kerasish

    parser = argparse.ArgumentParser(
        prog="python -m kerasish",
        description="kerasish: Keras-style deep learning on NumPy. What can be done without a "
        "script of your own.",
        epilog="'python -m kerasish COMMAND --help' tells of one command, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"kerasish {kerasish.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name in COMMANDS:
        importlib.import_module(f"kerasish.cli.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    >>> main([])
    usage: python -m kerasish ...
    2
    """
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 2
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except (CommandError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `... | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"kerasish {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
