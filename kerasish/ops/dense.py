"""Affine maps with bias and relu in one pass: compiled where big, else `reference`."""

from __future__ import annotations

import numpy as np

from kerasish.ops import compiled, products, reference
from kerasish.step import Step


def affine(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    step: Step,
    relu: bool = False,
) -> np.ndarray:
    """``x @ kernel + bias`` for x (..., D), kernel (D, units), bias (units,); relu if asked."""
    y = products.affine(x, kernel, bias, step, relu) if x.ndim == 2 else None
    if y is not None:
        return y
    y = reference.product(x, kernel, step)
    add_bias(y, bias, relu)
    return y


def add_bias(y: np.ndarray, bias: np.ndarray | None, relu: bool = False) -> None:
    """`reference.add_bias`."""
    if bias is not None and compiled.chosen(y.size, y.dtype) and y.flags.carray:
        compiled.rows.add_bias(y.reshape(-1, y.shape[-1]), bias, relu)
    else:
        reference.add_bias(y, bias, relu)


def relu_backward(
    dy: np.ndarray,
    y: np.ndarray,
    step: Step,
    total: bool = False,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """`reference.relu_backward`, into `out`."""
    out = step.empty(y.shape, y.dtype) if out is None else out
    if not compiled.chosen(dy.size, dy.dtype):
        return reference.relu_backward(dy, y, step, total, out)
    columns = y.shape[-1]
    sums = np.empty(columns, y.dtype)
    rows = (compiled.plain(a).reshape(-1, columns) for a in (dy, y))
    compiled.rows.relu_backward(*rows, out.reshape(-1, columns), sums)
    return out, sums if total else None
