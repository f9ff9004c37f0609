"""Contrast of images (N, H, W, C)."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Sizes = tuple[int, ...]


def auto_contrast(x: Array, low: float, high: float) -> Array:
    """Each channel of each image spread over the whole range of values."""
    least, largest = x.min(axis=(1, 2), keepdims=True), x.max(axis=(1, 2), keepdims=True)
    spread = largest > least
    scale = x.dtype.type(high - low) / np.where(spread, largest - least, 1)
    return np.where(spread, np.clip((x - least) * scale + low, low, high), x)


def equalize_tiles(x: Array, low: float, high: float, clip_limit: float, grid: Sizes) -> Array:
    """Adaptive histogram equalisation (Zuiderveld 1994) with a grid of tiles."""
    dtype, (batch, height, width, channels) = x.dtype.type, x.shape
    values = (x - dtype(low)) * dtype(255 / (high - low))
    values = np.clip(values, 0, 255).astype(np.intp)
    tile = [-(-n // k) for n, k in zip((height, width), grid, strict=True)]
    tables = tile_tables(values, tile, grid, clip_limit)
    places = []
    for count, size, tiles in zip((height, width), tile, grid, strict=True):
        place = (np.arange(count) - size / 2) / size
        index = np.floor(place).astype(int)
        ends = [np.clip(index + k, 0, tiles - 1) for k in (0, 1)]
        part = (place - index).astype(x.dtype)
        places.append(list(zip(ends, (1 - part, part), strict=True)))
    image, channel = np.arange(batch)[:, None, None, None], np.arange(channels)
    y = np.zeros(x.shape, x.dtype)
    for row, down in places[0]:
        for column, across in places[1]:
            found = tables[image, row[:, None, None], column[:, None], channel, values]
            y += (down[:, None] * across)[:, :, None] * found.astype(x.dtype)
    return y * dtype((high - low) / 255) + dtype(low)


def tile_tables(values: Array, tile: list[int], grid: Sizes, clip_limit: float) -> Array:
    """Cumulated histograms (N, rows, columns, C, 256) of the tiles, from 0 to 255."""
    (tall, wide), (batch, height, width, channels) = tile, values.shape
    borders = [(0, 0), (0, tall * grid[0] - height), (0, wide * grid[1] - width), (0, 0)]
    cut = np.pad(values, borders, mode="symmetric")
    cut = cut.reshape(batch, grid[0], tall, grid[1], wide, channels)
    flat = cut.transpose(0, 1, 3, 5, 2, 4).reshape(batch * grid[0] * grid[1] * channels, -1)
    flat = flat + np.arange(len(flat))[:, None] * 256
    counts = np.bincount(flat.ravel(), minlength=len(flat) * 256).reshape(-1, 256).astype(float)
    if clip_limit > 0:
        kept = np.minimum(counts, clip_limit * tall * wide / 256)
        counts = kept + (counts - kept).sum(axis=1, keepdims=True) / 256
    total = counts.cumsum(axis=1)
    first = total.min(axis=1, keepdims=True)
    rest = tall * wide - first
    table = np.clip((total - first) * 255 / np.where(rest == 0, 1, rest), 0, 255)
    return table.reshape(batch, *grid, channels, 256)
