"""Class weights: one weight a class, turned into one weight a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_BLOCK = 65536


def check_class_weight(class_weight: Any, who: str) -> dict[int, float] | None:
    """Return ``{class: weight}`` with plain numbers.

    Raises
    ------
    TypeError, ValueError
        If it is no dict from class numbers to weights that are finite and not negative.
    """
    if class_weight is None:
        return None
    if not isinstance(class_weight, Mapping):
        mend = "Pass a dict such as {0: 1.0, 1: 5.0}."
        if isinstance(class_weight, str):
            mend = (
                "Work the weights out: counts = np.bincount(y); "
                "class_weight = {c: len(y) / (len(counts) * n) for c, n in enumerate(counts)}."
            )
        elif isinstance(class_weight, list | tuple | np.ndarray):
            mend = "Pass dict(enumerate(class_weight))."
        raise TypeError(
            f"{who}: `class_weight` must be a dict from class numbers to weights but got "
            f"{class_weight!r}. {mend}"
        )
    found = {}
    for label, weight in class_weight.items():
        try:
            number, factor = int(label), float(weight)
            if isinstance(label, str) or number != label:
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(
                f"{who}: `class_weight` must map class numbers to weights but has the entry "
                f"{label!r}: {weight!r}. Use the integers that stand in y, such as {{0: 1.0}}."
            ) from None
        if not math.isfinite(factor) or factor < 0:
            raise ValueError(
                f"{who}: `class_weight` of class {number} must be finite and at least 0 but is "
                f"{factor}."
            )
        found[number] = factor
    return found


def sample_weights(
    y: Any, class_weight: dict[int, float], who: str, dtype: Any = "float32"
) -> np.ndarray:
    """Return the weight of every row of `y`; classes that are not listed weigh 1.

    The class of a row is the label itself, rounded ((n,) or (n, 1)), or the place of the largest
    entry of a one-hot row (n, classes).

    Examples
    --------
    >>> sample_weights(np.array([0, 2, 1]), {1: 5.0}, "fit").tolist()
    [1.0, 1.0, 5.0]
    """
    if y is None:
        raise ValueError(
            f"{who}: `class_weight` needs the classes in y, but no y came with x. Pass y, or "
            "`sample_weight` for weights that do not depend on the class."
        )
    if len(y.shape) > 2:
        raise ValueError(
            f"{who}: `class_weight` needs one class for every row (y of shape (n,), (n, 1) or "
            f"one-hot (n, classes)) but y has shape {tuple(y.shape)}. Pass `sample_weight` with "
            "one weight for every step instead."
        )
    weights = np.empty(y.shape[0], dtype)
    for start in range(0, len(weights), _BLOCK):  # in blocks: y may be in a file
        part = np.asarray(y[start : start + _BLOCK])
        if part.ndim == 2:
            part = part[:, 0] if part.shape[1] == 1 else part.argmax(1)
        labels, places = np.unique(np.round(part), return_inverse=True)
        table = [class_weight.get(int(label), 1.0) for label in labels]
        weights[start : start + _BLOCK] = np.array(table, dtype)[places.reshape(-1)]
    return weights
