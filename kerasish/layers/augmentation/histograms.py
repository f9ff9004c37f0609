"""Spreading the values of pixels over their range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import positive
from kerasish.layers.augmentation.light import Colors
from kerasish.layers.augmentation.tones import to_bytes
from kerasish.layers.spatial import sizes
from kerasish.registry import register


@register()
@dataclass(eq=False, repr=False)
class AutoContrast(Colors):
    """Spread the values of each channel of each image over the whole value range.

    It acts in inference, too: nothing about it is random. A channel of one value stays.

    Parameters
    ----------
    value_range : (float, float)
        Least and largest value of a pixel.

    Examples
    --------
    >>> AutoContrast()(np.uint8([50, 75, 100]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([  0. , 127.5, 255. ], dtype=float32)
    """

    always: ClassVar[bool] = True
    written_first: ClassVar[tuple[str, ...]] = ("value_range",)

    value_range: Any = (0, 255)
    data_format: Any = field(default=None, kw_only=True)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Stretch between the least and the largest value."""
        low, high = (x.dtype.type(v) for v in self.value_range)
        least, largest = (f(x, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
        spread = largest > least
        scale = (high - low) / np.where(spread, largest - least, 1)
        part = (x - least) * scale
        y = np.where(spread, np.clip(part + low, low, high), x)

        def pull(dy: np.ndarray) -> np.ndarray:
            def total(values: np.ndarray) -> np.ndarray:
                return values.sum(axis=(1, 2), keepdims=True)

            at_least, at_largest = x == least, x == largest
            d_scale = total(dy * part) * scale / (high - low)  # of 1 / (largest - least)
            dx = dy * scale
            dx += at_least / total(at_least) * (d_scale - scale * total(dy))
            dx -= at_largest / total(at_largest) * d_scale
            return np.where(spread, dx, dy).astype(dy.dtype, copy=False)

        return y, pull


@register()
@dataclass(eq=False, repr=False)
class Equalization(Colors):
    """Spread the values of each channel of each image so that all are about as frequent.

    In training only, as in Keras, though nothing about it is random.

    Parameters
    ----------
    value_range : (float, float)
        Least and largest value of a pixel.
    bins : int
        Bins of the histogram.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Each image has a histogram of its own, where Keras takes one of the whole batch. No gradient
    passes.

    Examples
    --------
    >>> Equalization()(np.uint8([10, 11, 11, 12]).reshape(1, 1, 4, 1)).numpy().ravel()
    array([  0., 170., 170., 255.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = ("bins", "value_range")

    value_range: Any = (0, 255)
    bins: int = 256
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bins = positive(self, "bins", self.bins)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Look the values up in the cumulated histogram of their channel."""
        low, high = self.value_range
        batch, height, width, channels = x.shape
        values = to_bytes(x, self.value_range)
        index = np.clip(values * x.dtype.type((self.bins - 1) / 255), 0, self.bins - 1)
        index = np.moveaxis(index.astype(np.intp), 3, 1).reshape(batch * channels, -1)
        index += np.arange(len(index))[:, None] * self.bins
        histogram = np.bincount(index.ravel(), minlength=len(index) * self.bins)
        counts = histogram.reshape(-1, self.bins).cumsum(axis=1)
        first = np.where(counts > 0, counts, counts[:, -1:]).min(axis=1, keepdims=True)
        rest = np.maximum(counts[:, -1:] - first, 1)
        table = np.clip(np.round((counts - first) * 255 / rest), 0, 255).astype(x.dtype)
        found = table.ravel()[index].reshape(batch, channels, height, width)
        y = np.moveaxis(found, 1, 3) * x.dtype.type((high - low) / 255) + x.dtype.type(low)
        several = (first < counts[:, -1:]).reshape(batch, 1, 1, channels)
        return np.where(several, y, x), lambda dy: np.where(several, 0, dy).astype(dy.dtype)


@register()
@dataclass(eq=False, repr=False)
class ContrastLimitedAdaptiveHistogramEqualization(Colors):
    """Equalise the histograms of the tiles of each image, within limits.

    It acts in inference, too: nothing about it is random.

    Parameters
    ----------
    value_range : (float, float)
        Least and largest value of a pixel.
    clip_limit : float
        How much more frequent than on average a value may count; the rest is shared among all.
        0 for no limit.
    tile_grid_size : (int, int)
        Rows and columns of tiles.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Zuiderveld 1994. A pixel's value is interpolated between the tables of the four tiles about
    it. No gradient passes.

    Examples
    --------
    >>> layer = ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
    >>> layer(np.zeros((2, 9, 8, 3))).shape
    (2, 9, 8, 3)
    """

    always: ClassVar[bool] = True
    written_first: ClassVar[tuple[str, ...]] = ("value_range", "clip_limit", "tile_grid_size")

    value_range: Any = (0, 255)
    clip_limit: float = 4.0
    tile_grid_size: Any = (8, 8)
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tile_grid_size = sizes(self, "tile_grid_size", self.tile_grid_size)
        if not isinstance(self.clip_limit, int | float) or self.clip_limit < 0:
            raise ValueError(
                f"{self.label}: `clip_limit` must be a number from 0 up but is {self.clip_limit!r}."
            )

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Make a table for each tile and channel, and look each pixel up in four of them."""
        low, high = self.value_range
        values = np.clip(to_bytes(x, self.value_range), 0, 255).astype(np.intp)
        height, width = x.shape[1:3]
        tile = [-(-n // k) for n, k in zip((height, width), self.tile_grid_size, strict=True)]
        tables = self._tables(values, tile)
        places = []
        for count, size, tiles in zip((height, width), tile, self.tile_grid_size, strict=True):
            place = (np.arange(count) - size / 2) / size
            index = np.floor(place).astype(int)
            ends = [np.clip(index + k, 0, tiles - 1) for k in (0, 1)]
            part = (place - index).astype(x.dtype)
            places.append(list(zip(ends, (1 - part, part), strict=True)))
        image = np.arange(len(x))[:, None, None, None]
        channel = np.arange(x.shape[3])
        y = np.zeros(x.shape, x.dtype)
        for row, down in places[0]:
            for column, across in places[1]:
                weight = (down[:, None] * across)[:, :, None]
                at = row[:, None, None], column[:, None]
                y += weight * tables[image, at[0], at[1], channel, values].astype(x.dtype)
        y = y * x.dtype.type((high - low) / 255) + x.dtype.type(low)
        return y, np.zeros_like

    def _tables(self, values: np.ndarray, tile: list[int]) -> np.ndarray:
        """Cumulated histograms (N, rows, columns, C, 256) of the tiles, from 0 to 255."""
        rows, columns = self.tile_grid_size
        (tall, wide), (batch, height, width, channels) = tile, values.shape
        borders = [(0, 0), (0, tall * rows - height), (0, wide * columns - width), (0, 0)]
        padded = np.pad(values, borders, mode="symmetric")
        cut = padded.reshape(batch, rows, tall, columns, wide, channels)
        flat = cut.transpose(0, 1, 3, 5, 2, 4).reshape(-1, tall * wide)
        flat = flat + np.arange(len(flat))[:, None] * 256
        counts = np.bincount(flat.ravel(), minlength=len(flat) * 256).reshape(-1, 256)
        counts = counts.astype(np.float64)
        if self.clip_limit > 0:
            kept = np.minimum(counts, self.clip_limit * tall * wide / 256)
            counts = kept + (counts - kept).sum(axis=1, keepdims=True) / 256
        total = counts.cumsum(axis=1)
        first = total.min(axis=1, keepdims=True)
        rest = tall * wide - first
        table = np.clip((total - first) * 255 / np.where(rest == 0, 1, rest), 0, 255)
        return table.reshape(batch, rows, columns, channels, 256)
