"""Activations: ``y = f(x)``, each with its derivative, under Keras's names.

They are called like functions; `forward` gives the output together with its backward function,
for these as for a user's own function.
"""

from __future__ import annotations

from typing import Any

from kerasish import errors, registry
from kerasish.activations.base import Activation, bound, forward
from kerasish.activations.rectifiers import (
    hard_shrink,
    hard_sigmoid,
    hard_sigmoid_keras2,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    relu,
    relu6,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    threshold,
)
from kerasish.activations.smooth import (
    celu,
    elu,
    exponential,
    gelu,
    log_sigmoid,
    mish,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    squareplus,
    tanh,
    tanh_shrink,
)
from kerasish.activations.vectors import glu, log_softmax, softmax, sparsemax

hard_swish = hard_silu
swish = silu

__all__ = [
    "Activation",
    "bound",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "forward",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_sigmoid_keras2",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def get(identifier: Any) -> Any:
    """Return the activation that a name, config, function or None (`linear`) stands for.

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> get("ReLU") is relu, get(None) is linear
    (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str | dict):
        identifier = deserialize(identifier)
    if isinstance(identifier, type):
        identifier = identifier()
    if callable(identifier):
        return identifier
    raise errors.unknown_name("activation function", identifier, registry.known("activation"))


def serialize(activation: Any) -> Any:
    """Return what stands for an activation in a file: its name, or a config dict.

    >>> serialize(swish)
    'silu'
    """
    if isinstance(activation, Activation):
        return activation.__name__
    if hasattr(activation, "get_config"):
        return registry.serialize(activation)
    name = getattr(activation, "__name__", None)
    if name is None or name == "<lambda>":
        raise ValueError(
            f"The activation {activation!r} has no name and cannot be saved. Define it as a "
            f"named function and register it with @kerasish.register(kind='activation')."
        )
    registered = next((k for k, v in _known_custom().items() if v is activation), name)
    return {
        "module": getattr(activation, "__module__", None),
        "class_name": "function",
        "config": registered,
        "registered_name": registered,
    }


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the activation that `serialize` described; `custom_objects` are looked up first.

    >>> deserialize("tanh") is tanh
    True
    """
    if isinstance(config, str):
        return _lookup(config, custom_objects)
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        return registry.deserialize("activation", config, custom_objects)
    inner = config.get("config")
    if isinstance(inner, str):
        return _lookup(inner, custom_objects)
    if config.get("module") == "keras.layers":
        return registry.deserialize("layer", config, custom_objects)
    if not inner and not isinstance(found := _lookup(config["class_name"], custom_objects), type):
        return found
    return registry.deserialize("activation", config, custom_objects)


def _lookup(name: str, custom_objects: dict[str, Any] | None) -> Any:
    try:
        return registry.lookup("activation", name, custom_objects)
    except ValueError:
        known = registry.known("activation")
        raise errors.unknown_name("activation function", name, known) from None


def _known_custom() -> dict[str, Any]:
    return {k: v for k, v in registry.known("activation").items() if ">" in k}
