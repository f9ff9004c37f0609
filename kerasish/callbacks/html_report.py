"""HTMLReport: a page in a browser that tells how a training goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter, time
from typing import Any

from kerasish.atomic import atomic_write
from kerasish.callbacks.base import Callback
from kerasish.callbacks.files import path_of, prepared
from kerasish.callbacks.learning_rate import current_rates
from kerasish.callbacks.pacing import EpochClock, Pace
from kerasish.callbacks.report_page import SPEED, Moment, report_of
from kerasish.callbacks.run_log import describe, ending
from kerasish.callbacks.verdicts import Verdicts, class_count, takes_images
from kerasish.errors import warn
from kerasish.registry import register
from kerasish.viz.runs import declared_directions, run_of_logs

SHARE = 0.03  # of the training's time that the page may take
BETWEEN = 1.0  # seconds between two pages, at least
WITHIN = 5.0  # seconds between two pages within an epoch, at least
GUESS = 0.02  # seconds that the first page takes


@register
@dataclass(eq=False, repr=False)
class HTMLReport(Callback):
    """Writes a page that shows how the training goes, and refreshes itself in the browser.

    It is one file that needs no network and can be opened while the training runs, kept, printed
    and sent to others. It shows the curves with their values under the pointer, where the best
    epoch was, learning rate, speed and time left, the model as table and diagram, for classifiers
    with validation data the confusion matrix and, if they take images, the worst mistakes, and
    versions, threads, seed and command. After an error or Ctrl-C it says so.

    The file is replaced after each epoch, and every few seconds within long ones, unless that
    would take more than 3 % of the time; the end of the training is always written.

    Parameters
    ----------
    path : str or PathLike
        The file, ``report.html`` for instance; missing folders are made.
    class_names : list of str, optional
        Names by class number; by default ``model.metadata["class_names"]``, if that is there.

    Raises
    ------
    ValueError
        If the path does not end in ``.html``, or, when training begins, `class_names` has not as
        many names as the model has classes.
    OSError
        When training begins, if the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from kerasish import Sequential, layers
    >>> path = pathlib.Path(tempfile.mkdtemp(), "report.html")
    >>> model = Sequential([layers.Dense(1)], name="line")
    >>> _ = model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones(8)
    >>> _ = model.fit(x, y, epochs=3, callbacks=[HTMLReport(path)], verbose=0)
    >>> "<title>line: done</title>" in path.read_text("utf-8")
    True
    """

    path: Any
    class_names: Sequence[str] | None = None

    # Callbacks with this attribute get their logs as a function where they do not look at them.
    takes_lazy_logs = True
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        self.path = path_of(self.path, "HTMLReport")
        if not self.path.lower().endswith((".html", ".htm")):
            raise ValueError(
                f"HTMLReport writes a page for browsers: its path must end in .html but is "
                f"'{self.path}'. Pass 'report.html', say."
            )
        self._clock = EpochClock()
        self._pace = Pace(SHARE, GUESS)
        self._reset()

    def _reset(self) -> None:
        self._epochs: list[int] = []
        self._records: list[dict[str, Any]] = []
        self._header: dict[str, Any] = {}
        self._epoch: int | None = None  # that is running
        self._batch = 0  # batches of it that are done
        self._within: list[tuple[float, dict[str, Any]]] = []
        self._validating = False
        self._verdicts: Verdicts | None = None
        self._seen: tuple[Verdicts, int] | None = None  # of the newest validation, and its epoch
        self._judged: dict[str, Any] | None = None  # the newest matrix and mistakes
        self._names: list[str] | None = None  # of the classes, None for other models
        self._parts: dict[str, Any] = {}  # of the page, that do not change
        self._start = perf_counter()
        self._broken = False

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_verdicts": None, "_seen": None, "_parts": {}}

    # What happens when

    def on_train_begin(self, logs: Any = None) -> None:
        """See that the file can be written, and that the names fit."""
        self._reset()
        prepared(self.path, "HTMLReport")
        self._names = self._class_names()
        said = repr(self.model.optimizer)  # as it is now: its learning rate may change
        first = getattr(getattr(self._company, "fit_state", None), "epoch", 0)
        self._header = {**describe(self.model, self._company, first), "optimizer_said": said}
        self._target = os.path.abspath(self.path)  # the script may change its folder
        self._directions = declared_directions(self.model)
        self._pace.begin()

    def _class_names(self) -> list[str] | None:
        count = class_count(self.model)
        given = self.class_names
        if given is None:
            given = getattr(self.model, "metadata", {}).get("class_names")
            if not isinstance(given, list | tuple) or len(given) != count:
                given = None
        if given is not None and count is None:
            raise ValueError(
                "HTMLReport: there are `class_names`, but the model does not tell apart up to 200 "
                "classes, one a sample, by a cross-entropy. Leave them out."
            )
        if given is not None and len(given) != count:
            raise ValueError(
                f"HTMLReport: `class_names` has {len(given)} names, but the model tells {count} "
                f"classes apart."
            )
        return None if count is None else [str(name) for name in given or range(count)]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self._epoch, self._batch, self._within = epoch, 0, []
        self._clock.begin()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write within a long epoch."""
        self._batch = batch + 1
        since = self._pace.since
        if since >= BETWEEN and (since >= WITHIN or not self._parts) and self._pace.allows():
            self._note_within(batch, logs() if callable(logs) else dict(logs or {}))
            self._write()

    def _note_within(self, batch: int, logs: dict[str, Any]) -> None:
        """Remember a point of the curves within the epoch."""
        steps = (self.params or {}).get("steps")
        share = (batch + 1) / steps if steps else 0.5
        if self._epoch is not None and 0 < share < 1:
            if not steps:
                self._within = []
            self._within.append((self._epoch + share, logs))

    def on_test_begin(self, logs: Any = None) -> None:
        """Look at the predictions of a validation."""
        self._clock.validate()
        self._verdicts, self._validating = None, self._epoch is not None
        if self._names is not None and self._epoch is not None:
            loss = self.model.program.loss
            logits = bool(getattr(loss, "from_logits", False))
            self._verdicts = Verdicts(len(self._names), logits, takes_images(self.model))
            self.model.program.observers.append(self._verdicts.see)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write within a long validation."""
        if self._epoch is not None and self._pace.since >= WITHIN and self._pace.allows():
            self._write()

    def on_test_end(self, logs: Any = None) -> None:
        """Keep what the predictions told."""
        verdicts, self._verdicts, self._validating = self._verdicts, None, False
        observers = self.model.program.observers
        if verdicts is not None and verdicts.see in observers:
            observers.remove(verdicts.see)
        if verdicts is not None and getattr(self._company, "error", None) is None:
            self._seen = verdicts, (self._epoch or 0) + 1

    def _newest_verdicts(self) -> dict[str, Any] | None:
        """The newest matrix and mistakes: counted when they are wanted, not in each epoch."""
        if self._seen is not None:
            (verdicts, epoch), self._seen = self._seen, None
            found = verdicts.finish()
            if found is not None:
                self._judged = {**found, "epoch": epoch}
        return self._judged

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch, and write if it is time."""
        rows = getattr(self.model.program.scores, "rows", 0)
        busy = self._clock.training
        self._records.append(
            {
                # No copy: callbacks that come later may add to it.
                "metrics": {} if logs is None else logs,
                "rates": current_rates(self.model.optimizer),
                "seconds": self._clock.seconds,
                SPEED: rows / busy if rows and busy > 0 else None,
            }
        )
        self._epochs.append(epoch)
        self._epoch, self._within = None, []
        if self._pace.since >= BETWEEN and self._pace.allows():
            self._write()

    def on_train_end(self, logs: Any = None) -> None:
        """Write how it ended."""
        if self._header:
            self._write(ending(self.model, self._company))
        self._epoch, self._parts, self._seen = None, {}, None

    # What is remembered

    def get_state(self) -> dict[str, Any]:
        """The curves, the seconds so far and the newest verdicts."""
        return {
            "epochs": list(self._epochs),
            "records": [{**record, "metrics": dict(record["metrics"])} for record in self._records],
            "seconds": perf_counter() - self._start,
            "judged": self._newest_verdicts(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the curves of an earlier training."""
        self._epochs = list(state["epochs"])
        self._records = [dict(record) for record in state["records"]]
        self._start = perf_counter() - state["seconds"]
        self._judged = state["judged"]

    # What is written

    def _write(self, end: dict[str, Any] | None = None) -> None:
        if self._broken:
            return
        with self._pace.measured():
            try:
                text = report_of(self._moment(end), self._parts)
                with atomic_write(self._target, "w") as file:
                    file.write(text)
            except Exception as error:  # costs the page, not the training
                self._broken = True
                said = str(error) if isinstance(error, OSError) else repr(error)
                warn(f"HTMLReport: no more pages are written. {said}")

    def _moment(self, end: dict[str, Any] | None) -> Moment:
        params = self.params or {}
        running = [] if self._epoch is None else self._within
        return Moment(
            model=self.model,
            header=self._header,
            run=run_of_logs(
                self._epochs,
                [{**r["metrics"], **r["rates"], SPEED: r[SPEED]} for r in self._records],
                directions=self._directions,
                within=running,
            ),
            records=self._records,
            done=self._epochs[-1] + 1 if self._epochs else self._header["initial_epoch"],
            epochs=params.get("epochs"),
            steps=params.get("steps"),
            epoch=None if self._epoch is None else self._epoch + 1,
            batch=self._batch,
            epoch_seconds=self._clock.seconds if self._epoch is not None else 0.0,
            validating=self._validating,
            seconds=perf_counter() - self._start,
            rates=current_rates(self.model.optimizer),
            judged=self._newest_verdicts(),
            names=self._names,
            end=end,
            notes=list(getattr(getattr(self._company, "error", None), "__notes__", ())),
            now=datetime.now().astimezone(),
            updated=int(1000 * time()),
            next=max(2.0, min(30.0, self._pace.since)),
        )
