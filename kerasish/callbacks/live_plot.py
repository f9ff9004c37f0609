"""LivePlot: the learning curves while they grow, wherever the training runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from kerasish import errors, viz
from kerasish.callbacks.base import Callback
from kerasish.callbacks.files import path_of, prepared
from kerasish.callbacks.learning_rate import learning_rates
from kerasish.callbacks.live_screens import Screen, TextScreen, choose_screens
from kerasish.registry import register
from kerasish.viz.canvas import image_format
from kerasish.viz.runs import Run, run_of_logs

SHARE = 0.03  # of the training's time that drawing may take
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

    Training and validation of a metric share an axis and the best epoch is marked. Drawing takes
    at most 3 % of the time besides the first picture and the last: epochs that would cost more
    are drawn with the next.

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
        self._screens: list[Screen] = []
        self._drawn = 0  # epochs that the last picture shows
        self._spent = self._cost = 0.0
        self._start = perf_counter()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_screens": [], "figure": None}

    def on_train_begin(self, logs: Any = None) -> None:
        """Look where to draw, and whether what is wanted will be there."""
        self._reset()
        self._check_names()
        if self.path is not None:
            image_format(self.path, "LivePlot")
            prepared(self.path, "LivePlot")
        self._screens = choose_screens(self._draw, self._names, self.path, self.figsize)
        self.__dict__.pop("on_train_batch_end", None)
        if any(type(screen).breathe is not Screen.breathe for screen in self._screens):
            self.on_train_batch_end = self._breathe  # type: ignore[method-assign]

    def _check_names(self) -> None:
        company = self._company
        if company is None or company.reports is None:
            return
        for name in self._wanted or ():
            if not (company.expects(name, self) or company.expects(f"val_{name}", self)):
                known = [key for key in company.reports if not key.startswith("val_")]
                raise ValueError(
                    f"LivePlot: the logs will have no '{name}'."
                    f"{errors.did_you_mean(name, known)} They have: {', '.join(known)}."
                )

    def _breathe(self, batch: int, logs: Any = None) -> None:
        for screen in self._screens:
            screen.breathe()

    # Callbacks with this attribute get their logs as a function where they do not look at them.
    takes_lazy_logs = True
    first_rank_only = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch, and draw if it is time."""
        logs = dict(logs or {})
        if "learning_rate" in (self._wanted or ()) and not any(name in logs for name in RATES):
            rates = learning_rates(getattr(self.model, "optimizer", None))
            logs.update({key: float(each.learning_rate) for key, each in rates.items()})
        self._epochs.append(epoch)
        self._logs.append(logs)
        if len(self._epochs) - self._drawn >= self._stride():
            now = perf_counter()
            if self._spent + self._cost <= SHARE * (now - self._start) or not self._drawn:
                self._show(now)

    def _stride(self) -> int:
        """Epochs between two pictures."""
        if any(isinstance(screen, TextScreen) for screen in self._screens):
            epochs = (self.params or {}).get("epochs") or 1
            return max(self.every, math.ceil(epochs / TEXT_PLOTS))
        return self.every

    def _show(self, now: float, last: bool = False) -> None:
        run = run_of_logs(self._epochs, self._logs)
        if not self._names(run):
            return
        for screen in self._screens:
            if screen.is_open and (last or screen.redraws):
                screen.show(run)
        self._drawn = len(self._epochs)
        self._cost = perf_counter() - now
        self._spent += self._cost

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
            title=f"{name or 'training'}: epoch {self._epochs[-1] + 1}{total}",
            log_scale=self.log_scale,
            smooth=self.smooth,
            figsize=self.figsize,
            figure=figure,
        )
        return self.figure

    def on_train_end(self, logs: Any = None) -> None:
        """Draw the last epochs, also after an error or Ctrl-C."""
        pending = len(self._epochs) > self._drawn
        if self._epochs and (pending or not all(screen.redraws for screen in self._screens)):
            self._show(perf_counter(), last=True)
        self._screens = []

    def get_state(self) -> dict[str, Any]:
        """The curves so far."""
        return {"epochs": list(self._epochs), "logs": [dict(logs) for logs in self._logs]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the curves of an earlier training."""
        self._epochs = list(state["epochs"])
        self._logs = [dict(logs) for logs in state["logs"]]
        self._drawn = max(len(self._epochs) - self.every, 0)
