"""From what users hold (lists, frames, tensors, files) to arrays of rows."""

from __future__ import annotations

import array
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasish.data import checks
from kerasish.data.hdf5 import is_stored

TEXT = "USTO"  # kinds of arrays that may hold texts; the layer looks at each element
_BUFFERS = (np.ndarray, np.generic, list, tuple, range, array.array, memoryview, int, float)


def is_array_like(value: Any) -> bool:
    """Whether `value` is data all of which is at hand, and not something that yields batches."""
    return isinstance(value, _BUFFERS) or hasattr(value, "__array__") or is_stored(value)


def unwrap(value: Any, label: str, who: str) -> Any:
    """Take the array out of ``[x]`` or ``{"input": x}``; refuse several inputs."""
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise ValueError(
                f"{who}: `{label}` is a dict of {len(value)} arrays "
                f"({', '.join(map(repr, value))}), but a Sequential model has one input and one "
                "output. Pass one array; features of several can be joined by "
                "np.concatenate(..., axis=-1)."
            )
        return next(iter(value.values()))
    if isinstance(value, list | tuple) and len(value) == 1 and has_axes(value[0]):
        return value[0]
    return value


def has_axes(value: Any) -> bool:
    """Whether `value` has axes of its own, as against a list of numbers."""
    return len(getattr(value, "shape", ())) > 0


def as_rows(
    value: Any,
    label: str,
    who: str,
    rows: int | None = None,
    column: bool = False,
    texts: bool = False,
) -> Any:
    """Return `value` as an array whose first axis counts rows.

    Parameters
    ----------
    value : array-like
        An ndarray or memmap (returned as a view), a list or tuple of numbers or rows, a pandas
        object (taken by position), anything with ``__array__``, or an array in a file (returned
        as it is, unread).
    label, who : str
        For messages.
    rows : int, optional
        How many rows the other array of the call has; tells rows from inputs in a list of arrays.
    column : bool
        Whether a pandas Series becomes a column (n, 1), as Keras makes it for x.
    texts : bool
        Whether texts may stand in the place of numbers.

    Raises
    ------
    ValueError
        If it is ragged, holds no numbers, is a single number, sparse, or several inputs.
    """
    if type(value) is not np.ndarray:
        value = _convert(unwrap(value, label, who), label, who, rows, column, texts)
    if not (texts and value.dtype.kind in TEXT):
        checks.numeric(value.dtype, label, who)
    checks.has_rows(value.shape, label, who)
    return value


def _convert(value: Any, label: str, who: str, rows: int | None, column: bool, texts: bool) -> Any:
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.Series):
        series = _column(value, f"{label} (Series {value.name!r})", who, texts)
        return series[:, np.newaxis] if column else series
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _from_frame(value, label, who, texts)
    if hasattr(value, "tocsr") or hasattr(value, "tocoo"):
        raise ValueError(
            f"{who}: `{label}` is a sparse matrix ({type(value).__name__}), which layers cannot "
            "read. Pass a dense array: x.toarray(), or a generator that makes dense batches."
        )
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(
            f"{who}: `{label}` is a masked array, and its mask would be lost. Fill the masked "
            "values first: x.filled(0)."
        )
    if is_stored(value):
        return value
    if isinstance(value, list | tuple):
        return _from_list(value, label, who, rows)
    return np.asarray(value)


def _from_list(value: Any, label: str, who: str, rows: int | None) -> np.ndarray:
    shapes = [tuple(item.shape) for item in value if has_axes(item)]
    if len(shapes) == len(value) > 1:
        inputs = rows is not None and len(value) != rows and all(s[0] == rows for s in shapes)
        if inputs or (len(set(shapes)) > 1 and len({s[0] for s in shapes}) == 1):
            raise ValueError(
                f"{who}: `{label}` is a list of {len(value)} arrays of shapes {_few(shapes)}, but "
                f"a Sequential model has one input and one output. {_mend(value, label, who)}"
            )
    try:
        return np.asarray(value)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        lengths = [len(item) if hasattr(item, "__len__") else 1 for item in value]
        odd = next((i for i, n in enumerate(lengths) if n != lengths[0]), None)
        detail = (
            "its rows have inner lists of different lengths"
            if odd is None
            else f"row 0 has length {lengths[0]} but row {odd} has length {lengths[odd]}"
        )
        raise ValueError(
            f"{who}: `{label}` is a ragged list: {detail}, and no array has such a shape. Pad the "
            "rows to one length (kerasish.utils.pad_sequences for sequences of numbers)."
        ) from None


def _mend(value: Any, label: str, who: str) -> str:
    """How to pass a list of arrays: as targets beside the data, or joined."""
    join = "Join them, for instance by np.concatenate(arrays, axis=-1)."
    if label != "x" or len(value) > 3:
        return join
    call = f"{who}(x)" if who.startswith("predict") else f"{who}(x, y)"
    return f"If they are (x, y), write {call}. If they are several inputs: {join}"


def _few(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes[:4])) + (", ..." if len(shapes) > 4 else "")


def _from_frame(value: Any, label: str, who: str, texts: bool) -> np.ndarray:
    """Columns side by side, by position; the index is not looked at."""
    types = set(value.dtypes)
    if len(types) == 1 and isinstance(only := types.pop(), np.dtype) and only.kind in "biuf":
        return np.ascontiguousarray(value.to_numpy())
    columns = [
        _column(value.iloc[:, i], f"{label}, column {name!r}", who, texts)
        for i, name in enumerate(value.columns)
    ]
    if not columns:
        raise ValueError(
            f"{who}: `{label}` is a DataFrame without columns. Select at least one column."
        )
    return np.stack(columns, axis=1)


def _column(series: Any, label: str, who: str, texts: bool) -> np.ndarray:
    kind = getattr(series.dtype, "kind", "O")
    if texts and kind in TEXT:
        return series.to_numpy(object)
    if kind not in "biuf":
        raise ValueError(
            f"{who}: `{label}` must hold numbers but its dtype is {series.dtype}. Convert it "
            "(pandas.to_numeric, pandas.get_dummies, .astype('category').cat.codes) or drop it."
        )
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy()
    if series.isna().any():  # nullable columns: Int64, boolean, arrow
        return series.to_numpy("float64", na_value=np.nan)
    return series.to_numpy({"b": "bool", "i": "int64", "u": "uint64", "f": "float64"}[kind])


def cast_for(dtype: np.dtype, target: np.dtype, always: bool = False) -> np.dtype | None:
    """The type a batch has to be cast to: floats to `target`, foreign byte order to native."""
    if (always or dtype.kind == "f") and dtype != target:
        return target
    return None if dtype.isnative else dtype.newbyteorder("=")


def cast(value: np.ndarray, target: np.dtype, always: bool = False) -> np.ndarray:
    """Return `value` with floats in `target`'s type; a view if nothing is to be done."""
    found = cast_for(value.dtype, target, always)
    return value if found is None else value.astype(found)


def is_on_disk(value: Any) -> bool:
    """Whether an ndarray is a view of a memory-mapped file."""
    while isinstance(value, np.ndarray):
        if isinstance(value, np.memmap):
            return True
        value = value.base
    return False
