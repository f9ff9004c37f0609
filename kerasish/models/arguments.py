"""Checks of what `compile` and `fit` are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import registry
from kerasish.errors import brief


def single(loss: Any, argument: str) -> Any:
    """Unwrap the list or dict that Keras takes for models of several outputs."""
    if isinstance(loss, list | tuple) or (isinstance(loss, dict) and "class_name" not in loss):
        parts = list(loss.values()) if isinstance(loss, dict) else list(loss)
        if len(parts) != 1:
            raise ValueError(
                f"compile: `{argument}` has {len(parts)} entries but a Sequential has one output. "
                f"Pass one alone."
            )
        return parts[0]
    return loss


def check_roles(optimizer: Any, loss: Any) -> None:
    """Refuse an optimizer where the loss belongs, a loss where the optimizer belongs, and so on."""
    for argument, given in ("optimizer", optimizer), ("loss", loss):
        kind = getattr(given, "registry_kind", argument)
        if isinstance(given, str):
            others = [k for k in ("optimizer", "loss", "metric") if _is_known(k, given)]
            kind = others[0] if others and argument not in others else argument
        if kind == argument:
            continue
        if kind in ("optimizer", "loss", "metric"):
            argument_there = {"metric": "metrics"}.get(kind, kind)
            mend = f"Pass it as {argument_there}=: compile(optimizer='adam', loss='mse')."
        else:
            mend = f"Pass a name such as {'adam' if argument == 'optimizer' else 'mse'!r}."
        article = "an" if kind[0] in "aeio" else "a"
        wanted = "an optimizer" if argument == "optimizer" else "a loss"
        raise ValueError(
            f"compile: `{argument}` must be {wanted}"
            f" but got {brief(given)}, which is {article} {kind}. {mend}"
        )


def _is_known(kind: str, name: str) -> bool:
    try:
        return registry.lookup(kind, name) is not None
    except ValueError:
        return False


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


def check_can_train(model: Any, program: Any, who: str) -> None:
    """Refuse to train without a loss or an optimizer."""
    if program.loss is None and not has_added_losses(model):
        raise ValueError(
            f"{who}: No loss to compute. Provide a `loss` argument in `compile()`, such as 'mse'."
        )
    if program.optimizer is None:
        raise ValueError(
            f"{who}: the model was compiled with optimizer=None, so nothing would learn. Provide "
            f"an `optimizer` argument in `compile()`, such as 'adam'."
        )


def check_epochs(epochs: Any, initial_epoch: Any) -> None:
    """Refuse numbers of epochs that are no counts."""
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 0:
            raise ValueError(
                f"fit: `{name}` must be a whole number from 0 on but is {brief(value)}. Write it "
                f"without a decimal point or quotes, such as {name}=10."
            )


def check_frequency(freq: Any) -> None:
    """Refuse a `validation_freq` that is neither a count nor a list of epochs."""
    if isinstance(freq, int | np.integer) and not isinstance(freq, bool):
        good = freq >= 1
    else:
        good = isinstance(freq, list | tuple | set | range | np.ndarray) and all(
            isinstance(epoch, int | np.integer) and epoch >= 1 for epoch in freq
        )
    if not good:
        raise ValueError(
            f"fit: `validation_freq` must be a whole number from 1 on, or a list of epochs "
            f"(the first is 1), but is {brief(freq)}. Leave it out to validate after each epoch."
        )


def check_no_targets(batch_size: Any) -> None:
    """Refuse targets in `predict`, which are easily written there as in `evaluate`."""
    if np.ndim(batch_size) > 0:
        raise TypeError(
            f"predict takes no targets, but got {brief(batch_size)} as its second argument, "
            "`batch_size`. Drop it, or call evaluate(x, y) to compare predictions with targets."
        )


def validation_parts(given: Any) -> tuple[Any, ...]:
    """What `validation_data` consists of: x, y and weights, or one source; nothing for None."""
    if given is None:
        return ()
    if isinstance(given, list | tuple) and len(given) not in (1, 2, 3):
        raise ValueError(
            f"fit: `validation_data` must be (x, y) or (x, y, sample_weight) but has "
            f"{len(given)} parts."
        )
    if isinstance(given, bool | int | float | str):
        share = isinstance(given, float) and 0 < given < 1
        mend = f"Pass validation_split={given} for a share of x." if share else "Pass (x, y)."
        raise TypeError(
            f"fit: `validation_data` must be (x, y), (x, y, sample_weight) or batches but got "
            f"{given!r}. {mend}"
        )
    return tuple(given) if isinstance(given, list | tuple) else (given,)


def check_verbose(verbose: Any, who: str) -> None:
    """Refuse a `verbose` before anything has begun."""
    whole = isinstance(verbose, int | np.integer)  # True and False as well
    if not (whole and verbose >= 0) and not (isinstance(verbose, str) and verbose == "auto"):
        raise ValueError(
            f"{who}: `verbose` must be 'auto', 0 (nothing), 1 (a bar) or 2 (one line an epoch) "
            f"but got {brief(verbose)}."
        )
