"""Connectionist temporal classification: sequences of labels without their timing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.losses.base import Backward, BuiltIn, functional
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class CTC(BuiltIn):
    """-log of the probability of a label sequence, summed over all its alignments in time.

    Predictions are logits (N, T, C), in which class 0 is the blank; targets are labels (N, L)
    padded by 0 at the end. A sequence that is too long for T steps has an infinite loss. Graves
    et al., "Connectionist Temporal Classification", 2006.

    Examples
    --------
    >>> loss = CTC()
    >>> float(loss([[1, 2]], np.zeros((1, 2, 3)))) == float(np.float32(2 * np.log(3)))
    True
    """

    name: str | None = field(default="ctc", kw_only=True)

    def forward(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Return the losses; gradient softmax(z) - (expected use of each class at each time)."""
        y = np.asarray(y_true).astype(np.intp, copy=False)
        self.check_targets(y, y_pred.shape)
        n, length = y.shape
        steps = y_pred.shape[1]
        z = y_pred - np.max(y_pred, axis=-1, keepdims=True)
        logp = z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))

        # States: blank, label 1, blank, label 2, ..., blank. From a label the next one may
        # follow at once, unless it is the same.
        state = np.zeros((n, 2 * length + 1), np.intp)
        state[:, 1::2] = y
        skip = np.zeros(state.shape, bool)
        skip[:, 3::2] = y[:, 1:] != y[:, :-1]
        last = 2 * np.count_nonzero(y, axis=1)[:, None]
        emit = np.take_along_axis(
            logp, np.broadcast_to(state[:, None], (n, steps, state.shape[1])), 2
        )
        alpha = _forward(emit, skip)
        ends = np.take_along_axis(
            alpha[:, -1], np.concatenate([last, np.maximum(last - 1, 0)], 1), 1
        )
        ends[last[:, 0] == 0, 1] = -np.inf  # without labels there is one end only
        total = np.logaddexp(ends[:, 0], ends[:, 1])

        def backward(dl: np.ndarray) -> np.ndarray:
            beta = _backward(emit, skip, last)
            reached = np.where(np.isfinite(total), total, 0)[:, None, None]
            use = np.exp(alpha + beta - reached)  # of each state at each time, (N, T, S)
            dz = np.exp(logp)
            rows = np.arange(n)
            for s in range(state.shape[1]):
                dz[rows, :, state[:, s]] -= use[:, :, s]
            dz[~np.isfinite(total)] = 0
            return dz * np.asarray(dl, dz.dtype)[:, None, None]

        return -total, backward

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless targets are (N, L) labels for (N, T, C) logits."""
        shape = y_true if isinstance(y_true, tuple) else np.shape(y_true)
        if len(y_pred_shape) != 3 or len(shape) != 2 or shape[0] != y_pred_shape[0]:
            raise ValueError(
                f"{self.name} expects targets of shape (batch_size, max_length) in integer format "
                f"and predictions of shape (batch_size, max_length, num_classes), but got targets "
                f"of shape {shape} and predictions of shape {tuple(y_pred_shape)}. Pad the label "
                f"sequences with 0 to one length."
            )
        classes = y_pred_shape[-1]
        if not isinstance(y_true, tuple):
            labels = np.asarray(y_true)
            bad = labels[(labels < 0) | (labels >= classes)]
            if bad.size:
                raise ValueError(
                    f"{self.name} got the label {int(bad[0])}, but the predictions have {classes} "
                    f"classes: labels are 1 to {classes - 1}, and 0 pads. Give the last layer "
                    f"more units, or number the labels from 1."
                )


def _shift(x: np.ndarray, by: int) -> np.ndarray:
    """Move the states by some places, filling with -inf."""
    out = np.full_like(x, -np.inf)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def _forward(emit: np.ndarray, skip: np.ndarray) -> np.ndarray:
    """log probability of having emitted up to time t and being in state s, (N, T, S)."""
    alpha = np.full_like(emit, -np.inf)
    alpha[:, 0, :2] = emit[:, 0, :2]
    for t in range(1, emit.shape[1]):
        before = alpha[:, t - 1]
        reach = np.logaddexp(before, _shift(before, 1))
        reach = np.logaddexp(reach, np.where(skip, _shift(before, 2), -np.inf))
        alpha[:, t] = reach + emit[:, t]
    return alpha


def _backward(emit: np.ndarray, skip: np.ndarray, last: np.ndarray) -> np.ndarray:
    """log probability of emitting the rest after time t from state s, (N, T, S)."""
    beta = np.full_like(emit, -np.inf)
    np.put_along_axis(beta[:, -1], last, 0, axis=1)
    np.put_along_axis(beta[:, -1], np.maximum(last - 1, 0), 0, axis=1)
    for t in range(emit.shape[1] - 2, -1, -1):
        after = beta[:, t + 1] + emit[:, t + 1]
        leave = np.logaddexp(after, _shift(after, -1))
        beta[:, t] = np.logaddexp(leave, _shift(np.where(skip, after, -np.inf), -2))
    return beta


ctc = functional(CTC)
