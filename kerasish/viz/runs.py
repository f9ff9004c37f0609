"""What the figures need to know of training runs, read from every form of history."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_LOWER = re.compile(
    r"loss|err|entropy|hinge|diverg|poisson|false|cosh|huber|perplex"
    r"|(^|_)(mse|mae|mape|msle|rmse|ce|bce|kld)(_|$)"
)
_HIGHER = re.compile(
    r"acc|auc|precision|recall|f1|f_?beta|iou|dice|true|similarity|correlation|specificity"
    r"|sensitivity|score|top_?k|(^|_)r2(_|$)"
)


def direction(name: str) -> str | None:
    """Return which end of a metric is good, ``"min"`` or ``"max"``, judged by its name.

    >>> direction("val_loss"), direction("accuracy"), direction("learning_rate")
    ('min', 'max', None)
    """
    if _LOWER.search(name.lower()):
        return "min"
    return "max" if _HIGHER.search(name.lower()) else None


@dataclass
class Run:
    """The curves of one call of `fit`: a label, the epochs (from 1) and a value an epoch."""

    label: str
    epochs: np.ndarray
    series: dict[str, np.ndarray]

    def points(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return epochs and values of a curve.

        A curve with fewer values than epochs is one of validation every f epochs
        (``validation_freq=f``); f is the largest that gives this number of values.
        """
        values = self.series[name]
        if len(values) == len(self.epochs):
            return self.epochs, values
        step = len(self.epochs) // len(values) if name.startswith("val_") else 1
        return self.epochs[step - 1 :: step][: len(values)], values

    def best(self, name: str) -> tuple[int, float] | None:
        """Return epoch and value of the best validation (else training) value, if one is good."""
        key = f"val_{name}" if f"val_{name}" in self.series else name
        good = direction(name)
        if good is None or key not in self.series:
            return None
        epochs, values = self.points(key)
        ranked = np.where(np.isfinite(values), values, np.inf if good == "min" else -np.inf)
        index = int(ranked.argmin() if good == "min" else ranked.argmax())
        if not np.isfinite(ranked[index]):
            return None
        return int(epochs[index]), float(values[index])


def read_runs(history: Any, labels: Sequence[str] | None = None) -> list[Run]:
    """Turn a History, a dict or a list of them into runs; see `plot_history` for the forms."""
    if isinstance(history, list | tuple):
        if history and all(_is_logs(item) for item in history):
            names = dict.fromkeys(name for logs in history for name in logs)
            parts: list[Any] = [{n: [logs.get(n, np.nan) for logs in history] for n in names}]
        elif history and all(np.ndim(item) == 0 and not _is_history(item) for item in history):
            parts = [{"loss": history}]
        else:
            parts = list(history)
        named = [f"run {number}" for number in range(1, len(parts) + 1)]
    elif isinstance(history, Mapping) and history and all(map(_is_history, history.values())):
        named, parts = [str(name) for name in history], list(history.values())
    else:
        named, parts = [""], [history]
    if labels is not None:
        if isinstance(labels, str) or len(labels) != len(parts):
            raise ValueError(
                f"plot_history: `labels` must name each of the {len(parts)} runs but got "
                f"{labels!r}."
            )
        named = [str(label) for label in labels]
    return [_read(part, label) for part, label in zip(parts, named, strict=True)]


def _is_history(value: Any) -> bool:
    return isinstance(value, Mapping) or isinstance(getattr(value, "history", None), Mapping)


def _is_logs(value: Any) -> bool:
    return isinstance(value, Mapping) and all(np.ndim(v) == 0 for v in value.values())


def _read(part: Any, label: str) -> Run:
    if not _is_history(part):
        raise TypeError(
            "plot_history expects what `fit` returned, a dict such as {'loss': [0.9, 0.4]}, or a "
            f"list of them, but got {part!r}."
        )
    table = part if isinstance(part, Mapping) else part.history
    series = {name: _numbers(name, values) for name, values in table.items()}
    series = {name: values for name, values in series.items() if len(values)}
    count = max((len(values) for values in series.values()), default=0)
    given = getattr(part, "epoch", None)
    epochs = np.arange(1, count + 1)
    if given is not None and len(given) == count:
        epochs = np.asarray(given, dtype=int) + 1
    return Run(label, epochs, series)


def _numbers(name: str, values: Any) -> np.ndarray:
    """One float an epoch; arrays (a score for each class) become their mean."""
    try:
        return np.array([np.mean(np.asarray(value, dtype=float)) for value in values], dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"plot_history: '{name}' must be a list with one number an epoch but got {values!r}."
        ) from None
