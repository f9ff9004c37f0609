"""Max and average pooling over windows, compiled where big."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.ops import compiled
from kerasish.ops.window import Window, pad, windows
from kerasish.step import Step

BLOCK = 1 << 16  # elements of the images that plain NumPy pools at once


def max_pool(x: np.ndarray, window: Window, step: Step) -> tuple[np.ndarray, Any]:
    """Largest element of each window; the gradient goes to the first of equal ones."""
    y = step.empty((len(x), *window.outputs(x.shape[1:-1]), x.shape[-1]), x.dtype)
    if _is_compiled(x, window):
        kernels, numbers, out = compiled.pooling, _numbers(x, window), _flat(y)
        places = step.empty(out.shape, np.uint8)
        kernels.max_pool(_flat(x), numbers, out, places)
        if not step.recording:
            return y, None

        def compiled_backward(dy: np.ndarray) -> np.ndarray:
            dx = step.empty(x.shape, x.dtype)
            kernels.max_backward(_flat(dy), places, numbers, _flat(dx))
            return dx

        return y, compiled_backward

    spatial = x.shape[1:-1]
    view = windows(pad(x, window, -np.inf), window)[0]
    winner = None
    if step.recording:
        winner = step.empty(y.shape, np.uint8 if math.prod(window.size) <= 256 else np.int32)
        winner[...] = _first(window, spatial)[..., None]
    at_once = max(BLOCK // max(math.prod(x.shape[1:]), 1), 1)
    for start in range(0, len(x), at_once):
        images = slice(start, start + at_once)
        _largest(view[images], window, y[images], None if winner is None else winner[images], step)
    if winner is None:
        return y, None

    def backward(dy: np.ndarray) -> np.ndarray:
        return _scatter(window, spatial, step, dy, lambda number: np.multiply(dy, winner == number))

    return y, backward


def _largest(
    view: np.ndarray, window: Window, y: np.ndarray, winner: np.ndarray | None, step: Step
) -> None:
    """Largest of the windows of a few images, which stay in the cache, and which it is."""
    for number, offset in enumerate(window.offsets):
        at: Any = (..., *offset, slice(None))
        element = view[at]
        if number == 0:
            np.copyto(y, element)
            continue
        if winner is not None:  # numbers rise, so the largest is the last to have raised y
            raised = np.greater(element, y, out=step.scratch("raised", y.shape, bool))
            numbers = step.scratch("numbers", y.shape, winner.dtype)
            np.multiply(raised.view(np.uint8), winner.dtype.type(number), out=numbers)
            np.maximum(winner, numbers, out=winner)
        np.maximum(y, element, out=y)


def _first(window: Window, spatial: tuple[int, ...]) -> np.ndarray:
    """Number of the first element of each window that is not padding."""
    ones = windows(pad(np.ones((1, *spatial, 1), bool), window), window)[0, 0, ..., 0]
    return ones.reshape(*window.outputs(spatial), -1).argmax(axis=-1)


def average_pool(x: np.ndarray, window: Window, step: Step) -> tuple[np.ndarray, Any]:
    """Mean of each window, over those of its elements that are not padding."""
    y = step.empty((len(x), *window.outputs(x.shape[1:-1]), x.shape[-1]), x.dtype)
    if _is_compiled(x, window):
        numbers, kernels = _numbers(x, window), compiled.pooling
        kernels.average_pool(_flat(x), numbers, _flat(y))
        if not step.recording:
            return y, None

        def compiled_backward(dy: np.ndarray) -> np.ndarray:
            dx = step.empty(x.shape, x.dtype)
            kernels.average_backward(_flat(dy), numbers, _flat(dx))
            return dx

        return y, compiled_backward

    spatial = x.shape[1:-1]
    view = windows(pad(x, window), window)[0]
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


def _is_compiled(x: np.ndarray, window: Window) -> bool:
    """Whether kernels take it: sequences and images, windows whose numbers fit into a byte."""
    if x.ndim > 4 or math.prod(window.size) > 256:
        return False
    return compiled.chosen(x.size, x.dtype)


def _flat(x: np.ndarray) -> np.ndarray:
    """(N, H, W, C) as (N, H, W * C); a sequence is an image of height 1."""
    x = compiled.plain(x)
    return x.reshape(len(x), x.shape[1] if x.ndim == 4 else 1, -1)


def _numbers(x: np.ndarray, window: Window) -> tuple[int, ...]:
    """The numbers of `compiled.pooling`."""
    lead = (1,) * (4 - x.ndim)
    before = (*(0 for _ in lead), *(n for n, _ in window.padding))
    return (x.shape[-1], *lead, *window.size, *lead, *window.strides, *before)
