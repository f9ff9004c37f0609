"""Batches of arrays: in memory, mapped from a file, or read from HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.data import arrays, checks
from kerasish.data.base import Batch, Batches, Part, Rows
from kerasish.data.hdf5 import chunk_rows, is_stored, reads_at_random

POOL_BYTES = 16 * 2**20
"""How much of a stored array is held in memory, at most, while its rows are being shuffled."""
NEAR_BYTES = 2**16
"""Rows that are not wanted are read all the same if so few lie between two that are."""


class Column:
    """One array of the data, giving rows as the model wants them."""

    __slots__ = ("array", "dtype", "take_rows")

    def __init__(self, array: Any, target: np.dtype, always: bool = False) -> None:
        self.array = array
        self.dtype = arrays.cast_for(array.dtype, target, always)
        # `take` is the faster way, but first copies the whole of an array that is not contiguous.
        flags = getattr(array, "flags", None)
        plain = flags is not None and flags.c_contiguous and flags.aligned
        self.take_rows = array.take if plain else None

    def slice(self, start: int, stop: int) -> np.ndarray:
        """Rows ``start:stop``; a view where nothing has to be cast or read."""
        part = self.array[start:stop]
        return part if self.dtype is None else part.astype(self.dtype)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The given rows, in that order."""
        part = self.array[rows] if self.take_rows is None else self.take_rows(rows, 0)
        return part if self.dtype is None else part.astype(self.dtype)

    @property
    def can_wait(self) -> bool:
        """Whether `Rows` can stand for what `take` gives."""
        return self.take_rows is not None and self.dtype is None


class StoredColumn(Column):
    """One array that stays in its file; only stretches of rows are read, if that matters."""

    def slice(self, start: int, stop: int) -> np.ndarray:
        """Rows ``start:stop``, read from the file."""
        return np.asarray(self.array[start:stop], self.dtype)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The given rows; if they cannot be read at random, they have to lie in one stretch."""
        if reads_at_random(self.array):
            return np.asarray(self.array.take(rows), self.dtype)
        if not len(rows):
            return self.slice(0, 0)
        start = int(rows.min())
        return self.slice(start, int(rows.max()) + 1)[rows - start]


def column(array: Any, target: np.dtype, always: bool = False) -> Column:
    """Return the reader that suits `array`."""
    return (StoredColumn if is_stored(array) else Column)(array, target, always)


class ArrayBatches(Batches):
    """Batches of x, y and sample weights that have one row for every sample.

    `shuffle` True draws a new permutation of all rows for every pass; ``"batch"`` permutes within
    each batch only. Arrays in an HDF5 file are never read whole, and random access would read
    every chunk of the file again and again. There, True permutes stretches of rows (one batch or
    one chunk of the file, whichever is longer), fills a pool of up to `POOL_BYTES` with them and
    permutes the rows of the pool: every row comes exactly once and batches mix rows from all over
    the file, but rows of different pools do not meet. Data that fit in the pool are permuted
    as if in memory. `pool_rows` sets the size of the pool. Stored arrays that have ``take(rows)``
    (image files) are read at random.
    """

    kind = "array"

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        *,
        batch_size: int,
        shuffle: bool | str,
        dtype: np.dtype,
        pool_rows: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._pool_rows = pool_rows
        self.rows = x.shape[0]
        self.batch_size = batch_size
        self.reads_in_order = not shuffle
        self._shuffle = shuffle
        self._x = column(x, dtype)
        self._y = None if y is None else column(y, dtype)
        self._weight = None if sample_weight is None else column(sample_weight, dtype, True)
        self._columns = (self._x, self._y, self._weight)
        self._reconstructs = _are_same(x, y)  # its rows serve as targets too
        stored = [c for c in self._columns if isinstance(c, StoredColumn)]
        self._stored = bool(stored)
        self._pools = any(not reads_at_random(c.array) for c in stored)

    def check_finite(self) -> None:
        """Warn if x holds NaN or infinity; of an array in a file the first batch is looked at."""
        x = self._x.array
        if self._stored or arrays.is_on_disk(x):
            x = self._x.slice(0, min(self.rows or 0, self.batch_size or 0))
        checks.warn_if_not_finite(x, self.names.x, self.names.who)

    @property
    def inputs(self) -> np.ndarray | None:
        """The inputs of all rows, in order, if they lie in memory."""
        return _in_memory(self._x)

    @property
    def targets(self) -> np.ndarray | None:
        """The targets of all rows, in order, if they lie in memory."""
        return _in_memory(self._y)

    def peek(self) -> Batch:
        """Return the first rows, in the order of the source."""
        return self._slice(0, min(self.rows or 0, self.batch_size or 0))

    def _count(self) -> int:
        return -(-(self.rows or 0) // (self.batch_size or 1))

    def _slice(self, start: int, stop: int) -> Batch:
        y, weight = self._y, self._weight
        return Batch(
            self._x.slice(start, stop),
            None if y is None else y.slice(start, stop),
            None if weight is None else weight.slice(start, stop),
        )

    def _take(self, rows: np.ndarray) -> Batch:
        y, weight = self._y, self._weight
        late = self.takes_late and self._x.can_wait
        x: Any = Rows(self._x.array, rows) if late else self._x.take(rows)
        if y is None:
            targets = None
        else:
            targets = x if self._reconstructs else y.take(rows)
        return Batch(x, targets, None if weight is None else weight.take(rows))

    def _between(self, start: int, stop: int) -> Batch | Part:
        """A batch of rows that lie together, or this rank's of them."""
        if self.share is None:
            return self._slice(start, stop)
        own = self.share(stop - start)
        return Part(*self._slice(start + own.start, start + own.stop), stop - start, own.start)

    def _listed(self, rows: np.ndarray) -> Batch | Part:
        """A batch of the given rows, or this rank's of them."""
        if self.share is None:
            return self._take(rows)
        own = self.share(len(rows))
        return Part(*self._take(rows[own]), len(rows), own.start)

    def _pass(self, rng: np.random.Generator | None, start: int = 0) -> Iterator[Any]:
        rows, size = self.rows or 0, self.batch_size or 1
        begin = start * size
        if not self._shuffle:
            for at in range(begin, rows, size):
                yield self._between(at, min(at + size, rows))
            return
        rng = np.random.default_rng() if rng is None else rng
        if self._shuffle == "batch":
            for at in range(0, rows, size):
                order = rng.permutation(min(size, rows - at))
                if at >= begin:
                    yield self._listed(at + order)
        elif self._pools:
            yield from self._pooled(rng, begin)
        else:
            order = rng.permutation(rows)
            for at in range(begin, rows, size):
                yield self._listed(order[at : at + size])

    def _pooled(self, rng: np.random.Generator, begin: int) -> Iterator[Any]:
        """Shuffle stretches of rows, and the rows of as many stretches as fit in memory."""
        rows, size = self.rows or 0, self.batch_size or 1
        held = self._pool_rows or POOL_BYTES // self._row_bytes()
        capacity = max(1, held // size)  # in batches
        chunk = max(chunk_rows(c.array) for c in self._columns if isinstance(c, StoredColumn))
        stretch = size * min(capacity, -(-chunk // size))
        starts = rng.permutation(-(-rows // stretch)) * stretch
        if rows % stretch:  # the short one last, so that all batches but the last one are full
            short = starts == starts.max()
            starts = np.concatenate([starts[~short], starts[short]])
        together = max(1, capacity * size // stretch)
        for first in range(0, len(starts), together):
            spans = [(s, min(s + stretch, rows)) for s in sorted(starts[first : first + together])]
            order = rng.permutation(sum(stop - start for start, stop in spans))
            here, begin = begin, max(0, begin - len(order))
            if here >= len(order):
                continue
            picked = [order[at : at + size] for at in range(here, len(order), size)]
            if self.share is not None:
                yield from self._own_of_pool(spans, picked, chunk)
                continue
            pool = [None if c is None else _read(c, spans) for c in self._columns]
            for taken in picked:
                yield Batch(*(None if part is None else part.take(taken, 0) for part in pool))

    def _own_of_pool(
        self, spans: list[tuple[int, int]], picked: list[np.ndarray], chunk: int
    ) -> Iterator[Part]:
        """This rank's rows of the batches of a pool; others are read if they lie between them."""
        assert self.share is not None
        places = np.concatenate([np.arange(start, stop) for start, stop in spans])
        own = [self.share(len(rows)) for rows in picked]
        mine = [places[rows[part]] for rows, part in zip(picked, own, strict=True)]
        wanted = np.sort(np.concatenate(mine))
        cuts = np.flatnonzero(np.diff(wanted) > max(chunk, NEAR_BYTES // self._row_bytes())) + 1
        runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(wanted, cuts) if len(run)]
        pool = [None if c is None else _read(c, runs) for c in self._columns]
        starts = np.array([start for start, _ in runs], int)
        gaps = starts - np.cumsum([0, *(stop - start for start, stop in runs)])[:-1]
        for rows, part, all_rows in zip(mine, own, picked, strict=True):
            at = rows - gaps[np.searchsorted(starts, rows, "right") - 1] if len(rows) else rows
            x, y, weight = (None if c is None else c.take(at, 0) for c in pool)
            yield Part(x, y, weight, len(all_rows), part.start)

    def _row_bytes(self) -> int:
        stored = [c for c in self._columns if isinstance(c, StoredColumn)]
        return max(1, sum(_bytes(c.array.shape[1:], c.dtype or c.array.dtype) for c in stored))


def _are_same(x: Any, y: Any) -> bool:
    """Whether two arrays are the same memory, seen in the same way."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return False
    seen = [(a.__array_interface__["data"], a.shape, a.strides, a.dtype) for a in (x, y)]
    return seen[0] == seen[1]


def _bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize


def _read(source: Column, spans: list[tuple[int, int]]) -> np.ndarray:
    """Rows of several stretches, one behind the other, in one new array."""
    total = sum(stop - start for start, stop in spans)
    dtype = source.dtype or source.array.dtype
    pool = np.empty((total, *source.array.shape[1:]), dtype)
    at = 0
    for start, stop in spans:
        pool[at : at + stop - start] = source.slice(start, stop)
        at += stop - start
    return pool


def _in_memory(column: Any) -> np.ndarray | None:
    if column is None or isinstance(column, StoredColumn) or arrays.is_on_disk(column.array):
        return None
    return column.array
