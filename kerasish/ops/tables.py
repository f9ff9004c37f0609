"""Adding to the rows of a table, many of them more than once."""

from __future__ import annotations

import numpy as np

from kerasish.ops import compiled


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
