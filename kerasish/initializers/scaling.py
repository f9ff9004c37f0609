"""Initializers whose variance follows the number of a unit's inputs and outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.initializers.random import RandomInitializer, truncated
from kerasish.registry import register

FAN_MODES = ("fan_in", "fan_out", "fan_avg")
TRUNCATED_STDDEV = 0.87962566103423978  # of a standard normal cut off at -2 and 2


def compute_fans(shape: Any, input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """Numbers of inputs and outputs of one unit of a weight.

    The last two axes of a kernel are inputs and outputs, those before them positions that
    count for both. Given axes replace this rule if both are given.

    >>> compute_fans((3, 3, 8, 16))
    (72, 144)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        fan = math.prod(shape)
        return fan, fan
    positions = math.prod(shape[:-2])
    return positions * shape[-2], positions * shape[-1]


@register()
@dataclass(eq=False, repr=False)
class VarianceScaling(RandomInitializer):
    """Random values whose variance is ``scale / n``, n counting a unit's inputs or outputs.

    Parameters
    ----------
    scale : float
        Positive.
    mode : {"fan_in", "fan_out", "fan_avg"}
        What n is: inputs, outputs, or their mean, by `compute_fans`.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        ``"normal"`` is the truncated one.
    seed : int, optional
        For the same values at each call.
    input_axes, output_axes : list of int, optional
        Axes of the weight that count as inputs and as outputs, if not the usual ones.

    Examples
    --------
    >>> kernel = VarianceScaling(2.0, distribution="uniform", seed=1)((100, 50))
    >>> bool(abs(kernel.var() - 2 / 100) < 1e-3)
    True
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"
    seed: Any = None
    input_axes: Any = None
    output_axes: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.distribution = str(self.distribution).lower()
        if self.distribution == "normal":
            self.distribution = "truncated_normal"
        distributions = ("uniform", "truncated_normal", "untruncated_normal")
        if not self.scale > 0:
            raise ValueError(
                f"{type(self).__name__} expects `scale` to be above 0 but got {self.scale!r}."
            )
        for name, allowed in (("mode", FAN_MODES), ("distribution", distributions)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(
                    f"{type(self).__name__} expects `{name}` to be one of {', '.join(allowed)} "
                    f"but got {value!r}."
                )

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw with the variance that the fans ask for."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            return math.sqrt(3 * variance) * rng.uniform(-1, 1, shape)
        if self.distribution == "untruncated_normal":
            return math.sqrt(variance) * rng.standard_normal(shape)
        return math.sqrt(variance) / TRUNCATED_STDDEV * truncated(shape, rng)


def _fixed(value: Any) -> Any:
    """An argument of `VarianceScaling` that a named variant has settled."""
    return field(default=value, init=False)


@register()
@dataclass(eq=False, repr=False)
class GlorotUniform(VarianceScaling):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)). Glorot & Bengio, 2010.

    >>> bool(np.abs(GlorotUniform(seed=1)((2, 4))).max() <= 1)
    True
    """

    scale: float = _fixed(1.0)
    mode: str = _fixed("fan_avg")
    distribution: str = _fixed("uniform")


@register()
@dataclass(eq=False, repr=False)
class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out). Glorot & Bengio, 2010.

    >>> GlorotNormal(seed=1)((2, 4)).shape
    (2, 4)
    """

    scale: float = _fixed(1.0)
    mode: str = _fixed("fan_avg")
    distribution: str = _fixed("truncated_normal")


@register()
@dataclass(eq=False, repr=False)
class LecunNormal(VarianceScaling):
    """Truncated normal of variance 1 / fan_in. Klambauer et al., 2017.

    >>> LecunNormal(seed=1)((2, 4)).shape
    (2, 4)
    """

    scale: float = _fixed(1.0)
    mode: str = _fixed("fan_in")
    distribution: str = _fixed("truncated_normal")


@register()
@dataclass(eq=False, repr=False)
class LecunUniform(VarianceScaling):
    """Uniform in ±sqrt(3 / fan_in). LeCun et al., 1998.

    >>> bool(np.abs(LecunUniform(seed=1)((3, 4))).max() <= 1)
    True
    """

    scale: float = _fixed(1.0)
    mode: str = _fixed("fan_in")
    distribution: str = _fixed("uniform")


@register()
@dataclass(eq=False, repr=False)
class HeNormal(VarianceScaling):
    """Truncated normal of variance 2 / fan_in. He et al., 2015.

    >>> HeNormal(seed=1)((2, 4)).shape
    (2, 4)
    """

    scale: float = _fixed(2.0)
    mode: str = _fixed("fan_in")
    distribution: str = _fixed("truncated_normal")


@register()
@dataclass(eq=False, repr=False)
class HeUniform(VarianceScaling):
    """Uniform in ±sqrt(6 / fan_in). He et al., 2015.

    >>> bool(np.abs(HeUniform(seed=1)((6, 4))).max() <= 1)
    True
    """

    scale: float = _fixed(2.0)
    mode: str = _fixed("fan_in")
    distribution: str = _fixed("uniform")
