"""Checks of what `compile` and `fit` are given."""

from __future__ import annotations

from typing import Any

import numpy as np


def single(loss: Any, argument: str) -> Any:
    """Unwrap the list or dict that Keras takes for models of several outputs."""
    if isinstance(loss, list | tuple) or (isinstance(loss, dict) and "class_name" not in loss):
        parts = list(loss.values()) if isinstance(loss, dict) else list(loss)
        if len(parts) != 1:
            raise ValueError(
                f"compile: `{argument}` has {len(parts)} entries but a Sequential has one output."
            )
        return parts[0]
    return loss


def names_metrics(given: Any) -> bool:
    """Whether the third argument of `compile` is metrics, as it was in Keras 2."""
    return given == "auto" or (
        isinstance(given, list | tuple)
        and len(given) > 0
        and not any(isinstance(item, int | float | np.number) for item in given)
    )


def loss_weight(loss_weights: Any) -> float:
    """The factor of the loss that `compile` was given."""
    weight = single(loss_weights, "loss_weights")
    if weight is None:
        return 1.0
    if not isinstance(weight, int | float | np.number):
        raise TypeError(f"compile: `loss_weights` must be a number but is {loss_weights!r}.")
    return float(weight)


def has_added_losses(model: Any) -> bool:
    """Whether layers of the model may add terms to the loss."""
    return any(
        layer.activity_regularizer is not None or hasattr(layer, "call") for layer in model.walk()
    )


def check_epochs(epochs: Any, initial_epoch: Any) -> None:
    """Refuse numbers of epochs that are no counts."""
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 0:
            raise ValueError(f"fit: `{name}` must be a whole number from 0 on but is {value!r}.")


def check_frequency(freq: Any) -> None:
    """Refuse a `validation_freq` that is neither a count nor a list of epochs."""
    if isinstance(freq, int | np.integer) and not isinstance(freq, bool):
        good = freq >= 1
    else:
        good = isinstance(freq, list | tuple | set | range | np.ndarray)
    if not good:
        raise ValueError(
            f"fit: `validation_freq` must be a whole number from 1 on, or a list of epochs, but "
            f"is {freq!r}."
        )
