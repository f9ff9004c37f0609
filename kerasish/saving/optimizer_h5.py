"""Optimizer state in HDF5 models: arrays by name, under ``optimizer_weights``.

Keras 3 writes iteration, learning rate and then the slots. Keras 2 and tf.keras had other names
and orders, which are told apart by the names; what they lack keeps its first value.
"""

from __future__ import annotations

import math
from typing import Any

from kerasish.saving.comparing import Comparison
from kerasish.saving.hdf5 import Tree, names_in, write_array, write_names
from kerasish.saving.places import Unique, component
from kerasish.saving.weights_h5 import fitting, optimizer_state

PLACE = "optimizer_weights"
_COUNTS = ("iter", "iteration", "iterations")
_OLD_SLOTS = {
    "m": "momentum",
    "v": "velocity",
    "u": "norm",
    "vhat": "velocity_hat",
    "v_hat": "velocity_hat",
    "rms": "velocity",
    "mg": "average_gradient",
    "accum_grad": "accumulated_grad",
    "accum_var": "accumulated_delta_var",
}
_OLD_NUMBERS = {"momentum_cache": "variable", "_u_product": "variable", "u_product": "variable"}


def write_optimizer(file: Any, model: Any) -> None:
    """Write the optimizer's arrays, if there are any."""
    state = optimizer_state(model)
    if state is None:
        return
    unique, owner = Unique(), component(state.optimizer.name)
    arrays = {unique(f"{owner}/{component(name)}"): a for name, a, _ in state.variables}
    group = file.create_group(PLACE)
    write_names(group, "weight_names", list(arrays))
    for name, array in arrays.items():
        write_array(group, name, array)


def compare_optimizer(tree: Tree, model: Any) -> Comparison | None:
    """Pair the optimizer's arrays with those of a file; None where one of the two has none.

    A state that does not fit is left out as a whole, with a warning.
    """
    state = optimizer_state(model)
    names = names_in(tree, PLACE, "weight_names")
    if state is None or not names:
        return None
    comparison = Comparison(tree, f"optimizer '{state.optimizer.name}'")
    own = [(name, array) for name, array, _ in state.variables]
    shapes = [tree.shape(f"{PLACE}/{name}") for name in names]
    if shapes == [array.shape for _, array in own] and not _is_old(names):
        for (name, array), stored in zip(own, names, strict=True):
            comparison.pair(array, name, f"{PLACE}/{stored}")
    else:
        _pair_old(comparison, tree, state, names)
    return fitting(comparison, tree, state)


def _is_old(names: list[str]) -> bool:
    """Whether the names are those of Keras 2, where every name ends in ``:0``."""
    return any(name.endswith(":0") for name in names)


def _pair_old(comparison: Comparison, tree: Tree, state: Any, names: list[str]) -> None:
    """Pair the state of older versions: groups of slots, each in the order of the weights."""
    arrays = {name: array for name, array, weight in state.variables if weight is None}
    slots = _own_slots(state)
    found: dict[str, list[str]] = {}
    for name in names:
        place = f"{PLACE}/{name}"
        parts = name.removesuffix(":0").split("/")
        shape = tree.shape(place)
        number = _OLD_NUMBERS.get(parts[-1])
        if parts[-1] in _COUNTS or (name == names[0] and shape == ()):
            comparison.pair(arrays["iteration"], "iteration", place)
        elif number is not None and number in arrays and shape == ():
            comparison.pair(arrays[number], number, place)
        elif shape == () and parts[-1] in arrays:
            comparison.pair(arrays[parts[-1]], parts[-1], place)
        elif shape != ():  # other numbers are settings, which stand in the config too
            found.setdefault(_slot_of(parts, slots), []).append(place)
    if list(found) == [""]:
        found = _in_order(tree, state, slots, found[""])
    for slot, targets in slots.items():
        places = found.pop(slot, [])
        for i, (name, array) in enumerate(targets):
            if i < len(places):
                comparison.pair(array, name, places[i])
            else:
                comparison.add_missing(name, array.shape)
        for place in places[len(targets) :]:
            comparison.add_extra(place, tree.shape(place))
    for places in found.values():
        for place in places:
            if tree.shape(place) != (1,):  # what Keras 2 wrote where there was nothing to write
                comparison.add_extra(place, tree.shape(place))


def _own_slots(state: Any) -> dict[str, list[tuple[str, Any]]]:
    """The optimizer's slots by kind, each in the order of the weights."""
    slots: dict[str, list[tuple[str, Any]]] = {}
    for name, array, weight in state.variables:
        if weight is not None:
            kind = name.removeprefix(weight.path.replace("/", "_")).lstrip("_")
            slots.setdefault(kind, []).append((name, array))
    return slots


def _slot_of(parts: list[str], slots: dict[str, Any]) -> str:
    """The kind of slot that a name states, first or last; "" if it states none."""
    for part in (parts[-1], *parts[1:2]):
        kind = _OLD_SLOTS.get(part, part)
        if kind == "velocity" and "velocity" not in slots and "norm" in slots:
            kind = "norm"  # tf.keras's Adamax
        if kind in slots:
            return kind
        if part in _OLD_SLOTS:
            return kind
    return ""


def _in_order(
    tree: Tree, state: Any, slots: dict[str, Any], places: list[str]
) -> dict[str, list[str]]:
    """Nameless arrays of Keras 2.0 to 2.3: all of the first slot, all of the second, ..."""
    count = len(state.runs.weights)
    kinds = [*slots, *(f"unused {i}" for i in range(len(places)))]
    parts = math.ceil(len(places) / count) if count else 0
    return {kinds[i]: places[i * count : (i + 1) * count] for i in range(parts)}
