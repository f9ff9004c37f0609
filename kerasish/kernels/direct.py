"""Correlation of images with few channels, such as a model's input, without copying windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.kernels.columns import Columns
from kerasish.kernels.window import Window
from kerasish.step import Step

FILTERS = 16  # number of filters is a multiple of it
MOST_ELEMENTS = 128  # of a window: the kernel has to stay in the first cache


def fits(window: Window, shape: tuple[int, ...], groups: int, spatial: tuple[int, ...]) -> bool:
    """Whether sums in registers take a correlation in float32, by its shape alone."""
    elements = int(np.prod(shape[:-1]))
    small = 1 < elements <= MOST_ELEMENTS and shape[-1] % FILTERS == 0
    return small and groups == 1 and len(spatial) < 3 and max(window.size) > 1


class Direct(Columns):
    """The same as `Columns`, whose `input_gradient` it keeps, for what `fits`."""

    def __init__(
        self,
        window: Window,
        shape: tuple[int, ...],
        groups: int,
        spatial: tuple[int, ...],
        step: Step,
    ) -> None:
        super().__init__(window, shape, groups, spatial, step)
        self._across = window.strides[-1] * self.channels
        self._down = window.strides[0] if len(spatial) == 2 else 1
        width = window.padded(spatial)[-1] * self.channels
        steps = (width, self.channels)[2 - len(spatial) :]
        corners = np.array(list(window.offsets)) * window.dilation @ steps
        self._taps = (corners[:, None] + np.arange(self.channels)).reshape(-1)

    def correlate(
        self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, relu: bool, y: np.ndarray
    ) -> bool:
        """`Columns.correlate`."""
        matrix = compiled.plain(kernel).reshape(-1, kernel.shape[-1])
        shift = np.zeros(matrix.shape[1], x.dtype) if bias is None else compiled.plain(bias)
        numbers = self._taps, shift, relu, self._down, self._across
        for start in range(0, len(x), self.at_once):
            images = slice(start, start + self.at_once)
            compiled.direct.correlate(self._padded(x[images]), matrix, *numbers, _flat(y[images]))
        return True

    def add_kernel_gradient(self, x: np.ndarray, dy: np.ndarray, total: Any) -> Any:
        """`Columns.add_kernel_gradient`; the total is (K, F)."""
        if total is None:
            total = np.zeros((self.elements, self.shape[-1]), x.dtype)
        numbers = self._taps, self._down, self._across
        for start in range(0, len(x), self.at_once):
            images = slice(start, start + self.at_once)
            gradient = _flat(compiled.plain(dy[images]))
            compiled.direct.kernel_gradient(self._padded(x[images]), gradient, *numbers, total)
        return total

    def kernel_gradient(self, total: Any) -> np.ndarray:
        """DLoss/dkernel from the total."""
        return total.reshape(self.shape)

    def _padded(self, x: np.ndarray) -> np.ndarray:
        """Images (N, H, W * C) with zeros around them."""
        window, spatial = self.window, self.spatial
        if not any(map(sum, window.padding)):
            return _flat(compiled.plain(x))
        shape = (len(x), *window.padded(spatial), self.channels)
        padded = self.step.scratch("padded", shape, x.dtype)
        padded[...] = 0
        padded[(slice(None), *window.inside(spatial))] = x
        return _flat(padded)


def _flat(x: np.ndarray) -> np.ndarray:
    """(N, H, W, C) as (N, H, W * C); a sequence is an image of height 1."""
    return x.reshape(len(x), x.shape[1] if x.ndim == 4 else 1, -1)
