"""Optimizers: rules that change weights by their gradients, and learning-rate schedules."""

from __future__ import annotations

from typing import Any

from kerasish import registry
from kerasish.optimizers import schedules
from kerasish.optimizers.adam import Adam, Adamax, AdamW, Nadam
from kerasish.optimizers.adaptive import Adadelta, Adagrad, Ftrl, Lion, RMSprop
from kerasish.optimizers.base import Optimizer, Slot
from kerasish.optimizers.multi import MultiOptimizer, OptimizerMap
from kerasish.optimizers.schedule_free import ScheduleFreeAdamW
from kerasish.optimizers.sgd import SGD
from kerasish.optimizers.state import OptimizerState
from kerasish.optimizers.variables import Variable
from kerasish.optimizers.whole import Adafactor, Lamb, Muon

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "OptimizerState",
    "RMSprop",
    "ScheduleFreeAdamW",
    "Slot",
    "Variable",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

REFUSED = {
    "LossScaleOptimizer": "it keeps float16 gradients from underflowing, and kerasish computes in "
    "float32; use the inner optimizer",
    "legacy": "Keras 3 has no legacy optimizers either; use the one of the same name here",
}


def __getattr__(name: str) -> Any:
    if name in REFUSED:
        raise AttributeError(f"kerasish.optimizers has no {name}: {REFUSED[name]}.")
    raise AttributeError(f"module 'kerasish.optimizers' has no attribute '{name}'")


def get(identifier: Any) -> Any:
    """Turn a name, config dict, class or optimizer into an optimizer; None stays None.

    >>> get("rmsprop").rho, float(get({"class_name": "SGD", "learning_rate": 0.5}).learning_rate)
    (0.9, 0.5)
    """
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        _refuse(identifier)
    optimizer = registry.resolve("optimizer", identifier)
    if optimizer is None or isinstance(optimizer, Optimizer):
        return optimizer
    raise ValueError(
        f"Could not interpret optimizer identifier: {identifier!r}. Pass a name such as 'adam', a "
        "config dict, or a kerasish.optimizers.Optimizer."
    )


def serialize(optimizer: Any) -> dict[str, Any]:
    """Return the config dict of an optimizer.

    >>> serialize(SGD(0.5))["config"]["learning_rate"]
    0.5
    """
    return registry.serialize(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the optimizer that a config dict describes.

    >>> deserialize({"class_name": "SGD", "config": {"momentum": 0.5}}).momentum
    0.5
    """
    if isinstance(config, dict):
        _refuse(config.get("class_name"))
    return registry.deserialize("optimizer", config, custom_objects)


def _refuse(name: Any) -> None:
    for refused, reason in REFUSED.items():
        if isinstance(name, str) and name.lower() == refused.lower():
            raise ValueError(f"kerasish has no optimizer {refused}: {reason}.")
