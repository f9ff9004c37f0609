"""What may come in as data, and what is said when something else does."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from kerasish.errors import warn

Role = Literal[
    "fit",
    "evaluate",
    "predict",
    "validation",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
]


@dataclass(frozen=True)
class Names:
    """What the arguments are called where the user passed them; for error messages.

    `texts` says that the model's first layer takes texts, so that `x` may be such.
    """

    who: str
    x: str = "x"
    y: str = "y"
    weight: str = "sample_weight"
    batch_size: str = "batch_size"
    steps: str = "steps"
    texts: bool = False


NAMES: dict[str, Names] = {
    "fit": Names("fit", steps="steps_per_epoch"),
    "validation": Names(
        "fit",
        x="x of validation_data",
        y="y of validation_data",
        weight="sample_weight of validation_data",
        batch_size="validation_batch_size",
        steps="validation_steps",
    ),
    "evaluate": Names("evaluate"),
    "predict": Names("predict"),
    "train_on_batch": Names("train_on_batch"),
    "test_on_batch": Names("test_on_batch"),
    "predict_on_batch": Names("predict_on_batch"),
}


def names_of(role: str, texts: bool = False) -> Names:
    """Return the argument names of a role."""
    try:
        return replace(NAMES[role], texts=texts) if texts else NAMES[role]
    except KeyError:
        raise ValueError(f"role must be one of {', '.join(NAMES)} but got {role!r}.") from None


def positive_int(value: Any, who: str, name: str) -> int | None:
    """Return `value` as an int of at least 1, or None for None.

    Raises
    ------
    TypeError, ValueError
        If it is no whole number, or below 1.
    """
    if value is None:
        return None
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{who}: `{name}` must be a whole number or None but got {value!r}. "
            "Divide with // instead of /, or wrap it in int()."
        ) from None
    if number < 1:
        raise ValueError(f"{who}: `{name}` must be at least 1 but got {number}.")
    return number


def shuffle_mode(value: Any, who: str) -> bool | str:
    """Return False, True or ``"batch"``."""
    if isinstance(value, str):
        if value == "batch":
            return value
    elif value is None or isinstance(value, bool | np.bool_ | int):
        return bool(value)
    raise ValueError(f"{who}: `shuffle` must be True, False or 'batch' but got {value!r}.")


def same_rows(rows: dict[str, int | None], who: str, maybe_none: bool = False) -> int:
    """Return the number of rows that all arrays have; `maybe_none` allows there to be none.

    Raises
    ------
    ValueError
        If they differ, with the sizes, or if there are none.
    """
    sizes = {name: n for name, n in rows.items() if n is not None}
    for name, count in sizes.items():
        if count == 0 and not maybe_none:
            raise ValueError(
                f"{who}: `{name}` is empty (0 rows): at least one row is needed. Check the filter "
                "or the slice that made it."
            )
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"'{name}' sizes: {n}" for name, n in sizes.items())
        raise ValueError(
            f"{who}: Data cardinality is ambiguous. Make sure all arrays contain the same number "
            f"of samples. {shown}. Rows are counted along the first axis."
        )
    return next(iter(sizes.values()))


def has_rows(shape: tuple[int, ...], label: str, who: str) -> None:
    """Refuse a single number where rows are expected."""
    if len(shape) == 0:
        raise ValueError(
            f"{who}: `{label}` must be an array of rows but got a single number (shape ()). "
            "Wrap it: np.array([[value]]) is one row with one feature."
        )


def numeric(dtype: np.dtype, label: str, who: str) -> None:
    """Refuse element types that no layer can compute with."""
    kind = dtype.kind
    if kind in "biuf":
        return
    if kind == "c":
        mend = "Pass the real and imaginary parts as two features: np.stack([a.real, a.imag], -1)."
    elif kind in "USTa":
        mend = (
            "Turn text into numbers: let the model begin with layers.TextVectorization or "
            "StringLookup, or call one before fit; class names by np.unique(a, "
            "return_inverse=True)[1]."
        )
    elif kind in "Mm":
        mend = "Turn times into numbers first, such as a.astype('int64')."
    elif kind == "O":
        mend = (
            "It holds Python objects: rows of different lengths, None, or text among numbers. "
            "Pad or clean the rows, then a.astype('float32')."
        )
    else:
        mend = "Turn it into an array of numbers with one shape for all rows."
    raise ValueError(f"{who}: `{label}` must hold numbers but its dtype is {dtype}. {mend}")


def warn_if_not_finite(x: np.ndarray, label: str, who: str) -> bool:
    """Warn when `x` holds NaN or infinity, with the first place; return whether it does."""
    if x.dtype.kind != "f" or x.size == 0:
        return False
    with np.errstate(all="ignore"):
        if np.isfinite(x.sum()):  # NaN and infinity survive a sum: one cheap pass
            return False
    rows = max(1, 2**20 * len(x) // x.size)
    for start in range(0, len(x), rows):  # a sum may also overflow, so look
        bad = ~np.isfinite(x[start : start + rows])
        if bad.any():
            place = [int(i[0]) for i in np.nonzero(bad)]
            place[0] += start
            what = "NaN" if np.isnan(x[tuple(place)]) else "infinite values"
            warn(
                f"{who}: `{label}` contains {what}, first at row {place[0]} "
                f"(position {tuple(place)}); the loss will not be finite. Drop or fill such rows, "
                "for instance with np.nan_to_num(x)."
            )
            return True
    return False
