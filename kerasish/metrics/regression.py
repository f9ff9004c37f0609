"""Errors and agreement of real-valued predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import config
from kerasish.errors import warn
from kerasish.metrics.base import Metric
from kerasish.metrics.reductions import Mean, MeanMetricWrapper, totals
from kerasish.metrics.shapes import aligned, broadcast_weight, floats
from kerasish.metrics.state import Variable
from kerasish.registry import register
from kerasish.store import Array


@register("mse", "MSE")
@dataclass(eq=False, repr=False)
class MeanSquaredError(MeanMetricWrapper):
    """Mean of (y_true - y_pred)².

    Examples
    --------
    >>> float(MeanSquaredError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]))
    0.25
    """

    name: Any = "mean_squared_error"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Squared errors, one a sample."""
        from kerasish import losses

        return losses.mean_squared_error(y_true, y_pred)


@register("mae", "MAE")
@dataclass(eq=False, repr=False)
class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of |y_true - y_pred|.

    Examples
    --------
    >>> float(MeanAbsoluteError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]))
    0.25
    """

    name: Any = "mean_absolute_error"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Absolute errors, one a sample."""
        from kerasish import losses

        return losses.mean_absolute_error(y_true, y_pred)


@register("mape", "MAPE")
@dataclass(eq=False, repr=False)
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of 100 |y_true - y_pred| / max(|y_true|, 1e-7).

    Examples
    --------
    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
    25.0
    """

    name: Any = "mean_absolute_percentage_error"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Percentages, one a sample."""
        from kerasish import losses

        return losses.mean_absolute_percentage_error(y_true, y_pred)


@register("msle", "MSLE")
@dataclass(eq=False, repr=False)
class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of (log(1 + y_true) - log(1 + y_pred))², with both sides at least 1e-7.

    Examples
    --------
    >>> round(float(MeanSquaredLogarithmicError()([[0, 1], [0, 0]], [[1, 1], [0, 0]])), 4)
    0.1201
    """

    name: Any = "mean_squared_logarithmic_error"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Squared differences of logarithms, one a sample."""
        from kerasish import losses

        return losses.mean_squared_logarithmic_error(y_true, y_pred)


@register("log_cosh", "logcosh")
@dataclass(eq=False, repr=False)
class LogCoshError(MeanMetricWrapper):
    """Mean of log(cosh(y_pred - y_true)).

    Examples
    --------
    >>> round(float(LogCoshError()([[0, 1], [0, 0]], [[1, 1], [0, 0]])), 4)
    0.1084
    """

    name: Any = "logcosh"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Values, one a sample."""
        from kerasish import losses

        return losses.log_cosh(y_true, y_pred)


@register("rmse", "RMSE")
@dataclass(eq=False, repr=False)
class RootMeanSquaredError(Mean):
    """Square root of the mean, over all batches, of (y_true - y_pred)².

    Examples
    --------
    >>> float(RootMeanSquaredError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]))
    0.5
    """

    name: Any = "root_mean_squared_error"
    direction = "min"
    takes_mask = True

    def increments(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[float, ...]:
        """Weighted sum of squared errors, and the weight."""
        y_true, y_pred = aligned("RootMeanSquaredError", y_true, floats(y_pred))
        return totals(self.name, np.square(y_pred - y_true), sample_weight)

    def result(self) -> Array:
        """The root of the mean."""
        count = float(self.count.value)
        return self._typed(np.sqrt(float(self.total.value) / count) if count else 0.0)


@register()
@dataclass(eq=False, repr=False)
class CosineSimilarity(MeanMetricWrapper):
    """Mean of the cosine of the angle between targets and predictions along `axis`.

    The similarity itself, 1 for vectors of the same direction; the loss is its negative.

    Examples
    --------
    >>> round(float(CosineSimilarity()([[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]])), 4)
    0.5
    """

    name: Any = "cosine_similarity"
    dtype: Any = None
    axis: int = field(default=-1, metadata={"when_set": True})
    direction = "max"

    def values(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Cosines, with `axis` taken out."""
        y_true, y_pred = aligned("CosineSimilarity", y_true, floats(y_pred))
        y_true = y_true.astype(y_pred.dtype)
        return np.sum(_unit(y_true, self.axis) * _unit(y_pred, self.axis), axis=self.axis)


def _unit(x: np.ndarray, axis: int) -> np.ndarray:
    norm = np.sqrt(np.square(x).sum(axis, keepdims=True))
    return x / np.maximum(norm, np.asarray(config.epsilon(), x.dtype))


@register()
@dataclass(eq=False, repr=False)
class R2Score(Metric):
    """Coefficient of determination: R² = 1 - Σ(y - p)² / Σ(y - mean y)², output by output.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How the outputs' scores become one; with None the result has shape (outputs,).
    num_regressors : int
        p of the adjusted score 1 - (1 - R²)(n - 1) / (n - p - 1); 0 for the plain one. As in
        Keras n counts the entries of the targets.

    Examples
    --------
    >>> round(float(R2Score()([[1], [4], [3]], [[2], [4], [4]])), 4)
    0.5714
    """

    class_aggregation: Any = "uniform_average"
    num_regressors: int = 0
    name: Any = field(default="r2_score", kw_only=True)
    direction = "max"
    state_names = ("num_samples", "squared_sum", "sum", "total_mse", "count")
    num_samples: ClassVar[Variable]
    squared_sum: ClassVar[Variable]
    sum: ClassVar[Variable]
    total_mse: ClassVar[Variable]
    count: ClassVar[Variable]

    def __post_init__(self) -> None:
        if self.class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "R2Score expects class_aggregation to be None, 'uniform_average' or "
                f"'variance_weighted_average'. Received: "
                f"class_aggregation={self.class_aggregation}"
            )
        if self.num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. "
                f"Received: num_regressors={self.num_regressors}"
            )
        super().__post_init__()

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """Counts and moments by output; targets and predictions have shape (N, outputs)."""
        y_true, y_pred = aligned("R2Score", y_true, y_pred)
        if y_pred.ndim != 2:
            raise ValueError(
                "R2Score expects 2D inputs with shape (batch_size, output_dim). Received input "
                f"shapes: y_pred.shape={y_pred.shape} and y_true.shape={y_true.shape}."
            )
        y, p = y_true.astype(np.float64), y_pred.astype(np.float64)
        w = broadcast_weight("R2Score", 1.0 if sample_weight is None else sample_weight, y.shape)
        return (
            float(y.size),
            (w * y * y).sum(0),
            (w * y).sum(0),
            (w * (y - p) ** 2).sum(0),
            w.sum(0),
        )

    def result(self) -> Array:
        """The score, NaN before any batch."""
        if not self._built:
            return self._typed(np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            variation = self.squared_sum.value - self.sum.value**2 / self.count.value
            scores = 1 - self.total_mse.value / variation
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation is not None:
                scores = (variation * scores).sum() / variation.sum()
        return self._typed(self._adjusted(scores))

    def _adjusted(self, r2: Any) -> Any:
        n, p = float(self.num_samples.value), self.num_regressors
        if p == 0:
            return r2
        if p >= n - 1:
            what = "More independent predictors than datapoints" if p > n - 1 else "0 divisor"
            warn(f"{what} in adjusted R2 score. Falling back to standard R2 score.")
            return r2
        return 1 - (1 - r2) * (n - 1) / (n - p - 1)
