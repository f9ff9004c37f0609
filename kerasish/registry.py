"""Names and classes: the only place where a name in a script or a file becomes an object.

Everything that can be named (layers, losses, metrics, optimizers, schedules, activations,
initializers, regularizers, constraints, callbacks) is registered here under its kind. Nothing
is ever imported by name, so a file can only build what was registered in this process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import re
import threading
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np

from kerasish import errors, spellings
from kerasish.signatures import translate_arguments

KERAS_MODULES = {
    "model": "keras",
    "layer": "keras.layers",
    "loss": "keras.losses",
    "metric": "keras.metrics",
    "optimizer": "keras.optimizers",
    "schedule": "keras.optimizers.schedules",
    "activation": "keras.activations",
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
    "callback": "keras.callbacks",
}
_HOMES = {
    "layer": ("kerasish.layers", "kerasish.models"),
    "loss": ("kerasish.losses",),
    "metric": ("kerasish.metrics",),
    "optimizer": ("kerasish.optimizers",),
    "schedule": ("kerasish.optimizers.schedules",),
    "activation": ("kerasish.activations",),
    "initializer": ("kerasish.initializers",),
    "regularizer": ("kerasish.regularizers",),
    "constraint": ("kerasish.constraints",),
    "callback": ("kerasish.callbacks",),
}
_entries: dict[str, dict[str, Any]] = {kind: {} for kind in KERAS_MODULES}
_folded: dict[str, dict[str, Any]] = {kind: {} for kind in KERAS_MODULES}
_custom = threading.local()
global_custom_objects: dict[str, Any] = {}
T = TypeVar("T")


def snake_case(name: str) -> str:
    """Turn a class name into Keras's automatic name for it.

    >>> snake_case("MaxPooling2D"), snake_case("ReLU"), snake_case("RMSprop")
    ('max_pooling2d', 're_lu', 'rm_sprop')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _fold(name: str) -> str:
    """The form in which names are compared when no exact one is known."""
    return name.replace("_", "").replace("-", "").lower()


def register(
    *aliases: Any, kind: str | None = None, package: str | None = None, name: str | None = None
) -> Any:
    """Class or function decorator: make it known by its name and `aliases`.

    The kind of a class is read off its base class; functions state it. Users register their own
    classes with ``@kerasish.register``; they are then found by name in configs and files.

    Parameters
    ----------
    *aliases : str
        Further names. May be left out together with the parentheses.
    kind : str, optional
        One of `KERAS_MODULES`; needed for functions only.
    package, name : str, optional
        Written to files as ``package>name``, as Keras does for custom classes.

    Examples
    --------
    >>> from kerasish.layers import Layer
    >>> @register
    ... class Twice(Layer):
    ...     def forward(self, x, step):
    ...         return 2 * x, lambda dy: 2 * dy
    >>> lookup("layer", "Twice").__name__
    'Twice'
    """
    if len(aliases) == 1 and not isinstance(aliases[0], str):
        return register(kind=kind, package=package, name=name)(aliases[0])

    def decorate(obj: Any) -> Any:
        found = kind or getattr(obj, "registry_kind", None)
        if found not in _entries:
            raise TypeError(
                f"register({getattr(obj, '__name__', obj)!r}): its kind is not known. Derive it "
                f"from a kerasish base class or pass kind=, one of {', '.join(_entries)}."
            )
        key = name or obj.__name__
        ours = obj.__module__.partition(".")[0] == "kerasish"
        if isinstance(obj, type):
            obj.registered_name = None if ours else f"{package or 'Custom'}>{key}"  # type: ignore[attr-defined]
            if "__init__" in vars(obj):
                translate_arguments(obj)
        names = [key, *aliases] if ours else [key, f"{package or 'Custom'}>{key}", *aliases]
        for entry in names:
            _entries[found][entry] = obj
            _folded[found].setdefault(_fold(entry), obj)
            if not ours:
                _folded[found][_fold(entry)] = obj
        return obj

    return decorate


def lookup(kind: str, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the class or function registered as `name`, in any letter case.

    Raises
    ------
    ValueError
        If nothing of this kind has the name; the nearest one is suggested.
    """
    scopes = [custom_objects or {}, *getattr(_custom, "scopes", []), global_custom_objects]
    for scope in scopes:
        if name in scope:
            return scope[name]
    entry = _find(kind, name)
    if entry is None:
        _import_homes(kind)
        entry = _find(kind, name)
    if entry is None:
        raise errors.unknown_name(kind, name, _entries[kind])
    return entry


def _find(kind: str, name: str) -> Any:
    entry = _entries[kind].get(name)
    return _folded[kind].get(_fold(name)) if entry is None else entry


def _import_homes(kind: str) -> None:
    """Import what comes with kerasish, which registers it."""
    for home in _HOMES.get(kind, ()):
        importlib.import_module(home)


def known(kind: str) -> dict[str, Any]:
    """All registered names of a kind, aliases included."""
    _import_homes(kind)
    return dict(_entries[kind])


@contextlib.contextmanager
def custom_object_scope(objects: dict[str, Any]) -> Iterator[None]:
    """Make `objects` known by name inside a ``with`` block, in this thread.

    >>> with custom_object_scope({"double": lambda x: 2 * x}):
    ...     lookup("activation", "double")(3)
    6
    """
    scopes = _custom.__dict__.setdefault("scopes", [])
    scopes.insert(0, dict(objects))
    try:
        yield
    finally:
        scopes.pop(0)


class Configurable:
    """Base of all that has a config: `get_config` is read off the dataclass fields."""

    registry_kind: ClassVar[str]
    registered_name: ClassVar[str | None] = None
    positional_tail: ClassVar[tuple[str, ...]] = ()
    old_spellings: ClassVar[dict[str, str]] = {}
    refused_arguments: ClassVar[dict[str, str]] = {}
    beyond_keras: ClassVar[tuple[str, ...]] = ()
    """Arguments that Keras's class of this name does not take; kept apart in files."""
    unknown_to_keras: ClassVar[bool] = False
    """Whether Keras has no class of this name; left out of what Keras reads of a file."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values."""
        if not dataclasses.is_dataclass(self):
            return {}
        return {
            f.name: plain(getattr(self, f.name))
            for f in dataclasses.fields(self)
            if f.init and not f.metadata.get("private")
        }

    @classmethod
    def from_config(cls: type[T], config: dict[str, Any]) -> T:
        """Build an object from what `get_config` returned."""
        with spellings.silently():
            return cls(**config)

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in settings(self).items()]
        return f"{type(self).__name__}({', '.join(shown)})"


def settings(obj: Any) -> dict[str, Any]:
    """The arguments of a dataclass that differ from their defaults."""
    found: dict[str, Any] = {}
    if dataclasses.is_dataclass(obj):
        for f in dataclasses.fields(obj):
            value = getattr(obj, f.name, None)
            if f.init and not _same(value, f.default):
                found[f.name] = value
    return found


def _same(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except ValueError:
        return False


def plain(value: Any) -> Any:
    """Turn an argument into what JSON can hold: objects become Keras's config dicts."""
    if isinstance(value, Configurable) or hasattr(value, "get_config"):
        return serialize(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if callable(value):
        return getattr(value, "__name__", str(value))
    return value


def serialize(obj: Any) -> dict[str, Any]:
    """Return Keras 3's ``{"module", "class_name", "config", "registered_name"}`` for `obj`."""
    cls = type(obj)
    custom = vars(cls).get("registered_name")  # not that of a registered parent
    module: str | None = cls.__module__
    if cls.__module__.partition(".")[0] == "kerasish":
        module = getattr(obj, "keras_module", None) or KERAS_MODULES.get(obj.registry_kind)
    else:
        custom = custom or cls.__name__
        module = None if module == "__main__" else module
    return {
        "module": module,
        "class_name": cls.__name__,
        "config": obj.get_config(),
        "registered_name": custom,
    }


def deserialize(kind: str, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the object that a config dict describes; a flat dict of arguments is taken too.

    >>> deserialize("layer", {"class_name": "Dense", "units": 4}).units
    4
    """
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise TypeError(
            f"A {kind} config must be a dict with a 'class_name', such as "
            f"{{'class_name': 'Dense', 'config': {{'units': 4}}}}, but got {config!r}."
        )
    sharing = getattr(_custom, "shared", None)
    shared_id = config.get("shared_object_id") if kind == "layer" else None
    if sharing is not None and isinstance(shared_id, int) and shared_id in sharing:
        return sharing[shared_id]
    name = config.get("registered_name") or config["class_name"]
    try:
        cls = lookup(kind, name, custom_objects)
    except ValueError:
        cls = lookup(kind, config["class_name"], custom_objects)
    if "config" in config:
        arguments = config["config"]
        if arguments is None:
            arguments = {}
        if isinstance(arguments, str) or not isinstance(cls, type):
            return cls
    else:
        ignored = ("class_name", "module", "registered_name", "build_config")
        arguments = {k: v for k, v in config.items() if k not in ignored}
    if not isinstance(arguments, dict):
        raise TypeError(
            f"The 'config' of {config['class_name']} must be a dict of arguments, "
            f"but got {arguments!r}."
        )
    with custom_object_scope(custom_objects or {}):
        made = cls.from_config(dict(arguments))
        built = config.get("build_config")
        if isinstance(built, dict) and hasattr(made, "_build_as_filed"):
            made._build_as_filed(built)
    if sharing is not None and isinstance(shared_id, int):
        sharing[shared_id] = made
    return made


@contextlib.contextmanager
def shared_objects() -> Iterator[None]:
    """While it lasts, layer configs of one ``shared_object_id`` become one layer."""
    outer = getattr(_custom, "shared", None)
    _custom.shared = {}
    try:
        yield
    finally:
        _custom.shared = outer


def resolve(kind: str, identifier: Any, default: Any = None) -> Any:
    """Turn a name, config dict, class, function or object into the object it stands for."""
    if identifier is None:
        return default
    if isinstance(identifier, str):
        identifier = lookup(kind, identifier)
    elif isinstance(identifier, dict):
        return deserialize(kind, identifier)
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier) or isinstance(identifier, Configurable):
        return identifier
    raise errors.unknown_name(kind, identifier, _entries[kind])


def by_field(kind: str, default: Any = None, **options: Any) -> Any:
    """A dataclass field whose value is looked up in the registry by `resolve_fields`."""
    return dataclasses.field(default=default, metadata={"kind": kind}, **options)


def resolve_fields(obj: Any) -> None:
    """Resolve every field declared with `by_field`; called from ``__post_init__``."""
    for f in dataclasses.fields(obj):
        if "kind" in f.metadata:
            setattr(obj, f.name, resolve(f.metadata["kind"], getattr(obj, f.name)))


_counters: dict[str, int] = {}


def unique_name(prefix: str) -> str:
    """Return ``prefix``, then ``prefix_1``, ... as Keras numbers layers without a name."""
    count = _counters.get(prefix, 0)
    _counters[prefix] = count + 1
    return prefix if count == 0 else f"{prefix}_{count}"


def clear_names(free_memory: bool = True) -> None:
    """Start automatic names again from the beginning.

    Known as `kerasish.utils.clear_session`, too. `free_memory` is Keras's: there is no global
    state to be freed here, since models go away with their last reference.

    >>> clear_names()
    >>> unique_name("dense"), unique_name("dense")
    ('dense', 'dense_1')
    """
    _counters.clear()
