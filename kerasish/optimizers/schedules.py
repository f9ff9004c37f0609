"""Learning-rate schedules: functions of the step (0-based) that optimizers ask at every step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import registry
from kerasish.registry import register
from kerasish.store import Array, as_array


class LearningRateSchedule(registry.Configurable):
    """Base class of schedules; a subclass writes ``__call__(step)``.

    To be written to files it also needs `get_config`, unless it is a dataclass.

    Examples
    --------
    >>> class Halving(LearningRateSchedule):
    ...     def __init__(self, initial):
    ...         self.initial = initial
    ...     def __call__(self, step):
    ...         return self.initial * 0.5**step
    >>> from kerasish.optimizers import SGD
    >>> float(SGD(Halving(0.5)).learning_rate)
    0.5
    """

    registry_kind: ClassVar[str] = "schedule"

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step; the first step is 0."""
        raise NotImplementedError(
            f"Learning rate schedule {type(self).__name__} must override `__call__(self, step)`."
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values."""
        if not dataclasses.is_dataclass(self):
            raise NotImplementedError(
                f"Learning rate schedule {type(self).__name__} must override `get_config()` to be "
                "written to a file."
            )
        return super().get_config()


class _Formula(LearningRateSchedule):
    """A schedule of ours: `at` is the formula, on floats or arrays of steps."""

    def __call__(self, step: Any) -> Array:
        """Return the learning rate of a step, or of an array of steps, as float32."""
        step = np.asarray(step, np.float64) if np.ndim(step) else float(step)
        return as_array(np.asarray(self.at(step), np.float32))

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        raise NotImplementedError

    def _check_positive(self, argument: str) -> None:
        if not getattr(self, argument) > 0:
            raise ValueError(
                f"{type(self).__name__} expects {argument} to be greater than 0, "
                f"but got {getattr(self, argument)!r}."
            )


@register()
@dataclass(eq=False, repr=False)
class ExponentialDecay(_Formula):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    With `staircase` the exponent is rounded down.

    Examples
    --------
    >>> float(ExponentialDecay(0.5, decay_steps=10, decay_rate=0.25)(5))
    0.25
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False
    name: str = "ExponentialDecay"

    def __post_init__(self) -> None:
        self._check_positive("decay_steps")

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        p = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (
            np.floor(p) if self.staircase else p
        )


@register()
@dataclass(eq=False, repr=False)
class InverseTimeDecay(_Formula):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    With `staircase` the fraction is rounded down.

    Examples
    --------
    >>> float(InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)(10))
    0.25
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False
    name: str = "InverseTimeDecay"

    def __post_init__(self) -> None:
        self._check_positive("decay_steps")

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        p = step / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (np.floor(p) if self.staircase else p)
        )


@register()
@dataclass(eq=False, repr=False)
class PolynomialDecay(_Formula):
    """``(initial - end) * (1 - step / decay_steps) ** power + end``, then `end_learning_rate`.

    With `cycle`, `decay_steps` is replaced by its first multiple that reaches the step.

    Examples
    --------
    >>> schedule = PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.0)
    >>> [float(schedule(step)) for step in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str = "PolynomialDecay"

    def __post_init__(self) -> None:
        self._check_positive("decay_steps")

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        p = step / self.decay_steps
        p = p / np.maximum(np.ceil(p), 1) if self.cycle else np.minimum(p, 1)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1 - p) ** self.power + self.end_learning_rate


@register()
@dataclass(eq=False, repr=False)
class PiecewiseConstantDecay(_Formula):
    """``values[i]`` for the steps after ``boundaries[i - 1]`` up to and with ``boundaries[i]``.

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
    >>> [float(schedule(step)) for step in (0, 10, 11, 20, 21)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    boundaries: Sequence[float]
    values: Sequence[float]
    name: str = "PiecewiseConstant"

    def __post_init__(self) -> None:
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay expects one value more than boundaries, but got "
                f"{len(self.values)} values and {len(self.boundaries)} boundaries."
            )

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        return np.asarray(self.values)[np.searchsorted(self.boundaries, step, side="left")]


@register()
@dataclass(eq=False, repr=False)
class CosineDecay(_Formula):
    """Half a cosine from the initial (or warmed-up) rate down to `alpha` times it.

    ``start * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)``, then the last value.
    With `warmup_target` the rate first rises in a line from `initial_learning_rate` to it in
    `warmup_steps`, and `start` is `warmup_target`. Loshchilov and Hutter, arXiv 1608.03983.

    Examples
    --------
    >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=4)
    >>> [round(float(schedule(step)), 4) for step in (0, 1, 4, 9, 14, 99)]
    [0.0, 0.25, 1.0, 0.5, 0.0, 0.0]
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        self._check_positive("decay_steps")

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        warm = 0 if self.warmup_target is None else self.warmup_steps
        start = self.initial_learning_rate if self.warmup_target is None else self.warmup_target
        p = np.clip((step - warm) / self.decay_steps, 0, 1)
        falling = start * ((1 - self.alpha) * 0.5 * (1 + np.cos(math.pi * p)) + self.alpha)
        rise = (start - self.initial_learning_rate) / max(warm, 1)
        return np.where(step < warm, self.initial_learning_rate + rise * step, falling)


@register()
@dataclass(eq=False, repr=False)
class CosineDecayRestarts(_Formula):
    """Cosine decay that starts again, `t_mul` times as long and `m_mul` times as high each time.

    Loshchilov and Hutter, SGDR, arXiv 1608.03983.

    Examples
    --------
    >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=4, m_mul=0.5)
    >>> [round(float(schedule(step)), 4) for step in (0, 2, 4, 8)]
    [1.0, 0.5, 0.5, 0.25]
    """

    initial_learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0
    name: str = "SGDRDecay"

    def __post_init__(self) -> None:
        self._check_positive("first_decay_steps")

    def at(self, step: Any) -> Any:
        """Return the learning rate as float64."""
        p, t = step / self.first_decay_steps, self.t_mul
        if t == 1:
            restart = np.floor(p)
            p = p - restart
        else:  # restart i begins at p = 1 + t + ... + t**(i - 1)
            # float32 logarithms, as Keras takes them: whether a step counts as the last of one
            # round or the first of the next hangs on their rounding.
            ratio = np.log(np.float32(1 - p * (1 - t))) / np.log(np.float32(t))
            restart = np.floor(ratio.astype(np.float64))
            p = (p - (1 - t**restart) / (1 - t)) / t**restart
        height = 0.5 * self.m_mul**restart * (1 + np.cos(math.pi * p))
        return self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha)


def serialize(learning_rate_schedule: Any) -> dict[str, Any]:
    """Return the config dict of a schedule.

    >>> serialize(ExponentialDecay(0.1, 10, 0.5))["class_name"]
    'ExponentialDecay'
    """
    return registry.serialize(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the schedule that a config dict describes.

    >>> deserialize({"class_name": "ExponentialDecay", "config": {
    ...     "initial_learning_rate": 0.5, "decay_steps": 10, "decay_rate": 0.5}})
    ExponentialDecay(initial_learning_rate=0.5, decay_steps=10, decay_rate=0.5)
    """
    return registry.deserialize("schedule", config, custom_objects)
