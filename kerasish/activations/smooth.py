"""Smooth activations that act on each number alone: sigmoids, soft rectifiers, gates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.activations.base import activation

# Klambauer et al., 2017: the fixed point of mean 0 and variance 1.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _logistic(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)); where exp overflows to infinity the quotient is rightly zero."""
    np.multiply(x, -1, out=out)  # NumPy 2.4's negative errs in place at strides of 16 bytes
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.reciprocal(out, out=out)


@activation()
def sigmoid(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Logistic function, ``y = 1 / (1 + exp(-x))``.

    >>> sigmoid([-1000.0, 0.0, 2.0]).round(3)
    array([0.   , 0.5  , 0.881], dtype=float32)
    """
    return _logistic(x, out)


@sigmoid.derivative
def _(dy, x, y):
    return dy * (y * (1 - y))


@activation()
def tanh(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Hyperbolic tangent.

    >>> tanh([0.0, 1.0]).round(3)
    array([0.   , 0.762], dtype=float32)
    """
    return np.tanh(x, out=out)


@tanh.derivative
def _(dy, x, y):
    return dy * (1 - y * y)


@activation(needs_x=True)
def tanh_shrink(x: Any, *, out: np.ndarray) -> np.ndarray:
    """``y = x - tanh(x)``.

    >>> tanh_shrink([0.0, 2.0]).round(3)
    array([0.   , 1.036], dtype=float32)
    """
    return np.subtract(x, np.tanh(x), out=out)


@tanh_shrink.derivative
def _(dy, x, y):
    return dy * np.tanh(x) ** 2


@activation()
def exponential(x: Any, *, out: np.ndarray) -> np.ndarray:
    """``y = exp(x)``.

    >>> exponential([0.0, 1.0]).round(3)
    array([1.   , 2.718], dtype=float32)
    """
    return np.exp(x, out=out)


@exponential.derivative
def _(dy, x, y):
    return dy * y


@activation()
def softsign(x: Any, *, out: np.ndarray) -> np.ndarray:
    """``y = x / (1 + |x|)``.

    >>> softsign([-1.0, 3.0])
    Array([-0.5 ,  0.75], dtype=float32)
    """
    return np.divide(x, np.abs(x) + 1, out=out)


@softsign.derivative
def _(dy, x, y):
    return dy * (1 - np.abs(y)) ** 2


@activation()
def softplus(x: Any, *, out: np.ndarray) -> np.ndarray:
    """``y = log(1 + exp(x))``, as ``max(x, 0) + log(1 + exp(-|x|))``, which cannot overflow.

    >>> softplus([-1000.0, 0.0, 1.0]).round(3)
    array([0.   , 0.693, 1.313], dtype=float32)
    """
    tail = np.log1p(np.exp(-np.abs(x)))
    np.maximum(x, 0, out=out)
    return np.add(out, tail, out=out)


@softplus.derivative
def _(dy, x, y):
    return dy * -np.expm1(-y)  # sigmoid(x) = 1 - exp(-y)


@activation()
def log_sigmoid(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Logarithm of the logistic function, ``y = -softplus(-x)``.

    >>> log_sigmoid([-1000.0, 0.0]).round(3)
    array([-1.00e+03, -6.93e-01], dtype=float32)
    """
    tail = np.log1p(np.exp(-np.abs(x)))
    np.minimum(x, 0, out=out)
    return np.subtract(out, tail, out=out)


@log_sigmoid.derivative
def _(dy, x, y):
    return dy * -np.expm1(y)  # 1 - sigmoid(x)


@activation(needs_x=True)
def squareplus(x: Any, b: float = 4, *, out: np.ndarray) -> np.ndarray:
    """``y = (x + sqrt(x**2 + b)) / 2``, a soft relu without exponentials.

    Barron, 2021.

    >>> squareplus([-1.0, 0.0, 1.0]).round(3)
    array([0.618, 1.   , 1.618], dtype=float32)
    """
    root = np.hypot(x, math.sqrt(b))
    np.add(x, root, out=out)
    return np.multiply(out, 0.5, out=out)


@squareplus.derivative
def _(dy, x, y, b=4):
    return dy * (0.5 + 0.5 * (x / np.hypot(x, math.sqrt(b))))


@activation()
def elu(x: Any, alpha: float = 1.0, *, out: np.ndarray) -> np.ndarray:
    """Exponential linear unit: ``x`` where positive, else ``alpha * (exp(x) - 1)``.

    Clevert et al., 2016.

    >>> elu([-1.0, 2.0]).round(3)
    array([-0.632,  2.   ], dtype=float32)
    """
    below = np.expm1(np.minimum(x, 0)) * alpha
    np.maximum(x, 0, out=out)
    return np.add(out, below, out=out)


@elu.derivative
def _(dy, x, y, alpha=1.0):
    if alpha == 1:
        return dy * (np.minimum(y, 0) + 1)
    side = y if alpha >= 0 else x  # the output has the sign of the input
    return dy * np.where(side <= 0, y + alpha, 1)


@activation()
def celu(x: Any, alpha: float = 1.0, *, out: np.ndarray) -> np.ndarray:
    """Continuously differentiable ELU: ``x``, or ``alpha * (exp(x / alpha) - 1)`` below zero.

    Barron, 2017.

    >>> celu([-1.0, 2.0], alpha=0.5).round(3)
    array([-0.432,  2.   ], dtype=float32)
    """
    if alpha == 0:
        raise ValueError("celu divides by `alpha`, which must not be 0.")
    below = np.expm1(np.minimum(x, 0) / alpha) * alpha
    np.maximum(x, 0, out=out)
    return np.add(out, below, out=out)


@celu.derivative
def _(dy, x, y, alpha=1.0):
    return dy * (np.minimum(y, 0) / alpha + 1)


@activation()
def selu(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Scaled ELU, ``scale * elu(x, alpha)``, which keeps mean 0 and variance 1 through layers.

    Klambauer et al., 2017. Use it with `LecunNormal` and `AlphaDropout`.

    >>> selu([-1.0, 2.0]).round(3)
    array([-1.111,  2.101], dtype=float32)
    """
    below = np.expm1(np.minimum(x, 0)) * (SELU_SCALE * SELU_ALPHA)
    np.maximum(x, 0, out=out)
    np.multiply(out, SELU_SCALE, out=out)
    return np.add(out, below, out=out)


@selu.derivative
def _(dy, x, y):
    jump = SELU_SCALE - SELU_SCALE * SELU_ALPHA  # of the derivative, at zero
    return dy * (np.minimum(y, 0) + SELU_SCALE * SELU_ALPHA + jump * (y > 0).astype(y.dtype))


@activation("swish", needs_x=True)
def silu(x: Any, *, out: np.ndarray) -> np.ndarray:
    """Swish, ``y = x * sigmoid(x)``.

    Ramachandran et al., 2017.

    >>> silu([-1.0, 2.0]).round(3)
    array([-0.269,  1.762], dtype=float32)
    """
    return np.multiply(x, _logistic(x, np.empty_like(x)), out=out)


@silu.derivative
def _(dy, x, y):
    gate = _logistic(x, np.empty_like(x))
    return dy * (gate * (1 + x * (1 - gate)))


@activation(needs_x=True)
def mish(x: Any, *, out: np.ndarray) -> np.ndarray:
    """``y = x * tanh(softplus(x))``.

    Misra, 2019.

    >>> mish([-1.0, 2.0]).round(3)
    array([-0.303,  1.944], dtype=float32)
    """
    return np.multiply(x, np.tanh(softplus.compute(x, None, {})), out=out)


@mish.derivative
def _(dy, x, y):
    gate = np.tanh(softplus.compute(x, None, {}))
    return dy * (gate + x * _logistic(x, np.empty_like(x)) * (1 - gate * gate))


@activation(needs_x=True)
def gelu(x: Any, approximate: bool = False, *, out: np.ndarray) -> np.ndarray:
    """Gaussian error linear unit: ``x`` times the normal distribution function at ``x``.

    Hendrycks & Gimpel, 2016. `approximate` takes their formula with tanh.

    >>> gelu([-1.0, 2.0]).round(3)
    array([-0.159,  1.954], dtype=float32)
    """
    gate = np.tanh(_gelu_angle(x)) if approximate else erf(x * math.sqrt(0.5))
    np.add(gate, 1, out=gate)
    np.multiply(gate, 0.5, out=gate)
    return np.multiply(x, gate, out=out)


@gelu.derivative
def _(dy, x, y, approximate=False):
    if not approximate:
        density = np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return dy * (0.5 + 0.5 * erf(x * math.sqrt(0.5)) + x * density)
    near = np.clip(x, -20, 20)  # beyond, tanh is 1 and its derivative 0; x * x might overflow
    t = np.tanh(_gelu_angle(near))
    angle_slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * near * near)
    return dy * (0.5 * (1 + t) + 0.5 * near * (1 - t * t) * angle_slope)


def _gelu_angle(x: np.ndarray) -> np.ndarray:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)


def erf(x: np.ndarray) -> np.ndarray:
    """Error function of an array: exact for float64, within 5e-7 for float32.

    >>> erf(np.array([0.0, 0.5, 3.0])).round(6)
    array([0.      , 0.5205  , 0.999978])
    """
    if x.dtype != np.float32:
        return np.array(np.vectorize(math.erf, otypes=[np.float64])(x), x.dtype)
    near = np.clip(x, -ERF_ONE, ERF_ONE)
    square = near * near
    quotient = near * _polynomial(ERF_ABOVE, square) / _polynomial(ERF_BELOW, square)
    return np.where(np.abs(x) >= ERF_ONE, np.sign(x), np.clip(quotient, -1, 1))


# erf(x) / x as a quotient of polynomials in x**2 (a least-squares fit with relative weights);
# from ERF_ONE on, erf is 1 in float32.
ERF_ONE = 3.9192059
ERF_ABOVE = (1.128379146, 0.1903690907, 0.05274449497, 0.003764204279, 2.848843e-4, 2.05081781e-6)
ERF_BELOW = (1.0, 0.5020429579, 0.1140943105, 0.01496636792, 0.00116225461, 3.809934979e-5)


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    value = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        np.multiply(value, x, out=value)
        np.add(value, c, out=value)
    return value
