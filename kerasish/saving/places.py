"""Where weights stand in files: by the tree of layers (Keras 3), or by layer name (HDF5 models)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerasish.registry import snake_case
from kerasish.store import Weight


class Unique:
    """Names for the items of one container: ``dense``, ``dense_1``, ..."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Return `name`, with a number if it has been given before."""
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return name if count == 0 else f"{name}_{count}"


def saved_layers(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the layers of a tree with their places in a Keras 3 weights file, mostly one.

    A model's layers stand under ``layers/<class>_<count>``; layers that another one holds stand
    under the name of the attribute, as ``layers/lstm/cell``.

    Examples
    --------
    >>> from kerasish import Sequential
    >>> from kerasish.layers import Dense, Flatten
    >>> model = Sequential([Flatten(), Dense(2, name="a"), Sequential([Dense(3, name="b")])])
    >>> [place for place, _ in saved_layers(model)]
    ['', 'layers/flatten', 'layers/dense', 'layers/sequential', 'layers/sequential/layers/dense']
    """
    yield from _walk(layer, "", set())


def _walk(layer: Any, place: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield place, layer
    start = f"{place}/" if place else ""
    for name in layer.also_filed_as:
        yield start + name, layer
    for name, value in _held(layer):
        if hasattr(value, "_own_weights"):
            yield from _walk(value, start + name, seen)
        else:
            yield from _walk_container(value, start + name, seen)


def _walk_container(container: Any, place: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    unique = Unique()
    for item in container.values() if isinstance(container, dict) else container:
        if hasattr(item, "_own_weights"):
            yield from _walk(item, f"{place}/{unique(snake_case(type(item).__name__))}", seen)
        elif isinstance(item, list | tuple | dict):
            yield from _walk_container(item, f"{place}/{unique('container')}", seen)


def _held(layer: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that may hold layers, in Keras's order: private ones last."""
    if not layer.sublayers:
        return
    if is_list(layer):
        yield "layers", layer.layers
    own = {k: v for k, v in vars(layer).items() if k not in ("_sublayers", "_input_layer", "_flat")}
    for name in sorted(own, key=lambda name: f"~{name}" if name.startswith("_") else name):
        value = own[name]
        if hasattr(value, "_own_weights") or isinstance(value, list | tuple | dict):
            yield name, value
    yield "_layers", layer.sublayers  # what no attribute holds


def is_list(layer: Any) -> bool:
    """Whether a layer is a model that is a list of layers, and no model with its own `call`."""
    return hasattr(type(layer), "flat_layers") and hasattr(type(layer), "pop")


def layers_with_names(model: Any) -> list[Any]:
    """The layers of a model, each once, in order."""
    return list(dict.fromkeys(model.layers))


def layer_weights(layer: Any) -> list[Weight]:
    """All weights of a layer in the order of HDF5 models: those that learn, then the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def dataset_names(weights: list[Weight]) -> list[str]:
    """Where weights stand within their layer's group: their paths, made unique."""
    unique = Unique()
    return [unique("/".join(map(component, w.path.split("/")))) for w in weights]


def component(name: str) -> str:
    """A name as one part of a path in HDF5, where ``.`` is the group itself."""
    return name.replace("/", "_") if name.strip(".") else f"_{name}"
