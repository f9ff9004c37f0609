"""Dense, reshaping, scaling, normalisation, embedding, masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray


def dense(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """``x @ kernel + bias``."""
    y = x @ kernel
    return y if bias is None else y + bias


def flatten(x: Array) -> Array:
    """(N, ...) to (N, features)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def reshape(x: Array, shape: tuple[int, ...]) -> Array:
    """Each sample to another shape."""
    return x.reshape(len(x), *shape)


def permute(x: Array, dims: tuple[int, ...]) -> Array:
    """The axes of each sample in another order."""
    return x.transpose(0, *dims)


def repeat_vector(x: Array, n: int) -> Array:
    """(N, D) to (N, n, D)."""
    return np.repeat(x[:, None], n, axis=1)


def rescale(x: Array, scale: Any, offset: Any) -> Array:
    """``x * scale + offset``."""
    return x * np.asarray(scale, x.dtype) + np.asarray(offset, x.dtype)


def normalize(x: Array, mean: Array, variance: Array, invert: bool = False) -> Array:
    """``(x - mean) / sqrt(variance)``, or back."""
    deviation = np.maximum(np.sqrt(variance), x.dtype.type(1e-7))
    return x * deviation + mean if invert else (x - mean) / deviation


def settle(x: Any, dtype: Any) -> Array:
    """What a function returned, floats as of this type."""
    x = np.asarray(x)
    return x.astype(dtype) if x.dtype.kind == "f" else x


def mask_steps(x: Array, mask_value: float) -> tuple[Array, Array]:
    """Zeros in the time steps that are all `mask_value`, and the mask (N, T) of the others."""
    mask = np.any(x != mask_value, axis=-1)
    return np.where(mask[..., None], x, x.dtype.type(0)), mask


def embedding(x: Array, table: Array) -> Array:
    """The rows of `table` that the whole numbers ``x`` name."""
    indices = np.asarray(x).astype(np.intp)
    if x.size and (indices.min() < 0 or indices.max() >= len(table)):
        raise ValueError(f"x must hold whole numbers from 0 to {len(table) - 1}.")
    return table[indices]


def batch_normalize(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None,
    beta: Array | None,
    axis: int,
    epsilon: float,
) -> Array:
    """``(x - mean) / sqrt(variance + epsilon) * gamma + beta``, for each channel."""
    y = (np.moveaxis(x, axis, -1) - mean) * (1 / np.sqrt(variance + x.dtype.type(epsilon)))
    y = y if gamma is None else y * gamma
    y = y if beta is None else y + beta
    return np.moveaxis(y, -1, axis)


def layer_normalize(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    axes: tuple[int, ...],
    epsilon: float,
    rms_scaling: bool = False,
) -> Array:
    """Each sample, over `axes`, to mean 0 and variance 1; then scaled and shifted."""
    shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    y = (x if rms_scaling else centred) * (1 / np.sqrt(variance + x.dtype.type(epsilon)))
    y = y if gamma is None else y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


def rms_normalize(x: Array, scale: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """``x / sqrt(mean(x**2) + epsilon) * scale``."""
    square = np.square(x).mean(axis=axes, keepdims=True)
    shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    return x * (1 / np.sqrt(square + x.dtype.type(epsilon))) * scale.reshape(shape)


def unit_normalize(x: Array, axes: tuple[int, ...]) -> Array:
    """``x`` over its Euclidean norm."""
    norm = np.sqrt(np.square(x).sum(axis=axes, keepdims=True))
    return x * (1 / np.maximum(norm, x.dtype.type(1e-12)))


def group_normalize(
    x: Array, gamma: Array | None, beta: Array | None, groups: int, axis: int, epsilon: float
) -> Array:
    """Each sample's groups of channels, over all places, to mean 0 and variance 1."""
    moved = np.moveaxis(x, axis, -1)
    size = math.prod(moved.shape[1:-1])
    parts = moved.reshape(len(x), size, groups, moved.shape[-1] // groups)
    y = parts - parts.mean(axis=(1, 3), keepdims=True)
    variance = np.square(y).mean(axis=(1, 3), keepdims=True)
    y = (y * (1 / np.sqrt(variance + x.dtype.type(epsilon)))).reshape(moved.shape)
    y = y if gamma is None else y * gamma
    y = y if beta is None else y + beta
    return np.moveaxis(y, -1, axis)
