"""What the figures need to know of training runs, read from every form of history."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """The curves of one call of `fit`: a label, the epochs (from 1) and a value an epoch.

    `at` has the epochs of the curves that do not have a value at all of them, where known;
    fractions are within an epoch that is still running. `directions` has which end of a metric is
    good, ``"min"`` or ``"max"``; None means that it has to be judged by the names.
    """

    label: str
    epochs: np.ndarray
    series: dict[str, np.ndarray]
    at: dict[str, np.ndarray] = field(default_factory=dict)
    directions: Mapping[str, str | None] | None = None

    def points(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return epochs and values of a curve.

        A curve with fewer values than epochs is one of validation every f epochs
        (``validation_freq=f``); f is the largest that gives this number of values.
        """
        values = self.series[name]
        if name in self.at:
            return self.at[name], values
        if len(values) == len(self.epochs):
            return self.epochs, values
        step = len(self.epochs) // len(values) if name.startswith("val_") else 1
        return self.epochs[step - 1 :: step][: len(values)], values

    def direction(self, name: str) -> str | None:
        """Which end of a metric is good, as its model declares it or, without, as its name says."""
        if self.directions is None:
            return direction(name)
        return self.directions.get(name.removeprefix("val_"))

    def best(self, name: str) -> tuple[int, float] | None:
        """Return epoch and value of the best validation (else training) value, if one is good."""
        key = f"val_{name}" if f"val_{name}" in self.series else name
        good = self.direction(name)
        if good is None or key not in self.series:
            return None
        epochs, values = self.points(key)
        whole = np.isfinite(values) & (epochs % 1 == 0)
        if not whole.any():
            return None
        ranked = np.where(whole, values, np.inf if good == "min" else -np.inf)
        index = int(ranked.argmin() if good == "min" else ranked.argmax())
        return int(epochs[index]), float(values[index])


def declared_directions(model: Any) -> dict[str, str | None] | None:
    """Which end of its loss and metrics is good, as a compiled model declares it; None without.

    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(1)]).compile("sgd", "mse", metrics=["r2_score"])
    >>> declared_directions(model)
    {'loss': 'min', 'r2_score': 'max'}
    """
    if model is None or not getattr(model, "has_program", True):
        return None
    metrics = [m for m in getattr(model, "metrics", None) or () if hasattr(m, "name")]
    names = getattr(model, "metrics_names", ["loss", *(m.name for m in metrics)])
    found: dict[str, str | None] = {"loss": "min"}
    for name, metric in zip(names[1:], metrics, strict=False):
        keras = {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))
        found[name] = getattr(metric, "direction", None) or keras
    return found


def read_runs(history: Any, labels: Sequence[str] | None = None) -> list[Run]:
    """Turn a History, a dict or a list of them into runs; see `plot_history` for the forms."""
    if isinstance(history, list | tuple):
        parts: list[Any]
        if history and all(_is_logs(item) for item in history):
            parts = [run_of_logs(range(len(history)), history)]
        elif history and all(np.ndim(item) == 0 and not _is_history(item) for item in history):
            parts = [{"loss": history}]
        else:
            parts = list(history)
        named = [
            getattr(part, "label", "") or f"run {number}" for number, part in enumerate(parts, 1)
        ]
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
    return isinstance(value, Mapping | Run) or isinstance(getattr(value, "history", None), Mapping)


def _is_logs(value: Any) -> bool:
    return isinstance(value, Mapping) and all(np.ndim(v) == 0 for v in value.values())


def smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """Moving average in which each older value counts `weight` times as much as the next.

    The first values are not drawn towards zero; NaN and infinity are left out.

    >>> smoothed(np.array([1.0, 3.0]), 0.5)
    array([1.        , 2.33333333])
    """
    total = mass = 0.0
    out = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if np.isfinite(value):
            total = weight * total + (1 - weight) * float(value)
            mass = weight * mass + (1 - weight)
            out[i] = total / mass
    return out


def run_of_logs(
    epochs: Iterable[int],
    logs: Iterable[Mapping[str, Any]],
    label: str = "",
    directions: Mapping[str, str | None] | None = None,
    within: Iterable[tuple[float, Mapping[str, Any]]] = (),
) -> Run:
    """Turn the logs of epochs (counted from 0) into a run; what is no number is left out.

    `within` has logs from within the epoch that is running, with the epochs done by then.

    >>> run = run_of_logs([0, 1], [{"loss": 0.5}, {"loss": 0.25, "val_loss": 0.5, "note": "a"}])
    >>> run.points("val_loss")
    (array([2]), array([0.5]))
    """
    epochs = [int(epoch) + 1 for epoch in epochs]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for place, row in [*zip(epochs, logs, strict=True), *within]:
        for name, value in row.items():
            if isinstance(value, str) or value is None:
                continue
            places, values = found.setdefault(name, ([], []))
            places.append(place)
            values.append(value if type(value) is float else float(np.mean(value)))
    return Run(
        label,
        np.array(epochs, dtype=int),
        {name: np.array(values) for name, (_, values) in found.items()},
        {name: np.array(places) for name, (places, _) in found.items()},
        directions,
    )


def _read(part: Any, label: str) -> Run:
    if isinstance(part, Run):
        return replace(part, label=label or part.label)
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
    return Run(label, epochs, series, directions=declared_directions(getattr(part, "model", None)))


def _numbers(name: str, values: Any) -> np.ndarray:
    """One float an epoch; arrays (a score for each class) become their mean."""
    try:
        return np.array([np.mean(np.asarray(value, dtype=float)) for value in values], dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"plot_history: '{name}' must be a list with one number an epoch but got {values!r}."
        ) from None
