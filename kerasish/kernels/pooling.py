"""Max and average pooling over windows, compiled where big."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.kernels.window import Window, pad, windows
from kerasish.step import Step

BLOCK = 1 << 16  # elements of the images that plain NumPy pools at once


def max_pool(x: np.ndarray, window: Window, step: Step) -> tuple[np.ndarray, Any]:
    """Largest element of each window; the gradient goes to the first of equal ones."""
    spatial = x.shape[1:-1]
    y = step.empty((len(x), *window.outputs(spatial), x.shape[-1]), x.dtype)
    pool = MaxPool(window, x.shape, x.dtype, step)
    winner = pool.winner(y.shape)
    pool.forward(x, y, winner)
    if not step.recording:
        return y, None

    def backward(dy: np.ndarray) -> np.ndarray:
        if pool.is_compiled:
            dx = step.empty(x.shape, x.dtype)
            pool.backward(dy, winner, dx)
            return dx
        padded = step.empty((len(dy), *window.padded(spatial), dy.shape[-1]), dy.dtype)
        pool.backward(dy, winner, padded)
        return padded[(slice(None), *window.inside(spatial))]

    return y, backward


class MaxPool:
    """Max pooling of arrays of `shape`, all of their images at once or a few at a time.

    Attributes
    ----------
    is_compiled : bool
        Whether kernels do it.
    """

    def __init__(self, window: Window, shape: tuple[int, ...], dtype: Any, step: Step) -> None:
        self.window, self.spatial, self.step = window, shape[1:-1], step
        self.is_compiled = _is_compiled(shape, dtype, window)
        self._numbers = _numbers(shape, window)

    def winner(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Memory for the number of each window's largest element; None if it is not needed."""
        small = math.prod(self.window.size) <= 256
        if self.step.recording or self.is_compiled:
            return self.step.empty(shape, np.uint8 if small else np.int32)
        return None

    def forward(self, x: np.ndarray, y: np.ndarray, winner: np.ndarray | None) -> None:
        """Largest elements into `y`, their numbers into `winner`."""
        window, step = self.window, self.step
        if self.is_compiled:
            compiled.pooling.max_pool(_flat(x), self._numbers, _flat(y), _flat(winner))
            return
        view = windows(pad(x, window, -np.inf), window)[0]
        if winner is not None:
            winner[...] = _first(window, self.spatial)[..., None]
        at_once = max(BLOCK // max(math.prod(x.shape[1:]), 1), 1)
        for start in range(0, len(x), at_once):
            images = slice(start, start + at_once)
            numbers = None if winner is None else winner[images]
            _largest(view[images], window, y[images], numbers, step)

    def backward(self, dy: np.ndarray, winner: Any, dx: np.ndarray) -> None:
        """Give the gradient of each window to its largest element, in `dx`.

        Without kernels `dx` is padded.
        """
        if self.is_compiled:
            compiled.pooling.max_backward(_flat(dy), _flat(winner), self._numbers, _flat(dx))
        else:
            _scatter(self.window, dx, lambda number: np.multiply(dy, winner == number))


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
    if _is_compiled(x.shape, x.dtype, window):
        numbers, kernels = _numbers(x.shape, window), compiled.pooling
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
        padded = step.empty((len(dy), *window.padded(spatial), dy.shape[-1]), dy.dtype)
        _scatter(window, padded, lambda number: part)
        return padded[(slice(None), *window.inside(spatial))]

    return y, backward


def _scatter(window: Window, padded: np.ndarray, part: Any) -> None:
    """Set each window's element of a number to ``part(number)``, or add it; zeros elsewhere."""
    padded[...] = 0
    view = windows(padded, window)[0]
    for number, offset in enumerate(window.offsets):
        element = view[(..., *offset, slice(None))]
        if window.overlaps:
            element += part(number)
        else:
            element[...] = part(number)


def _is_compiled(shape: tuple[int, ...], dtype: Any, window: Window) -> bool:
    """Whether kernels take it: sequences and images, windows whose numbers fit into a byte."""
    if len(shape) > 4 or math.prod(window.size) > 256:
        return False
    return compiled.chosen(math.prod(shape), dtype)


def _flat(x: Any) -> np.ndarray:
    """(N, H, W, C) as (N, H, W * C); a sequence is an image of height 1."""
    x = compiled.plain(x)
    return x.reshape(len(x), x.shape[1] if x.ndim == 4 else 1, -1)


def _numbers(shape: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """The numbers of `compiled.pooling`."""
    lead = (1,) * (4 - len(shape))
    before = (*(0 for _ in lead), *(n for n, _ in window.padding))
    return (shape[-1], *lead, *window.size, *lead, *window.strides, *before)
