"""Activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

# erf(x) / x as a quotient of polynomials in x**2; from ERF_ONE on, erf is 1 in float32.
ERF_ONE = 3.9192059
ERF_ABOVE = (1.128379146, 0.1903690907, 0.05274449497, 0.003764204279, 2.848843e-4, 2.05081781e-6)
ERF_BELOW = (1.0, 0.5020429579, 0.1140943105, 0.01496636792, 0.00116225461, 3.809934979e-5)


def relu(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    """``x`` above `threshold`, cut off at `max_value`; below, a line of slope `negative_slope`."""
    y = np.where(x <= threshold, 0, x)
    if max_value is not None:
        y = np.clip(y, 0, max_value)
    return y + np.minimum(x - threshold, 0) * negative_slope if negative_slope else y


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """``x`` where positive, else ``negative_slope * x``."""
    return np.where(x > 0, x, x * negative_slope)


def prelu(x: Array, alpha: Array) -> Array:
    """``x`` where positive, else ``alpha * x``."""
    return np.maximum(x, 0) + alpha * np.minimum(x, 0)


def relu6(x: Array) -> Array:
    """``min(max(x, 0), 6)``."""
    return np.clip(x, 0, 6)


def hard_tanh(x: Array) -> Array:
    """``x`` cut off at -1 and 1."""
    return np.clip(x, -1, 1)


def hard_sigmoid(x: Array) -> Array:
    """``x / 6 + 1 / 2`` cut off at 0 and 1."""
    return np.clip(x + 3, 0, 6) / 6


def hard_sigmoid_keras2(x: Array) -> Array:
    """``x / 5 + 1 / 2`` cut off at 0 and 1."""
    return np.clip(x * 0.2 + 0.5, 0, 1)


def hard_silu(x: Array) -> Array:
    """``x * hard_sigmoid(x)``."""
    return x * (np.clip(x + 3, 0, 6) / 6)


def sparse_sigmoid(x: Array) -> Array:
    """``(x + 1) / 2`` cut off at 0 and 1."""
    return np.clip((x + 1) * 0.5, 0, 1)


def sparse_plus(x: Array) -> Array:
    """Zero below -1, ``(x + 1)**2 / 4`` up to 1, then ``x``."""
    inner = np.clip(x, -1, 1) + 1
    return np.maximum(x - 1, 0) + inner * inner / 4


def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """``x`` moved towards zero by `threshold`."""
    return x - np.clip(x, -threshold, threshold)


def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """``x``, but zero where ``|x| <= threshold``."""
    return np.where(np.abs(x) <= threshold, 0, x)


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    return 1 / (1 + np.exp(-x))


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x)


def tanh_shrink(x: Array) -> Array:
    """``x - tanh(x)``."""
    return x - np.tanh(x)


def exponential(x: Array) -> Array:
    """``exp(x)``."""
    return np.exp(x)


def softsign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    return x / (np.abs(x) + 1)


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``, in a form that cannot overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_sigmoid(x: Array) -> Array:
    """``log(sigmoid(x))``."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def squareplus(x: Array, b: float = 4) -> Array:
    """``(x + sqrt(x**2 + b)) / 2``."""
    return (x + np.hypot(x, math.sqrt(b))) * 0.5


def elu(x: Array, alpha: float = 1.0) -> Array:
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""
    return np.maximum(x, 0) + np.expm1(np.minimum(x, 0)) * alpha


def celu(x: Array, alpha: float = 1.0) -> Array:
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``."""
    return np.maximum(x, 0) + np.expm1(np.minimum(x, 0) / alpha) * alpha


def selu(x: Array) -> Array:
    """Scaled `elu`."""
    below = np.expm1(np.minimum(x, 0)) * (SELU_SCALE * SELU_ALPHA)
    return np.maximum(x, 0) * SELU_SCALE + below


def silu(x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return x * sigmoid(x)


def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    return x * np.tanh(softplus(x))


def gelu(x: Array, approximate: bool = False) -> Array:
    """``x`` times the normal distribution function at ``x``, or its approximation by tanh."""
    if approximate:
        gate = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))
    else:
        gate = erf(x * math.sqrt(0.5))
    return x * ((gate + 1) * 0.5)


def erf(x: Array) -> Array:
    """Error function."""
    if x.dtype != np.float32:
        return np.asarray(np.vectorize(math.erf, otypes=[float])(x), x.dtype)
    near = np.clip(x, -ERF_ONE, ERF_ONE)
    above = np.polynomial.polynomial.polyval(near * near, np.array(ERF_ABOVE, x.dtype))
    below = np.polynomial.polynomial.polyval(near * near, np.array(ERF_BELOW, x.dtype))
    return np.where(np.abs(x) >= ERF_ONE, np.sign(x), np.clip(near * above / below, -1, 1))


def softmax(x: Array, axis: Any = -1, mask: Array | None = None) -> Array:
    """``exp(x) / sum(exp(x))`` along `axis`; elements that a mask of them leaves out become 0."""
    if mask is not None and 1 < mask.ndim < x.ndim and mask.shape == x.shape[: mask.ndim]:
        mask = None  # a mask of time steps
    z = x if mask is None else np.where(mask, x, x.dtype.type(-1e9))
    y = np.exp(z - z.max(axis=axis, keepdims=True))
    y = y / y.sum(axis=axis, keepdims=True)
    return y if mask is None else y * mask


def log_softmax(x: Array, axis: Any = -1) -> Array:
    """``log(softmax(x))``."""
    z = x - x.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def sparsemax(x: Array, axis: int = -1) -> Array:
    """Nearest point to ``x`` among the probability vectors along `axis`."""
    z = np.moveaxis(x - x.max(axis=axis, keepdims=True), axis, -1)
    descending = np.sort(z, axis=-1)[..., ::-1]
    sums = np.cumsum(descending, axis=-1, dtype=x.dtype) - 1
    counts = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    last = np.maximum(np.sum(descending * counts > sums, axis=-1, keepdims=True), 1) - 1
    tau = np.take_along_axis(sums, last, axis=-1) / np.take(counts, last)
    return np.moveaxis(np.maximum(z - tau, 0), -1, axis)


def glu(x: Array, axis: int = -1) -> Array:
    """``a * sigmoid(b)``, a and b being the halves of ``x`` along `axis`."""
    a, b = np.split(x, 2, axis=axis)
    return a * sigmoid(b)
