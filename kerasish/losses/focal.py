"""Cross-entropies that weigh easy samples down, and one that trusts labels less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.config import epsilon
from kerasish.losses import targets
from kerasish.losses.base import Backward, BuiltIn, Paired, functional
from kerasish.losses.crossentropy import (
    check_options,
    mean_over,
    normalise,
    share_over,
    smooth,
    spread,
    warn_one_class,
)
from kerasish.losses.regression import clip
from kerasish.registry import register


def power_slope(x: np.ndarray, exponent: float) -> np.ndarray:
    """Derivative of ``x ** exponent``, which is 0 for exponent 0 at x = 0 too."""
    return exponent * x ** (exponent - 1) if exponent else np.zeros_like(x)


@register
@dataclass(eq=False, repr=False)
class BinaryFocalCrossentropy(Paired):
    """Binary cross-entropy times (1 - p_t)^gamma, p_t being the probability given to the truth.

    Lin et al., "Focal Loss for Dense Object Detection", 2017.

    Parameters
    ----------
    apply_class_balancing : bool
        Whether class 1 is weighted by `alpha` and class 0 by 1 - `alpha`.
    alpha, gamma : float
        Weight of class 1; how strongly samples that are easy already are weighed down.
    from_logits, label_smoothing, axis
        As in `BinaryCrossentropy`.

    Examples
    --------
    >>> round(float(BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
    0.1733
    """

    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: Any = -1
    name: str | None = field(default="binary_focal_crossentropy", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """w (1 - p_t)^gamma bce; gradient by the product rule, and of bce 0 where it is clipped."""
        x, gamma, one = p, self.gamma, p.dtype.type(1)
        if self.label_smoothing:
            y = y * p.dtype.type(1 - self.label_smoothing) + p.dtype.type(self.label_smoothing / 2)
        if self.from_logits:
            small = np.exp(-np.abs(x))
            p = np.where(x >= 0, one, small) / (1 + small)
        q = clip(p, epsilon(), 1 - epsilon())
        bce = -(y * np.log(q) + (1 - y) * np.log1p(-q))
        wrong = 1 - (y * p + (1 - y) * (1 - p))
        w = y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else one

        def backward(dl: np.ndarray) -> np.ndarray:
            dbce = (q - y) / (q * (1 - q)) * (p == q)
            dp = wrong**gamma * dbce + power_slope(wrong, gamma) * (1 - 2 * y) * bce
            dx = dp * p * (1 - p) if self.from_logits else dp
            return share_over(dl, x, self.axis) * w * dx

        return mean_over(w * wrong**gamma * bce, self.axis), backward


@register
@dataclass(eq=False, repr=False)
class CategoricalFocalCrossentropy(Paired):
    """-Σ alpha (1 - p)^gamma y log p, for one-hot targets and several classes.

    Lin et al., "Focal Loss for Dense Object Detection", 2017.

    Parameters
    ----------
    alpha : float or list of float
        Weight of all classes or of each.
    gamma : float
        How strongly samples that are easy already are weighed down.
    from_logits, label_smoothing, axis
        As in `CategoricalCrossentropy`.

    Examples
    --------
    >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.0433
    """

    alpha: Any = 0.25
    gamma: float = 2.0
    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = -1
    name: str | None = field(default="categorical_focal_crossentropy", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Through softmax if from logits, then p / Σp, then the clip."""
        axis, gamma, logits = self.axis, self.gamma, p
        warn_one_class(self, p.shape)
        y = smooth(y, self.label_smoothing) * np.asarray(self.alpha, p.dtype)
        if self.from_logits:
            e = np.exp(p - np.max(p, axis=axis, keepdims=True))
            p = e / np.sum(e, axis=axis, keepdims=True)
        q, normalised_backward = normalise(p, axis)
        c = clip(q, epsilon(), 1 - epsilon())
        log, factor = np.log(c), (1 - c) ** gamma

        def backward(dl: np.ndarray) -> np.ndarray:
            dc = spread(dl, axis, logits) * y * (power_slope(1 - c, gamma) * log - factor / c)
            dp = normalised_backward(dc * (q == c))
            if not self.from_logits:
                return dp
            return p * (dp - np.sum(dp * p, axis=axis, keepdims=True))

        return -np.sum(factor * y * log, axis=axis), backward

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless targets look like the predictions; labels get a hint."""
        targets.check_one_hot(self, y_true, y_pred_shape, "")


@register
@dataclass(eq=False, repr=False)
class CategoricalGeneralizedCrossEntropy(BuiltIn):
    """(1 - p^q) / q of the true class's probability, robust against wrong labels.

    Between cross-entropy (q → 0) and mean absolute error (q → 1); targets are labels
    0, 1, ..., C - 1. Zhang and Sabuncu, "Generalized Cross Entropy Loss", 2018.

    Examples
    --------
    >>> loss = CategoricalGeneralizedCrossEntropy(q=0.5)
    >>> float(loss([1], [[0.75, 0.25]]))
    1.0
    """

    q: float = 0.5
    name: str | None = field(default="categorical_generalized_cross_entropy", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.q < 1:
            raise ValueError(f"q must be in the interval (0, 1), but got {self.q}.")

    def forward(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, Backward]:
        """(1 - p^q) / q; gradient -p^(q - 1) for the true class."""
        y = np.asarray(y_true)
        self.check_targets(y, y_pred.shape)
        index = np.arange(y.size), y.reshape(-1).astype(np.intp, copy=False)
        p = y_pred.reshape(y.size, -1)[index].reshape(y_pred.shape[:-1])

        def backward(dl: np.ndarray) -> np.ndarray:
            dp = np.zeros_like(y_pred)
            dp.reshape(y.size, -1)[index] = (-np.asarray(dl, p.dtype) * p ** (self.q - 1)).ravel()
            return dp

        return (1 - p**self.q) / p.dtype.type(self.q), backward

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless targets are labels of the classes there are."""
        targets.check_labels(self, y_true, y_pred_shape)


binary_focal_crossentropy = functional(BinaryFocalCrossentropy)
categorical_focal_crossentropy = functional(CategoricalFocalCrossentropy)
categorical_generalized_cross_entropy = functional(
    CategoricalGeneralizedCrossEntropy, required=("q",)
)
