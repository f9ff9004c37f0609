"""Counts of a confusion matrix at many thresholds at once, in one pass over the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish import config
from kerasish.metrics.shapes import aligned, broadcast_weight

NEVER = np.float32(-1e10)  # what predictions outside the top k become; the threshold with top_k


class Counts(NamedTuple):
    """Weighted counts by threshold, shape (T,), or (T, labels)."""

    tp: np.ndarray
    fp: np.ndarray
    tn: np.ndarray
    fn: np.ndarray


def parse_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list; each must lie in [0, 1].

    >>> parse_thresholds(None), parse_thresholds(0.3), parse_thresholds([0, 0.5])
    ([0.5], [0.3], [0.0, 0.5])
    """
    if thresholds is None:
        return [default]
    listed = np.asarray(thresholds).tolist() if np.ndim(thresholds) else [thresholds]
    wrong = [t for t in listed if t is None or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {wrong}")
    return listed


def evenly_spaced(thresholds: Sequence[float]) -> bool:
    """Whether the thresholds are 0, 1/(T-1), ..., 1, so that a bucket is a multiplication away."""
    if len(thresholds) < 3:
        return False
    grid = np.arange(len(thresholds), dtype=np.float32) / (len(thresholds) - 1)
    return bool(np.allclose(thresholds, grid, atol=config.epsilon()))


def threshold_counts(
    who: str,
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    *,
    evenly: bool = False,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Any = None,
    by_label: bool = False,
) -> Counts:
    """Count, for every threshold t, the entries with ``y_pred > t`` and without, by true class.

    Each prediction falls in one bucket (the number of thresholds below it); the counts at all
    thresholds are cumulative sums of the buckets.

    Parameters
    ----------
    y_true, y_pred : array-like
        Same shape; every entry counts as one yes-or-no prediction. Targets other than 0 are yes.
    sample_weight : array-like, optional
        Of the leading axes of `y_pred`.
    evenly : bool
        Whether `evenly_spaced` holds.
    top_k : int, optional
        Only the k largest entries of the last axis can be above a threshold.
    class_id : int, optional
        Only this entry of the last axis counts.
    label_weights : array-like, optional
        Weights of the entries of the last axis.
    by_label : bool
        Whether to count each entry of the last axis for itself.
    """
    y_true, y_pred = aligned(who, y_true, np.asarray(y_pred, np.float32))
    weight = None
    if sample_weight is not None:
        weight = broadcast_weight(who, sample_weight, y_pred.shape)
    if label_weights is not None:
        labels = np.broadcast_to(np.asarray(label_weights, np.float64), y_pred.shape)
        weight = labels if weight is None else weight * labels
    if top_k is not None:
        y_pred = _keep_top_k(who, y_pred, top_k)
    if class_id is not None:
        _check_class(who, class_id, y_pred)
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
        weight = weight if weight is None else weight[..., class_id]

    columns = y_pred.shape[-1] if by_label else 1
    size = len(thresholds)
    bucket = _buckets(y_pred, thresholds, evenly).reshape(-1, columns)
    cell = (bucket * columns + np.arange(columns)).ravel()
    yes = y_true.ravel() != 0
    flat = None if weight is None else weight.ravel()

    def histogram(chosen: np.ndarray) -> np.ndarray:
        w = None if flat is None else flat[chosen]
        cells = np.bincount(cell[chosen], w, minlength=(size + 1) * columns)
        return cells.astype(np.float64).reshape(size + 1, columns)

    with_yes, with_no = histogram(yes), histogram(~yes)
    counts = [
        with_yes[::-1].cumsum(0)[::-1][1:],  # tp: buckets above the threshold
        with_no[::-1].cumsum(0)[::-1][1:],
        with_no.cumsum(0)[:-1],
        with_yes.cumsum(0)[:-1],
    ]
    if not evenly and size > 1:
        rank = np.argsort(np.argsort(thresholds, kind="stable"))
        counts = [c[rank] for c in counts]
    return Counts(*(c if by_label else c[:, 0] for c in counts))


def _buckets(y_pred: np.ndarray, thresholds: Sequence[float], evenly: bool) -> np.ndarray:
    """Number of thresholds that each prediction is above, in float32 as Keras computes it."""
    t = np.asarray(thresholds, np.float32)
    if len(t) == 1:
        return (y_pred > t[0]).astype(np.int64)
    p = np.where(np.isnan(y_pred), np.float32(NEVER), y_pred)
    if evenly:
        at_least = 1 if thresholds[0] < 0 else 0  # all are above a threshold just below 0
        bucket = np.ceil(np.clip(p, 0, 1) * np.float32(len(t) - 1)).astype(np.int64)
        return np.maximum(bucket, at_least)
    return np.searchsorted(np.sort(t), p, side="left")


def _keep_top_k(who: str, y_pred: np.ndarray, k: int) -> np.ndarray:
    if not 1 <= k <= y_pred.shape[-1]:
        raise ValueError(
            f"{who} expects top_k from 1 to the number of classes, {y_pred.shape[-1]}, "
            f"but got top_k={k}."
        )
    best = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(y_pred, NEVER)
    np.put_along_axis(kept, best, np.take_along_axis(y_pred, best, -1), -1)
    return kept


def _check_class(who: str, class_id: int, y_pred: np.ndarray) -> None:
    if y_pred.ndim == 1:
        raise ValueError(
            f"{who}: when class_id is provided, y_pred must be a 2D array with shape "
            f"(num_samples, num_classes), found shape: {y_pred.shape}"
        )
    if not -y_pred.shape[-1] <= class_id < y_pred.shape[-1]:
        raise ValueError(
            f"{who} expects class_id from 0 to {y_pred.shape[-1] - 1}, as y_pred has shape "
            f"{y_pred.shape}, but got class_id={class_id}."
        )
