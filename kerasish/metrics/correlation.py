"""Correlation of predictions with targets, within each sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import config
from kerasish.metrics.reductions import MeanMetricWrapper
from kerasish.metrics.shapes import aligned, floats
from kerasish.registry import register


def _pair(who: str, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = aligned(who, y_true, floats(y_pred))
    return y_true.astype(y_pred.dtype), y_pred


def pearson_correlation(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] = -1) -> np.ndarray:
    """Pearson's correlation along `axis`: mean of the product of the standardised values.

    NaN where either side is constant.

    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).round(4)
    array([1.], dtype=float32)
    """
    y, p = _pair("PearsonCorrelation", y_true, y_pred)
    y = y - y.mean(axis, keepdims=True)
    p = p - p.mean(axis, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = y / y.std(axis, keepdims=True)
        p = p / p.std(axis, keepdims=True)
        return np.mean(y * p, axis=axis)


def concordance_correlation(
    y_true: Any, y_pred: Any, axis: int | tuple[int, ...] = -1
) -> np.ndarray:
    """Lin's concordance: 2 cov / (var y + var p + (mean y - mean p)² + 1e-7) along `axis`.

    Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.

    >>> concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).round(4)
    array([1.], dtype=float32)
    """
    y, p = _pair("ConcordanceCorrelation", y_true, y_pred)
    y_mean, p_mean = y.mean(axis, keepdims=True), p.mean(axis, keepdims=True)
    covariance = (y - y_mean) * (p - p_mean)
    spread = y.var(axis, keepdims=True) + p.var(axis, keepdims=True) + (y_mean - p_mean) ** 2
    return np.mean(2 * covariance / (spread + y.dtype.type(config.epsilon())), axis=axis)


@register()
@dataclass(eq=False, repr=False)
class PearsonCorrelation(MeanMetricWrapper):
    """Mean over samples of Pearson's correlation along `axis`.

    Examples
    --------
    >>> m = PearsonCorrelation()
    >>> round(float(m([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
    0.9967
    """

    name: Any = "pearson_correlation"
    dtype: Any = None
    axis: Any = -1
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Correlations, with `axis` taken out."""
        return pearson_correlation(y_true, y_pred, self.axis)


@register()
@dataclass(eq=False, repr=False)
class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean over samples of Lin's concordance correlation along `axis`.

    Examples
    --------
    >>> m = ConcordanceCorrelation()
    >>> round(float(m([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
    0.9816
    """

    name: Any = "concordance_correlation"
    dtype: Any = None
    axis: Any = -1
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Correlations, with `axis` taken out."""
        return concordance_correlation(y_true, y_pred, self.axis)
