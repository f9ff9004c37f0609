"""Random arrays under the names of Keras's backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.backend.session import variable
from kerasish.initializers import TruncatedNormal
from kerasish.layers.custom import current_step
from kerasish.ops.calls import operand, result


def generator(seed: Any = None) -> np.random.Generator:
    """What to draw from: a seed's own stream, the step of a training, or the process's."""
    if seed is not None:
        return np.random.default_rng(int(seed))
    step = current_step()
    return step.rng if step is not None else np.random.default_rng(config.next_seed())


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers."""
    drawn = generator(seed).normal(mean, stddev, tuple(shape))
    return result(drawn.astype(dtype or config.floatx()))


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers between two bounds."""
    drawn = generator(seed).uniform(minval, maxval, tuple(shape))
    return result(drawn.astype(dtype or config.floatx()))


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Ones with probability `p`, else zeros."""
    drawn = generator(seed).random(tuple(shape)) < p
    return result(drawn.astype(dtype or config.floatx()))


random_binomial = random_bernoulli


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers within two standard deviations."""
    draw = TruncatedNormal(mean, stddev)
    return result(np.asarray(draw(tuple(shape), dtype=dtype or "float32", rng=generator(seed))))


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Any:
    """A weight with normally distributed numbers."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Any:
    """A weight with numbers between two bounds."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Zeros with probability `level`; the rest is divided by ``1 - level``."""
    from kerasish.ops.calls import shape_of

    kept = generator(seed).random(noise_shape or shape_of(x)) >= level
    return result(operand(x) * (kept / (1 - level)).astype(config.floatx()), x)


__all__ = [
    *("dropout", "random_bernoulli", "random_binomial", "random_normal", "random_normal_variable"),
    *("random_uniform", "random_uniform_variable", "truncated_normal"),
]
