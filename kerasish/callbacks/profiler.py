"""Profiler: where the time of a training step goes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

from kerasish import viz
from kerasish.callbacks.base import Callback
from kerasish.display import say
from kerasish.errors import check_whole
from kerasish.registry import register

REST, WAITING = "loss, metrics, optimizer", "waiting for data, callbacks"


class Timing(NamedTuple):
    """Milliseconds a batch of one layer, or of what is no layer."""

    name: str
    kind: str
    forward: float
    backward: float

    @property
    def total(self) -> float:
        """Forward and backward together."""
        return self.forward + self.backward


@register
@dataclass(eq=False, repr=False)
class Profiler(Callback):
    """Times every layer, forward and backward, while a model trains.

    The layers are wrapped during the timed batches only: other batches, and trainings without a
    Profiler, cost nothing more. What the timing itself costs is a few microseconds a layer.

    Parameters
    ----------
    batches : int, optional
        How many batches to time; all by default.
    skip : int
        How many to pass over before: the first make memory, and compile.
    verbose : int
        1 prints the table when training ends.

    Attributes
    ----------
    timings : list of Timing
        ``name``, ``kind``, ``forward``, ``backward`` and ``total`` of each layer in milliseconds
        a batch; then the rest of a step, and what passes between two steps. Layers work in
        several threads at once: theirs is the mean of the threads, so that all add up to the
        time that passes. Layers that sum over the whole batch, such as BatchNormalization, wait
        for each other, and that counts as theirs.
    samples_per_second : float
        With all that.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(8, name="hidden"), layers.Dense(1, name="out")])
    >>> _ = model.compile("sgd", "mse")
    >>> profiler = Profiler()
    >>> _ = model.fit(np.ones((64, 4)), np.ones(64), verbose=0, callbacks=[profiler])
    layer                         type   forward  backward  share
    hidden                        Dense  ...
    >>> [timing.name for timing in profiler.timings][:2]
    ['hidden', 'out']
    """

    batches: int | None = None
    skip: int = 1
    verbose: int = 1
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        if self.batches is not None:
            check_whole("Profiler", "batches", self.batches, 1)
        check_whole("Profiler", "skip", self.skip, 0)
        self._reset()

    def _reset(self) -> None:
        self.timings: list[Timing] = []
        self.samples_per_second = 0.0
        self._seen = self._timed = self._rows = 0
        self._steps = self._waits = 0.0
        self._begin = self._end = 0.0
        self._spent: dict[tuple[int, int], list[float]] = {}  # by thread and layer
        self._wrapped: list[Any] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_wrapped": []}

    # What happens when

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self._reset()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Between two epochs is validation: no waiting for data."""
        self._end = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Wrap the layers, if this batch is to be timed."""
        if self._seen < self.skip or (self.batches is not None and self._timed >= self.batches):
            return
        self._before = getattr(self.model.program.scores, "rows", 0)
        for index, layer in enumerate(self.model.flat_layers()):
            if "apply" not in vars(layer):  # a layer that is used twice is wrapped once
                layer.apply = self._timing(layer.apply, index)
                self._wrapped.append(layer)
        self._begin = perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Unwrap the layers, and note how long the step took."""
        now = perf_counter()
        self._seen += 1
        if not self._wrapped:
            return
        self._unwrap()
        self._timed += 1
        self._rows += getattr(self.model.program.scores, "rows", 0) - self._before
        self._steps += now - self._begin
        if self._end:
            self._waits += self._begin - self._end
        self._end = perf_counter()

    def _unwrap(self) -> None:
        for layer in self._wrapped:
            vars(layer).pop("apply", None)
        self._wrapped = []

    def _timing(self, apply: Any, index: int) -> Any:
        spent = self._spent

        def timed(x: Any, step: Any) -> Any:
            start = perf_counter()
            y, backward = apply(x, step)
            cell = spent.setdefault((threading.get_ident(), index), [0.0, 0.0])
            cell[0] += perf_counter() - start
            if backward is None:
                return y, None

            def timed_backward(dy: Any) -> Any:
                start = perf_counter()
                dx = backward(dy)
                cell[1] += perf_counter() - start
                return dx

            return y, timed_backward

        return timed

    def on_train_end(self, logs: Any = None) -> None:
        """Add up, and print the table."""
        self._unwrap()
        if self._timed:
            self._add_up()
            if self.verbose > 0:
                say(self.table())

    def _add_up(self) -> None:
        scale = 1000 / self._timed
        threads = max(len({thread for thread, _ in self._spent}), 1)
        chain = self.model.flat_layers()
        for index in sorted({index for _, index in self._spent}):
            cells = [cell for (_, own), cell in self._spent.items() if own == index]
            forward, backward = (sum(cell[k] for cell in cells) * scale / threads for k in (0, 1))
            layer = chain[index]
            self.timings.append(Timing(layer.name, type(layer).__name__, forward, backward))
        layers = sum(timing.total for timing in self.timings)
        rest = max(self._steps * scale - layers, 0.0)
        self.timings.append(Timing(REST, "", rest, 0.0))
        self.timings.append(Timing(WAITING, "", self._waits * scale, 0.0))
        self.samples_per_second = self._rows / max(self._steps + self._waits, 1e-12)

    def get_state(self) -> dict[str, Any]:
        """Nothing: a resumed training is timed anew."""
        return {}

    # What is shown

    def table(self) -> str:
        """The timings as text."""
        self._check()
        total = sum(timing.total for timing in self.timings) or 1.0
        rows = [("layer", "type", "forward", "backward", "share")]
        for timing in self.timings:
            parts = (timing.forward, timing.backward) if timing.kind else (timing.total, None)
            texts = ["" if part is None else f"{part:.3f}" for part in parts]
            share = f"{100 * timing.total / total:.1f} %"
            rows.append((timing.name, timing.kind, texts[0], texts[1], share))
        widths = [max(len(row[k]) for row in rows) for k in range(5)]
        lines = [
            "  ".join(
                cell.ljust(w) if k < 2 else cell.rjust(w)
                for k, (cell, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines.append(
            f"{total:.3f} ms a batch, {self.samples_per_second:,.0f} samples/s; "
            f"mean of {self._timed} batch{'es' * (self._timed != 1)}, times in milliseconds"
        )
        return "\n".join(lines)

    def plot(self, **options: Any) -> Any:
        """Draw the timings as bars; takes ``title``, ``figsize`` and ``figure``.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown and not known to pyplot.
        """
        self._check()
        return viz.plot_timings(
            [timing.name for timing in self.timings],
            [timing.forward for timing in self.timings],
            [timing.backward for timing in self.timings],
            others=2,
            **options,
        )

    def _check(self) -> None:
        if not self.timings:
            raise ValueError(
                "Profiler: nothing was timed yet. Pass it to fit, with more than "
                f"{self.skip} batch{'es' * (self.skip != 1)}."
            )
