"""Initializers that draw from simple distributions, and orthogonal matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import config as settings
from kerasish.initializers.base import Initializer, Rng, as_initial, as_shape
from kerasish.registry import register


class RandomInitializer(Initializer):
    """Base of the initializers that draw; `draw` gets the generator."""

    seed: Any

    def __post_init__(self) -> None:
        if isinstance(self.seed, dict):  # Keras's SeedGenerator, as read from a file
            self.seed = self.seed.get("config", {}).get("seed")
        integer = isinstance(self.seed, int | np.integer) and not isinstance(self.seed, bool)
        if self.seed is not None and not integer:
            raise ValueError(
                f"{type(self).__name__} expects `seed` to be an integer or None but got "
                f"{self.seed!r}."
            )

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Draw from the own seed, else from `rng`, else from the process's seeds."""
        if self.seed is not None:
            rng = np.random.default_rng(int(self.seed) % 2**64)
        elif rng is None:
            rng = np.random.default_rng(settings.next_seed())
        return as_initial(self.draw(as_shape(shape), rng), dtype)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw in float64, so that the values are the same, but for rounding, in any type."""
        raise TypeError(f"{type(self).__name__} must define draw(shape, rng).")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, `seed` first as in Keras."""
        return {"seed": None, **super().get_config()}


@register("normal")
@dataclass(eq=False, repr=False)
class RandomNormal(RandomInitializer):
    """Normal distribution.

    >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3)
    """

    mean: float = 0.0
    stddev: float = 0.05
    seed: Any = None

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw from N(mean, stddev**2)."""
        return self.mean + self.stddev * rng.standard_normal(shape)


@register("uniform")
@dataclass(eq=False, repr=False)
class RandomUniform(RandomInitializer):
    """Uniform distribution over ``[minval, maxval)``.

    >>> RandomUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    minval: float = -0.05
    maxval: float = 0.05
    seed: Any = None

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw from U(minval, maxval)."""
        return self.minval + (self.maxval - self.minval) * rng.random(shape)


@register()
@dataclass(eq=False, repr=False)
class TruncatedNormal(RandomInitializer):
    """Normal distribution without what lies two standard deviations or more from the mean.

    >>> bool(np.abs(TruncatedNormal(stddev=1.0, seed=1)((1000,))).max() <= 2)
    True
    """

    mean: float = 0.0
    stddev: float = 0.05
    seed: Any = None

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw from N(mean, stddev**2), again where it fell outside."""
        return self.mean + self.stddev * truncated(shape, rng)


@register("OrthogonalInitializer")
@dataclass(eq=False, repr=False)
class Orthogonal(RandomInitializer):
    """`gain` times a random matrix with orthonormal rows or columns, whichever are fewer.

    All axes but the last are folded into rows. Saxe et al., 2014.

    >>> q = Orthogonal(seed=1)((4, 3))
    >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-6))
    True
    """

    gain: float = 1.0
    seed: Any = None

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Q of the QR factors of normal numbers, its columns' signs made uniform by R's."""
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal makes weights with at least two axes, but got shape {shape}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


def truncated(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers between -2 and 2."""
    values = rng.standard_normal(shape)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) >= 2)
    while outside.size:
        flat[outside] = rng.standard_normal(outside.size)
        outside = outside[np.abs(flat[outside]) >= 2]
    return values
