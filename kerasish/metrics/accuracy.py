"""How often predictions are right: the accuracy family, as functions and as metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.metrics.reductions import MeanMetricWrapper
from kerasish.metrics.shapes import aligned, floats
from kerasish.registry import register


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> np.ndarray:
    """Ones where ``y_pred > threshold`` agrees with `y_true`, entry by entry.

    >>> binary_accuracy([1, 1, 0, 0], [0.98, 0.5, 0.1, 0.6])
    array([1., 0., 1., 0.], dtype=float32)
    """
    return _binary_matches(y_true, y_pred, threshold).astype(np.float32)


def _binary_matches(y_true: Any, y_pred: Any, threshold: float) -> np.ndarray:
    y_true, y_pred = aligned("BinaryAccuracy", y_true, floats(y_pred))
    return (y_pred > y_pred.dtype.type(threshold)) == y_true


def categorical_accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """Ones where the largest entries of one-hot `y_true` and of `y_pred` stand in one place.

    >>> categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    array([0., 1.], dtype=float32)
    """
    return _categorical_matches(y_true, y_pred).astype(np.float32)


def _categorical_matches(y_true: Any, y_pred: Any) -> np.ndarray:
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        y_true, y_pred = aligned("CategoricalAccuracy", y_true, y_pred)
    return y_true.argmax(-1) == y_pred.argmax(-1)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """Ones where the integer label is the place of the largest entry of `y_pred`.

    Labels have shape (...) or (..., 1) for predictions of shape (..., classes).

    >>> sparse_categorical_accuracy([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]])
    array([0., 1.], dtype=float32)
    """
    return _sparse_matches(y_true, y_pred).astype(np.float32)


def _sparse_matches(y_true: Any, y_pred: Any) -> np.ndarray:
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    return _labels("SparseCategoricalAccuracy", y_true, y_pred) == y_pred.argmax(-1)


def _labels(who: str, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Labels of the shape that predictions have without their last axis."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,):
        y_true = y_true[..., 0]
    if y_true.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"{who} expects integer labels of shape {y_pred.shape[:-1]} for predictions of shape "
            f"{y_pred.shape} but got y_true of shape {y_true.shape}. For one-hot targets use "
            f"{who.removeprefix('Sparse')}, or y_true.argmax(-1)."
        )
    return y_true


def _in_top_k(labels: np.ndarray, y_pred: np.ndarray, k: int) -> np.ndarray:
    """Whether fewer than `k` classes score above the label's; ties are in favour."""
    labels = labels.astype(np.int64)
    if labels.size and not 0 <= labels.min() <= labels.max() < y_pred.shape[-1]:
        raise ValueError(
            f"Top-k accuracy expects labels from 0 to {y_pred.shape[-1] - 1}, as y_pred has shape "
            f"{y_pred.shape}, but got labels from {labels.min()} to {labels.max()}."
        )
    score = np.take_along_axis(y_pred, labels[..., None], -1)
    return ((y_pred > score).sum(-1) < k) & np.isfinite(score[..., 0])


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> np.ndarray:
    """Ones where the class of one-hot `y_true` is among the `k` largest entries of `y_pred`.

    >>> top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0, 0.95]], k=2)
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = aligned("TopKCategoricalAccuracy", y_true, y_pred)
    return _in_top_k(y_true.argmax(-1), y_pred, k).astype(np.float32)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> np.ndarray:
    """Ones where the integer label is among the `k` largest entries of `y_pred`.

    With `from_sorted_ids` the predictions are class numbers, the best first.

    >>> sparse_top_k_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.05, 0, 0.95]], k=2)
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    labels = _labels("SparseTopKCategoricalAccuracy", y_true, y_pred)
    if from_sorted_ids:
        hits = (y_pred[..., :k] == labels[..., None]).any(-1)
    else:
        hits = _in_top_k(labels, y_pred, k)
    return hits.astype(np.float32).reshape(y_true.shape)


@register()
@dataclass(eq=False, repr=False)
class Accuracy(MeanMetricWrapper):
    """Share of entries where `y_pred` equals `y_true`.

    Examples
    --------
    >>> float(Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
    0.75
    """

    name: Any = "accuracy"
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Matches, of the shape of `y_pred`."""
        y_true, y_pred = aligned("Accuracy", y_true, y_pred)
        return y_true.astype(y_pred.dtype) == y_pred


@register()
@dataclass(eq=False, repr=False)
class BinaryAccuracy(MeanMetricWrapper):
    """Share of entries where ``y_pred > threshold`` agrees with labels 0 and 1.

    Examples
    --------
    >>> float(BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]]))
    0.75
    """

    name: Any = "binary_accuracy"
    dtype: Any = None
    threshold: float = 0.5
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Matches, of the shape of `y_pred`."""
        return _binary_matches(y_true, y_pred, self.threshold)


@register()
@dataclass(eq=False, repr=False)
class CategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest prediction stands where the one-hot target has its 1.

    Examples
    --------
    >>> float(CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    name: Any = "categorical_accuracy"
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Matches, one a sample."""
        return _categorical_matches(y_true, y_pred)


@register()
@dataclass(eq=False, repr=False)
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest prediction stands at the integer label.

    Examples
    --------
    >>> float(SparseCategoricalAccuracy()([[2], [1]], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]]))
    0.5
    """

    name: Any = "sparse_categorical_accuracy"
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Matches, one a sample."""
        return _sparse_matches(y_true, y_pred)


@register()
@dataclass(eq=False, repr=False)
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose one-hot target is among the `k` largest predictions.

    Examples
    --------
    >>> m = TopKCategoricalAccuracy(k=1)
    >>> float(m([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    k: int = 5
    name: Any = field(default="top_k_categorical_accuracy", kw_only=True)
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Matches, one a sample."""
        return top_k_categorical_accuracy(y_true, y_pred, self.k)


@register()
@dataclass(eq=False, repr=False)
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose integer label is among the `k` largest predictions.

    With `from_sorted_ids` the predictions are class numbers, the best first.

    Examples
    --------
    >>> float(SparseTopKCategoricalAccuracy(k=1)([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    k: int = 5
    name: Any = field(default="sparse_top_k_categorical_accuracy", kw_only=True)
    from_sorted_ids: bool = field(default=False, kw_only=True, metadata={"when_set": True})
    positional_tail = ("name", "dtype", "from_sorted_ids")
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Matches, one a sample."""
        return sparse_top_k_categorical_accuracy(y_true, y_pred, self.k, self.from_sorted_ids)
