"""ProgressBar: one line an epoch, drawn by tqdm while the epoch runs."""

from __future__ import annotations

import operator
import sys
from time import perf_counter
from typing import Any

from kerasish.callbacks.base import Callback, plain_logs
from kerasish.display import INTERVAL, Lines, Status, bars, choose
from kerasish.registry import register


@register("ProgbarLogger")
class ProgressBar(Callback):
    """Shows how training, an evaluation or a prediction gets on; `fit` adds it by itself.

    In a terminal and in a notebook an epoch is one tqdm bar with the time left, samples per
    second, and the metrics with 4 significant digits. It is redrawn at most ten times a second
    and stays as a line, the validation's metrics added (in a notebook the bar stays in one place,
    and the lines gather below). Where the output is no terminal (a pipe, a file, a dumb terminal)
    an epoch is exactly one plain line.

    Parameters
    ----------
    verbose : {"auto", 0, 1, 2}
        0 nothing, 1 a bar, 2 one plain line an epoch, "auto" what `fit` was told. Where that is
        "auto" too: 1, but nothing for a prediction of a single batch.
    batch_size : int, optional
        Samples of a batch, for samples per second; without it steps per second are shown. The
        attribute may change at any time and holds for the batches that end from then on.
    samples : int, optional
        Samples of an epoch, where the last batch may be smaller.
    validation_steps : int, optional
        Batches of a validation.
    file : file object, optional
        Where to write, by default what `sys.stdout` is when something begins.

    Raises
    ------
    ValueError
        If `verbose` is none of those.

    Examples
    --------
    >>> bar = ProgressBar(verbose=2, batch_size=32)
    >>> bar.on_epoch_begin(0)
    >>> bar.on_train_batch_end(0, {"loss": 0.5})
    >>> bar.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
    Epoch 1/1 - 1 step - 0.0s - ... samples/s - loss: 0.5000 - val_loss: 0.2500
    """

    takes_lazy_logs = True
    first_rank_only = True

    def __init__(
        self,
        verbose: Any = "auto",
        *,
        batch_size: int | None = None,
        samples: int | None = None,
        validation_steps: int | None = None,
        file: Any = None,
    ) -> None:
        super().__init__()
        self.verbose = _checked(verbose, "ProgressBar")
        self.batch_size = batch_size
        self.samples = samples
        self.validation_steps = validation_steps
        self.file = file
        self._screen: Lines | None = None  # where all epochs of a fit are shown
        self._reset()

    def _reset(self) -> None:
        if self in bars:
            bars.remove(self)
        if self._screen is not None:
            self._screen.close()
        self._screen = None
        self._display: Lines | None = None  # None: nothing is being shown
        self._status = Status("")
        self._start = self._last = self._validating = 0.0
        self._fitting = False
        self._quiet_first = False
        self._steps: int | None = None  # of the epoch before

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {**state, "file": None, "_display": None, "_screen": None, "_status": Status("")}

    def announce(self, text: str) -> None:
        """Show what keeps the bar waiting: see `kerasish.display.activity`."""
        self._status.activity = text
        if self._display is not None and not self._quiet_first:
            self._draw(perf_counter())

    def make_room(self) -> None:
        """Clear the moving bar, so that what others print now gets a line of its own."""
        if self._display is not None:
            self._display.hide()

    # What happens when

    def on_train_begin(self, logs: Any = None) -> None:
        """Within a fit, epochs are shown and validations join their epoch's line."""
        self._reset()
        self._fitting = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the epoch's bar."""
        epochs = (self.params or {}).get("epochs") or epoch + 1
        self._open(f"Epoch {epoch + 1}/{epochs}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar."""
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Leave the epoch's line."""
        self._close(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Leave the line of an epoch that an error or Ctrl-C cut short."""
        self._close(None)
        self._reset()

    def on_test_begin(self, logs: Any = None) -> None:
        """Start the bar of an evaluation; a validation shows as part of its epoch."""
        if self._fitting:
            self._validating = perf_counter()
        else:
            self._open("Evaluate")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar."""
        if not self._fitting:
            self._advance(batch, logs)
        elif self._display is not None:
            now = perf_counter()
            if now - self._last >= INTERVAL:
                total = f"/{self.validation_steps}" if self.validation_steps else ""
                self._status.activity = f"validating {batch + 1}{total}"
                self._draw(now)

    def on_test_end(self, logs: Any = None) -> None:
        """Leave the evaluation's line."""
        if not self._fitting:
            self._close(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Start the bar of a prediction."""
        self._open("Predict", auto_quiet=True)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar; the predictions themselves are not shown."""
        self._advance(batch, None)

    def on_predict_end(self, logs: Any = None) -> None:
        """Leave the prediction's line."""
        self._close(None)

    # How it is shown

    def _open(self, label: str, auto_quiet: bool = False) -> None:
        params = self.params or {}
        told = params.get("verbose", "auto")
        verbose = _checked(told, "fit") if self.verbose == "auto" else self.verbose
        self._quiet_first = auto_quiet and verbose == "auto"
        file = sys.stdout if self.file is None else self.file
        samples = None if self.batch_size is None else 0
        self._status = Status(label, total=params.get("steps") or self._steps, samples=samples)
        self._start, self._validating = perf_counter(), 0.0
        if file is None or verbose == 0:  # without a console sys.stdout is None
            self._display = None
            return
        if self._screen is None or self._screen.file is not file or not self._fitting:
            self._screen = choose(file) if verbose in ("auto", 1) else Lines(file)
        self._display = self._screen
        bars.append(self)
        if not self._quiet_first and self._start - self._last >= INTERVAL:
            self._draw(self._start)
            self._start = perf_counter()  # the first drawing imports tqdm, a notebook's widgets

    def _advance(self, batch: int, logs: Any) -> None:
        status = self._status
        status.done, status.activity = batch + 1, ""
        if self.batch_size is not None:
            seen = (status.samples or 0) + self.batch_size
            status.samples = seen if self.samples is None else min(seen, self.samples)
        if self._display is None or (self._quiet_first and batch == 0):
            return
        now = perf_counter()
        if now - self._last >= INTERVAL:
            status.metrics = plain_logs(logs() if callable(logs) else logs)
            self._draw(now)

    def _draw(self, now: float) -> None:
        self._measure(now)
        self._last = now
        assert self._display is not None
        self._display.show(self._status)

    def _measure(self, now: float) -> None:
        self._status.seconds = now - self._start
        self._status.busy_seconds = (self._validating or now) - self._start

    def _close(self, logs: Any) -> None:
        display, status, self._display = self._display, self._status, None
        if self in bars:
            bars.remove(self)
        if self._fitting:
            self._steps = status.done or None
        if display is None or (self._quiet_first and status.done < 2):
            return
        if not status.done and not logs:  # an error before the first batch was through
            display.drop()
            return
        self._measure(perf_counter())
        status.activity = ""
        if logs:
            status.metrics = logs() if callable(logs) else dict(logs)
        if status.total is None:
            status.total = status.done
        display.finish(status)
        if not self._fitting:
            display.close()


ProgbarLogger = ProgressBar


def _checked(verbose: Any, who: str) -> Any:
    if isinstance(verbose, str) and verbose == "auto":
        return verbose
    try:
        level = operator.index(verbose)
    except TypeError:
        level = -1
    if level >= 0:
        return min(level, 2)
    raise ValueError(
        f"{who}: `verbose` must be 'auto', 0 (nothing), 1 (a bar) or 2 (one line an epoch) "
        f"but got {verbose!r}."
    )
