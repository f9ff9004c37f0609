"""Classes as users give them: numbers, one-hot rows, probabilities, strings; and their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def class_numbers(who: str, argument: str, values: Any, count: int | None = None) -> Any:
    """Return a list with the class of each sample, None for None.

    >>> class_numbers("f", "y", [[0.1, 0.9], [0.8, 0.2]]), class_numbers("f", "y", [[0.2], [0.7]])
    ([1, 0], [0, 1])
    """
    if values is None:
        return None
    values = np.asarray(values)
    shape = values.shape
    if values.ndim == 2 and values.shape[1] > 1:
        values = values.argmax(axis=1)
    elif values.ndim == 2:
        values = values[:, 0]
    if values.ndim != 1 or (count is not None and len(values) != count):
        each = "each sample" if count is None else f"each of the {count} images"
        raise ValueError(
            f"{who}: `{argument}` must hold one class, or one row of class probabilities, for "
            f"{each} but got an array of shape {shape}."
        )
    if values.dtype.kind == "f":
        whole = np.array_equal(values, np.floor(values))
        values = values.astype(int) if whole else (values > 0.5).astype(int)
    return values.tolist()


def name_of(who: str, value: Any, class_names: Sequence[str] | None, longest: int = 22) -> str:
    """Return the name of a class, shortened if it is long."""
    if class_names is None or isinstance(value, str):
        name = str(value)
    elif not 0 <= int(value) < len(class_names):
        raise ValueError(
            f"{who}: class {value} has no name, since `class_names` has {len(class_names)}."
        )
    else:
        name = str(class_names[int(value)])
    return name if len(name) <= longest else name[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def all_classes(
    who: str, lists: Sequence[Sequence[Any]], class_names: Sequence[str] | None
) -> tuple[list[Any], list[str]]:
    """Return the classes that are to be shown, in order, and their names.

    Numbers from 0 to the greatest that occurs or has a name; strings in alphabetical order.
    """
    seen = set().union(*map(set, lists)) if lists else set()
    if not seen:
        raise ValueError(f"{who}: there are no samples.")
    if all(isinstance(value, str) for value in seen):
        classes: list[Any] = list(class_names) if class_names is not None else sorted(seen)
        unknown = sorted(seen - set(classes))
        if unknown:
            raise ValueError(f"{who}: the class '{unknown[0]}' is not in `class_names`.")
        return classes, [name_of(who, value, None) for value in classes]
    if any(isinstance(value, str) or value < 0 for value in seen):
        raise ValueError(
            f"{who}: classes must be whole numbers from 0 on, or all strings, but there is "
            f"{min(seen, key=lambda v: (not isinstance(v, str), str(v)))!r}."
        )
    last = max(int(max(seen)), len(class_names or ()) - 1)
    classes = list(range(last + 1))
    return classes, [name_of(who, value, class_names) for value in classes]
