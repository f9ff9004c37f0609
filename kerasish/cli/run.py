"""``python -m kerasish run``: a Keras script, notebook or module, without Keras."""

from __future__ import annotations

import argparse
from typing import Any

from kerasish.cli import CommandError

HELP = """\
Runs a script written for Keras or tf.keras as it is: inside it, `import keras` and
`import tensorflow` find kerasish. Arguments, paths, exit code and tracebacks are those of
`python SCRIPT`. Old spellings work, with a warning that says the new one. Where there is no
display, plt.show() writes the figures to a folder (SCRIPT_figures, or $KERASISH_FIGURES)."""
EXAMPLES = """\
examples:
  python -m kerasish run train.py --epochs 5
  python -m kerasish run notebook.ipynb
  python -m kerasish run -m package.train
  python -m kerasish run --check train.py      what of it is not supported, without running it"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "run",
        help="run a Keras script, notebook or module without Keras",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-m", dest="module", action="store_true", help="TARGET is a module's name")
    parser.add_argument(
        "--check",
        action="store_true",
        help="list what is not supported, by line, and exit with 1 if anything is",
    )
    parser.add_argument(
        "target", metavar="TARGET", help="script (.py), notebook (.ipynb) or module"
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script gets")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run or check the script and return the exit code."""
    from kerasish.compat import runner

    if not arguments.check:
        return runner.run(arguments.target, arguments.arguments, arguments.module)
    return _check(arguments)


def _check(arguments: argparse.Namespace) -> int:
    from kerasish.compat.check import check
    from kerasish.compat.runner import check_file, file_of_module

    path = arguments.target
    if arguments.module:
        path = file_of_module(path)
    check_file(path)
    try:
        findings = check(path)
    except (SyntaxError, ValueError) as error:
        raise CommandError(f"{path} cannot be parsed: {error}.") from None
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{path}: nothing was found that kerasish lacks")
    return 1 if findings else 0
