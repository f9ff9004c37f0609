"""Arrays that are not in memory (HDF5, zarr, image files), read a stretch of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

_LIBRARIES = frozenset({"h5py", "zarr", "tables"})
_GAP = 16  # rows that are rather read and dropped than jumped over


def is_stored(value: Any) -> bool:
    """Whether `value` is an array that must not be read whole."""
    if isinstance(value, RowView):
        return True
    if isinstance(value, np.ndarray) or not all(
        hasattr(value, name) for name in ("shape", "dtype", "__getitem__")
    ):
        return False
    if type(value).__module__.partition(".")[0] in _LIBRARIES:
        return True
    return not hasattr(value, "__array__") and not hasattr(value, "iloc")


def reads_at_random(value: Any) -> bool:
    """Whether single rows of a stored array cost no more than rows in a row: it has `take`."""
    return not isinstance(value, np.ndarray) and callable(getattr(value, "take", None))


class RowView:
    """Some rows of a stored array, read only when they are asked for."""

    def __init__(self, dataset: Any, rows: int) -> None:
        self.dataset, self._rows = dataset, rows
        if reads_at_random(dataset):
            self.take = self._take_rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the part."""
        return (self._rows, *self.dataset.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """Element type of the dataset."""
        return self.dataset.dtype

    def __len__(self) -> int:
        return self._rows

    def _take_rows(self, rows: np.ndarray) -> Any:
        raise NotImplementedError


class RowRange(RowView):
    """The rows ``start:stop`` of a stored array, read only when sliced.

    Examples
    --------
    >>> part = RowRange(np.arange(10.0), 6, 10)
    >>> part.shape, part[1:3]
    ((4,), array([7., 8.]))
    """

    def __init__(self, dataset: Any, start: int, stop: int) -> None:
        super().__init__(dataset, stop - start)
        self.start, self.stop = start, stop

    @property
    def chunks(self) -> Any:
        """Shape of the pieces the file stores, or None."""
        return getattr(self.dataset, "chunks", None)

    def __getitem__(self, rows: slice) -> Any:
        start, stop, step = rows.indices(len(self))
        return self.dataset[self.start + start : self.start + stop : step]

    def _take_rows(self, rows: np.ndarray) -> Any:
        return self.dataset.take(rows + self.start)


class RowSelection(RowView):
    """Chosen rows of a stored array, read only when sliced; fast where they lie close together.

    Examples
    --------
    >>> part = RowSelection(np.arange(10.0), np.array([1, 2, 5, 9]))
    >>> part.shape, part[1:3]
    ((4,), array([2., 5.]))
    """

    def __init__(self, dataset: Any, rows: np.ndarray) -> None:
        super().__init__(dataset, len(rows))
        self.rows = rows

    def __getitem__(self, rows: slice) -> Any:
        wanted = self.rows[rows]
        if reads_at_random(self.dataset):
            return self.dataset.take(wanted)
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        ends = np.flatnonzero(np.diff(wanted) > _GAP) + 1  # of stretches that are read whole
        for start, stop in zip([0, *ends], [*ends, len(wanted)], strict=True):
            if stop > start:
                first, last = int(wanted[start]), int(wanted[stop - 1]) + 1
                found[start:stop] = self.dataset[first:last][wanted[start:stop] - first]
        return found

    def _take_rows(self, rows: np.ndarray) -> Any:
        return self.dataset.take(self.rows[rows])


def chunk_rows(dataset: Any) -> int:
    """How many rows the file keeps together; reading fewer reads these all the same."""
    chunks = getattr(dataset, "chunks", None)
    return int(chunks[0]) if isinstance(chunks, tuple) and chunks else 1
