"""Convolution, pooling and borders of arrays (N, *spatial, channels)."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

Array = np.ndarray
Sizes = tuple[int, ...]


def channels_last(x: Array) -> Array:
    """(N, C, *spatial) to (N, *spatial, C)."""
    return np.moveaxis(x, 1, -1)


def channels_first(x: Array) -> Array:
    """(N, *spatial, C) to (N, C, *spatial)."""
    return np.moveaxis(x, -1, 1)


def pad(
    x: Array, size: Sizes, strides: Sizes, dilation: Sizes, padding: str, value: float = 0
) -> Array:
    """Room for a window: ``"same"`` for ceil(n / stride) places of it, ``"causal"`` before only."""
    pairs = []
    for n, k, s, d in zip(x.shape[1:-1], size, strides, dilation, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        before = {"valid": 0, "same": total // 2, "causal": (k - 1) * d}[padding]
        pairs.append((before, total - before if padding == "same" else 0))
    return np.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=value)


def places(x: Array, size: Sizes, strides: Sizes, dilation: Sizes) -> list[Array]:
    """For each element of a window, in order, what it sees of ``x`` at all its places."""
    counts = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:-1], size, strides, dilation, strict=True)
    ]
    found = []
    for offset in itertools.product(*map(range, size)):
        cut = [
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, dilation, counts, strides, strict=True)
        ]
        found.append(x[(slice(None), *cut)])
    return found


def conv(
    x: Array,
    kernel: Array,
    bias: Array | None,
    strides: Sizes,
    padding: str,
    dilation: Sizes,
    groups: int = 1,
) -> Array:
    """Convolution with a kernel (*size, C / groups, F)."""
    size, (channels, filters) = kernel.shape[:-2], kernel.shape[-2:]
    x = pad(x, size, strides, dilation, padding)
    parts = []
    for group in range(groups):
        own = x[..., group * channels : (group + 1) * channels]
        columns = np.concatenate(places(own, size, strides, dilation), axis=-1)
        matrix = kernel.reshape(-1, filters)
        parts.append(columns @ np.split(matrix, groups, axis=-1)[group])
    y = parts[0] if groups == 1 else np.concatenate(parts, axis=-1)
    return y if bias is None else y + bias


def depthwise_conv(
    x: Array,
    kernel: Array,
    bias: Array | None,
    strides: Sizes,
    padding: str,
    dilation: Sizes,
) -> Array:
    """Convolution of each channel by itself, with a kernel (*size, C, multiplier)."""
    size = kernel.shape[:-2]
    x = pad(x, size, strides, dilation, padding)
    elements = kernel.reshape(-1, *kernel.shape[-2:])
    seen = places(x, size, strides, dilation)
    y = sum(part[..., None] * element for part, element in zip(seen, elements, strict=True))
    y = np.asarray(y).reshape(*seen[0].shape[:-1], math.prod(kernel.shape[-2:]))
    return y if bias is None else y + bias


def conv_transpose(
    x: Array,
    kernel: Array,
    bias: Array | None,
    strides: Sizes,
    padding: str,
    dilation: Sizes,
    output_padding: Sizes | None = None,
) -> Array:
    """Transposed convolution with a kernel (*size, F, C)."""
    size, spatial = kernel.shape[:-2], x.shape[1:-1]
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    whole = [(n - 1) * s + span for n, s, span in zip(spatial, strides, spans, strict=True)]
    y = np.zeros((len(x), *whole, kernel.shape[-2]), x.dtype)
    for offset in itertools.product(*map(range, size)):
        cut = [
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, dilation, spatial, strides, strict=True)
        ]
        y[(slice(None), *cut)] += x @ kernel[offset].T
    for axis, (n, s, span) in enumerate(zip(spatial, strides, spans, strict=True), 1):
        full = whole[axis - 1]
        more = None if output_padding is None else output_padding[axis - 1]
        before, end = 0, (n - 1) * s + max(span, s) if more is None else full + more
        if padding == "same":
            end = n * s if more is None else (n - 1) * s + span % 2 + more
            border = end - (n - 1) * s + span - 2
            before = span - 1 - min(math.ceil(border / 2), span - 1)
        room = [(0, 0)] * y.ndim
        room[axis] = (0, max(before + end - full, 0))
        y = np.take(np.pad(y, room), range(before, before + end), axis=axis)
    return y if bias is None else y + bias


def max_pool(x: Array, size: Sizes, strides: Sizes, padding: str) -> Array:
    """Largest element of each window."""
    ones = (1,) * len(size)
    seen = places(pad(x, size, strides, ones, padding, -np.inf), size, strides, ones)
    y = seen[0]
    for part in seen[1:]:
        y = np.maximum(y, part)
    return y


def average_pool(x: Array, size: Sizes, strides: Sizes, padding: str) -> Array:
    """Mean of each window; padding does not count."""
    ones = (1,) * len(size)
    whole = np.ones((1, *x.shape[1:-1], 1), x.dtype)
    total, count = (
        np.asarray(sum(places(pad(part, size, strides, ones, padding), size, strides, ones)))
        for part in (x, whole)
    )
    return total * (1 / count)


def global_average(x: Array, mask: Array | None = None) -> Array:
    """Mean over all places, or those that the mask keeps: (N, C)."""
    if mask is None:
        return x.mean(axis=tuple(range(1, x.ndim - 1)))
    share = mask.astype(x.dtype)[..., None]
    return (x * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1)


def global_max(x: Array) -> Array:
    """Largest element over all places: (N, C)."""
    return x.max(axis=tuple(range(1, x.ndim - 1)))


def border(x: Array, pairs: Any) -> Array:
    """Zeros before and after each spatial axis."""
    return np.pad(x, [(0, 0), *pairs, (0, 0)])


def crop(x: Array, pairs: Any) -> Array:
    """Cut off before and after on each spatial axis."""
    return x[(slice(None), *(slice(a, -b or None) for a, b in pairs))]


def repeat(x: Array, size: Sizes) -> Array:
    """Repeat each element along each spatial axis."""
    for axis, factor in enumerate(size, 1):
        x = np.repeat(x, factor, axis=axis)
    return x


def resize(x: Array, size: Sizes, interpolation: str, antialias: bool = False) -> Array:
    """Images (N, H, W, C) of another height and width."""
    for axis, new in enumerate(size, 1):
        matrix = resize_matrix(x.shape[axis], new, interpolation, antialias).astype(x.dtype)
        x = np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    return x


def resize_matrix(count: int, size: int, interpolation: str, antialias: bool) -> Array:
    """Matrix (size, count) that takes `count` pixels of an axis to `size`."""
    step = count / size
    places = (np.arange(size) + 0.5) * step - 0.5
    if interpolation == "nearest":
        return (np.floor(places + 0.5)[:, None] == np.arange(count)).astype(float)
    x = np.abs(places[:, None] - np.arange(count)) / (max(step, 1) if antialias else 1)
    if interpolation == "bilinear":
        weights = np.maximum(1 - x, 0)
    elif interpolation == "bicubic":  # Keys 1981, with a = -0.5
        near = (1.5 * x - 2.5) * x * x + 1
        far = ((-0.5 * x + 2.5) * x - 4) * x + 2
        weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    else:  # "lanczos3", "lanczos5"
        radius = int(interpolation[-1])
        weights = np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)
    return weights / weights.sum(axis=1, keepdims=True)


def enlarge(x: Array, factors: Sizes, interpolation: str) -> Array:
    """Images of whole factors the height and width."""
    height, width = x.shape[1] * factors[0], x.shape[2] * factors[1]
    return resize(x, (height, width), interpolation)


def centre(x: Array, height: int, width: int) -> Array:
    """The middle of images."""
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    return x[:, top : top + height, left : left + width]


def in_proportion(x: Array, height: int, width: int) -> Array:
    """The largest part in the middle of images that has the proportions of `height` and `width`."""
    tall = min(x.shape[1], int(x.shape[2] * height / width))
    wide = min(x.shape[2], int(x.shape[1] * width / height))
    return centre(x, max(tall, 1), max(wide, 1))


def padded_to_proportion(x: Array, height: int, width: int, value: float) -> Array:
    """Images with `value` around them, so that they have the proportions of the output."""
    top = max(int(x.shape[2] * height / width) - x.shape[1], 0) // 2
    left = max(int(x.shape[1] * width / height) - x.shape[2], 0) // 2
    return np.pad(x, [(0, 0), (top, top), (left, left), (0, 0)], constant_values=value)


def center_crop(x: Array, height: int, width: int) -> Array:
    """The middle of images; of smaller ones the largest part that fits, resized."""
    if x.shape[1] >= height and x.shape[2] >= width:
        return centre(x, height, width)
    return resize(in_proportion(x, height, width), (height, width), "bilinear")


def parts(x: Array, count: int, axis: int) -> list[Array]:
    """As many windows along an axis, which may overlap."""
    n = x.shape[axis]
    pairs = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
    return [np.take(x, range(start, end), axis=axis) for start, end in pairs]


def adaptive_average(x: Array, output_size: Sizes) -> Array:
    """Mean of each of so many windows."""
    for axis in reversed(range(1, x.ndim - 1)):
        means = [part.mean(axis=axis) for part in parts(x, output_size[axis - 1], axis)]
        x = np.stack(means, axis=axis)
    return x


def adaptive_max(x: Array, output_size: Sizes) -> Array:
    """Largest element of each of so many windows."""
    for axis in reversed(range(1, x.ndim - 1)):
        largest = [part.max(axis=axis) for part in parts(x, output_size[axis - 1], axis)]
        x = np.stack(largest, axis=axis)
    return x
