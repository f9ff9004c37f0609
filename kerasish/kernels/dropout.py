"""Dropping elements at random: one byte or two of random bits decide on each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.step import Step


def dropout(
    x: np.ndarray, rate: float, rng: np.random.Generator, step: Step
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray] | None]:
    """``x * dropout_mask(x.shape, rate, rng)`` and its backward function, without the mask."""
    if rate >= 1:
        mask = np.zeros(1, x.dtype)
        return x * mask, (lambda dy: dy * mask) if step.recording else None
    bits, least = _draw(x.shape, rate, rng)
    scale = x.dtype.type(1 / (1 - rate))

    def apply(x: np.ndarray) -> np.ndarray:
        y = step.empty(x.shape, x.dtype)
        if compiled.chosen(x.size, x.dtype):
            compiled.rows.drop(compiled.plain(x).reshape(-1), bits, least, scale, y.reshape(-1))
            return y
        keep = np.greater_equal(bits, least, out=step.scratch("keep", bits.shape, bool))
        np.multiply(x, keep.reshape(x.shape), out=y)
        y *= scale
        return y

    return apply(x), apply if step.recording else None


def dropout_mask(
    shape: tuple[int, ...], rate: float, rng: np.random.Generator, dtype: str | np.dtype
) -> np.ndarray:
    """Zeros with probability `rate`, else 1 / (1 - rate)."""
    if rate >= 1:
        return np.zeros(shape, dtype)
    bits, least = _draw(shape, rate, rng)
    return np.multiply(bits >= least, 1 / (1 - rate), dtype=dtype).reshape(shape)


def _draw(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
    """Random numbers of 8 bits, or 16 if `rate` needs them, and the least that keeps its element.

    Probabilities are rounded to 1 / 65,536.
    """
    bits = 8 if (256 * rate).is_integer() else 16
    kind = np.uint8 if bits == 8 else np.uint16
    count = math.prod(shape)
    words = rng.bit_generator.random_raw(-(-count * bits // 64))
    least = kind(min(round(rate * 2**bits), 2**bits - 1))
    return words.view(kind)[:count], least
