"""Metrics: what is reported beside the loss. Names and arguments are those of ``keras.metrics``.

Where to find what: `base` (Metric), `state` (its variables), `reductions` (Mean and
MeanMetricWrapper), `accuracy`, `regression`, `correlation`, `probabilistic` (means of a loss),
`thresholds` (counts at many thresholds), `confusion`, `precision_recall`, `auc`, `classes`
(ConfusionMatrix), `fscore`, `iou`, `names` (strings to metrics), `shapes`. The
functions of `kerasish.losses` that Keras also exports here, such as ``mean_squared_error``, are
taken from there on first use.
"""

from __future__ import annotations

from typing import Any

from kerasish.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from kerasish.metrics.auc import AUC
from kerasish.metrics.base import Metric
from kerasish.metrics.classes import ConfusionMatrix
from kerasish.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from kerasish.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    concordance_correlation,
    pearson_correlation,
)
from kerasish.metrics.fscore import F1Score, FBetaScore
from kerasish.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from kerasish.metrics.names import (
    LOSS_FUNCTIONS,
    deserialize,
    get,
    is_classification,
    resolve,
    serialize,
)
from kerasish.metrics.precision_recall import Precision, Recall
from kerasish.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from kerasish.metrics.reductions import Mean, MeanMetricWrapper, Sum
from kerasish.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    R2Score,
    RootMeanSquaredError,
)

__all__ = [
    "Metric",
    "Mean",
    "Sum",
    "MeanMetricWrapper",
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "MeanSquaredError",
    "RootMeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "LogCoshError",
    "CosineSimilarity",
    "R2Score",
    "PearsonCorrelation",
    "ConcordanceCorrelation",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "KLDivergence",
    "Poisson",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
    "TruePositives",
    "FalsePositives",
    "TrueNegatives",
    "FalseNegatives",
    "Precision",
    "Recall",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "AUC",
    "F1Score",
    "FBetaScore",
    "ConfusionMatrix",
    "IoU",
    "BinaryIoU",
    "MeanIoU",
    "OneHotIoU",
    "OneHotMeanIoU",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "pearson_correlation",
    "concordance_correlation",
    *LOSS_FUNCTIONS,
    "get",
    "serialize",
    "deserialize",
    "resolve",
    "is_classification",
]


def __getattr__(name: str) -> Any:
    if name in LOSS_FUNCTIONS:
        from kerasish import losses

        value = getattr(losses, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
