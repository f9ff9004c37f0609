"""Predictions of one batch, without what only a loop of batches needs.

A model that is asked for batches of one shape again and again is kept prepared: its layers are
bound to that shape (`layers.prepared`) and called in a row, in as many threads as a loop would use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.layers.prepared import prepare_chain
from kerasish.layers.weights import edits
from kerasish.step import Arena, Step, commit, split_rows
from kerasish.training.interrupt import interrupts
from kerasish.training.shards import shard_count
from kerasish.training.threads import blas_guard, gang

# Measured offline: so much work takes as long as it takes to hold BLAS and Ctrl-C.
SMALL_FLOP = 2_000_000
MOST_SHAPES = 16  # of batches for which a model is kept prepared,
MOST_ELEMENTS = 2**20  # in so much memory each


def is_plain(batch_size: Any, verbose: Any, steps: Any, callbacks: Any) -> bool:
    """Whether `predict` was asked for one quiet pass in batches of any size."""
    quiet = callbacks is None and steps is None and verbose in ("auto", 0)
    return quiet and (batch_size is None or (type(batch_size) is int and batch_size > 0))


@np.errstate(all="ignore")
def predict(model: Any, x: Any, most_rows: int | None = None) -> np.ndarray | None:
    """Outputs for `x`, in memory of their own, if it is a plain array of one batch that fits.

    Gives None for everything else, and for work that is worth a loop where the model is not
    prepared for it. That is then a matter of `data` and `loop`: they know how to convert it, or
    what to say about it.
    """
    if type(x) is not np.ndarray or x.ndim == 0 or not model.built or not model.predicts_directly:
        return None
    rows = x.shape[0]
    fits = x.shape[1:] == model.input_shape[1:] and x.dtype.kind in "fiub" and x.dtype.isnative
    few = 0 < rows <= (rows if most_rows is None else most_rows)
    if not (fits and few):
        return None
    small = model.flops_a_row * rows < SMALL_FLOP
    shards = 1 if small else shard_count(model.flops_a_row, rows, model.is_shardable)
    chains = _chains(model, x, shards)
    if chains:
        try:
            chain = chains.pop()
        except IndexError:  # other threads predict at the same time and have taken them all
            pass
        else:
            try:
                return chain.small(x) if small else chain.large(x)
            finally:
                chains.append(chain)
    if not small:
        return None
    x = model.cast_input(x)
    step = Step(batch_size=rows)
    y, _ = model.apply(x, step)
    if step.updates:
        with interrupts.whole():
            commit([step])
    return y if y.flags.owndata and y is not x else np.array(y)


class Chain:
    """A model as lists of functions for batches of one shape, one list for each shard.

    It has memory of its own, so that two threads cannot use it at once.
    """

    def __init__(self, model: Any, rows: int, shards: list[tuple[Step, list[Any]]]) -> None:
        self._cast, self._rows, self._shape = model.cast_input, rows, shards[0][1][-1].shape[1:]
        self._dtype = model.dtype
        self._shards = [
            (
                step.rows,
                step if any(piece.uses_step for piece in pieces) else None,
                [piece.forward for piece in pieces],
            )
            for step, pieces in shards
        ]

    def small(self, x: np.ndarray) -> np.ndarray:
        """Outputs in memory of their own."""
        return np.array(self._run(self._cast(x), *self._shards[0]))

    @interrupts.whole()
    def large(self, x: np.ndarray) -> np.ndarray:
        """The same, in several threads where there are several shards, with BLAS held."""
        y = np.empty((self._rows, *self._shape), self._dtype)
        with blas_guard():
            tasks = [self._task(shard, x, y) for shard in self._shards]
            if len(tasks) == 1:
                tasks[0]()
            else:
                gang.run(tasks, _nothing)
        return y

    def _task(self, shard: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
        part = shard[0]

        def run() -> None:
            with np.errstate(all="ignore"):
                y[part] = self._run(self._cast(x[part]), *shard)

        return run

    def _run(self, x: np.ndarray, part: slice, step: Step | None, forwards: list[Any]) -> Any:
        if step is not None:
            step.restart(self._rows, part, 0)
        for forward in forwards:
            x = forward(x)
        return x


def _nothing() -> None:
    pass


def _chains(model: Any, x: np.ndarray, shards: int) -> list[Chain] | None:
    """The chains that are kept for batches of this shape; none if it has come for the first time.

    Whoever takes one puts it back.
    """
    layers, known = model.flat_layers(), model.__dict__.get("_prepared")
    if known is None or known[0] is not layers or known[1] != edits.count:
        known = model.__dict__["_prepared"] = layers, edits.count, {}
    kept, key = known[2], (x.shape, shards)
    if key not in kept:
        if len(kept) >= MOST_SHAPES:
            kept.clear()
        kept[key] = None
    elif kept[key] is None:
        chain = _chain(model, x.shape, shards)
        kept[key] = [] if chain is None else [chain]
    return kept[key]


def _chain(model: Any, shape: tuple[int, ...], shards: int) -> Chain | None:
    layers, dtype = model.flat_layers(), model.dtype
    if not model.is_chain or any(part.dtype != dtype for part in (*layers, *_values(model))):
        return None
    rows, made = shape[0], []
    room = MOST_ELEMENTS - 5 * sum(w.size for w in model.weights if w.ndim > 2)
    for number, part in enumerate(split_rows(rows, shards)):
        step = Step(batch_size=rows, rows=part, shard=number, arena=Arena())
        inputs = part.stop - part.start, *shape[1:]
        pieces = prepare_chain(layers, inputs, step, most_elements=room // shards)
        if pieces is None:
            return None
        made.append((step, pieces))
    return Chain(model, rows, made)


def _values(model: Any) -> list[np.ndarray]:
    return [weight.value for weight in model.weights]
