"""Losses: how far predictions are from targets, and the gradient of it.

A loss is used by name (``"mse"``), as an object (``MeanSquaredError()``) or as a function of
yours. Called on arrays it gives a number; `forward` gives the losses of the samples with a
backward function.
"""

from __future__ import annotations

from typing import Any

from kerasish import registry
from kerasish.losses.base import Loss, LossFunctionWrapper
from kerasish.losses.chosen import Crossentropy as _Crossentropy  # noqa: F401 - registers it
from kerasish.losses.circle import Circle, circle
from kerasish.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from kerasish.losses.ctc import CTC, ctc
from kerasish.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from kerasish.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from kerasish.losses.probabilistic import KLDivergence, Poisson, kl_divergence, poisson
from kerasish.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasish.losses.segmentation import Dice, Tversky, dice, tversky

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
bce = BCE = binary_crossentropy
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh


def get(identifier: Any) -> Any:
    """Return the loss function or object that a name, class, config or object stands for.

    Names of functions give functions, names of classes objects, as in Keras; `as_loss` gives
    objects only.

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> get("mse").__name__, get("MeanSquaredError").name
    ('mean_squared_error', 'mean_squared_error')
    """
    return registry.resolve("loss", identifier)


def as_loss(identifier: Any) -> Loss | None:
    """Return the `Loss` object for all that `get` takes; None stays None.

    Its name is the string that was given, else the function's.

    Examples
    --------
    >>> loss = as_loss("mse")
    >>> type(loss).__name__, loss.name
    ('MeanSquaredError', 'mse')
    """
    found = get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", None)
    cls = getattr(found, "loss_class", None)
    return LossFunctionWrapper(found, name=name) if cls is None else cls(name=name)


def serialize(loss: Any) -> Any:
    """Return the config dict of a loss object, or the name of a loss function.

    Examples
    --------
    >>> serialize(Huber(delta=2.0))["config"]
    {'name': 'huber_loss', 'reduction': 'sum_over_batch_size', 'delta': 2.0}
    """
    return registry.serialize(loss) if isinstance(loss, Loss) else registry.plain(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the loss that a config dict describes, or look a name up.

    Examples
    --------
    >>> deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
    2.0
    """
    if isinstance(name, str):
        return registry.lookup("loss", name, custom_objects)
    return registry.deserialize("loss", name, custom_objects)


__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "as_loss",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
