"""Max and average pooling over windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.ops.window import Window, pad, windows
from kerasish.step import Step


def max_pool(x: np.ndarray, window: Window, step: Step) -> tuple[np.ndarray, Any]:
    """Largest element of each window; the gradient goes to the first of equal ones."""
    spatial = x.shape[1:-1]
    view = windows(pad(x, window, -np.inf), window)[0]
    y = step.empty((len(x), *window.outputs(spatial), x.shape[-1]), x.dtype)
    last = math.prod(window.size) - 1
    winner = np.zeros(y.shape, np.uint8 if last < 256 else np.int32) if step.recording else None
    for number, offset in enumerate(window.offsets):
        element = view[(..., *offset, slice(None))]
        if number == 0:
            np.copyto(y, element)
            continue
        if winner is not None:
            np.copyto(winner, number, where=element > y)
        np.maximum(y, element, out=y)
    if winner is None:
        return y, None

    def backward(dy: np.ndarray) -> np.ndarray:
        return _scatter(window, spatial, step, dy, lambda number: np.multiply(dy, winner == number))

    return y, backward


def average_pool(x: np.ndarray, window: Window, step: Step) -> tuple[np.ndarray, Any]:
    """Mean of each window, over those of its elements that are not padding."""
    spatial = x.shape[1:-1]
    view = windows(pad(x, window), window)[0]
    y = step.empty((len(x), *window.outputs(spatial), x.shape[-1]), x.dtype)
    y[...] = 0
    for offset in window.offsets:
        y += view[(..., *offset, slice(None))]
    ones = np.ones((1, *spatial, 1), x.dtype)
    axes = tuple(range(-1 - len(spatial), -1))
    share = 1 / windows(pad(ones, window), window)[0].sum(axis=axes)
    y *= share
    if not step.recording:
        return y, None

    def backward(dy: np.ndarray) -> np.ndarray:
        part = dy * share
        return _scatter(window, spatial, step, part, lambda number: part)

    return y, backward


def _scatter(
    window: Window, spatial: tuple[int, ...], step: Step, dy: np.ndarray, part: Any
) -> np.ndarray:
    """Add ``part(number)`` to each window's element of that number, in an array of zeros."""
    padded = step.empty((len(dy), *window.padded(spatial), dy.shape[-1]), dy.dtype)
    padded[...] = 0
    view = windows(padded, window)[0]
    for number, offset in enumerate(window.offsets):
        element = view[(..., *offset, slice(None))]
        if window.overlaps:
            element += part(number)
        else:
            element[...] = part(number)
    return padded[(slice(None), *window.inside(spatial))]
