"""``tf.random``."""

from typing import Any

import numpy as np

from kerasish.backend.random import generator, truncated_normal
from kerasish.config import set_random_seed as set_seed
from kerasish.ops.calls import operand, result

__all__ = ["normal", "set_seed", "shuffle", "truncated_normal", "uniform"]


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = "float32", seed: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """Normally distributed numbers."""
    return result(generator(seed).normal(mean, stddev, tuple(shape)).astype(dtype))


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """Numbers between two bounds; whole ones for an integer type."""
    if np.dtype(dtype).kind in "iu":
        return result(generator(seed).integers(minval, maxval, tuple(shape)).astype(dtype))
    high = 1 if maxval is None else maxval
    return result(generator(seed).uniform(minval, high, tuple(shape)).astype(dtype))


def shuffle(value: Any, seed: Any = None, name: Any = None) -> Any:
    """The rows in another order."""
    return result(generator(seed).permutation(np.asarray(operand(value))), value)
