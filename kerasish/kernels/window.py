"""How a window slides over arrays (N, *spatial, C) of one to three spatial axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided


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
