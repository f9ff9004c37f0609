"""``python -m kerasish evaluate``: loss and metrics of a model file on data."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    from kerasish.cli.models import add_model

    parser = commands.add_parser(
        "evaluate",
        help="loss and metrics of a model file on data",
        description="Evaluates a model file on arrays x and y of an .npz file.",
        epilog="examples:\n  python -m kerasish evaluate model.keras --data test.npz\n"
        "  python -m kerasish evaluate model.h5 --data mnist.npz --x x_test --y y_test --scale 255",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_model(parser)
    parser.add_argument("--data", required=True, metavar="NPZ", help="file with inputs and targets")
    parser.add_argument("--x", help="name of the inputs in it (default: x, x_test or X)")
    parser.add_argument("--y", help="name of the targets in it (default: y, y_test or Y)")
    parser.add_argument("--scale", type=float, default=1.0, help="divide the inputs by this number")
    parser.add_argument("--batch-size", type=int, default=None, help="rows at once (default: 32)")
    parser.add_argument("--loss", help="loss, where the file holds none or another is wanted")
    parser.add_argument("--metrics", nargs="*", help="metrics, with --loss")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print loss and metrics."""
    from kerasish.cli import CommandError
    from kerasish.cli.models import as_json, pick, read_arrays, read_model

    arrays = read_arrays(arguments.data)
    given_x = [arguments.x] if arguments.x else ["x", "x_test", "X"]
    given_y = [arguments.y] if arguments.y else ["y", "y_test", "Y"]
    x = pick(arrays, given_x, arguments.data, "--x")
    y = pick(arrays, given_y, arguments.data, "--y")
    model = read_model(arguments.file, arguments, compile=arguments.loss is None)
    if arguments.loss is not None:
        model.compile(loss=arguments.loss, metrics=arguments.metrics or "auto")
    if not model.has_program:
        raise CommandError(
            f"{arguments.file} was saved without loss and metrics. Name them: "
            f"--loss sparse_categorical_crossentropy --metrics accuracy."
        )
    if arguments.scale != 1:
        x = x / arguments.scale
    try:
        found = model.evaluate(
            x, y, batch_size=arguments.batch_size, verbose="auto", return_dict=True
        )
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from None
    print(as_json(found) if arguments.json else "  ".join(f"{k}: {v}" for k, v in found.items()))
    return 0
