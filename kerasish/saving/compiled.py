"""What a model was compiled with, as JSON and back.

Keras reads it too, so what only kerasish has (metrics and arguments of its own) is left out there
and kept apart, in the form of `compile_config` with ``ours=True``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kerasish import metrics, registry
from kerasish.errors import unknown_name
from kerasish.saving import keras_names
from kerasish.saving.configs import function_config, jsonable, with_custom_hint

# What makes no difference here, and Keras's defaults where they are safe on all of its backends.
_REST = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}


def compile_config(model: Any, ours: bool = False) -> dict[str, Any] | None:
    """Describe optimizer, loss and metrics in the form of ``.keras``; None if not compiled."""
    if not model.has_program:
        return None
    given, optimizer = model._compiled, model.program.optimizer
    return {
        "optimizer": None if optimizer is None else jsonable(registry.serialize(optimizer)),
        "loss": _described(given["loss"], ours, keras_names.loss_for_keras),
        "loss_weights": jsonable(given["loss_weights"]),
        "metrics": _listed(given["metrics"], ours, model.program.loss),
        "weighted_metrics": _listed(given["weighted_metrics"], ours, model.program.loss),
        **_REST,
    }


def training_config(model: Any) -> dict[str, Any] | None:
    """The same in the form of HDF5 models, which Keras reads with an optimizer only."""
    config = compile_config(model)
    if config is None or config["optimizer"] is None:
        return None
    optimizer = config.pop("optimizer")
    loss = model._compiled["loss"]
    return {
        **{key: _old_form(value) for key, value in config.items()},
        "loss": _old_form(
            keras_names.old_loss_for_keras(loss, model) if isinstance(loss, str) else config["loss"]
        ),
        "optimizer_config": {
            "class_name": optimizer["registered_name"] or optimizer["class_name"],
            "config": optimizer["config"],
        },
    }


def _described(item: Any, ours: bool, naming: Callable[[str], Any]) -> Any:
    if isinstance(item, str) and not ours:
        return naming(item)
    if isinstance(item, dict) and "class_name" not in item:
        return {key: _described(value, ours, naming) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_described(value, ours, naming) for value in item]
    if inspect.isclass(item):
        item = item()
    if callable(item) and not hasattr(item, "get_config"):
        return function_config(item)
    config = jsonable(item)
    if isinstance(config, dict) and not ours:
        for argument in getattr(item, "beyond_keras", ()):
            config["config"].pop(argument, None)
    return config


def _listed(items: Any, ours: bool, loss: Any) -> Any:
    """A list of metrics, without those that Keras does not know unless it is for us."""
    if items == "auto" and not ours:
        return ["accuracy"] if metrics.is_classification(loss) else None
    if items is None or (isinstance(items, str) and ours):
        return items
    if isinstance(items, str):
        items = [items]
    if isinstance(items, dict):
        return {key: _listed(value, ours, loss) for key, value in items.items()}
    if not isinstance(items, list | tuple):
        return _described(items, ours, keras_names.metric_for_keras)
    return [
        _listed(item, ours, loss)
        if isinstance(item, list | tuple)
        else _described(item, ours, keras_names.metric_for_keras)
        for item in items
        if ours or not keras_names.is_unknown_to_keras(item)
    ]


def _old_form(value: Any) -> Any:
    """Objects without their module, functions by name, as HDF5 models have them."""
    if isinstance(value, list):
        return [_old_form(item) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    if isinstance(value, dict) and "class_name" in value:
        name = value.get("registered_name") or value["class_name"]
        return {"class_name": name, "config": value.get("config", {})}
    if isinstance(value, dict):
        return {key: _old_form(item) for key, item in value.items()}
    return value


def compile_from(model: Any, config: dict[str, Any], custom_objects: Any) -> None:
    """Compile a model as `config`, in either form, says.

    Raises
    ------
    ValueError
        If a name is not known.
    """
    optimizer = config.get("optimizer", config.get("optimizer_config"))
    with registry.custom_object_scope(custom_objects or {}):
        try:
            model.compile(
                optimizer=_built("optimizer", optimizer),
                loss=_nested("loss", config.get("loss")),
                loss_weights=config.get("loss_weights"),
                metrics=_nested("metric", config.get("metrics")),
                weighted_metrics=_nested("metric", config.get("weighted_metrics")),
            )
        except ValueError as error:
            raise with_custom_hint(error) from error


def _nested(kind: str, config: Any) -> Any:
    if isinstance(config, list | tuple):
        return [_nested(kind, item) for item in config]
    if isinstance(config, dict) and "class_name" not in config:
        return {key: _nested(kind, item) for key, item in config.items()}
    return _built(kind, config)


def _built(kind: str, config: Any) -> Any:
    """The object that a name or config stands for; our own names stay names, as metrics' keys."""
    if config is None:
        return None
    if isinstance(config, dict) and config.get("class_name") == "function":
        config = config.get("config")
    if isinstance(config, str):
        if kind == "metric" and config.lower() in (*keras_names.BY_SHAPE, "auto"):
            return config
        if config.lower() == kind and inspect.isclass(registry.lookup(kind, config)):
            # A function of the user's, not the base class of this name.
            raise unknown_name(kind, config, registry.known(kind))
        module = {"metric": "metrics", "loss": "losses", "optimizer": "optimizers"}[kind]
        found = metrics.get(config) if kind == "metric" else registry.resolve(kind, config)
        ours = (getattr(found, "__module__", None) or type(found).__module__).split(".")
        return config if ours[:2] in (["kerasish", module], ["kerasish", "losses"]) else found
    return registry.deserialize(kind, config)
