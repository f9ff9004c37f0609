"""Sliding windows over 1, 2 or 3 axes in plain NumPy: correlation and pooling.

Arrays are (N, *spatial, C). Correlation copies the windows of a few images at a time into the
rows of a matrix ("im2col", Chellapilla et al. 2006) and multiplies it with the kernel, so that
the extra memory does not grow with the batch. Nothing here knows how many spatial axes there are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kerasish.step import Step

COLUMNS = 1 << 18  # elements of the matrix of windows that is held at once: 1 MB in float32


@dataclass(frozen=True)
class Window:
    """How a window slides; a tuple with one entry for each spatial axis in every field.

    Attributes
    ----------
    size, strides, dilation : tuple of int
        Elements of the window, its steps, and the distance of its elements in the input.
    padding : tuple of (int, int)
        Elements added before and after.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @property
    def span(self) -> tuple[int, ...]:
        """Elements of the input from the window's first to its last."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True))

    def padded(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Sizes of the padded input."""
        return tuple(s + a + b for s, (a, b) in zip(spatial, self.padding, strict=True))

    def outputs(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Number of places of the window along each axis."""
        sizes = zip(self.padded(spatial), self.span, self.strides, strict=True)
        return tuple((padded - span) // stride + 1 for padded, span, stride in sizes)

    def inside(self, spatial: tuple[int, ...]) -> tuple[slice, ...]:
        """Where the input lies in the padded input."""
        return tuple(slice(a, a + s) for s, (a, _) in zip(spatial, self.padding, strict=True))

    @property
    def offsets(self) -> Iterator[tuple[int, ...]]:
        """Indices of the window's elements, in row-major order."""
        return itertools.product(*map(range, self.size))

    @property
    def overlaps(self) -> bool:
        """Whether an element of the input can be in two windows."""
        return any(n > s for n, s in zip(self.span, self.strides, strict=True))


def window_of(
    spatial: tuple[int, ...],
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...] | None = None,
    padding: str = "valid",
) -> Window:
    """The window for Keras's `padding`: ``"valid"`` adds nothing, ``"causal"`` only before.

    ``"same"`` gives ceil(size / stride) outputs; an odd element is added after.

    >>> window_of((5,), (3,), (2,), padding="same").padding
    ((1, 1),)
    """
    dilation = dilation or (1,) * len(size)
    pads = []
    for n, k, s, d in zip(spatial, size, strides, dilation, strict=True):
        reach = (k - 1) * d
        total = max((math.ceil(n / s) - 1) * s + reach + 1 - n, 0)
        before = {"valid": 0, "same": total // 2, "causal": reach}[padding]
        pads.append((before, total - before if padding == "same" else 0))
    return Window(size, strides, dilation, tuple(pads))


def pad(x: np.ndarray, window: Window, value: float = 0) -> np.ndarray:
    """`x` with `value` around it; itself where no padding is needed."""
    if not any(map(sum, window.padding)):
        return x
    spatial = x.shape[1:-1]
    padded = np.full((len(x), *window.padded(spatial), x.shape[-1]), value, x.dtype)
    padded[(slice(None), *window.inside(spatial))] = x
    return padded


def windows(padded: np.ndarray, window: Window, groups: int = 1) -> np.ndarray:
    """A view (G, N, *outputs, *size, C / G) of the windows of (N, *padded, C)."""
    padded = np.ascontiguousarray(padded)
    batch, *steps, item = padded.strides
    channels = padded.shape[-1] // groups
    places = tuple(
        (n - span) // s + 1
        for n, span, s in zip(padded.shape[1:-1], window.span, window.strides, strict=True)
    )
    shape = (groups, len(padded), *places, *window.size, channels)
    slides = (step * s for step, s in zip(steps, window.strides, strict=True))
    reaches = (step * d for step, d in zip(steps, window.dilation, strict=True))
    return as_strided(padded, shape, (channels * item, batch, *slides, *reaches, item))


# --- correlation: y[n, o, f] = sum over i, c of x[n, o * stride + i * dilation, c] kernel[i, c, f]


def correlate(
    x: np.ndarray, kernel: np.ndarray, window: Window, groups: int, step: Step
) -> np.ndarray:
    """Correlation of x (N, *spatial, C) with kernel (*size, C / G, F): (N, *outputs, F)."""
    y = step.empty((len(x), *window.outputs(x.shape[1:-1]), kernel.shape[-1]), x.dtype)
    matrix = _by_group(kernel, groups)
    for part, columns in _column_blocks(x, window, groups):
        np.matmul(columns, matrix, out=_rows(y[part], groups))
    return y


def kernel_gradient(
    x: np.ndarray, dy: np.ndarray, window: Window, groups: int, shape: tuple[int, ...]
) -> np.ndarray:
    """DLoss/dkernel, of `shape`, of `correlate`: the windows times `dy`, summed over blocks."""
    total = np.zeros((groups, math.prod(shape[:-1]), shape[-1] // groups), x.dtype)
    for part, columns in _column_blocks(x, window, groups):
        total += np.matmul(columns.transpose(0, 2, 1), _rows(dy[part], groups))
    return total.transpose(1, 0, 2).reshape(shape)


def input_gradient(
    dy: np.ndarray,
    kernel: np.ndarray,
    window: Window,
    groups: int,
    spatial: tuple[int, ...],
    step: Step,
) -> np.ndarray:
    """DLoss/dx of `correlate`: each output's gradient is scattered over its window ("col2im")."""
    channels = kernel.shape[-2] * groups
    dx = step.empty((len(dy), *spatial, channels), dy.dtype)
    matrix = _by_group(kernel, groups).transpose(0, 2, 1)
    inside = (slice(None), *window.inside(spatial))
    places = dy.shape[1:-1]
    scratch = np.empty(0, dy.dtype)
    for images, blocks in _blocks(len(dy), places, math.prod(window.size) * channels):
        padded = np.zeros((images.stop - images.start, *window.padded(spatial), channels), dy.dtype)
        targets = windows(padded, window, groups)
        for rows in blocks:
            view = targets[:, :, rows]
            scratch, columns = _shaped(scratch, view.shape)
            folded = columns.reshape(groups, -1, math.prod(kernel.shape[:-1]))
            np.matmul(_rows(dy[images, rows], groups), matrix, out=folded)
            for offset in window.offsets:
                at: Any = (..., *offset, slice(None))
                view[at] += columns[at]
        dx[images] = padded[inside]
    return dx


def _by_group(kernel: np.ndarray, groups: int) -> np.ndarray:
    """(*size, C / G, F) as one matrix a group: (G, K * C / G, F / G)."""
    filters = kernel.shape[-1]
    return kernel.reshape(-1, groups, filters // groups).transpose(1, 0, 2)


def _rows(block: np.ndarray, groups: int) -> np.ndarray:
    """(N, *outputs, F) as one matrix a group: (G, rows, F / G); a view if it is contiguous."""
    return block.reshape(-1, groups, block.shape[-1] // groups).transpose(1, 0, 2)


def _blocks(
    count: int, places: tuple[int, ...], elements: int
) -> Iterator[tuple[slice, list[slice]]]:
    """Cut a batch so that `elements` a place stay below `COLUMNS`: images, and rows of these."""
    an_image = max(math.prod(places) * elements, 1)
    images = max(COLUMNS // an_image, 1)
    rows = max(COLUMNS * places[0] // an_image, 1) if an_image > COLUMNS else max(places[0], 1)
    cut = [slice(i, min(i + rows, places[0])) for i in range(0, places[0], rows)]
    for i in range(0, count, images):
        yield slice(i, min(i + images, count)), cut


def _column_blocks(
    x: np.ndarray, window: Window, groups: int
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Which outputs, and the matrix (G, places, K * C / G) of their windows, block by block."""
    places = window.outputs(x.shape[1:-1])
    elements = math.prod(window.size) * x.shape[-1]
    scratch = np.empty(0, x.dtype)
    for images, blocks in _blocks(len(x), places, elements):
        source = windows(pad(x[images], window), window, groups)
        for rows in blocks:
            view = source[:, :, rows]
            scratch, columns = _shaped(scratch, view.shape)
            np.copyto(columns, view)
            yield (images, rows), columns.reshape(groups, -1, elements // groups)


def _shaped(scratch: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Memory for an array of `shape`, made anew only if `scratch` is too small, and the array."""
    size = math.prod(shape)
    if scratch.size < size:
        scratch = np.empty(size, scratch.dtype)
    return scratch, scratch[:size].reshape(shape)


# --- pooling --------------------------------------------------------------------------------------


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
