"""Predictions of one small batch, where what a loop needs would take longer than the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.step import Step, commit
from kerasish.training.interrupt import interrupts

# Measured offline: so much work takes as long as it takes to hold BLAS and Ctrl-C, 0.1 ms.
SMALL_FLOP = 2_000_000


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
    step = Step(batch_size=rows)
    y, _ = model.apply(model.cast_input(x), step)
    if step.updates:
        with interrupts.whole():
            commit([step])
    return y if y.flags.owndata and y is not x else np.array(y)
