"""Predictions of one small batch, where what a loop needs would take longer than the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.layers.prepared import prepare_chain
from kerasish.layers.weights import edits
from kerasish.step import Step, commit
from kerasish.training.interrupt import interrupts

# Measured offline: so much work takes as long as it takes to hold BLAS and Ctrl-C, 0.1 ms.
SMALL_FLOP = 2_000_000
MOST_SHAPES = 16  # of batches for which a model is kept prepared


def is_plain(batch_size: Any, verbose: Any, steps: Any, callbacks: Any) -> bool:
    """Whether `predict` was asked for one quiet pass in batches of any size."""
    quiet = callbacks is None and steps is None and verbose in ("auto", 0)
    return quiet and (batch_size is None or (type(batch_size) is int and batch_size > 0))


@np.errstate(all="ignore")
def predict(model: Any, x: Any, most_rows: int | None = None) -> np.ndarray | None:
    """Outputs for `x`, in memory of their own, if it is a plain array of few rows that fits.

    Gives None for everything else, which is then a matter of `data` and `loop`: they know how to
    convert it, or what to say about it.
    """
    if type(x) is not np.ndarray or x.ndim == 0 or not model.built or not model.predicts_directly:
        return None
    rows = x.shape[0]
    fits = x.shape[1:] == model.input_shape[1:] and x.dtype.kind in "fiub" and x.dtype.isnative
    few = 0 < rows <= (rows if most_rows is None else most_rows)
    if not (fits and few and model.flops_a_row * rows < SMALL_FLOP):
        return None
    x = model.cast_input(x)
    chains = _chains(model, x)
    if chains:
        try:
            chain = chains.pop()
        except IndexError:  # other threads predict at the same time and have taken them all
            pass
        else:
            y = x
            for forward in chain:
                y = forward(y)
            y = np.array(y)
            chains.append(chain)
            return y
    step = Step(batch_size=rows)
    y, _ = model.apply(x, step)
    if step.updates:
        with interrupts.whole():
            commit([step])
    return y if y.flags.owndata and y is not x else np.array(y)


def _chains(model: Any, x: np.ndarray) -> list[Any] | None:
    """The model as a list of functions, ready for batches of this shape; empty if it has none.

    It is made when a shape comes for the second time. Whoever takes one puts it back: it has memory
    of its own, so that two threads cannot use it at once.
    """
    layers, known = model.flat_layers(), model.__dict__.get("_prepared")
    if known is None or known[0] is not layers or known[1] != edits.count:
        known = model.__dict__["_prepared"] = layers, edits.count, {}
    shapes = known[2]
    if x.shape not in shapes:
        if len(shapes) >= MOST_SHAPES:
            shapes.clear()
        shapes[x.shape] = None
    elif shapes[x.shape] is None:
        chain = _chain(model, x)
        shapes[x.shape] = [] if chain is None else [chain]
    return shapes[x.shape]


def _chain(model: Any, x: np.ndarray) -> list[Any] | None:
    if not model.is_chain or any(w.value.dtype != x.dtype for w in model.weights):
        return None
    pieces = prepare_chain(model.flat_layers(), x.shape, Step(batch_size=len(x)))
    if pieces is None or any(piece.uses_step for piece in pieces):
        return None
    return [piece.forward for piece in pieces]
