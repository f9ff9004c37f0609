"""``python -m kerasish predict``: a model file's outputs for an array."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    from kerasish.cli.models import add_model

    parser = commands.add_parser(
        "predict",
        help="a model file's outputs for an array",
        description="Predicts for the rows of an .npy file, and writes the outputs to another or, "
        "a line a row, to the screen.",
        epilog="examples:\n  python -m kerasish predict model.keras x.npy --out y.npy\n"
        "  python -m kerasish predict model.keras x.npy --classes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_model(parser)
    parser.add_argument("inputs", metavar="X", help=".npy file, or .npz with --x")
    parser.add_argument("--x", help="name of the inputs in an .npz file (default: x)")
    parser.add_argument("--out", metavar="NPY", help="file to write the outputs to")
    parser.add_argument("--scale", type=float, default=1.0, help="divide the inputs by this number")
    parser.add_argument("--batch-size", type=int, default=None, help="rows at once (default: 32)")
    parser.add_argument(
        "--classes", action="store_true", help="the most probable class in place of the outputs"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict, and write or print."""
    from kerasish.atomic import atomic_write
    from kerasish.cli import CommandError
    from kerasish.cli.models import pick, read_arrays, read_model

    arrays = read_arrays(arguments.inputs)
    x = pick(arrays, [arguments.x or "x"], arguments.inputs, "--x")
    model = read_model(arguments.file, arguments, compile=False)
    if arguments.scale != 1:
        x = x / arguments.scale
    try:
        y = model.predict(x, batch_size=arguments.batch_size)
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from None
    if arguments.classes:
        y = y.argmax(-1) if y.shape[-1] > 1 else (y[..., 0] > 0.5).astype(int)
    if arguments.out:
        with atomic_write(arguments.out) as file:
            np.save(file, y)
        print(f"wrote {arguments.out}: {y.shape}, {y.dtype}")
    else:
        for row in y:
            print(*(f"{value:g}" for value in np.ravel(row)))
    return 0
