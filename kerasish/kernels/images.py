"""Convolution and pooling of arrays (N, *spatial, C), with one to three spatial axes.

`correlate`, `kernel_gradient`, `input_gradient` are convolution and its gradients;
`gradients` is both at once, for a layer with bias and relu. `columns.Columns` is the definition;
`winograd.Winograd` and `direct.Direct` stand in for it where they are faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.kernels import compiled, dense, direct, reference, winograd
from kerasish.kernels.columns import Columns
from kerasish.kernels.direct import Direct
from kerasish.kernels.pooling import MaxPool, average_pool, max_pool
from kerasish.kernels.window import Window, pad, window_of, windows
from kerasish.kernels.winograd import Winograd
from kerasish.step import Step, aligned_array

__all__ = [
    "Correlation",
    "MaxPool",
    "Window",
    "average_pool",
    "correlate",
    "gradients",
    "input_gradient",
    "kernel_gradient",
    "max_pool",
    "pad",
    "pooled_correlate",
    "window_of",
    "windows",
]

WORTH = 64  # multiplications that are worth as much of a kernel as one element it writes


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
    if not _method(x.shape, x.dtype, kernel.shape, window, groups, step).correlate(
        x, kernel, bias, relu, y
    ):
        Columns(window, kernel.shape, groups, spatial, step).correlate(x, kernel, bias, relu, y)
    return y


class Correlation:
    """`correlate` for inputs of one shape, to the bit, again and again.

    What depends on shapes only is found once; what Winograd makes of a kernel is kept until the
    kernel has other numbers. The output is overwritten by the next call.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        dtype: Any,
        shape: tuple[int, ...],
        window: Window,
        groups: int,
        step: Step,
    ) -> None:
        spatial = inputs[1:-1]
        places = window.outputs(spatial)
        self.y = aligned_array((inputs[0], *places, shape[-1]), dtype)
        self._method = _method(inputs, dtype, shape, window, groups, step)
        self._columns = Columns(window, shape, groups, spatial, step)
        if isinstance(self._method, Winograd):
            self._method.keep()

    def __call__(
        self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, relu: bool
    ) -> np.ndarray:
        """``correlate(x, kernel, bias)``, then relu if asked."""
        y = self.y
        if not self._method.correlate(x, kernel, bias, relu, y):
            self._columns.correlate(x, kernel, bias, relu, y)
        return y


@dataclass
class Pooled:
    """Max pooling of a correlation's output, which itself is not kept.

    Attributes
    ----------
    pool : MaxPool
        How it is pooled.
    y, winner : ndarray
        What `MaxPool.forward` gave.
    relu : bool
        Whether relu was taken before.
    """

    pool: MaxPool
    y: np.ndarray
    winner: np.ndarray | None
    relu: bool

    def gradient(
        self, dy: np.ndarray, images: slice, shape: tuple[int, ...], step: Step, total: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """DLoss/dz of a few images, z being the output before relu, and its sum if asked."""
        dy, winner, relu = dy[images], self.winner, self.relu
        if relu:
            out = step.scratch("gated", dy.shape, dy.dtype)
            dy, _ = dense.relu_backward(dy, self.y[images], step, False, out)
        dz = step.scratch("gradient", (len(dy), *shape), dy.dtype)
        self.pool.backward(dy, None if winner is None else winner[images], dz)
        if not total:
            return dz, None
        return dz, (dense if relu else reference).row_sum(dz, step)


def pooled_correlate(
    x: np.ndarray,
    kernel: np.ndarray,
    window: Window,
    groups: int,
    step: Step,
    bias: np.ndarray | None,
    relu: bool,
    pooling: Window,
) -> Pooled:
    """`max_pool` of `correlate`, to the bit, a few images at a time, which stay in the cache.

    `pooling` pads nothing.
    """
    spatial, filters = window.outputs(x.shape[1:-1]), kernel.shape[-1]
    method = _method(x.shape, x.dtype, kernel.shape, window, groups, step)
    pool = MaxPool(pooling, (len(x), *spatial, filters), x.dtype, step)
    y = step.empty((len(x), *pooling.outputs(spatial), filters), x.dtype)
    winner = pool.winner(y.shape)
    for start in range(0, len(x), method.at_once):
        images = slice(start, start + method.at_once)
        some = x[images]
        z = step.scratch("convolved", (len(some), *spatial, filters), x.dtype)
        if not method.correlate(some, kernel, bias, relu, z):
            columns = Columns(window, kernel.shape, groups, x.shape[1:-1], step)
            columns.correlate(some, kernel, bias, relu, z)
        pool.forward(z, y[images], None if winner is None else winner[images])
    return Pooled(pool, y, winner, relu)


def gradients(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    window: Window,
    groups: int,
    step: Step,
    y: np.ndarray | None = None,
    wants: tuple[bool, bool, bool] = (True, True, True),
    pooled: Pooled | None = None,
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """DLoss/dkernel, DLoss/dbias and DLoss/dx of `correlate`, each if wanted.

    `y` is the output if relu was taken, else None. If it was `pooled`, `dy` is dLoss/d(pooled.y).
    """
    method = _method(x.shape, x.dtype, kernel.shape, window, groups, step)
    found = _gradients(method, x, kernel, dy, y, wants, step, pooled)
    if found is None:
        method = Columns(window, kernel.shape, groups, x.shape[1:-1], step)
        found = _gradients(method, x, kernel, dy, y, wants, step, pooled)
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
    pooled: Pooled | None,
) -> Any:
    """A few images at a time, so that the gradient before relu stays in the cache."""
    wants_kernel, wants_bias, wants_dx = wants
    filters = dy.shape[-1]
    total, dbias = None, np.zeros(filters, dy.dtype) if wants_bias else None
    dx = step.empty(x.shape, x.dtype) if wants_dx else None
    shape = (*method.places, filters)
    for start in range(0, len(x), method.at_once):
        images = slice(start, start + method.at_once)
        dz, sums = dy[images], None
        if pooled is not None:
            dz, sums = pooled.gradient(dy, images, shape, step, wants_bias)
        elif y is not None:
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
    method = _method(x.shape, x.dtype, shape, window, groups, step)
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
    if not _method(dx.shape, dx.dtype, kernel.shape, window, groups, step).input_gradient(
        dy, kernel, dx
    ):
        Columns(window, kernel.shape, groups, spatial, step).input_gradient(dy, kernel, dx)
    return dx


def _method(
    inputs: tuple[int, ...],
    dtype: Any,
    shape: tuple[int, ...],
    window: Window,
    groups: int,
    step: Step,
) -> Columns | Winograd:
    """How to correlate inputs of a shape and type with a kernel of `shape`."""
    spatial = inputs[1:-1]
    size = math.prod(window.outputs(spatial)) * shape[-1] * inputs[0]
    size = max(size, size * math.prod(shape[:-1]) // WORTH)
    if compiled.chosen(size, dtype):
        if winograd.fits(window, shape, groups, spatial):
            return Winograd(window, shape, spatial, step)
        if direct.fits(window, shape, groups, spatial):
            return Direct(window, shape, groups, spatial, step)
    return Columns(window, shape, groups, spatial, step)
