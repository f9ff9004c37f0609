"""The weights part of HDF5 models of Keras 1 to 3: one group for every layer, by name."""

from __future__ import annotations

from typing import Any

from kerasish.errors import warn
from kerasish.saving import legacy_weights
from kerasish.saving.comparing import Comparison
from kerasish.saving.hdf5 import Tree, names_in, write_array, write_names
from kerasish.saving.limits import FileError
from kerasish.saving.places import (
    component,
    dataset_names,
    layer_weights,
    layers_with_names,
)

KERAS_VERSION = "3.15.1"  # whose layout is written
BACKEND = "numpy"


def write_layers(group: Any, model: Any) -> None:
    """Write the weights of all layers into an HDF5 group."""
    layers = layers_with_names(model)
    write_names(group, "layer_names", [component(layer.name) for layer in layers])
    group.attrs["backend"] = BACKEND.encode()
    group.attrs["keras_version"] = KERAS_VERSION.encode()
    for layer in sorted(layers, key=lambda layer: layer.name):
        _write_layer(group.create_group(component(layer.name)), layer_weights(layer))
    _write_layer(group.create_group("top_level_model_weights"), model._own_weights)


def _write_layer(group: Any, weights: list[Any]) -> None:
    names = dataset_names(weights)
    write_names(group, "weight_names", names)
    for name, weight in zip(names, weights, strict=True):
        write_array(group, name, weight.value)


def layers_place(tree: Tree) -> str | None:
    """The group that holds the layers: the root or ``model_weights``; None if neither does."""
    for place in ("", "model_weights"):
        if names_in(tree, place, "layer_names") is not None:
            return place
    return None


def compare_layers(tree: Tree, place: str, model: Any, by_name: bool = False) -> Comparison:
    """Pair the weights of a model with those of a file, layer by layer.

    Layers that have weights are paired in order, or by their names.
    """
    comparison = Comparison(tree, f"{type(model).__name__} '{model.name}'")
    stored = []
    for name in names_in(tree, place, "layer_names") or []:
        group = f"{place}/{name}" if place else name
        weights = names_in(tree, group, "weight_names")
        if weights is None and name not in tree.members(place):
            raise FileError(f"it lists the layer '{name}' but has no group '/{group}'")
        if weights:
            stored.append((name, [f"{group}/{weight}" for weight in weights]))
    layers = [layer for layer in layers_with_names(model) if layer_weights(layer)]
    if by_name:
        _pair_by_name(comparison, tree, layers, dict(stored))
    else:
        _pair_in_order(comparison, tree, layers, stored)
    return comparison


def _pair_by_name(
    comparison: Comparison, tree: Tree, layers: list[Any], stored: dict[str, list[str]]
) -> None:
    found = False
    for layer in layers:
        if layer.name in stored:
            found = True
            _pair_layer(comparison, tree, layer, stored[layer.name])
    if not found:
        warn(
            f"{tree.path}: no layer of the file has the name of one of the model's, so nothing "
            f"was loaded. In the file: {', '.join(stored) or 'none'}. In the model: "
            f"{', '.join(layer.name for layer in layers) or 'none'}."
        )


def _pair_in_order(
    comparison: Comparison, tree: Tree, layers: list[Any], stored: list[tuple[str, list[str]]]
) -> None:
    if len(layers) != len(stored):  # say which ones, by name where that tells them apart
        names = {name for name, _ in stored}
        own = {layer.name for layer in layers}
        missing = [x for x in layers if x.name not in names] or layers[len(stored) :]
        extra = [item for item in stored if item[0] not in own] or stored[len(layers) :]
        comparison.note(f"The model has {len(layers)} layers with weights, the file {len(stored)}.")
        for layer in missing:
            for weight in layer_weights(layer):
                comparison.add_missing(weight.path, weight.shape)
        for _, places in extra:
            for where in places:
                comparison.add_extra(where, tree.shape(where))
        return
    for layer, (_, places) in zip(layers, stored, strict=True):
        _pair_layer(comparison, tree, layer, places)


def _pair_layer(comparison: Comparison, tree: Tree, layer: Any, places: list[str]) -> None:
    """Pair within a layer: by the ends of the names where they are the same, else in order."""
    weights = layer_weights(layer)
    changes = legacy_weights.conversions(layer, [tree.shape(where) for where in places])
    if changes is not None:
        for weight, where, change in zip(weights, places, changes, strict=True):
            comparison.pair(weight, weight.path, where, change)
        return
    for parts in (1, 2, 3):
        own = {_tail(weight.path, parts): weight for weight in weights}
        theirs = {_tail(where, parts): where for where in places}
        if len(own) == len(weights) and len(theirs) == len(places) and set(own) == set(theirs):
            for tail, weight in own.items():
                comparison.pair(weight, weight.path, theirs[tail])
            return
    for weight, where in zip(weights, places, strict=False):
        comparison.pair(weight, weight.path, where)
    for weight in weights[len(places) :]:
        comparison.add_missing(weight.path, weight.shape)
    for where in places[len(weights) :]:
        comparison.add_extra(where, tree.shape(where))


def _tail(path: str, parts: int) -> str:
    """The end of a weight's name, which tells the weights of a layer apart."""
    return "/".join(path.split(":")[0].split("/")[-parts:])
