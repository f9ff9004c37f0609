"""Correlation as a product with a matrix of windows ("im2col", Chellapilla et al. 2006).

The definition of convolution, for any number of axes, strides, dilation, padding and groups. The
windows of a few images at a time are copied into the rows of a matrix, so that the extra memory
does not grow with the batch and stays in the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.kernels import compiled, dense
from kerasish.kernels.window import Window, windows
from kerasish.step import Step

BLOCK = 1 << 18  # elements of windows and outputs that are held at once: 1 MB in float32


class Columns:
    """Correlation and its gradients for one window, shape of kernel and sizes of the input.

    Parameters
    ----------
    window : Window
        How the kernel slides.
    shape : tuple of int
        Of the kernel, (*size, C / G, F).
    groups : int
        Parts G of the channels that are correlated apart.
    spatial : tuple of int
        Sizes of the input.
    step : Step
        For its memory.

    Attributes
    ----------
    at_once : int
        Number of images that fit into the cache with their windows.
    """

    def __init__(
        self,
        window: Window,
        shape: tuple[int, ...],
        groups: int,
        spatial: tuple[int, ...],
        step: Step,
    ) -> None:
        self.window, self.shape, self.groups = window, shape, groups
        self.spatial, self.step = spatial, step
        self.places = window.outputs(spatial)
        self.channels = shape[-2] * groups
        # A kernel of one element that stays on the input: the input is the matrix.
        self.is_plain = groups == 1 and math.prod(window.size) == 1 and self.places == spatial
        self.elements = math.prod(window.size) * self.channels  # of the windows of one place
        an_image = max(math.prod(self.places) * (self.elements + shape[-1]), 1)
        self.at_once = max(BLOCK // an_image, 1)
        self._rows_at_once = max(BLOCK * self.places[0] // an_image, 1)

    def correlate(
        self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, relu: bool, y: np.ndarray
    ) -> bool:
        """Sum of x[n, o * stride + i * dilation, c] kernel[i, c, f] over i and c into y[n, o, f].

        Then `bias` (F,) is added, and relu taken. Returns True: all is as it should be.
        """
        matrix = self._by_group(kernel)
        for part in self._parts(len(x)):
            out = y[part]
            np.matmul(self._columns(x, part), matrix, out=self._rows(out))
            dense.add_bias(out, bias, relu)
        return True

    def add_kernel_gradient(self, x: np.ndarray, dy: np.ndarray, total: Any) -> Any:
        """Add to `total`, None at first, the products of windows of `x` with `dy`."""
        for part in self._parts(len(x)):
            columns = self._columns(x, part).transpose(0, 2, 1)
            if total is None:
                total = np.matmul(columns, self._rows(dy[part]))
            else:
                total += np.matmul(columns, self._rows(dy[part]))
        return total

    def kernel_gradient(self, total: Any) -> np.ndarray:
        """DLoss/dkernel from the total."""
        return total.transpose(1, 0, 2).reshape(self.shape)

    def input_gradient(self, dy: np.ndarray, kernel: np.ndarray, dx: np.ndarray) -> bool:
        """Scatter the gradient of each output over its window ("col2im"), into `dx`."""
        matrix = self._by_group(kernel).transpose(0, 2, 1)
        if self.is_plain:
            np.matmul(self._rows(dy), matrix, out=self._rows(dx))
            return True
        window, step, channels = self.window, self.step, self.channels
        flat = self._is_compiled(dx)
        for start in range(0, len(dy), self.at_once):
            images = slice(start, min(start + self.at_once, len(dy)))
            target = dx[images]
            if not flat:
                around = (len(target), *window.padded(self.spatial), channels)
                padded = step.scratch("padded", around, dx.dtype)
                view = windows(padded, window, self.groups)
                target = padded
            target[...] = 0
            for part in self._parts(len(dx), images):
                rows = self._rows(dy[part])
                columns = step.scratch("columns", (*rows.shape[:2], matrix.shape[2]), dx.dtype)
                np.matmul(rows, matrix, out=columns)
                if flat:
                    compiled.columns.scatter(columns[0], *self._numbers(dx, part))
                    continue
                into = view[:, :, part[1]]
                columns = columns.reshape(into.shape)
                for offset in window.offsets:
                    at: Any = (..., *offset, slice(None))
                    into[at] += columns[at]
            if not flat:
                dx[images] = padded[(slice(None), *window.inside(self.spatial))]
        return True

    # --- blocks -------------------------------------------------------------------------------

    def _parts(self, count: int, images: slice | None = None) -> Iterator[tuple[slice, slice]]:
        """Cut outputs (N, *places, F) along the first two axes into blocks for the cache."""
        images = slice(0, count) if images is None else images
        for start in range(images.start, images.stop, self.at_once):
            some = slice(start, min(start + self.at_once, images.stop))
            for row in range(0, self.places[0], self._rows_at_once):
                yield some, slice(row, min(row + self._rows_at_once, self.places[0]))

    def _columns(self, x: np.ndarray, part: tuple[slice, slice]) -> np.ndarray:
        """The matrix (G, rows, K * C / G) of the windows of one block."""
        images, rows = part
        if self.is_plain:
            return x[part].reshape(1, -1, self.channels)
        count = (images.stop - images.start) * (rows.stop - rows.start) * math.prod(self.places[1:])
        shape = (self.groups, count, self.elements // self.groups)
        columns = self.step.scratch("columns", shape, x.dtype)
        if self._is_compiled(x):
            compiled.columns.gather(columns[0], *self._numbers(x, part))
            return columns
        source = x[images]
        if any(map(sum, self.window.padding)):
            around = (len(source), *self.window.padded(self.spatial), self.channels)
            padded = self.step.scratch("padded", around, x.dtype)
            padded[...] = 0
            padded[(slice(None), *self.window.inside(self.spatial))] = source
            source = padded
        view = windows(source, self.window, self.groups)[:, :, rows]
        np.copyto(columns.reshape(view.shape), view)
        return columns

    def _is_compiled(self, x: np.ndarray) -> bool:
        """Whether the kernel that copies windows takes this call."""
        fits = self.groups == 1 and len(self.spatial) < 3 and x.flags.carray
        return fits and compiled.chosen(x.size, x.dtype)

    def _numbers(
        self, x: np.ndarray, part: tuple[slice, slice]
    ) -> tuple[np.ndarray, tuple[int, ...]]:
        """Images as (N, H, W * C), and the numbers of `compiled.columns`."""
        window, (images, rows) = self.window, part
        lead = (1,) * (2 - len(self.spatial))  # a sequence is an image of height 1
        height = (*lead, *self.spatial)[0]
        before = [n for n, _ in window.padding]
        down, across = (slice(0, 1), rows) if lead else (rows, slice(0, self.places[1]))
        return x.reshape(len(x), height, -1), (
            self.channels,
            *(images.start, images.stop, down.start, down.stop, across.start, across.stop),
            *(*lead, *window.size),
            *(*lead, *window.strides),
            *(*lead, *window.dilation),
            *(*(0 for _ in lead), *before),
        )

    def _by_group(self, kernel: np.ndarray) -> np.ndarray:
        """(*size, C / G, F) as one matrix a group: (G, K * C / G, F / G)."""
        filters = kernel.shape[-1]
        return kernel.reshape(-1, self.groups, filters // self.groups).transpose(1, 0, 2)

    def _rows(self, block: np.ndarray) -> np.ndarray:
        """(N, *places, F) as one matrix a group, (G, rows, F / G): a view of what is contiguous."""
        groups = self.groups
        return block.reshape(-1, groups, block.shape[-1] // groups).transpose(1, 0, 2)
