"""What the commands on model files share: reading models and arrays."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import models, saving
from kerasish.cli import CommandError

FORMATS = ".h5, .hdf5, .keras, or .weights.h5 with the architecture in a .json beside it"


def add_model(parser: argparse.ArgumentParser, name: str = "file") -> None:
    """Add the argument that names a model file, and how to read it."""
    parser.add_argument(name, metavar=name.upper(), help=f"model file: {FORMATS}")
    parser.add_argument(
        "--architecture",
        metavar="JSON",
        help="what model.to_json() wrote, for a .weights.h5 file (default: NAME.json beside it)",
    )
    parser.add_argument(
        "--untrusted", action="store_true", help="read HDF5 in a limited process of its own"
    )


def read_model(path: str, arguments: argparse.Namespace, compile: bool = True) -> Any:
    """The model of a file.

    Raises
    ------
    CommandError
        If it cannot be read; the message names the file.
    """
    try:
        if not path.endswith(".weights.h5"):
            return saving.load_model(path, compile=compile, untrusted=arguments.untrusted)
        architecture = arguments.architecture or architecture_beside(path)
        model = models.model_from_json(Path(architecture).read_text("utf-8"))
        model.load_weights(path, untrusted=arguments.untrusted)
        return model
    except (ValueError, TypeError) as error:
        text = str(error)
        raise CommandError(text if path in text else f"{path}: {text}") from None


def architecture_beside(weights: str) -> str:
    """Where the architecture of ``name.weights.h5`` is kept: ``name.json``."""
    return weights.removesuffix(".weights.h5") + ".json"


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by their names, or of an .npy file as "x"; no pickles.

    Raises
    ------
    CommandError
        If it is neither.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise CommandError(
            f"{path} is no .npy or .npz file of numbers ({error}). Write one with "
            f"numpy.save or numpy.savez."
        ) from None
    return {"x": found} if isinstance(found, np.ndarray) else dict(found)


def pick(arrays: dict[str, np.ndarray], names: list[str], path: str, option: str) -> np.ndarray:
    """The first of `names` that a file has.

    Raises
    ------
    CommandError
        If it has none of them.
    """
    for name in names:
        if name in arrays:
            return arrays[name]
    raise CommandError(
        f"{path} has the arrays {', '.join(arrays) or 'none'} but not {' or '.join(names)}. Say "
        f"which with {option} NAME."
    )


def as_json(value: Any) -> str:
    """Results as JSON; arrays as lists."""
    return json.dumps(value, default=lambda item: np.asarray(item).tolist())
