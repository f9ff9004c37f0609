"""Tables whose rows are looked up, many of them more than once."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.step import Step

# Work on distinct rows pays if they are few and the products large: these are the share of the
# places, and the multiplications and additions of the products forward and back.
MOST_DISTINCT = 0.8
MIN_FLOP = 10_000_000


def scatter(table: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> None:
    """``table[indices[i]] += rows[i]`` for all places i of `indices`, in their order in memory."""
    if rows.ndim > 2 and not rows.flags.c_contiguous and rows.swapaxes(0, 1).flags.c_contiguous:
        indices, rows = indices.swapaxes(0, 1), rows.swapaxes(0, 1)
    flat, rows = indices.reshape(-1), rows.reshape(-1, rows.shape[-1])
    if compiled.chosen(rows.size, rows.dtype) and table.dtype == rows.dtype:
        compiled.rows.scatter(table, flat, compiled.plain(rows))
        return
    order = np.argsort(flat, kind="stable")
    found = flat[order]
    starts = np.flatnonzero(np.diff(found, prepend=-1))
    if len(starts):
        table[found[starts]] += np.add.reduceat(rows[order], starts, axis=0)


def move_rows(table: np.ndarray, source: np.ndarray, indices: np.ndarray) -> None:
    """Add the rows of `source` at `indices` to those of `table`, and set them to zero."""
    if compiled.chosen(len(indices) * table.shape[-1], table.dtype) and table.ndim == 2:
        compiled.rows.move_rows(table, source, indices)
        return
    table[indices] += source[indices]  # of a row that comes twice, each is the whole sum
    source[indices] = 0


class Lookup:
    """That an array is rows of a table: ``output = table[indices]``.

    Texts repeat their words, so whoever multiplies the output by a matrix has less to do with
    each row once. An embedding leaves a lookup in the step; `Sequential` names the layer that
    reads its output, and that nothing else does; if that layer takes `distinct` rows, its backward
    returns their gradient, and the embedding's takes it.

    Attributes
    ----------
    maker, reader : Layer
        Who looked up, and who may take the rows.
    rows : ndarray
        The distinct rows, (R, D), once they have been taken.
    numbers : ndarray
        Their indices in the table, (R,).
    places : ndarray
        ``output = rows[places]``.
    """

    reader: Any = None
    rows: Any = None
    numbers: Any = None
    places: Any = None

    def __init__(
        self, maker: Any, table: np.ndarray, indices: np.ndarray, output: np.ndarray
    ) -> None:
        self.maker, self.table, self.indices, self.output = maker, table, indices, output

    def offer(self, maker: Any, output: np.ndarray, reader: Any) -> None:
        """Name the reader of the output of a layer, if it was this one's."""
        if self.maker is maker and self.output is output:
            self.reader = reader

    def is_for(self, reader: Any, x: np.ndarray) -> bool:
        """Whether `reader`, whose input is x, may take the rows."""
        return self.reader is reader and self.output is x

    @property
    def is_taken(self) -> bool:
        """Whether the gradient that comes back is that of the distinct rows."""
        return self.rows is not None

    def take(self, columns: int, step: Step) -> bool:
        """Find the distinct rows, to be multiplied by a matrix of `columns`; False if not worth it.

        It is a function of shapes and indices, and once True it stays so for all that ask.
        """
        if self.is_taken:
            return True
        flat = self.indices.reshape(-1)
        if 6 * flat.size * self.table.shape[1] * columns < MIN_FLOP:
            return False
        order = np.arange(len(flat), dtype=np.int32)
        last = step.scratch("lookup", (len(self.table),), np.int32)
        last[flat] = order  # one place of each row, which stands for all
        chosen = last[flat]
        stands = chosen == order
        numbers = flat[stands]
        if len(numbers) > MOST_DISTINCT * len(flat):
            return False
        self.numbers = numbers
        self.places = (np.cumsum(stands) - 1)[chosen].reshape(self.indices.shape)
        self.rows = step.empty((len(numbers), self.table.shape[1]), self.table.dtype)
        np.take(self.table, numbers, axis=0, out=self.rows, mode="clip")
        return True


class Rows:
    """Sequences as ``rows[places]``, time-major: places (T, N) of rows (R, D)."""

    def __init__(self, rows: np.ndarray, places: np.ndarray) -> None:
        self.rows, self.places = rows, np.ascontiguousarray(places)
        self.shape = (*places.shape, rows.shape[1])
        self.dtype = rows.dtype

    def __len__(self) -> int:
        return len(self.places)

    def spread(self, rows: np.ndarray, step: Step) -> np.ndarray:
        """What stands for each place, (T, N, ...), of what stands for each row."""
        out = step.empty((*self.places.shape, rows.shape[1]), rows.dtype)
        return np.take(rows, self.places, axis=0, out=out, mode="clip")

    def collect(self, gradient: np.ndarray, step: Step) -> np.ndarray:
        """Sums over the places of each row; the way back of `spread`."""
        out = step.empty((len(self.rows), gradient.shape[-1]), gradient.dtype)
        out[...] = 0
        scatter(out, self.places, gradient)
        return out
