"""Custom objects under Keras's names, and objects to config dicts and back.

All of it is a thin layer over `kerasish.registry`, which alone decides what a name stands for.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from kerasish import errors, registry

T = TypeVar("T")
_names: dict[Any, str] = {}
_PLAIN = (str, int, float, bool, type(None))


class CustomObjectScope:
    """Make objects known by name inside a ``with`` block.

    Parameters
    ----------
    custom_objects : dict of str to object
        Classes or functions that configs may name.

    Examples
    --------
    >>> with CustomObjectScope({"triple": lambda x: 3 * x}):
    ...     get_registered_object("triple")(2)
    6
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = custom_objects or {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> CustomObjectScope:
        self._open.enter_context(registry.custom_object_scope(self.custom_objects))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """Return the dict of custom objects that hold outside of any scope; change it in place.

    Examples
    --------
    >>> get_custom_objects()["quadruple"] = lambda x: 4 * x
    >>> get_registered_object("quadruple")(2)
    8
    >>> get_custom_objects().clear()
    """
    return registry.global_custom_objects


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Class or function decorator: make it known as ``package>name`` in configs and files.

    Parameters
    ----------
    package : str
        Whose it is.
    name : str, optional
        The name of the class or function if not given.

    Raises
    ------
    ValueError
        If a class has no `get_config`.

    Examples
    --------
    >>> @register_keras_serializable("mine")
    ... def cube(x):
    ...     return x**3
    >>> get_registered_name(cube)
    'mine>cube'
    >>> get_custom_objects().clear()
    """

    def decorate(obj: T) -> T:
        if not callable(obj):
            raise TypeError(
                f"register_keras_serializable expects a class or function but got {obj!r}."
            )
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(
                f"Cannot register the class {obj.__name__}: it does not have a `get_config()` "
                "method. Add one that returns the arguments of its constructor."
            )
        plain = name or obj.__name__  # type: ignore[attr-defined]
        if inspect.isclass(obj) and getattr(obj, "registry_kind", None):
            registry.register(package=package, name=name)(obj)
        else:
            objects = get_custom_objects()
            objects[f"{package}>{plain}"] = obj
            if not any(plain in registry.known(kind) for kind in registry.KERAS_MODULES):
                objects[plain] = obj
        _names[obj] = f"{package}>{plain}"
        return obj

    return decorate


def get_registered_name(obj: Any) -> str:
    """Return ``package>name`` of a registered class or function, else its plain name."""
    own = getattr(obj, "__dict__", {})  # not by inheritance: a subclass has a name of its own
    return _names.get(obj) or own.get("registered_name") or obj.__name__


def get_registered_object(
    name: str,
    custom_objects: dict[str, Any] | None = None,
    module_objects: dict[str, Any] | None = None,
) -> Any:
    """Return the custom class or function that `name` stands for, or None.

    Scopes are searched first, then what was registered, `custom_objects` and `module_objects`.
    """
    registered = [registry.known(kind) for kind in registry.KERAS_MODULES] if ">" in name else []
    for objects in (
        *getattr(registry._custom, "scopes", []),
        registry.global_custom_objects,
        *registered,
        custom_objects or {},
        module_objects or {},
    ):
        if name in objects:
            return objects[name]
    return None


def serialize_keras_object(obj: Any) -> Any:
    """Return what JSON can hold of `obj`: plain values, or Keras's dict for an object.

    Raises
    ------
    TypeError
        If it is neither plain nor has a `get_config`; lambdas are refused.

    Examples
    --------
    >>> serialize_keras_object([1, np.array([1.5])])
    [1, {'class_name': '__numpy__', 'config': {'value': [1.5], 'dtype': 'float64'}}]
    """
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, list | tuple):
        return type(obj)([serialize_keras_object(item) for item in obj])
    if isinstance(obj, dict):
        return {key: serialize_keras_object(item) for key, item in obj.items()}
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, np.ndarray):
        config = {"value": obj.tolist(), "dtype": obj.dtype.name}
        return {"class_name": "__numpy__", "config": config}
    if inspect.isfunction(obj) and obj.__name__ != "<lambda>":
        return {
            "module": obj.__module__,
            "class_name": "function",
            "config": obj.__name__,
            "registered_name": get_registered_name(obj),
        }
    if not inspect.isclass(obj) and hasattr(obj, "get_config"):
        found = registry.serialize(obj)
        custom = _names.get(type(obj))
        return found if custom is None else {**found, "registered_name": custom}
    raise TypeError(
        f"serialize_keras_object: {obj!r} cannot be written as a config. Give its class a "
        "`get_config()`, or use a named function instead of a lambda."
    )


def deserialize_keras_object(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """Build what `serialize_keras_object` described.

    Names resolve through the registry and `custom_objects` only; nothing is imported and no code
    is read from a config, so `safe_mode` changes nothing. Of Keras's further arguments,
    ``module_objects`` is taken: a dict that is searched after `custom_objects`.

    Raises
    ------
    ValueError
        If a name is not known.

    Examples
    --------
    >>> deserialize_keras_object({"rate": 0.5, "sizes": [1, 2]})
    {'rate': 0.5, 'sizes': [1, 2]}
    """
    custom_objects = {**(kwargs.pop("module_objects", None) or {}), **(custom_objects or {})}
    if kwargs:
        owner = "deserialize_keras_object"
        raise errors.unknown_arguments(owner, deserialize_keras_object, kwargs)
    if isinstance(config, str):
        found = get_registered_object(config, custom_objects)
        return config if found is None else found
    if isinstance(config, list | tuple):
        return type(config)(deserialize_keras_object(item, custom_objects) for item in config)
    if not isinstance(config, dict):
        return config
    name = config.get("class_name")
    if not isinstance(name, str) or "config" not in config:
        return {k: deserialize_keras_object(v, custom_objects) for k, v in config.items()}
    if name == "__numpy__":
        return np.array(config["config"]["value"], config["config"]["dtype"])
    kind = next((k for k, m in registry.KERAS_MODULES.items() if m == config.get("module")), None)
    if kind is not None:
        return registry.deserialize(kind, config, custom_objects)
    return _build_custom(config, custom_objects)


def _build_custom(config: dict[str, Any], custom_objects: dict[str, Any]) -> Any:
    """Build an object, or find a function, whose module says nothing about its kind."""
    function = config["class_name"] == "function"
    name = config["config"] if function else config["class_name"]
    candidates = [c for c in (config.get("registered_name"), name) if isinstance(c, str)]
    tables = [registry.known(kind) for kind in registry.KERAS_MODULES]
    for candidate in candidates:
        found = get_registered_object(candidate, custom_objects)
        if found is None and not function:
            found = next((t[candidate] for t in tables if candidate in t), None)
        if found is not None:
            break
    else:
        known = [*get_custom_objects(), *custom_objects, *(n for t in tables for n in t)]
        raise errors.unknown_name("object", name, known)
    if function or not hasattr(found, "from_config"):
        return found
    with registry.custom_object_scope(custom_objects):
        return found.from_config(dict(config["config"]))
