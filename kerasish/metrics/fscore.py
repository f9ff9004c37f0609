"""F scores: the harmonic mean of precision and recall, class by class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import config
from kerasish.metrics.base import Metric
from kerasish.metrics.shapes import broadcast_weight, floats, same_rank
from kerasish.metrics.state import Variable
from kerasish.registry import register
from kerasish.store import Array


@register()
@dataclass(eq=False, repr=False)
class FBetaScore(Metric):
    """F = (1 + β²) P R / (β² P + R), of precision P and recall R.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives an array with one score a class; "micro" the score of all entries together;
        "macro" the mean over classes; "weighted" the mean weighted by the classes' frequencies.
    beta : float
        How much recall counts against precision.
    threshold : float, optional
        An entry is predicted if it is above. By default the largest entry of each sample is.
    name, dtype : str, optional
        As for `Metric`.

    Notes
    -----
    Predictions have shape (N, classes). Targets are one-hot (or many-hot) of that shape, or,
    beyond Keras, integer labels (N,) or (N, 1) for two classes or more.

    Examples
    --------
    >>> y, p = [[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]
    >>> FBetaScore(beta=2.0, threshold=0.5)(y, p).round(4).tolist()
    [0.38460..., 0.90909..., 0.83329...]
    """

    average: Any = None
    beta: float = 1.0
    threshold: Any = None
    name: Any = field(default="fbeta_score", kw_only=True)
    direction = "max"
    state_names = (
        "true_positives",
        "false_positives",
        "false_negatives",
        "intermediate_weights",
    )
    true_positives: ClassVar[Variable]
    false_positives: ClassVar[Variable]
    false_negatives: ClassVar[Variable]
    intermediate_weights: ClassVar[Variable]

    def __post_init__(self) -> None:
        if self.average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                "Invalid `average` argument value. Expected one of: "
                f"{{None, 'micro', 'macro', 'weighted'}}. Received: average={self.average}"
            )
        for what, value in (("beta", self.beta), ("threshold", self.threshold)):
            if not isinstance(value, float) and (value is not None or what == "beta"):
                raise ValueError(
                    f"Invalid `{what}` argument value. It should be a Python float. "
                    f"Received: {what}={value} of type '{type(value)}'"
                )
        if self.beta <= 0:
            raise ValueError(
                f"Invalid `beta` argument value. It should be > 0. Received: beta={self.beta}"
            )
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(
                "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                f"Received: threshold={self.threshold}"
            )
        super().__post_init__()

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """Counts of a batch by class, or over all classes for "micro"."""
        y, p = self._one_hot(np.asarray(y_true), floats(y_pred))
        if self.threshold is None:
            chosen = (p >= p.max(-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            chosen = p > p.dtype.type(self.threshold)
        w = 1.0 if sample_weight is None else sample_weight
        w = broadcast_weight(type(self).__name__, w, p.shape)
        axis = None if self.average == "micro" else 0
        return (
            (w * chosen * y).sum(axis),
            (w * chosen * (1 - y)).sum(axis),
            (w * ~chosen * y).sum(axis),
            (w * y).sum(axis),
        )

    def _one_hot(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets in the shape of the predictions, (N, classes)."""
        who, classes = type(self).__name__, p.shape[-1] if p.ndim else 0
        if p.ndim == 2 and classes > 1 and y.shape in ((len(p),), (len(p), 1)):
            labels = y.reshape(-1).astype(np.int64)
            if labels.size and not (
                0 <= labels.min() <= labels.max() < classes and np.array_equal(labels, y.ravel())
            ):
                raise ValueError(
                    f"{who} expects integer labels from 0 to {classes - 1}, as y_pred has shape "
                    f"{p.shape}, but got values from {y.min()} to {y.max()}."
                )
            y = np.eye(classes)[labels]
        elif p.ndim == 2:
            y, p = same_rank(y, p)
        if p.ndim != 2 or y.shape != p.shape:
            raise ValueError(
                f"{who} expects 2D inputs with shape (batch_size, output_dim). Received input "
                f"shapes: y_pred.shape={p.shape} and y_true.shape={y.shape}."
            )
        return y.astype(np.float64), p

    def result(self) -> Array:
        """The score, an array with one a class for ``average=None``; 0 before any batch."""
        if not self._built:
            return self._typed(0.0)
        tp, fp, fn, frequency = (getattr(self, name).value for name in self.state_names)
        epsilon = config.epsilon()
        precision, recall = tp / (tp + fp + epsilon), tp / (tp + fn + epsilon)
        square = self.beta**2
        score = (1 + square) * precision * recall / (square * precision + recall + epsilon)
        if self.average == "weighted":
            score = (score * frequency / (frequency.sum() + epsilon)).sum()
        elif self.average is not None:
            score = np.mean(score)
        return self._typed(score)


@register()
@dataclass(eq=False, repr=False)
class F1Score(FBetaScore):
    """F = 2 P R / (P + R): `FBetaScore` with β = 1.

    Examples
    --------
    >>> y, p = [[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]
    >>> F1Score(threshold=0.5)(y, p).round(4).tolist()
    [0.5, 0.80000..., 0.66670...]
    """

    beta: float = field(default=1.0, init=False)
    name: Any = field(default="f1_score", kw_only=True)
