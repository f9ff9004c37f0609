"""Convolution and pooling of arrays (N, *spatial, C), with one to three spatial axes.

`correlate`, `kernel_gradient`, `input_gradient` are convolution and its gradients;
`gradients` is both at once, for a layer with bias and relu. `columns.Columns` is the definition;
`winograd.Winograd` and `direct.Direct` stand in for it where they are faster.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.ops import compiled, dense, direct, reference, winograd
from kerasish.ops.columns import Columns
from kerasish.ops.direct import Direct
from kerasish.ops.pooling import average_pool, max_pool
from kerasish.ops.window import Window, pad, window_of, windows
from kerasish.ops.winograd import Winograd
from kerasish.step import Step

__all__ = [
    "Window",
    "average_pool",
    "correlate",
    "gradients",
    "input_gradient",
    "kernel_gradient",
    "max_pool",
    "pad",
    "window_of",
    "windows",
]


def correlate(
    x: np.ndarray,
    kernel: np.ndarray,
    window: Window,
    groups: int,
    step: Step,
    bias: np.ndarray | None = None,
    relu: bool = False,
) -> np.ndarray:
    """Correlation of x (N, *spatial, C) with kernel (*size, C / G, F): (N, *outputs, F).

    Then `bias` (F,) is added, and relu taken if asked.
    """
    spatial = x.shape[1:-1]
    y = step.empty((len(x), *window.outputs(spatial), kernel.shape[-1]), x.dtype)
    if not _method(x, kernel.shape, window, groups, step).correlate(x, kernel, bias, relu, y):
        Columns(window, kernel.shape, groups, spatial, step).correlate(x, kernel, bias, relu, y)
    return y


def gradients(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    window: Window,
    groups: int,
    step: Step,
    y: np.ndarray | None = None,
    wants: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """DLoss/dkernel, DLoss/dbias and DLoss/dx of `correlate`, each if wanted.

    `y` is the output if relu was taken, else None.
    """
    method = _method(x, kernel.shape, window, groups, step)
    found = _gradients(method, x, kernel, dy, y, wants, step)
    if found is None:
        method = Columns(window, kernel.shape, groups, x.shape[1:-1], step)
        found = _gradients(method, x, kernel, dy, y, wants, step)
        assert found is not None
    return found


def _gradients(
    method: Any,
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    y: np.ndarray | None,
    wants: tuple[bool, bool, bool],
    step: Step,
) -> Any:
    """A few images at a time, so that the gradient before relu stays in the cache."""
    wants_kernel, wants_bias, wants_dx = wants
    filters = dy.shape[-1]
    total, dbias = None, np.zeros(filters, dy.dtype) if wants_bias else None
    dx = step.empty(x.shape, x.dtype) if wants_dx else None
    for start in range(0, len(x), method.at_once):
        images = slice(start, start + method.at_once)
        dz, sums = dy[images], None
        if y is not None:
            out = step.scratch("gradient", dz.shape, dz.dtype)
            dz, sums = dense.relu_backward(dz, y[images], step, wants_bias, out)
        elif wants_bias:
            sums = reference.row_sum(dz, step)
        if dbias is not None:
            dbias += sums
        if wants_kernel:
            total = method.add_kernel_gradient(x[images], dz, total)
        if dx is not None and not method.input_gradient(dz, kernel, dx[images]):
            return None
    dkernel = None
    if wants_kernel:
        dkernel = _kernel_gradient(method, total)
        if dkernel is None:
            return None
    return dkernel, dbias, dx


def kernel_gradient(
    x: np.ndarray,
    dy: np.ndarray,
    window: Window,
    groups: int,
    shape: tuple[int, ...],
    step: Step,
) -> np.ndarray:
    """DLoss/dkernel, of `shape`, of `correlate`."""
    method = _method(x, shape, window, groups, step)
    found = _kernel_gradient(method, method.add_kernel_gradient(x, dy, None))
    if found is None:
        method = Columns(window, shape, groups, x.shape[1:-1], step)
        found = _kernel_gradient(method, method.add_kernel_gradient(x, dy, None))
        assert found is not None
    return found


def _kernel_gradient(method: Any, total: Any) -> np.ndarray | None:
    """From the total of all images; None if it may be wrong, as what is not finite spreads."""
    if total is None:  # no images
        return np.zeros(method.shape, np.float32)
    found = method.kernel_gradient(total)
    return None if isinstance(method, Winograd) and not np.isfinite(found.sum()) else found


def input_gradient(
    dy: np.ndarray,
    kernel: np.ndarray,
    window: Window,
    groups: int,
    spatial: tuple[int, ...],
    step: Step,
) -> np.ndarray:
    """DLoss/dx of `correlate`."""
    dx = step.empty((len(dy), *spatial, kernel.shape[-2] * groups), dy.dtype)
    if not _method(dx, kernel.shape, window, groups, step).input_gradient(dy, kernel, dx):
        Columns(window, kernel.shape, groups, spatial, step).input_gradient(dy, kernel, dx)
    return dx


def _method(
    x: np.ndarray, shape: tuple[int, ...], window: Window, groups: int, step: Step
) -> Columns | Winograd:
    """How to correlate input `x` with a kernel of `shape`."""
    spatial = x.shape[1:-1]
    size = math.prod(window.outputs(spatial)) * shape[-1] * len(x)
    if compiled.chosen(size, x.dtype):
        if winograd.fits(window, shape, groups, spatial):
            return Winograd(window, shape, spatial, step)
        if direct.fits(window, shape, groups, spatial):
            return Direct(window, shape, groups, spatial, step)
    return Columns(window, shape, groups, spatial, step)
