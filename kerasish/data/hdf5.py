"""Arrays that live in a file (HDF5, zarr) and are read a stretch of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

_LIBRARIES = frozenset({"h5py", "zarr", "tables"})


def is_stored(value: Any) -> bool:
    """Whether `value` is an array in a file, which must not be read whole."""
    if isinstance(value, RowRange):
        return True
    if isinstance(value, np.ndarray) or not all(
        hasattr(value, name) for name in ("shape", "dtype", "__getitem__")
    ):
        return False
    if type(value).__module__.partition(".")[0] in _LIBRARIES:
        return True
    return not hasattr(value, "__array__") and not hasattr(value, "iloc")


class RowRange:
    """The rows ``start:stop`` of a stored array, read only when sliced.

    Examples
    --------
    >>> import numpy as np
    >>> part = RowRange(np.arange(10.0), 6, 10)
    >>> part.shape, part[1:3]
    ((4,), array([7., 8.]))
    """

    def __init__(self, dataset: Any, start: int, stop: int) -> None:
        self.dataset, self.start, self.stop = dataset, start, stop

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the part."""
        return (self.stop - self.start, *self.dataset.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """Element type of the dataset."""
        return self.dataset.dtype

    @property
    def chunks(self) -> Any:
        """Shape of the pieces the file stores, or None."""
        return getattr(self.dataset, "chunks", None)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, rows: slice) -> Any:
        start, stop, step = rows.indices(len(self))
        return self.dataset[self.start + start : self.start + stop : step]


def chunk_rows(dataset: Any) -> int:
    """How many rows the file keeps together; reading fewer reads these all the same."""
    chunks = getattr(dataset, "chunks", None)
    return int(chunks[0]) if isinstance(chunks, tuple) and chunks else 1
