"""What a model was compiled with, as JSON and back.

Keras reads it too, so what only kerasish has (metrics and arguments of its own) is left out there
and kept apart, in the form of `compile_config` with ``ours=True``.
"""

from __future__ import annotations

import inspect
from typing import Any

from kerasish import losses, metrics, registry
from kerasish.saving.configs import function_config, jsonable, with_custom_hint
from kerasish.utils import get_registered_name

# What makes no difference here, and Keras's defaults where they are safe on all of its backends.
_REST = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}
_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def compile_config(model: Any, ours: bool = False) -> dict[str, Any] | None:
    """Describe optimizer, loss and metrics in the form of ``.keras``; None if not compiled."""
    if not model.has_program:
        return None
    given, optimizer = model._compiled, model.program.optimizer
    return {
        "optimizer": None if optimizer is None else jsonable(registry.serialize(optimizer)),
        "loss": _described(given["loss"], ours),
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
        "loss": _canonical(loss, model) if isinstance(loss, str) else _old_form(config["loss"]),
        "optimizer_config": {
            "class_name": optimizer["registered_name"] or optimizer["class_name"],
            "config": optimizer["config"],
        },
    }


def _described(item: Any, ours: bool) -> Any:
    if isinstance(item, dict) and "class_name" not in item:
        return {key: _described(value, ours) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_described(value, ours) for value in item]
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
    if items is None or isinstance(items, str):
        return items if items is None or ours else [items]
    if isinstance(items, dict):
        return {key: _listed(value, ours, loss) for key, value in items.items()}
    if not isinstance(items, list | tuple):
        return _described(items, ours)
    return [
        _listed(item, ours, loss) if isinstance(item, list | tuple) else _described(item, ours)
        for item in items
        if ours or not is_unknown_to_keras(item)
    ]


def is_unknown_to_keras(item: Any) -> bool:
    """Whether a loss or metric, or the class that its name stands for, is only ours."""
    if isinstance(item, str):
        item = registry.known("metric").get(item) or registry.known("loss").get(item)
    cls = item if inspect.isclass(item) else type(item)
    return bool(getattr(cls, "unknown_to_keras", False))


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


def _canonical(loss: str, model: Any) -> str | dict[str, Any]:
    """A loss's full name: Keras does not read short ones from HDF5 models."""
    found = losses.get(loss)
    if getattr(type(found), "unknown_to_keras", False):  # "crossentropy", which is one of three
        shape = (None, *model.output_shape[1:]) if model.built else (None, 2)
        kind = found.chosen((None,), shape)
        return _old_form(jsonable(registry.serialize(kind)))
    if isinstance(found, losses.Loss):
        return _old_form(jsonable(registry.serialize(found)))
    return get_registered_name(found)


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
        if kind == "metric" and config.lower() in (*_BY_SHAPE, "auto"):
            return config
        module = {"metric": "metrics", "loss": "losses", "optimizer": "optimizers"}[kind]
        found = metrics.get(config) if kind == "metric" else registry.resolve(kind, config)
        ours = (getattr(found, "__module__", None) or type(found).__module__).split(".")
        return config if ours[:2] in (["kerasish", module], ["kerasish", "losses"]) else found
    return registry.deserialize(kind, config)
