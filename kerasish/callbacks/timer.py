"""Timer: how long epochs take, and what part of that is validation."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

from kerasish.callbacks.base import Callback
from kerasish.callbacks.pacing import EpochClock
from kerasish.display import say
from kerasish.display.markup import small_table
from kerasish.registry import register
from kerasish.viz.web.report import duration


class EpochTime(NamedTuple):
    """Seconds of an epoch: of its batches, and of its validation."""

    epoch: int  # counted from 1
    training: float
    validation: float
    samples_per_second: float | None  # of training

    @property
    def seconds(self) -> float:
        """Training and validation together."""
        return self.training + self.validation


@register
@dataclass(eq=False, repr=False)
class Timer(Callback):
    """Takes the time of every epoch, training and validation apart; prints a line at the end.

    Where the time of a step goes, layer by layer, is told by `Profiler`.

    Parameters
    ----------
    verbose : int
        1 prints the line when training ends.

    Attributes
    ----------
    times : list of EpochTime
        ``epoch``, ``training``, ``validation``, ``seconds`` (of both) and ``samples_per_second``.
    seconds : float
        Of the whole training, with whatever came between the epochs.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(1)])
    >>> _ = model.compile("sgd", "mse")
    >>> timer = Timer()
    >>> _ = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0, callbacks=[timer])
    2 epochs in ...: ... an epoch, ... samples/s; the slowest was epoch ...
    >>> [time.epoch for time in timer.times], timer.times[0].seconds > 0
    ([1, 2], True)
    """

    verbose: int = 1
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        self._clock = EpochClock()
        self._reset()

    def _reset(self) -> None:
        self.times: list[EpochTime] = []
        self.seconds = 0.0
        self._start = perf_counter()
        self._validating: float | None = None
        self._validated = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self._reset()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self._clock.begin()
        self._validated = 0.0

    def on_test_begin(self, logs: Any = None) -> None:
        """The training of the epoch is over."""
        self._clock.validate()
        self._validating = perf_counter()

    def on_test_end(self, logs: Any = None) -> None:
        """Its validation is over."""
        if self._validating is not None:
            self._validated += perf_counter() - self._validating
            self._validating = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take the epoch's time."""
        busy = self._clock.training
        rows = getattr(self.model.program.scores, "rows", 0)
        speed = rows / busy if rows and busy > 0 else None
        self.times.append(EpochTime(epoch + 1, busy, self._validated, speed))

    def on_train_end(self, logs: Any = None) -> None:
        """Print the line."""
        self.seconds = perf_counter() - self._start
        if self.verbose and self.times:
            say(self.summary())

    def summary(self) -> str:
        """One line: number of epochs, mean times, speed, and the slowest epoch."""
        if not self.times:
            raise ValueError("Timer: no epoch was timed yet. Pass it to fit().")
        count = len(self.times)
        mean = sum(time.seconds for time in self.times) / count
        parts = [f"{count} epoch{'s' * (count != 1)} in {duration(self.seconds)}: "]
        parts.append(f"{duration(mean)} an epoch")
        validation = sum(time.validation for time in self.times) / count
        if validation:
            parts.append(f", of which validation {duration(validation)}")
        speeds = [time.samples_per_second for time in self.times if time.samples_per_second]
        if speeds:
            parts.append(f", {sum(speeds) / len(speeds):,.0f} samples/s")
        slowest = max(self.times, key=lambda time: time.seconds)
        if count > 1:
            parts.append(f"; the slowest was epoch {slowest.epoch} ({duration(slowest.seconds)})")
        return "".join(parts)

    def _repr_html_(self) -> str | None:
        """The times as a table, for notebooks; None as long as there are none."""
        header = ["epoch", "training (s)", "validation (s)", "samples/s"]
        rows: list[list[Any]] = [
            [
                time.epoch,
                f"{time.training:.3f}",
                f"{time.validation:.3f}",
                f"{time.samples_per_second or 0:,.0f}",
            ]
            for time in self.times
        ]
        return small_table(header, rows, self.summary()) if rows else None

    def get_state(self) -> dict[str, Any]:
        """The times so far."""
        return {"times": [list(t) for t in self.times], "seconds": perf_counter() - self._start}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the times of an earlier training."""
        self.times = [EpochTime(*values) for values in state["times"]]
        self._start = perf_counter() - state["seconds"]
