"""LivePlot: the learning curves while they grow, wherever the training runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerasish import errors, spellings, viz
from kerasish.callbacks.base import Callback
from kerasish.callbacks.files import path_of, prepared
from kerasish.callbacks.learning_rate import current_rates
from kerasish.callbacks.live_screens import Screen, TextScreen, choose_screens
from kerasish.callbacks.pacing import Pace
from kerasish.registry import register
from kerasish.viz.canvas import image_format
from kerasish.viz.runs import Run, declared_directions, run_of_logs

SHARE = 0.05  # of the training's time that drawing may take
WITHIN = 10.0  # seconds between two pictures within an epoch, at least
FIRST = 0.3  # seconds that the first picture may take, without importing matplotlib
RATES = ("learning_rate", "lr")
TEXT_PLOTS = 5  # in a terminal, over a whole fit


@register
@dataclass(eq=False, repr=False)
class LivePlot(Callback):
    """Draws loss and metrics after each epoch, in the place where you are.

    In a notebook the figure is updated where it stands, and the last one stays. On a desktop it
    is a window that neither blocks nor takes the focus. With `path` it is written to a file. In a
    terminal without pictures plots of text stand between the lines of the progress bar, five in
    all; where the output is no terminal, one at the end.

    Training and validation of a metric share an axis and the best epoch is marked. The last
    picture is always drawn; the others take at most 5 % of the time, so that epochs which would
    cost more are drawn with a later one and a training of a few seconds is drawn at its end. Long
    epochs are drawn while they run.

    Parameters
    ----------
    metrics : str or list of str, optional
        What to draw, without ``val_``: all that is in the logs by default, except for the
        learning rate, which is drawn where "learning_rate" or "lr" is in the list.
    every : int
        Draw every so many epochs.
    path : str or PathLike, optional
        A file whose ending says the format, ``.png`` or ``.svg`` for instance.
    smooth : float
        From 0 to less than 1: how much of a curve's moving average is history.
    log_scale : bool
        Logarithmic vertical axes, where all values are positive.
    figsize : tuple of two floats, optional
        Width and height in inches.

    Attributes
    ----------
    figure : matplotlib.figure.Figure or None
        The last one drawn.

    Raises
    ------
    ValueError
        If an argument is wrong or, when training begins, the logs will not have a metric.
    OSError
        When training begins, if the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(1)])
    >>> _ = model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones(8)
    >>> plot = LivePlot()
    >>> history = model.fit(x, y, validation_data=(x, y), epochs=3, callbacks=[plot], verbose=0)
    loss (* training, o validation): best val_loss ..., epoch 3
    ...
    """

    metrics: str | Sequence[str] | None = None
    every: int = 1
    path: Any = None
    smooth: float = 0
    log_scale: bool = False
    figsize: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        super().__init__()
        names = [self.metrics] if isinstance(self.metrics, str) else self.metrics
        if names is not None and not (names and all(isinstance(name, str) for name in names)):
            raise ValueError(
                f"LivePlot's `metrics` must be names such as ['loss', 'accuracy'], but got "
                f"{self.metrics!r}. Leave it out to draw all."
            )
        errors.check_whole("LivePlot", "every", self.every, 1, "of epochs")
        if not 0 <= self.smooth < 1:
            raise ValueError(
                f"LivePlot's `smooth` must be from 0 to less than 1 but got {self.smooth!r}."
            )
        if self.path is not None:
            self.path = path_of(self.path, "LivePlot")
        self._wanted: list[str] | None = None
        if names is not None:
            given = ("learning_rate" if name == "lr" else name for name in names)
            self._wanted = list(dict.fromkeys(name.removeprefix("val_") for name in given))
        self.figure: Any = None
        self._reset()

    def _reset(self) -> None:
        self._epochs: list[int] = []
        self._logs: list[dict[str, Any]] = []
        self._rates: list[dict[str, float]] = []
        self._within: list[tuple[float, dict[str, Any]]] = []  # in the epoch that is running
        self._epoch = 0
        self._directions: dict[str, str | None] | None = None
        self._screens: list[Screen] = []
        self._drawn = 0  # epochs that the last picture shows
        self._pace = Pace(SHARE, 0.0)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_screens": [], "figure": None}

    def on_train_begin(self, logs: Any = None) -> None:
        """Look where to draw, and whether what is wanted will be there."""
        self._reset()
        self._check_names()
        if self.path is not None:
            image_format(self.path, "LivePlot")
            prepared(self.path, "LivePlot")
        self._directions = declared_directions(self.model)
        self._screens = choose_screens(self._draw, self._names, self.path, self.figsize)
        self._pace = Pace(SHARE, 0.0 if self._is_text() else FIRST)

    def _is_text(self) -> bool:
        return any(isinstance(screen, TextScreen) for screen in self._screens)

    def _check_names(self) -> None:
        company = self._company
        if company is None or company.reports is None:
            return
        for name in self._wanted or ():
            if not (company.expects(name, self) or company.expects(f"val_{name}", self)):
                known = [key for key in company.reports if not key.startswith("val_")]
                likely = spellings.other_name(name)  # "accuracy" for "acc"
                meant = errors.did_you_mean(likely if likely in known else name, known)
                raise ValueError(
                    f"LivePlot: the logs will have no '{name}'.{meant} "
                    f"They have: {', '.join(known)}."
                )

    # Callbacks with this attribute get their logs as a function where they do not look at them.
    takes_lazy_logs = True
    first_rank_only = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Know which epoch it is."""
        self._epoch, self._within = epoch, []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Let a window move, and draw within a long epoch."""
        for screen in self._screens:
            screen.breathe()
        if self._pace.since < WITHIN or not self._pace.allows() or self._is_text():
            return
        steps = (self.params or {}).get("steps")
        share = (batch + 1) / steps if steps else 0.5
        if 0 < share < 1:
            if not steps:  # then only the newest point is known to be in the right order
                self._within = []
            logs = logs() if callable(logs) else dict(logs or {})
            self._within.append((self._epoch + share, {**logs, **self._learning_rates()}))
            self._show()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch, and draw if it is time."""
        self._within = []
        self._epochs.append(epoch)
        self._logs.append({} if logs is None else logs)  # others may yet add to them
        self._rates.append(self._learning_rates())
        if len(self._epochs) - self._drawn >= self._stride():
            # The first picture may reckon with the epochs that are to come.
            epochs = (self.params or {}).get("epochs") or 0
            total = 0.0 if self._drawn else self._pace.elapsed / len(self._epochs) * epochs
            if self._pace.allows(total):
                self._show()

    def _learning_rates(self) -> dict[str, float]:
        """The learning rates, if they are to be drawn."""
        if "learning_rate" not in (self._wanted or ()):
            return {}
        return current_rates(getattr(self.model, "optimizer", None))

    def _stride(self) -> int:
        """Epochs between two pictures."""
        if self._is_text():
            epochs = (self.params or {}).get("epochs") or 1
            return max(self.every, math.ceil(epochs / TEXT_PLOTS))
        return self.every

    def _run(self) -> Run:
        rows = [{**rates, **logs} for logs, rates in zip(self._logs, self._rates, strict=True)]
        return run_of_logs(self._epochs, rows, directions=self._directions, within=self._within)

    def _show(self, last: bool = False) -> None:
        with self._pace.measured():
            run = self._run()
            if not self._names(run):
                return
            for screen in self._screens:
                if screen.is_open and (last or screen.redraws):
                    screen.show(run)
            self._drawn = len(self._epochs)

    def _names(self, run: Run) -> list[str]:
        """The metrics to draw, of those that there are by now."""
        have = dict.fromkeys(name.removeprefix("val_") for name in run.series)
        if self._wanted is None:
            names = [name for name in have if not name.startswith(RATES)]
            return sorted(names, key=lambda name: name != "loss")
        rates = [name for name in have if name.startswith(RATES)]
        wanted = [name for name in self._wanted if name in have and name not in rates]
        return wanted + (rates if "learning_rate" in self._wanted else [])

    def _draw(self, run: Run, figure: Any) -> Any:
        epochs = (self.params or {}).get("epochs")
        total = f" of {epochs}" if epochs else ""
        name = getattr(self.model, "name", None)
        self.figure = viz.plot_history(
            run,
            self._names(run),
            title=f"{name or 'training'}: epoch {self._epoch + 1}{total}",
            log_scale=self.log_scale,
            smooth=self.smooth,
            figsize=self.figsize,
            figure=figure,
        )
        return self.figure

    def on_train_end(self, logs: Any = None) -> None:
        """Draw the last epochs, also after an error or Ctrl-C."""
        self._within = []
        pending = len(self._epochs) > self._drawn
        if self._epochs and (pending or not all(screen.redraws for screen in self._screens)):
            self._epoch = self._epochs[-1]
            self._show(last=True)
        self._screens = []
        self._warn_of_missing()

    def _warn_of_missing(self) -> None:
        """Tell of metrics that somebody might have brought, but nobody did."""
        seen = {name.removeprefix("val_") for logs in self._logs for name in logs}
        missing = [name for name in self._wanted or () if not (name in seen or name in RATES)]
        if missing and self._epochs:
            errors.warn(
                f"LivePlot: the logs never had '{missing[0]}'."
                f"{errors.did_you_mean(missing[0], seen)} They had: {', '.join(sorted(seen))}."
            )

    def get_state(self) -> dict[str, Any]:
        """The curves so far."""
        return {
            "epochs": list(self._epochs),
            "logs": [dict(logs) for logs in self._logs],
            "rates": [dict(rates) for rates in self._rates],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the curves of an earlier training."""
        self._epochs = list(state["epochs"])
        self._logs = [dict(logs) for logs in state["logs"]]
        self._rates = [dict(rates) for rates in state.get("rates", [{}] * len(self._logs))]
        self._drawn = max(len(self._epochs) - self.every, 0)
