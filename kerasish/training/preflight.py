"""A look at data, model and loss before the first epoch: what spoils training without an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.data import Batches
from kerasish.errors import warn
from kerasish.layers import Activation, Dense, Identity, InputLayer
from kerasish.layers.convolution import Convolving
from kerasish.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)

# Layers that hand on values of the same size as they get.
_TRANSPARENT = """Identity InputLayer Flatten Reshape Permute Dropout Masking CenterCrop Resizing
    RandomFlip RandomCrop RandomRotation RandomTranslation RandomZoom RandomShear"""
_PREFIXES = ("ZeroPadding", "Cropping", "UpSampling", "MaxPooling", "AveragePooling", "SpatialDrop")
_BRIGHT = 100  # pixels from 0 to 255 go beyond it, grey values from 0 to 16 or 0 to 1 do not
_PIXELS = 64  # as many whole numbers in a row are a picture
_EXPECTED = 5  # rows of a class that should be there, before its absence is no chance


def look(model: Any, batches: Batches, validation: Batches | None) -> None:
    """Warn, once for each model, of what makes training fail silently.

    Parameters
    ----------
    model : Sequential
        Built and compiled.
    batches, validation : Batches
        What it is trained and validated on.
    """
    told = model.__dict__.setdefault("_told", set())
    held_out = None if validation is None else validation.targets
    first = batches.peek()
    found = {"classes": lambda: _classes(model, batches.targets, held_out)}
    if hasattr(model, "head"):  # its layers come one after the other
        found |= {"scale": lambda: _scale(model, first.x), "loss": lambda: _loss(model, first.y)}
    for topic, find in found.items():
        text = None if topic in told else find()
        if text:
            told.add(topic)
            warn(f"fit: {text}")  # whoever called fit


def _layers(model: Any) -> Iterator[Any]:
    """Layers one after the other, those of inner models in their place."""
    for layer in model.layers:
        if hasattr(layer, "layers") and hasattr(layer, "has_program"):
            yield from _layers(layer)
        else:
            yield layer


def _scale(model: Any, x: Any) -> str | None:
    """Pixels from 0 to 255 that reach weights as they are."""
    for layer in _layers(model):
        name = type(layer).__name__
        if isinstance(layer, Dense | Convolving):
            break
        if name not in _TRANSPARENT.split() and not name.startswith(_PREFIXES):
            return None
    else:
        return None
    if x.dtype.kind not in "uif" or x.ndim < 2 or np.prod(x.shape[1:]) < _PIXELS:
        return None
    part = np.asarray(x[:64])
    low, high = part.min(), part.max()
    if low < 0 or not _BRIGHT < high <= 255 or (part != np.round(part)).any():
        return None
    return (
        f"x has whole numbers from {low:g} to {high:g}, which look like unscaled pixels, and the "
        f"first layer with weights, {layer.name!r}, gets them so. Training is slow or fails on "
        "such large inputs. Divide by 255 (in predictions too), or put "
        "kerasish.layers.Rescaling(1 / 255) first."
    )


def _classes(model: Any, y: Any, held_out: Any) -> str | None:
    """A class that is in one of training and validation only."""
    loss = model.program.loss
    classifies = BinaryCrossentropy | CategoricalCrossentropy | SparseCategoricalCrossentropy
    if y is None or held_out is None or not isinstance(loss, classifies):
        return None
    trained, validated = _counts(y, model), _counts(held_out, model)
    if trained is None or validated is None:
        return None
    size = max(len(trained), len(validated))
    trained, validated = (np.pad(c, (0, size - len(c))) for c in (trained, validated))
    mend = (
        "validation_split takes the last rows as they are: rows sorted by class must be shuffled "
        "first, or divided by kerasish.data.train_val_split(x, y, 0.1, stratify=True)."
    )
    never = np.flatnonzero((trained == 0) & (validated > 0))
    if len(never):
        return (
            f"{_named(never)} in the validation data but not in the training data, so it cannot be "
            f"learnt. {mend}"
        )
    share = trained / trained.sum() * validated.sum()
    missing = np.flatnonzero((validated == 0) & (share >= _EXPECTED))
    if len(missing):
        return (
            f"{_named(missing)} in the training data but not in the validation data, so that "
            f"val_accuracy says nothing about it. {mend}"
        )
    return None


def _named(numbers: np.ndarray) -> str:
    shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    return f"class {shown} is" if len(numbers) == 1 else f"classes {shown} are"


def _counts(y: Any, model: Any) -> np.ndarray | None:
    """How many rows each class has; None if rows are not of one class each."""
    outputs = model.output_shape[1:]
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    single = not isinstance(
        model.program.loss, BinaryCrossentropy
    )  # of several classes one is true
    if single and y.ndim == 2 and len(outputs) == 1 and y.shape[1] == outputs[0]:
        return np.bincount(y.argmax(1), minlength=y.shape[1])
    if y.ndim != 1 or y.dtype.kind not in "biuf":
        return None
    if y.dtype.kind == "f" and (y != y.round()).any():
        return None
    if not y.size or y.min() < 0 or y.max() > 10**6:
        return None
    return np.bincount(y.astype("int64"))


def _loss(model: Any, y: Any) -> str | None:
    """A last activation or targets that the loss is not made for."""
    loss, units = model.program.loss, model.output_shape[-1]
    head, last = model.head, _last_activation(model)
    several = isinstance(loss, CategoricalCrossentropy | SparseCategoricalCrossentropy)
    if not (several or isinstance(loss, BinaryCrossentropy)):
        return None
    wanted = "softmax" if several else "sigmoid"
    if loss.from_logits and head is not None:
        return (
            f"{loss.name} has from_logits=True, but the last layer ends in {head}, which would be "
            "applied twice. Leave one of them out."
        )
    if not loss.from_logits and last is not None:
        return (
            f"{loss.name} expects probabilities, but the last layer ends in {last!r}. Use "
            f"activation={wanted!r}, or pass the loss object with from_logits=True."
        )
    if not several and head == "softmax" and units > 2:
        return (
            f"the last layer is softmax over {units} classes, one of which is true, but "
            "binary_crossentropy judges each unit by itself. Use loss='categorical_crossentropy', "
            "or activation='sigmoid' if several can be true."
        )
    if type(loss) is CategoricalCrossentropy and y is not None and np.shape(y)[-1:] == (units,):
        sums = np.asarray(y).sum(-1)
        if not np.allclose(sums, 1, atol=1e-3):
            odd = sums[np.abs(sums - 1) > 1e-3].ravel()[0]
            return (
                f"{loss.name} expects rows that sum to 1, one class for each sample, but one sums "
                f"to {odd:g}. If several classes can be true, use activation='sigmoid' and "
                "loss='binary_crossentropy'."
            )
    return None


def _last_activation(model: Any) -> str | None:
    """Name of the last activation if it gives no probabilities; None if that is not known."""
    layer = None
    for candidate in _layers(model):
        if not isinstance(candidate, Identity | InputLayer):
            layer = candidate
    if not isinstance(layer, Dense | Convolving | Activation):
        return None
    name = layer.get_config().get("activation")
    known = ("linear", "relu", "tanh", "elu", "selu", "leaky_relu", "gelu", "silu", "softplus")
    return name if name in known else None
