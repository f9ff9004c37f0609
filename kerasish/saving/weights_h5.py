"""Keras 3's weights file (``.weights.h5``): one group of numbered arrays for every layer."""

from __future__ import annotations

from typing import Any

from kerasish.errors import warn
from kerasish.registry import snake_case
from kerasish.saving.comparing import Comparison
from kerasish.saving.hdf5 import Tree, datasets_under, write_array
from kerasish.saving.own_state import has_own_variables, own_variables
from kerasish.saving.places import Unique, saved_layers

OPTIMIZER = "optimizer/vars"
_OLD_LAYERS = "_layer_checkpoint_dependencies"  # tf.keras 2.12 and 2.13
_GENERATORS = ("seed_generator", "random_generator")  # random states, which are not portable


def write_weights(file: Any, model: Any, include_optimizer: bool = True) -> None:
    """Write all weights of a built model, and its optimizer's arrays, into an open HDF5 file."""
    for place, layer in saved_layers(model):
        group = file.create_group(f"{place}/vars" if place else "vars")
        group.attrs["name"] = layer.name
        for key, array in own_variables(layer).items():
            write_array(group, key, array)
    state = optimizer_state(model)
    if include_optimizer and state is not None:
        _write_optimizer(file, OPTIMIZER, state)
        unique = Unique()  # Keras keeps those of a MultiOptimizer twice
        for _, part, _ in getattr(state, "parts", ()):
            name = unique(snake_case(type(part.optimizer).__name__))
            _write_optimizer(file, f"optimizer/optimizers/{name}/vars", part)


def _write_optimizer(file: Any, place: str, state: Any) -> None:
    group = file.create_group(place)
    group.attrs["name"] = state.optimizer.name
    for i, (_, array, _) in enumerate(state.variables):
        write_array(group, str(i), array)


def is_weights_tree(tree: Tree) -> bool:
    """Whether a file has this layout."""
    members = tree.members("")
    return any(name in members for name in ("layers", "vars", _OLD_LAYERS))


def compare_weights(tree: Tree, model: Any) -> Comparison:
    """Pair the weights of a model with the arrays of a file."""
    comparison = Comparison(tree, f"{type(model).__name__} '{model.name}'")
    old = "layers" not in tree.members("")
    claimed: set[str] = set()
    for place, layer in saved_layers(model):
        if old:
            place = place.replace("layers", _OLD_LAYERS)
        group = f"{place}/vars" if place else "vars"
        if has_own_variables(layer):
            names = [n for n, kind in tree.members(group).items() if kind == "dataset"]
            comparison.pair_whole(layer, {name: f"{group}/{name}" for name in names})
            claimed.update(f"{group}/{name}" for name in names)
            continue
        for i, weight in enumerate(layer.weights_in_files()):
            comparison.pair(weight, weight.path, f"{group}/{i}")
            claimed.add(f"{group}/{i}")
    roots = ["vars", _OLD_LAYERS if old else "layers"]
    for root in roots:
        for place in datasets_under(tree, root):
            parts = place.split("/")
            if place not in claimed and not any(part in _GENERATORS for part in parts):
                layer_name = tree.attribute("/".join(parts[:-1]), "name")
                title = f"{place} of '{layer_name}'" if layer_name else place
                comparison.add_extra(title, tree.shape(place))
    return comparison


def compare_optimizer(tree: Tree, model: Any) -> Comparison | None:
    """Pair the optimizer's arrays with those of a file; None where one of the two has none.

    A state that does not fit is left out as a whole, with a warning, as Keras does: the weights
    are of use without it.
    """
    state = optimizer_state(model)
    count = sum(kind == "dataset" for kind in tree.members(OPTIMIZER).values())
    if state is None or not count:
        return None
    variables = list(state.variables)
    has_rate = len(variables) > 1 and variables[1][0] == "learning_rate"
    if has_rate and count == len(variables) - 1 and tree.shape(f"{OPTIMIZER}/1") != ():
        del variables[1]  # tf.keras did not keep the rate among the variables
    comparison = Comparison(tree, f"optimizer '{state.optimizer.name}'")
    for i, (name, array, _) in enumerate(variables):
        comparison.pair(array, name, f"{OPTIMIZER}/{i}")
    for i in range(len(variables), count):
        comparison.add_extra(f"{OPTIMIZER}/{i}", tree.shape(f"{OPTIMIZER}/{i}"))
    return fitting(comparison, tree, state)


def fitting(comparison: Comparison, tree: Tree, state: Any) -> Comparison | None:
    """The comparison of an optimizer's state if all of it fits; else a warning and None."""
    if comparison.fits:
        return comparison
    warn(
        f"{tree.path}: the saved optimizer state does not fit {type(state.optimizer).__name__} "
        f"'{state.optimizer.name}' and is not loaded; training starts afresh. "
        f"{comparison.difference()}"
    )
    return None


def optimizer_state(model: Any) -> Any:
    """The state of a compiled model's optimizer, or None."""
    if not getattr(model, "has_program", False) or not model.built:
        return None
    program = model.program
    program.bind()
    return program.state
