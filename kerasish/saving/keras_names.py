"""Names of losses and metrics as Keras knows them: kerasish takes more spellings."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish import losses, metrics, registry
from kerasish.registry import snake_case
from kerasish.saving.configs import function_config, jsonable

BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")
_SHORT = ("mse", "mae", "mape", "msle", "bce")
_BEYOND = ("categorical_generalized_cross_entropy",)  # a class of Keras, but not a name


def loss_for_keras(name: str) -> Any:
    """A name, or a config, by which Keras finds the loss that `name` is here."""
    if name.lower() in BY_SHAPE:
        return name.lower()
    found = losses.get(name)
    if not _is_ours(found):
        return function_config(found) if inspect.isfunction(found) else jsonable(found)
    exact = getattr(found, "__name__", type(found).__name__)
    if exact in _BEYOND:
        return jsonable(losses.as_loss(name))
    short = name in (name.lower(), name.upper()) and name.lower() in (*_SHORT, "kld")
    return name if short else exact


def old_loss_for_keras(name: str, model: Any) -> Any:
    """The same for HDF5 models, where Keras does not find short names."""
    if name.lower() in BY_SHAPE:  # one of three kinds, of which Keras reads none there
        shape = (None, *model.output_shape[1:])
        return jsonable(losses.get(name).chosen((None,), shape))
    given = loss_for_keras(name)
    found = losses.get(name)
    if given == name and name.lower() in (*_SHORT, "kld"):
        return getattr(found, "__name__", type(found).__name__)
    return given


def metric_for_keras(name: str) -> Any:
    """A name, or a config, by which Keras finds the metric that `name` is here."""
    if name.lower() in BY_SHAPE:
        return name.lower()
    if name in (name.lower(), name.upper()) and name.lower() in _SHORT:
        return name
    found = metrics.get(name)
    if inspect.isfunction(found):
        named = metrics.MeanMetricWrapper(found, name=name)
        return jsonable(named) if _is_ours(found) else function_config(found)
    if not _is_ours(found):
        return jsonable(found)
    exact = type(found).__name__
    if name in (exact, snake_case(exact)):
        return name
    found.name = name  # which is its key in the logs
    return jsonable(found)


def _is_ours(found: Any) -> bool:
    module = found.__module__ if inspect.isfunction(found) else type(found).__module__
    return str(module).partition(".")[0] == "kerasish"


def is_unknown_to_keras(item: Any) -> bool:
    """Whether a loss or metric, or the class that its name stands for, is only ours."""
    if isinstance(item, str):
        item = registry.known("metric").get(item) or registry.known("loss").get(item)
    cls = item if inspect.isclass(item) else type(item)
    return bool(getattr(cls, "unknown_to_keras", False))
