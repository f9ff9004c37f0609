"""``python -m kerasish convert``: a model file in another format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    from kerasish.cli.models import add_model

    parser = commands.add_parser(
        "convert",
        help="write a model file in another format",
        description="Reads a model file and writes it in the format that the other name's ending "
        "states: .h5, .keras, .weights.h5 (with the architecture in a .json beside it), or .py, a "
        "predictor in one file that needs NumPy alone.",
        epilog="examples:\n  python -m kerasish convert old.h5 new.keras\n"
        "  python -m kerasish convert model.keras predictor.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_model(parser, "in")
    parser.add_argument("out", metavar="OUT", help="file to write")
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it is there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read and write."""
    from kerasish.atomic import atomic_write
    from kerasish.cli import CommandError
    from kerasish.cli.models import FORMATS, architecture_beside, read_model

    source, out = vars(arguments)["in"], arguments.out
    if not out.endswith((".h5", ".hdf5", ".keras", ".py")):
        raise CommandError(f"{out}: the ending must state the format: {FORMATS}, or .py.")
    if Path(out).exists() and not arguments.force:
        raise CommandError(f"{out} is there already. Pass --force to overwrite it.")
    model = read_model(source, arguments)
    if out.endswith(".py"):
        model.export(out)
    elif out.endswith(".weights.h5"):
        model.save_weights(out)
        with atomic_write(architecture_beside(out), "w") as file:
            file.write(model.to_json())
        print(f"wrote {architecture_beside(out)}")
    else:
        model.save(out)
    print(f"wrote {out}")
    return 0
