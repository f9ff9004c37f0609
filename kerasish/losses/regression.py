"""Losses for real-valued targets. Each is a mean over the last axis, with its gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.config import epsilon
from kerasish.kernels import heads
from kerasish.losses.base import Backward, Loss, Paired, functional
from kerasish.registry import register


def mean(x: np.ndarray) -> np.ndarray:
    """Mean over the last axis (cheaper than `np.mean` on small arrays)."""
    return np.add.reduce(x, axis=-1) / x.dtype.type(x.shape[-1])


def share(dl: np.ndarray, x: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """What each element of `x` gets of the gradient `dl` of its mean, times `factor`."""
    return np.asarray(dl, x.dtype)[..., None] * x.dtype.type(factor / x.shape[-1])


def clip(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """What `np.clip` gives (it takes five times as long on small arrays)."""
    return np.minimum(np.maximum(x, low), high)


@register
@dataclass(eq=False, repr=False)
class MeanSquaredError(Paired):
    """Mean of the squared differences, (p - y)².

    Examples
    --------
    >>> loss = MeanSquaredError()
    >>> float(loss([[0.0, 1.0]], [[1.0, 4.0]]))
    5.0
    """

    name: str | None = field(default="mean_squared_error", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """(p - y)²; gradient 2 (p - y)."""
        e = p - y

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, e, 2.0) * e

        return mean(e * e), backward

    def logits_variant(self, head: str) -> Loss | None:
        """This loss, whose gradient goes through a sigmoid head at once."""
        return self if head == "sigmoid" and type(self) is MeanSquaredError else None

    def from_head(
        self, y_true: Any, logits: np.ndarray, y_pred: np.ndarray
    ) -> tuple[np.ndarray, Backward]:
        """(p - y)² with p = sigmoid(z); gradient 2 (p - y) p (1 - p)."""
        losses, backward = self.forward(y_true, y_pred)
        return losses, lambda dl: backward(dl) * (y_pred * (1 - y_pred))

    def at_head(
        self, y_true: Any, logits: np.ndarray, y_pred: np.ndarray, c: np.ndarray, step: Any
    ) -> tuple[float, np.ndarray] | None:
        """``sum(c * losses)`` and its d/dlogits, if there is a kernel."""
        if np.shape(y_true) != y_pred.shape:
            return None
        return heads.sigmoid_squares(y_pred, np.asarray(y_true, y_pred.dtype), c, step)


@register
@dataclass(eq=False, repr=False)
class MeanAbsoluteError(Paired):
    """Mean of the absolute differences, \\|p - y\\|.

    Examples
    --------
    >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 4.0]]))
    2.0
    """

    name: str | None = field(default="mean_absolute_error", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """\\|p - y\\|; gradient sign(p - y)."""
        e = p - y

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, e) * np.sign(e)

        return mean(np.abs(e)), backward


@register
@dataclass(eq=False, repr=False)
class MeanAbsolutePercentageError(Paired):
    """100 times the mean of \\|y - p\\| / max(\\|y\\|, 1e-7).

    Examples
    --------
    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 3.0]]))
    37.5
    """

    name: str | None = field(default="mean_absolute_percentage_error", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """100 \\|y - p\\| / max(\\|y\\|, ε); gradient 100 sign(p - y) / max(\\|y\\|, ε)."""
        e, size = p - y, np.maximum(np.abs(y), epsilon())

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, e, 100.0) * np.sign(e) / size

        return 100 * mean(np.abs(e / size)), backward


@register
@dataclass(eq=False, repr=False)
class MeanSquaredLogarithmicError(Paired):
    """Mean of (log(p + 1) - log(y + 1))², where what is below 1e-7 counts as 1e-7.

    Examples
    --------
    >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
    0.4805
    """

    name: str | None = field(default="mean_squared_logarithmic_error", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """e² with e = log(p + 1) - log(y + 1); gradient 2e / (p + 1), and 0 below ε."""
        q = np.maximum(p, epsilon()) + 1
        e = np.log(q) - np.log(np.maximum(y, epsilon()) + 1)

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, e, 2.0) * e / q * (p > epsilon())

        return mean(e * e), backward


@register
@dataclass(eq=False, repr=False)
class CosineSimilarity(Paired):
    """Minus the cosine of the angle between target and prediction: -1 is best, 1 worst.

    Parameters
    ----------
    axis : int
        The axis along which the vectors lie.

    Examples
    --------
    >>> CosineSimilarity(reduction=None)([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
    Array([-1., -0.], dtype=float32)
    """

    axis: int = -1
    name: str | None = field(default="cosine_similarity", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """-Σ ŷ p̂ with x̂ = x / max(‖x‖, ε); gradient -(ŷ - p̂ Σŷp̂) / ‖p‖."""
        (y, _), (p, size) = _unit(y, self.axis), _unit(p, self.axis)
        cosine = np.sum(y * p, axis=self.axis, keepdims=True)

        def backward(dl: np.ndarray) -> np.ndarray:
            turned = y - np.where(size > epsilon(), cosine, 0) * p
            return np.expand_dims(np.asarray(-dl, p.dtype), self.axis) * turned / size

        return -np.squeeze(cosine, self.axis), backward


def _unit(x: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    size = np.maximum(np.sqrt(np.sum(x * x, axis=axis, keepdims=True)), x.dtype.type(epsilon()))
    return x / size, size


@register
@dataclass(eq=False, repr=False)
class Huber(Paired):
    """Squared where the error is at most `delta`, linear beyond (Huber, 1964).

    Examples
    --------
    >>> Huber(delta=1.0, reduction=None)([[0.0], [0.0]], [[0.5], [3.0]])
    Array([0.125, 2.5  ], dtype=float32)
    """

    delta: float = 1.0
    name: str | None = field(default="huber_loss", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.delta >= 0:
            raise ValueError(f"Huber: `delta` must not be negative, but got {self.delta}.")

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """e²/2 if \\|e\\| <= δ, else δ\\|e\\| - δ²/2; gradient e, clipped to ±δ."""
        e, delta = p - y, p.dtype.type(self.delta)
        size = np.abs(e)
        losses = mean(np.where(size <= delta, e * e / 2, delta * size - delta * delta / 2))

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, e) * clip(e, -delta, delta)

        return losses, backward


@register
@dataclass(eq=False, repr=False)
class LogCosh(Paired):
    """Mean of log(cosh(p - y)): about e²/2 for small errors and \\|e\\| - log 2 for large ones.

    Examples
    --------
    >>> round(float(LogCosh()([[0.0]], [[2.0]])), 4)
    1.325
    """

    name: str | None = field(default="log_cosh", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """log cosh e = \\|e\\| + log(1 + exp(-2\\|e\\|)) - log 2; gradient tanh e."""
        e = p - y
        size = np.abs(e)

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, e) * np.tanh(e)

        return mean(size + np.log1p(np.exp(-2 * size)) - math.log(2)), backward


mean_squared_error = functional(MeanSquaredError, "mse", "MSE")
mean_absolute_error = functional(MeanAbsoluteError, "mae", "MAE")
mean_absolute_percentage_error = functional(MeanAbsolutePercentageError, "mape", "MAPE")
mean_squared_logarithmic_error = functional(MeanSquaredLogarithmicError, "msle", "MSLE")
cosine_similarity = functional(CosineSimilarity)
huber = functional(Huber, "huber_loss")
log_cosh = functional(LogCosh, "logcosh")
