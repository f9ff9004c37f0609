"""From what a file stores to a model: build, compare, compile, assign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kerasish import registry
from kerasish.errors import warn
from kerasish.layers.filed import overrides
from kerasish.layers.weights import building_blank
from kerasish.saving import legacy
from kerasish.saving.comparing import Comparison, assign
from kerasish.saving.compiled import compile_from
from kerasish.saving.configs import build_model
from kerasish.saving.extras import apply_extras, checked
from kerasish.saving.hdf5 import Tree, datasets_under
from kerasish.saving.limits import FileError

_ROOM = 1 << 20
_WIDENING = 4  # bytes in memory for one in the file: float16 weights in a float64 model


@dataclass
class Stored:
    """What a file holds of a model, before anything is built.

    Attributes
    ----------
    config
        The JSON of the architecture.
    compiled, extras
        Give that of what it was compiled with, and of what only we know; None if not there.
    compare, compare_optimizer
        Pair a model's weights, or its optimizer's arrays, with those of the file.
    load_assets
        Lets layers read what files of their own the file has.
    root : str
        The group of the weights.
    keras_2 : bool
        Whether the file is from Keras 1 or 2.
    """

    tree: Tree
    config: Any
    compiled: Callable[[], Any]
    extras: Callable[[], Any]
    compare: Callable[[Any], Comparison]
    compare_optimizer: Callable[[Any], Comparison | None]
    load_assets: Callable[[Any], None] = lambda model: None
    root: str = ""
    keras_2: bool = False


def restore(stored: Stored, custom_objects: dict[str, Any] | None, compile: bool) -> Any:
    """Build the model, compile it if it was compiled, and fill both with the file's numbers."""
    config = legacy.model_config(stored.config, stored.keras_2)
    room = _WIDENING * _size_of_weights(stored) + _ROOM
    with building_blank(room):
        model = build_model(config, custom_objects)
    if not hasattr(model, "compile"):
        raise FileError(f"it describes a {type(model).__name__}, not a model")
    own = checked(stored.extras())
    comparison = stored.compare(model)
    comparison.check()
    pairs = comparison.read()
    apply_extras(model, own)
    assign(pairs)  # before compiling: some optimizers begin with copies of the weights
    stored.load_assets(model)
    compiled = stored.compiled() if compile else None
    if not compiled:
        return model
    described = own.get("compile_config") or compiled
    if overrides(model, "compile_from_config"):
        with registry.custom_object_scope(custom_objects or {}):
            model.compile_from_config(compiled)
    elif overrides(model, "compile"):
        warn(
            f"{stored.tree.path}: the model is not compiled, since {type(model).__name__} has a "
            f"compile() of its own. Call it, or define get_compile_config() and "
            f"compile_from_config(config)."
        )
        return model
    else:
        compile_from(model, legacy.training_config(described), custom_objects)
    optimizer = stored.compare_optimizer(model)
    if optimizer is not None:
        assign(optimizer.read())
    return model


def _size_of_weights(stored: Stored) -> int:
    """How many bytes the weights take that the file has, the optimizer's arrays left out."""
    tree = stored.tree
    places = [p for p in datasets_under(tree, stored.root) if not p.startswith("optimizer")]
    total = sum(map(tree.size_of, places))
    if total > tree.most:
        raise FileError(f"its weights claim {total:,} bytes, more than the file can hold")
    return total
