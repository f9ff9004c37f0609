"""What only kerasish knows of a model, kept in files where Keras does not look."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from kerasish import config
from kerasish.saving.compiled import compile_config
from kerasish.saving.configs import jsonable
from kerasish.saving.keras_names import is_unknown_to_keras
from kerasish.saving.limits import FileError

NAME = "kerasish"


def extras(model: Any, include_optimizer: bool = True) -> dict[str, Any]:
    """Describe versions, seed and counter of the random numbers, threads, metrics and metadata."""
    found = {
        "version": sys.modules["kerasish"].__version__,  # the package that this is part of
        "numpy": np.__version__,
        "threads": config.num_threads(),
        "seed": model.seed,
        "counter": model.counter,
        "metadata": jsonable(model.metadata),
    }
    if include_optimizer and model.has_program:
        found["metrics_names"] = model.metrics_names
        ours = compile_config(model, ours=True)
        if ours != compile_config(model) or is_unknown_to_keras(model._compiled["loss"]):
            found["compile_config"] = ours
    return found


def apply_extras(model: Any, found: dict[str, Any]) -> None:
    """Give a model what `extras` described; unknown entries are left to later versions."""
    seed, counter = found.get("seed"), found.get("counter")
    if _is_count(seed) and _is_count(counter):
        model._seed, model.counter = seed, counter
    metadata = found.get("metadata")
    if isinstance(metadata, dict):
        model.metadata = metadata
    model.saved_with = {key: found.get(key) for key in ("version", "numpy", "threads")}


def checked(found: Any) -> dict[str, Any]:
    """What was read as extras, if it is of the right kind."""
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FileError(f"its part '{NAME}' is not an object but {type(found).__name__}")
    return found


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64
