"""Whole models in HDF5 (``.h5``), the format of Keras 1 to 3."""

from __future__ import annotations

import json
from typing import Any

from kerasish.saving import layers_h5, optimizer_h5, weights_h5
from kerasish.saving.compiled import training_config
from kerasish.saving.configs import model_config
from kerasish.saving.extras import NAME, extras
from kerasish.saving.hdf5 import Tree
from kerasish.saving.limits import FileError, read_json
from kerasish.saving.loading import Stored


def write_model(file: Any, model: Any, include_optimizer: bool = True) -> None:
    """Write a model into an open HDF5 file, as Keras 3 lays it out."""
    file.attrs["keras_version"] = layers_h5.KERAS_VERSION
    file.attrs["backend"] = layers_h5.BACKEND
    file.attrs["model_config"] = _json(model_config(model, old=True))
    training = training_config(model) if include_optimizer else None
    if training is not None:
        file.attrs["training_config"] = _json(training)
    file.attrs[NAME] = _json(extras(model, include_optimizer))
    layers_h5.write_layers(file.create_group("model_weights"), model)
    if training is not None:
        optimizer_h5.write_optimizer(file, model)


def read_model(tree: Tree) -> Stored:
    """Read the configurations of a model; its weights are compared and read later."""
    text = tree.attribute("", "model_config")
    if text is None:
        known = layers_h5.layers_place(tree) is not None or weights_h5.is_weights_tree(tree)
        weights = "only weights: make the model, then call its load_weights"
        holds = weights if known else "something else"
        raise FileError(
            f"No model config found in the file: it is HDF5 without 'model_config' and holds "
            f"{holds}"
        )
    place = layers_h5.layers_place(tree)
    if place is None:
        raise FileError("it has a 'model_config' but no weights")

    def part(name: str) -> Any:
        text = tree.attribute("", name)
        return read_json(text, f"its {name}") if text else None

    version = str(tree.attribute("", "keras_version") or tree.attribute(place, "keras_version"))
    return Stored(
        tree=tree,
        config=read_json(text, "its model_config"),
        compiled=lambda: part("training_config"),
        extras=lambda: part(NAME),
        compare=lambda model: layers_h5.compare_layers(tree, place, model),
        compare_optimizer=lambda model: optimizer_h5.compare_optimizer(tree, model),
        root=place,
        keras_2=version.startswith(("1.", "2.")),
    )


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8")
