"""Making a model for an estimator: which arguments go to the user's function, and which to fit."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish import models, optimizers

FIT_ARGUMENTS = frozenset(
    ["batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data"]
    + ["shuffle", "class_weight", "initial_epoch", "steps_per_epoch", "validation_steps"]
    + ["validation_batch_size", "validation_freq"]
)
PREDICT_ARGUMENTS = frozenset(["batch_size", "verbose", "steps", "callbacks"])
RENAMED = {"nb_epoch": "epochs"}


def call_builder(builder: Any, arguments: dict[str, Any], meta: dict[str, Any], who: str) -> Any:
    """Call a user's function that returns a model with those of `arguments` that it takes.

    Arguments named ``model__x`` reach it as `x`; it gets what is known of the data as `meta` and
    the estimator's arguments for `compile` as `compile_kwargs`, if it asks for them.
    """
    if isinstance(builder, models.Model):
        return models.clone_model(builder) if isinstance(builder, models.Sequential) else builder
    if not callable(builder):
        raise TypeError(
            f"{who}: `model` must be a function that returns a model, or a model, but is "
            f"{builder!r}."
        )
    called = builder if inspect.isroutine(builder) or inspect.isclass(builder) else builder.__call__
    parameters = inspect.signature(called).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    given = {"meta": meta, "compile_kwargs": compile_arguments(arguments)}
    given = {key: value for key, value in given.items() if key in parameters}
    for key, value in arguments.items():
        name = key.removeprefix("model__").removeprefix("build_fn__")
        if name in parameters or (open_ended and name != key):
            given[name] = value
    model = builder(**given)
    if not isinstance(model, models.Model):
        raise TypeError(f"{who}: `model` must return a model but returned {model!r}.")
    return model


def compile_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the estimator's arguments say of `compile`: optimizer, loss and metrics."""
    found = {k: arguments[k] for k in ("loss", "metrics") if arguments.get(k) is not None}
    options = _prefixed(arguments, "optimizer__")
    optimizer = arguments.get("optimizer") or "rmsprop"
    if options:
        if isinstance(optimizer, str):
            optimizer = type(optimizers.get(optimizer))
        optimizer = optimizer(**options)
    elif isinstance(optimizer, type):
        optimizer = optimizer()
    found["optimizer"] = optimizer
    return found


def call_arguments(arguments: dict[str, Any], which: str) -> dict[str, Any]:
    """The arguments of `fit` or `predict`: by their own names or as ``fit__epochs``."""
    known = FIT_ARGUMENTS if which == "fit" else PREDICT_ARGUMENTS
    own = {RENAMED.get(k, k): v for k, v in arguments.items() if RENAMED.get(k, k) in known}
    if which != "fit":
        own.pop("callbacks", None)
    own.update(_prefixed(arguments, f"{which}__"))
    return {k: v for k, v in own.items() if v is not None}


def _prefixed(arguments: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in arguments.items() if k.startswith(prefix)}
