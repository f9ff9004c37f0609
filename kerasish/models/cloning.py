"""New models from old ones and from JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.layers.base import Layer
from kerasish.models.sequential import Sequential
from kerasish.saving import legacy
from kerasish.saving.configs import build_model
from kerasish.saving.limits import read_json


def clone_model(
    model: Sequential,
    input_tensors: None = None,
    clone_function: Callable[[Layer], Layer] | None = None,
) -> Sequential:
    """Return a model of the same layers with fresh weights, not compiled.

    Parameters
    ----------
    model : Sequential
        What to copy.
    input_tensors : None
        Belongs to graphs of layers, which are not supported.
    clone_function : callable, optional
        Makes the new layer from an old one; by default from its config.

    Examples
    --------
    >>> from kerasish.layers import Dense
    >>> twin = clone_model(Sequential([Dense(2, input_shape=(3,))]))
    >>> twin.count_params()
    8
    """
    if not isinstance(model, Sequential):
        raise ValueError(f"clone_model expects a Sequential but got {model!r}.")
    if input_tensors is not None:
        raise ValueError("clone_model: `input_tensors` is not supported. Leave it out.")
    twin = type(model).from_config({**model.get_config(), "layers": []})
    made: dict[Layer, Any] = {}
    twin.input_hint = model._build_shape or model.input_hint
    for layer in model.layers:
        if layer not in made:
            made[layer] = _clone(layer, clone_function)
        twin.add(made[layer], rebuild=False)
    if not model.trainable:
        twin.trainable = False
    twin._build_if_known()
    return twin


def _clone(layer: Layer, clone_function: Callable[[Layer], Layer] | None) -> Layer:
    if isinstance(layer, Sequential):
        return clone_model(layer, None, clone_function)
    if clone_function is None:
        return type(layer).from_config(layer.get_config())
    made = clone_function(layer)
    if not isinstance(made, Layer):
        raise TypeError(
            f"clone_model: `clone_function` must return a layer but gave {made!r} for "
            f"{layer.label}."
        )
    return made


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Sequential:
    """Build a model, with fresh weights, from what ``model.to_json()`` returned.

    Text from Keras, also from older versions, is read too. The model is not compiled.
    """
    try:
        config = read_json(json_string, "it")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"model_from_json expects the JSON text of a model but got "
            f"{str(json_string)[:60]!r}: {error}."
        ) from None
    try:
        config = legacy.model_config(config)
    except ValueError as error:
        raise ValueError(f"model_from_json expects a Sequential: {error}.") from None
    return build_model(config, custom_objects)
