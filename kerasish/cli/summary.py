"""``python -m kerasish summary``: the layers of a model file."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    from kerasish.cli.models import add_model

    parser = commands.add_parser(
        "summary",
        help="print the layers, shapes and parameters of a model file",
        description="Prints the table of a model file: layers, output shapes and parameters.",
        epilog="example: python -m kerasish summary model.keras",
    )
    add_model(parser)
    parser.add_argument("--nested", action="store_true", help="show the layers of inner models")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from kerasish.cli.models import read_model

    model = read_model(arguments.file, arguments)
    model.summary(expand_nested=arguments.nested)
    if model.has_program:
        loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "name", "none")
        print(f"Compiled with {type(model.optimizer).__name__}, loss {loss}")
    else:
        print("Not compiled: evaluate needs --loss")
    return 0
