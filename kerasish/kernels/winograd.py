"""Correlation with 3x3 kernels and strides of 1 by Winograd's F(4x4, 3x3).

Rows of tiles are transformed block by block by `compiled.winograd`; between the transforms stand
36 products of small matrices, which stay in the processor's second cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.kernels.window import Window
from kerasish.step import Step, aligned_array

BLOCK = 100_000  # elements of the transformed inputs and outputs that are held at once
TILES = 24  # of a block at least, for which the kernel is read once
IMAGES = 600_000  # elements, transformed, of the images whose gradients are found at once
MANY_TILES = 64  # of these images, for which the sums over tiles are read and written once
LANES = 8  # channels of all arrays are a multiple of it: the kernels use such vectors


def fits(window: Window, shape: tuple[int, ...], groups: int, spatial: tuple[int, ...]) -> bool:
    """Whether Winograd takes a correlation in float32, by its shape alone.

    It does where it saves multiplications: tiles at the border compute more than is needed.
    """
    if window.size != (3, 3) or window.strides != (1, 1) or window.dilation != (1, 1):
        return False
    if groups != 1 or shape[-2] % LANES or shape[-1] % LANES or shape[-2] < 16 or shape[-1] < 16:
        return False
    if max(map(max, window.padding)) > 2:
        return False
    places = window.outputs(spatial)
    products = 36 * math.prod(-(-n // 4) for n in places)
    return 3 * products <= 2 * 9 * math.prod(places)


class Winograd:
    """The same as `columns.Columns`, for what `fits`."""

    def __init__(
        self,
        window: Window,
        shape: tuple[int, ...],
        spatial: tuple[int, ...],
        step: Step,
    ) -> None:
        self.shape, self.spatial, self.step = shape, spatial, step
        self.places = window.outputs(spatial)
        self.channels, self.filters = shape[-2:]
        self.padding = tuple(before for before, _ in window.padding)
        self._transformed: np.ndarray | None = None  # the kernel as it is
        self._turned: np.ndarray | None = None  # and turned
        # Where a kernel is kept: its bits, and what was made of them.
        self._kept: tuple[np.ndarray, np.ndarray] | None = None
        tiles = math.prod(-(-n // 4) for n in self.places)
        self.at_once = _blocks_of(IMAGES, MANY_TILES, self.channels + self.filters, tiles)

    def keep(self) -> None:
        """From now on transform the kernel of `correlate` only where it is not as last time."""
        channels, filters = self.channels, self.filters
        made = aligned_array((36, channels, filters), np.float32)
        made[...] = 0
        self._kept = np.zeros(9 * channels * filters, np.int32), made

    def correlate(
        self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, relu: bool, y: np.ndarray
    ) -> bool:
        """`Columns.correlate`; False if outputs are not finite and so may be wrong."""
        shift = np.zeros(self.filters, np.float32) if bias is None else compiled.plain(bias)
        transformed = self._transform(kernel)
        return self._correlate(compiled.plain(x), transformed, self.padding, shift, relu, y)

    def _transform(self, kernel: np.ndarray) -> np.ndarray:
        """G kernel G^T, once; where it is kept, again unless each bit of the kernel is as it was.

        To compare them takes 5 % of the time.
        """
        if self._kept is None:
            if self._transformed is None:
                self._transformed = self._matrices(kernel)
            return self._transformed
        seen, made = self._kept
        bits = kernel.reshape(-1).view(np.int32)
        if not np.array_equal(bits, seen):
            made[...] = self._matrices(kernel)
            seen[...] = bits
        return made

    def input_gradient(self, dy: np.ndarray, kernel: np.ndarray, dx: np.ndarray) -> bool:
        """`Columns.input_gradient`: a correlation with the kernel turned by half a circle."""
        if self._turned is None:
            self._turned = self._matrices(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
        shift = np.zeros(self.channels, np.float32)
        padding = tuple(2 - n for n in self.padding)
        return self._correlate(compiled.plain(dy), self._turned, padding, shift, False, dx)

    def _matrices(self, kernel: np.ndarray) -> np.ndarray:
        """G kernel G^T, (36, C, F)."""
        channels, filters = kernel.shape[-2:]
        matrices = self.step.scratch("kernels", (36, channels, filters), np.float32)
        flat = matrices.reshape(36, -1)
        np.matmul(compiled.winograd.KERNEL, kernel.reshape(9, -1), out=flat)
        return matrices

    def _correlate(
        self,
        x: np.ndarray,
        matrices: np.ndarray,
        padding: tuple[int, ...],
        bias: np.ndarray,
        relu: bool,
        y: np.ndarray,
    ) -> bool:
        _, channels, filters = matrices.shape
        down, wide = (-(-n // 4) for n in y.shape[1:3])
        count = _blocks_of(BLOCK, TILES, channels + filters, wide)
        work = self._work(wide, max(x.shape[2] * channels, y.shape[2] * filters), channels)
        return compiled.winograd.correlate(
            *(_flat(x), channels, *padding, matrices.reshape(36, -1), filters),
            *(down, wide, count, bias, relu, work),
            *(self._planes("inputs", count * wide, channels),),
            *(self._planes("outputs", count * wide, filters), _flat(y)),
        )

    def add_kernel_gradient(self, x: np.ndarray, dy: np.ndarray, total: Any) -> Any:
        """`Columns.add_kernel_gradient`; the total is (36, C, F)."""
        channels, filters = self.channels, self.filters
        images, gradients = _flat(compiled.plain(x)), _flat(compiled.plain(dy))
        down, wide = (-(-n // 4) for n in self.places)
        count = _blocks_of(BLOCK, MANY_TILES, channels + filters, wide)
        work = self._work(wide, max(images.shape[2], gradients.shape[2]), max(channels, filters))
        if total is None:
            total = self.step.empty((36, channels, filters), x.dtype)
            total[...] = 0
        compiled.winograd.kernel_gradient(
            *(images, channels, *self.padding, gradients, filters, down, wide, count, work),
            *(self._planes("inputs", count * wide, channels),),
            *(self._planes("outputs", count * wide, filters), total.reshape(36, -1)),
        )
        return total

    def kernel_gradient(self, total: Any) -> np.ndarray:
        """DLoss/dkernel from the total."""
        return (compiled.winograd.KERNEL.T @ total.reshape(36, -1)).reshape(self.shape)

    def _planes(self, name: str, places: int, channels: int) -> np.ndarray:
        """Scratch for 36 planes of matrices (places, channels), for `compiled.planes`.

        They are a cache line further apart than they need to be: at a power of two they would all
        fall on the same lines of the cache.
        """
        rows = -(-places // 4) * 4
        return self.step.scratch(name, (36, rows * channels + 16), np.float32)

    def _work(self, wide: int, width: int, channels: int) -> np.ndarray:
        size = compiled.winograd.work_size(wide, width, channels)
        return self.step.scratch("work", (size,), np.float32)


def _flat(images: np.ndarray) -> np.ndarray:
    """(N, H, W, C) as (N, H, W * C)."""
    return images.reshape(*images.shape[:2], -1)


def _blocks_of(size: int, least: int, channels: int, tiles: int) -> int:
    """Number of rows or images of `tiles`: of `size` elements in all, but `least` tiles."""
    return -(-max(size // (36 * channels), least) // tiles)
