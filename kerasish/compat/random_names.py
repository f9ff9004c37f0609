"""``keras.random``."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.backend.random import dropout as dropout
from kerasish.backend.random import generator
from kerasish.ops.calls import operand, result


class SeedGenerator:
    """A seed that changes with every use."""

    def __init__(self, seed: int | None = None, name: Any = None, **kwargs: Any) -> None:
        self._rng = np.random.default_rng(config.next_seed() if seed is None else seed)

    def __int__(self) -> int:
        return int(self._rng.integers(2**31))

    def next(self, ordered: bool = True) -> int:
        """The next seed."""
        return int(self)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers."""
    return result(generator(seed).normal(mean, stddev, tuple(shape)).astype(dtype or "float32"))


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers between two bounds."""
    return result(generator(seed).uniform(minval, maxval, tuple(shape)).astype(dtype or "float32"))


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Whole numbers from `minval` to ``maxval - 1``."""
    return result(generator(seed).integers(minval, maxval, tuple(shape)).astype(dtype))


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers within two standard deviations."""
    from kerasish.backend.random import truncated_normal as draw

    return draw(shape, mean, stddev, dtype, seed)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Classes drawn by their logits: (N, num_samples)."""
    z = np.asarray(operand(logits), float)
    noise = generator(seed).gumbel(size=(len(z), num_samples, z.shape[1]))
    return result((z[:, None] + noise).argmax(-1).astype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """In another order along an axis."""
    return result(generator(seed).permutation(np.asarray(operand(x)), axis=axis), x)


def gamma(shape: Any, alpha: float, dtype: Any = None, seed: Any = None) -> Any:
    """Gamma distributed numbers."""
    return result(generator(seed).gamma(alpha, size=tuple(shape)).astype(dtype or "float32"))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Beta distributed numbers."""
    return result(generator(seed).beta(alpha, beta, tuple(shape)).astype(dtype or "float32"))


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers of successes."""
    drawn = generator(seed).binomial(counts, probabilities, tuple(shape))
    return result(drawn.astype(dtype or "float32"))


__all__ = [
    *("SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint"),
    *("shuffle", "truncated_normal", "uniform"),
]
