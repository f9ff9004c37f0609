"""Cutting off the tail of the data for validation."""

from __future__ import annotations

import math
from typing import Any

from kerasish.data import arrays, checks
from kerasish.data.hdf5 import RowRange, is_stored

Rows = tuple[Any, Any, Any]


def split(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    validation_split: float = 0.0,
    texts: bool = False,
) -> tuple[Rows, Rows]:
    """Split rows into a head to train on and a tail to validate on, before any shuffling.

    Parameters
    ----------
    x, y, sample_weight : array-like
        As `fit` takes them. Arrays are cut into views; those in a file are not read.
    validation_split : float
        Share of the rows that goes to the tail, between 0 and 1 (both excluded). The head has
        ``floor(n * (1 - validation_split))`` rows.
    texts : bool
        Whether x may hold texts.

    Returns
    -------
    (x, y, sample_weight), (x, y, sample_weight)
        The head and the tail; what was None stays None.

    Raises
    ------
    TypeError, ValueError
        If the share is no number between 0 and 1, one part would be empty, or x is no array.

    Examples
    --------
    >>> import numpy as np
    >>> (x, y, _), (x_val, y_val, _) = split(np.arange(10), np.arange(10), None, 0.2)
    >>> len(x), y_val.tolist()
    (8, [8, 9])
    """
    who = "fit"
    try:
        share = float(validation_split)
    except (TypeError, ValueError):
        raise TypeError(
            f"{who}: `validation_split` must be a number between 0 and 1 but got "
            f"{validation_split!r}."
        ) from None
    if not 0 < share < 1:
        raise ValueError(
            f"{who}: `validation_split` must lie between 0 and 1 but got {validation_split!r}. "
            "It is the share of the rows to validate on, such as 0.2."
        )
    x = arrays.unwrap(x, "x", who)
    if not arrays.is_array_like(x):
        raise ValueError(
            f"{who}: `validation_split` is only supported for arrays, but x is of type "
            f"{type(x).__name__}. Pass `validation_data` instead."
        )
    parts = whole(x, y, sample_weight, checks.names_of("fit", texts))
    rows = parts[0].shape[0]
    head = math.floor(rows * (1.0 - share))
    if head in (0, rows):
        raise ValueError(
            f"{who}: Training data contains {rows} samples, which is not sufficient for "
            f"validation_split={validation_split}: {head} rows would be left to train on and "
            f"{rows - head} to validate on. Pass more rows, another share, or `validation_data`."
        )
    first, second = (
        tuple(None if part is None else _part(part, *span) for part in parts)
        for span in ((0, head), (head, rows))
    )
    return first, second  # type: ignore[return-value]


def whole(x: Any, y: Any, sample_weight: Any, names: checks.Names) -> Rows:
    """Turn x, y and weights into arrays of rows, all of one length."""
    who = names.who
    known = len(y) if hasattr(y, "__len__") and not isinstance(y, dict) else None
    x = arrays.as_rows(x, names.x, who, known, column=True, texts=names.texts)
    rows = x.shape[0]
    if y is not None:
        y = arrays.as_rows(y, names.y, who, rows)
    if sample_weight is not None:
        sample_weight = arrays.as_rows(sample_weight, names.weight, who, rows)
    checks.same_rows(
        {
            names.x: rows,
            names.y: None if y is None else y.shape[0],
            names.weight: None if sample_weight is None else sample_weight.shape[0],
        },
        who,
    )
    return x, y, sample_weight


def _part(value: Any, start: int, stop: int) -> Any:
    return RowRange(value, start, stop) if is_stored(value) else value[start:stop]
