"""Activations of vectors along an axis: softmax and its kin, and the gated linear unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.activations.base import activation
from kerasish.activations.smooth import sigmoid
from kerasish.errors import warn
from kerasish.kernels import constants

Axis = int | tuple[int, ...] | None


@activation()
def softmax(x: Any, axis: Axis = -1, *, out: np.ndarray) -> np.ndarray:
    """Probabilities ``exp(x) / sum(exp(x))`` along `axis`.

    `axis` may be a tuple, or None for all axes. The largest element is subtracted first, so
    that nothing overflows.

    >>> softmax([1000.0, 1000.0, 0.0])
    Array([0.5, 0.5, 0. ], dtype=float32)
    """
    if isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.shape[axis] == 1:
        warn(
            f"softmax over axis {axis}, which has size 1, is 1 everywhere. For one output per "
            f"sample use sigmoid, or give the layer as many units as there are classes."
        )
    np.subtract(x, _largest(x, axis), out=out)
    np.exp(out, out=out)
    return np.divide(out, _total(out, axis), out=out)


@softmax.derivative
def _(dy, x, y, axis=-1):
    dx = dy * y
    dx -= y * dx.sum(axis=axis, keepdims=True)
    return dx


@activation()
def log_softmax(x: Any, axis: Axis = -1, *, out: np.ndarray) -> np.ndarray:
    """Logarithm of `softmax`, without rounding small probabilities to zero.

    >>> log_softmax([1000.0, 0.0])
    Array([    0., -1000.], dtype=float32)
    """
    np.subtract(x, _largest(x, axis), out=out)
    return np.subtract(out, np.log(np.exp(out).sum(axis=axis, keepdims=True)), out=out)


@log_softmax.derivative
def _(dy, x, y, axis=-1):
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


@activation()
def sparsemax(x: Any, axis: int = -1) -> np.ndarray:
    """Nearest point to `x` among the probability vectors along `axis`; small entries are zero.

    Martins & Astudillo, 2016: ``max(x - tau, 0)`` with tau such that the sum is one.

    >>> sparsemax([2.0, 1.5, 0.0])
    Array([0.75, 0.25, 0.  ], dtype=float32)
    """
    z = np.moveaxis(x - _largest(x, axis), axis, -1)
    descending = np.sort(z, axis=-1)[..., ::-1]
    sums = np.cumsum(descending, axis=-1, dtype=x.dtype) - 1
    counts = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    support = np.sum(descending * counts > sums, axis=-1, keepdims=True)
    # A row with NaN has no support; any tau will do, as NaN stays NaN.
    last = np.maximum(support, 1) - 1
    tau = np.take_along_axis(sums, last, axis=-1) / np.take(counts, last)
    return np.ascontiguousarray(np.moveaxis(np.maximum(z - tau, 0), -1, axis))


@sparsemax.derivative
def _(dy, x, y, axis=-1):
    support = y > 0
    inside = np.where(support, dy, 0)
    count = support.sum(axis=axis, keepdims=True, dtype=dy.dtype)
    return np.where(support, dy - inside.sum(axis=axis, keepdims=True) / count, 0)


@activation(needs_x=True)
def glu(x: Any, axis: int = -1) -> np.ndarray:
    """Gated linear unit: ``a * sigmoid(b)``, a and b being the halves of `x` along `axis`.

    The output has half the size along that axis. Dauphin et al., 2017.

    >>> glu([1.0, 2.0, 0.0, 0.0])
    Array([0.5, 1. ], dtype=float32)
    """
    a, b = _halves(x, axis)
    return a * sigmoid.compute(b, None, {})


@glu.derivative
def _(dy, x, y, axis=-1):
    a, b = _halves(x, axis)
    gate = sigmoid.compute(b, None, {})
    return np.concatenate([dy * gate, dy * a * gate * (1 - gate)], axis=axis)


def _largest(x: np.ndarray, axis: Axis) -> np.ndarray:
    """Maximum along `axis`, which stays as an axis of size 1."""
    if axis != -1 or x.ndim != 2 or not x.size:
        return np.maximum.reduce(x, axis=axis, keepdims=True)
    places = constants.starts(*x.shape) + x.argmax(1)  # to find and take it is faster
    return x.take(places)[:, None]


def _total(x: np.ndarray, axis: Axis) -> np.ndarray:
    """Sum along `axis`, which stays as an axis of size 1."""
    if axis != -1 or x.ndim != 2:
        return np.add.reduce(x, axis=axis, keepdims=True)
    return x.dot(constants.ones(x.shape[1], x.dtype))[:, None]  # a product sums faster


def _halves(x: np.ndarray, axis: int) -> list[np.ndarray]:
    if x.ndim == 0 or x.shape[axis] % 2:
        raise ValueError(
            f"glu halves its input along axis {axis}, which must have an even size, but got "
            f"shape {x.shape}."
        )
    return np.split(x, 2, axis=axis)
