"""Activations made of straight pieces: the relu family, shrinkage, clipped lines.

At a kink the derivative is the one that Keras's torch backend takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.activations.base import activation


def _open(flat: np.ndarray, dtype: Any) -> np.ndarray:
    """0 where `flat`, else 1. A product with it is ten times faster than `np.where`.

    Comparisons are chosen such that NaN is not flat: then it is not hidden by a zero.
    """
    return np.logical_not(flat).astype(dtype)


@activation()
def linear(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Identity, ``y = x``.

    >>> linear([1.0, -2.0])
    Array([ 1., -2.], dtype=float32)
    """
    np.copyto(out, x)
    return out


@linear.derivative
def _(dy, x, y):
    return np.array(dy)


@activation()
def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    *,
    out: np.ndarray,
) -> np.ndarray:
    """Rectified linear unit, ``y = max(x, 0)``.

    In general ``y = x`` above `threshold`, cut off at `max_value`, and
    ``negative_slope * (x - threshold)`` below it.

    Nair & Hinton, 2010.

    >>> relu([-10.0, -5.0, 0.0, 5.0, 10.0])
    Array([ 0.,  0.,  0.,  5., 10.], dtype=float32)
    >>> relu([-10.0, 10.0], negative_slope=0.5, max_value=6.0)
    Array([-5.,  6.], dtype=float32)
    """
    if not negative_slope and max_value is None and not threshold:
        return np.maximum(x, 0, out=out)
    below = np.minimum(x - threshold, 0) * negative_slope if negative_slope else 0
    np.copyto(out, np.where(x <= threshold, 0, x))
    if max_value is not None:
        np.clip(out, 0, max_value, out=out)
    return np.add(out, below, out=out)


@relu.derivative
def _(dy, x, y, negative_slope=0.0, max_value=None, threshold=0.0):
    if not negative_slope and max_value is None and not threshold:
        return dy * _open(y <= 0, dy.dtype)
    passes = ~(x <= threshold)
    if max_value is not None:
        # Keras has a kernel of its own for 6, in which the upper corner belongs to the flat.
        own = max_value == 6 and not threshold
        passes &= ~(x >= max_value) if own else ~(x > max_value)
        passes &= ~(x < 0)
    at_corner = negative_slope if max_value is None and not threshold else 0
    dx = np.where(passes, dy, 0)
    if negative_slope:
        dx += np.where(x < threshold, dy * negative_slope, 0)
        dx += np.where(x == threshold, dy * at_corner, 0)
    return dx


@activation()
def leaky_relu(x: Any, negative_slope: float = 0.2, *, out: np.ndarray) -> np.ndarray:
    """Leaky relu: ``x`` where positive, else ``negative_slope * x``.

    Maas et al., 2013. The layer `LeakyReLU` has another default slope, 0.3.

    >>> leaky_relu([-1.0, 2.0])
    Array([-0.2,  2. ], dtype=float32)
    """
    scaled = x * negative_slope
    if 0 <= negative_slope <= 1:
        return np.maximum(x, scaled, out=out)
    np.copyto(out, np.where(x > 0, x, scaled))
    return out


@leaky_relu.derivative
def _(dy, x, y, negative_slope=0.2):
    if 0 <= negative_slope <= 1:  # the output has the sign of the input
        return dy * np.maximum(_open(y <= 0, dy.dtype), negative_slope)
    side = y if negative_slope > 0 else x
    return np.where(side <= 0, dy * negative_slope, dy)


@activation()
def relu6(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Relu cut off at six, ``y = min(max(x, 0), 6)``.

    >>> relu6([-1.0, 3.0, 9.0])
    Array([0., 3., 6.], dtype=float32)
    """
    return np.clip(x, 0, 6, out=out)


@relu6.derivative
def _(dy, x, y):
    return dy * _open((y <= 0) | (y >= 6), dy.dtype)


@activation()
def hard_tanh(x: Any, *, out: np.ndarray) -> np.ndarray:
    """The line ``y = x`` cut off at -1 and 1.

    >>> hard_tanh([-3.0, 0.5, 3.0])
    Array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return np.clip(x, -1, 1, out=out)


@hard_tanh.derivative
def _(dy, x, y):
    return dy * _open((y <= -1) | (y >= 1), dy.dtype)


@activation()
def hard_sigmoid(x: Any, *, out: np.ndarray) -> np.ndarray:
    """The line ``y = x / 6 + 1 / 2`` cut off at 0 and 1.

    >>> hard_sigmoid([-4.0, 0.0, 1.5])
    Array([0.  , 0.5 , 0.75], dtype=float32)
    """
    np.add(x, 3, out=out)
    np.clip(out, 0, 6, out=out)
    return np.divide(out, 6, out=out)


@hard_sigmoid.derivative
def _(dy, x, y):
    return dy * _open((y <= 0) | (y >= 1), dy.dtype) / 6


@activation()
def hard_sigmoid_keras2(x: Any, *, out: np.ndarray) -> np.ndarray:
    """The line ``y = x / 5 + 1 / 2`` cut off at 0 and 1: `hard_sigmoid` as it was in Keras 1 and 2.

    Models in files of those versions keep it, so that they predict as they did.

    >>> hard_sigmoid_keras2([-4.0, 0.0, 1.25])
    Array([0.  , 0.5 , 0.75], dtype=float32)
    """
    np.multiply(x, 0.2, out=out)
    np.add(out, 0.5, out=out)
    return np.clip(out, 0, 1, out=out)


@hard_sigmoid_keras2.derivative
def _(dy, x, y):
    return dy * _open((y <= 0) | (y >= 1), dy.dtype) * 0.2


@activation("hard_swish", needs_x=True)
def hard_silu(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Hard swish, ``y = x * hard_sigmoid(x)``.

    Howard et al., 2019.

    >>> hard_silu([-4.0, 1.0, 4.0]).round(3)
    array([-0.   ,  0.667,  4.   ], dtype=float32)
    """
    return np.multiply(x, np.clip(x + 3, 0, 6) / 6, out=out)


@hard_silu.derivative
def _(dy, x, y):
    middle = _open((x <= -3) | (x >= 3), dy.dtype)
    return dy * (middle * (np.clip(x, -3, 3) / 3 + 0.5) + (x >= 3))


@activation()
def sparse_sigmoid(x: Any, *, out: np.ndarray) -> np.ndarray:
    """The line ``y = (x + 1) / 2`` cut off at 0 and 1.

    Blondel, Martins & Niculae, 2019: sparsemax of two classes.

    >>> sparse_sigmoid([-2.0, 0.0, 0.5])
    Array([0.  , 0.5 , 0.75], dtype=float32)
    """
    np.add(x, 1, out=out)
    np.multiply(out, 0.5, out=out)
    return np.clip(out, 0, 1, out=out)


@sparse_sigmoid.derivative
def _(dy, x, y):
    return dy * _open((y <= 0) | (y >= 1), dy.dtype) * 0.5


@activation(needs_x=True)
def sparse_plus(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Zero below -1, ``(x + 1)**2 / 4`` up to 1, then ``x``: the integral of `sparse_sigmoid`.

    >>> sparse_plus([-2.0, 0.0, 3.0])
    Array([0.  , 0.25, 3.  ], dtype=float32)
    """
    inner = np.clip(x, -1, 1) + 1
    np.maximum(x - 1, 0, out=out)
    return np.add(out, inner * inner / 4, out=out)


@sparse_plus.derivative
def _(dy, x, y):
    return dy * ((np.clip(x, -1, 1) + 1) / 2)


@activation()
def soft_shrink(x: Any, threshold: float = 0.5, *, out: np.ndarray) -> np.ndarray:
    """Move `x` towards zero by `threshold`, and to zero if it is nearer than that.

    >>> soft_shrink([-2.0, 0.3, 2.0])
    Array([-1.5,  0. ,  1.5], dtype=float32)
    """
    if threshold < 0:
        raise ValueError(f"soft_shrink expects `threshold` to be at least 0 but got {threshold}.")
    return np.subtract(x, np.clip(x, -threshold, threshold), out=out)


@soft_shrink.derivative
def _(dy, x, y, threshold=0.5):
    return dy * _open(y == 0, dy.dtype)


@activation()
def hard_shrink(x: Any, threshold: float = 0.5, *, out: np.ndarray) -> np.ndarray:
    """`x`, but zero where ``|x| <= threshold``.

    >>> hard_shrink([-2.0, 0.3, 2.0])
    Array([-2.,  0.,  2.], dtype=float32)
    """
    return np.multiply(x, _open(np.abs(x) <= threshold, x.dtype), out=out)


@hard_shrink.derivative
def _(dy, x, y, threshold=0.5):
    return dy * _open(y == 0, dy.dtype)


@activation(needs_x=True)
def threshold(x: Any, threshold: float, default_value: float, *, out: np.ndarray) -> np.ndarray:
    """`x` where it exceeds `threshold`, else `default_value`.

    >>> threshold([-1.0, 0.5, 2.0], 1.0, 0.0)
    Array([0., 0., 2.], dtype=float32)
    """
    np.copyto(out, np.where(x <= threshold, default_value, x))
    return out


@threshold.derivative
def _(dy, x, y, threshold, default_value):
    return dy * _open(x <= threshold, dy.dtype)
