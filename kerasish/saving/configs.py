"""Models as JSON: in the form of Keras 3 (``.keras``, `to_json`) and in that of HDF5 models."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.errors import warn
from kerasish.layers.filed import overrides
from kerasish.registry import Configurable
from kerasish.saving.places import is_list
from kerasish.utils import get_registered_name

_PLAIN = (str, bool, int, float, type(None))


def model_config(model: Any, old: bool = False, assets: bool = False) -> dict[str, Any]:
    """Describe a model's architecture.

    With `old`, entries of layers have no module, which is how Keras tells HDF5 models apart. With
    `assets`, what layers keep in files of their own is left out.
    """
    counts: dict[int, int] = {}
    for layer in _occurrences(model):
        counts[id(layer)] = counts.get(id(layer), 0) + 1
    shared = {key: n for n, key in enumerate((k for k, c in counts.items() if c > 1), 1)}
    entry = _entry(model, old, shared, assets=assets)
    if not is_list(model):
        built = model.get_build_config()
        if built is not None:
            entry["build_config"] = jsonable(built)
    return entry


def _occurrences(model: Any) -> list[Any]:
    """The layers of a model and of those inside it, as often as they are used."""
    found = []
    for layer in model.layers:
        found.append(layer)
        if hasattr(layer, "layers"):
            found += _occurrences(layer)
    return found


def _entry(
    layer: Any,
    old: bool,
    shared: dict[int, int],
    frozen: bool = False,
    assets: bool = False,
) -> dict[str, Any]:
    whole = registry.serialize(layer)
    config = whole["config"]
    _warn_of_missing(layer, config)
    if assets:
        config.update(dict.fromkeys(getattr(layer, "kept_in_assets", ())))
    frozen = frozen or not layer.trainable
    if frozen:  # so are the layers inside, which Keras asks one by one
        config["trainable"] = False
    inner = config.get("layers")
    if isinstance(inner, list) and is_list(layer):
        inputs = inner[: len(inner) - len(layer.layers)]
        config["layers"] = [
            *({k: e[k] for k in ("class_name", "config")} if old else e for e in inputs),
            *(_entry(each, old, shared, frozen, assets) for each in layer.layers),
        ]
    config = jsonable(config)
    if old:
        entry = {"class_name": whole["registered_name"] or whole["class_name"], "config": config}
    else:
        entry = {**whole, "config": config}
        if layer.weights or overrides(layer, "get_build_config"):
            built = layer.get_build_config()
            if built is not None:
                entry["build_config"] = jsonable(built)
    if id(layer) in shared:
        entry["shared_object_id"] = shared[id(layer)]
    return entry


def _warn_of_missing(layer: Any, config: dict[str, Any]) -> None:
    """Say now that a user's layer cannot be made again from its config."""
    cls = type(layer)
    if cls.__module__.partition(".")[0] == "kerasish" or cls.from_config.__func__ is not (
        Configurable.from_config.__func__  # type: ignore[attr-defined]
    ):
        return
    needed = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    missing = [name for name in needed if name not in config]
    if missing:
        names = ", ".join(map(repr, missing))
        warn(
            f"{layer.label}: get_config() does not return {names}, which {cls.__name__}(...) "
            f"needs, so that the model cannot be loaded. Let it return "
            f"{{**super().get_config(), {missing[0]!r}: self.{missing[0]}}}."
        )


def jsonable(value: Any) -> Any:
    """Turn a config into what JSON can hold, objects and functions into Keras's dicts."""
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return value.item()
        config = {"value": value.tolist(), "dtype": value.dtype.name}
        return {"class_name": "__numpy__", "config": config}
    if hasattr(value, "get_config"):
        return jsonable(registry.serialize(value))
    if callable(value) and not inspect.isclass(value):
        return function_config(value)
    raise TypeError(
        f"A config holds {value!r}, which cannot be written to a file. Let `get_config` return "
        f"numbers, texts, lists and dicts, or objects with a `get_config` of their own."
    )


def function_config(function: Any) -> dict[str, Any]:
    """How Keras writes a function: by name."""
    return {
        "module": "builtins",
        "class_name": "function",
        "config": get_registered_name(function),
        "registered_name": "function",
    }


def build_model(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """Build the model, with fresh weights, that a translated config describes.

    Only registered classes and `custom_objects` are built; nothing is imported.
    """
    with registry.shared_objects():
        try:
            model = registry.deserialize("layer", config, custom_objects)
        except ValueError as error:
            raise with_custom_hint(error) from error
    built = config.get("build_config")
    if not model.built and isinstance(built, dict):  # a model with its own `call`
        model.build_from_config(built)
    return model


def with_custom_hint(error: ValueError) -> ValueError:
    """Add to "unknown name" how to make an own class or function known."""
    text = str(error)
    if not text.startswith("Could not interpret "):
        return error
    what = text.split("identifier: ")[1].split(".")[0]
    head = text.partition(" Known names: ")[0]
    return ValueError(
        f"{head} If it is a class or function of yours, pass custom_objects={{{what}: ...}} to "
        f"load_model, or decorate it with @kerasish.register before."
    )
