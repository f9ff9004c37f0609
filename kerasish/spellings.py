"""Spellings of older versions of Keras: each is taken, with one DeprecationWarning."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

# Old name of an argument, and the new ones: the first that a class or function knows is meant.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "init": ("kernel_initializer", "embeddings_initializer"),
    "inner_init": ("recurrent_initializer",),
    "inner_activation": ("recurrent_activation",),
    "output_dim": ("units",),
    "nb_filter": ("filters",),
    "nb_epoch": ("epochs",),
    "nb_val_samples": ("validation_steps",),
    "val_samples": ("steps",),
    "filter_length": ("kernel_size",),
    "kernel_dim": ("kernel_size",),
    "border_mode": ("padding",),
    "subsample": ("strides",),
    "subsample_length": ("strides",),
    "stride": ("strides",),
    "pool_length": ("pool_size",),
    "dim_ordering": ("data_format",),
    "atrous_rate": ("dilation_rate",),
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "U_regularizer": ("recurrent_regularizer",),
    "b_regularizer": ("bias_regularizer",),
    "W_constraint": ("kernel_constraint", "embeddings_constraint"),
    "U_constraint": ("recurrent_constraint",),
    "b_constraint": ("bias_constraint",),
    "dropout_W": ("dropout",),
    "dropout_U": ("recurrent_dropout",),
    "beta_init": ("beta_initializer",),
    "gamma_init": ("gamma_initializer",),
    "bias": ("use_bias",),
    "p": ("rate",),
    "sigma": ("stddev",),
    "length": ("size",),
    "lr": ("learning_rate",),
}
VALUES = {"dim_ordering": {"tf": "channels_last", "th": "channels_first"}}
# Arguments that mean nothing any more.
DROPPED = frozenset(
    [
        "consume_less",
        "dropout",  # of an Embedding; recurrent layers have the argument
        "implementation",
        "time_major",
        "forget_bias_init",
        "b_learning_rate_multiplier",
    ]
)
# Arguments of fit, evaluate, predict and compile that other versions had and that change nothing.
FORMER = frozenset(
    ["workers", "use_multiprocessing", "max_queue_size", "nb_worker", "pickle_safe", "max_q_size"]
    + ["sample_weight_mode", "target_tensors", "show_accuracy", "class_mode"]
    + ["experimental_run_tf_function", "mode"]
)
METRICS = {"acc": "accuracy", "accuracy": "acc"}
_warned: set[tuple[str, str]] = set()
_here = threading.local()


@contextlib.contextmanager
def silently() -> Iterator[None]:
    """No warnings of old spellings in this thread: they are a file's, not the user's."""
    before = getattr(_here, "silent", False)
    _here.silent = True
    try:
        yield
    finally:
        _here.silent = before


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing at the line of the user's that led here."""
    depth, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(text, category, depth)


def _is_inner(module: str) -> bool:
    return module.partition(".")[0] in ("kerasish", "contextlib", "functools")


def warn_once(owner: str, old: str, new: str) -> None:
    """Say once in a process that `old` is now `new`; the warning points at the user's line."""
    if getattr(_here, "silent", False) or (owner, old) in _warned:
        return
    _warned.add((owner, old))
    warn(f"{owner}: {old} is an old spelling. {new}", DeprecationWarning)


def translate(owner: str, given: dict[str, Any], known: Any, own: dict[str, str]) -> None:
    """Replace old names of arguments in `given` by those in `known`, in place.

    `own` are the old names of one class, which go before the general ones.
    """
    for old in [key for key in given if key not in known]:
        options = (own[old],) if old in own else ARGUMENTS.get(old, ())
        new = next((option for option in options if option in known), None)
        if new is not None and new not in given:
            value = given.pop(old)
            given[new] = VALUES.get(old, {}).get(value, value) if old in VALUES else value
            warn_once(owner, f"`{old}`", f"Write {new}={given[new]!r}.")
        elif old in DROPPED:
            del given[old]
            warn_once(owner, f"`{old}`", "It has no effect any more: leave it out.")


def other_name(key: str) -> str | None:
    """The name under which older or newer scripts look for an entry of the logs.

    >>> other_name("val_acc"), other_name("accuracy"), other_name("loss")
    ('val_accuracy', 'acc', None)
    """
    if not isinstance(key, str):
        return None
    name = METRICS.get(key.removeprefix("val_"))
    return None if name is None else f"{'val_' * key.startswith('val_')}{name}"


class Entries(dict[str, Any]):
    """Logs or a History's lists, in which "acc" and "accuracy" are found under either name.

    >>> Entries(accuracy=[0.5])["accuracy"], "val_acc" in Entries(val_accuracy=[0.4])
    ([0.5], True)
    """

    def __missing__(self, key: str) -> Any:
        other = other_name(key)
        if other is None or not dict.__contains__(self, other):
            raise KeyError(key)
        warn_once("History", f"{key!r}", f"The metric was compiled as {other!r}: use that name.")
        return self[other]

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or dict.__contains__(self, other_name(key))  # type: ignore[arg-type]

    def get(self, key: str, default: Any = None) -> Any:
        """The entry, under either name, or the default."""
        return self[key] if key in self else default  # noqa: SIM401 (it is `get` itself)
