"""Affine maps with bias and relu in one pass: compiled where big, else `reference`."""

from __future__ import annotations

import numpy as np

from kerasish.kernels import compiled, products, reference
from kerasish.step import Step
from kerasish.store import Weight


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


def affine_backward(
    dy: np.ndarray,
    y: np.ndarray | None,
    x: np.ndarray,
    kernel: Weight,
    bias: Weight | None,
    step: Step,
    needs_dx: bool,
) -> np.ndarray | None:
    """Backward pass of `affine`: adds to the gradients of its weights, and gives dx if needed.

    With relu `y` is its output, else None.
    """
    if x.ndim == 2 and step.is_first(kernel) and (bias is None or step.is_first(bias)):
        out, total = step.grads[kernel], None if bias is None else step.grads[bias]
        done, dx = products.backward(dy, y, x, kernel.value, out, total, step, needs_dx)
        if done:
            step.written.update((kernel,) if bias is None else (kernel, bias))
            return dx
    wanted = bias is not None and step.wants(bias)
    dz, sums = (dy, dy) if y is None else relu_backward(dy, y, step, wanted)
    if wanted:
        step.add_grad(bias, sums)  # type: ignore[arg-type]
    step.add_grad(kernel, x, dz, products.kernel_gradient)
    return products.input_gradient(dz, kernel.value, step) if needs_dx else None


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


def row_sum(rows: np.ndarray, step: Step) -> np.ndarray:
    """`reference.row_sum`, the same to the bit as the sum that `relu_backward` gives."""
    if not compiled.chosen(rows.size, rows.dtype):
        return reference.row_sum(rows, step)
    sums = np.empty(rows.shape[-1], rows.dtype)
    compiled.rows.add_up(rows.reshape(-1, rows.shape[-1]), sums)
    return sums
