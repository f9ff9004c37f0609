"""What users see of an optimizer's numbers: arrays that can be read as floats and assigned to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.optimizers.schedules import LearningRateSchedule
from kerasish.store import Array


class Variable(Array):
    """An array of an optimizer, living in the memory that the optimizer itself works on.

    Arithmetic gives plain arrays; `assign` changes the optimizer.

    Examples
    --------
    >>> from kerasish.optimizers import SGD
    >>> rate = SGD(0.5).learning_rate
    >>> float(rate), float(rate * 2), float(rate.assign(0.25))
    (0.5, 1.0, 0.25)
    """

    name = "variable"
    path = "variable"
    index: int | None = None
    trainable = False

    def __array_finalize__(self, source: Any) -> None:
        self.index = None

    @property
    def value(self) -> np.ndarray:
        """The same memory as a plain ndarray."""
        return self.view(np.ndarray)

    def assign(self, value: Any) -> Variable:
        """Overwrite the numbers in place; the shape must be the same."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(
                f"Optimizer variable '{self.path}' has shape {self.shape} but got an array of "
                f"shape {value.shape}."
            )
        self[...] = value
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add to the numbers in place."""
        self[...] += np.asarray(value)
        return self

    def assign_sub(self, value: Any) -> Variable:
        """Subtract from the numbers in place."""
        self[...] -= np.asarray(value)
        return self


def variable(array: np.ndarray, name: str, path: str, index: int | None = None) -> Variable:
    """Show `array` (not a copy) as a `Variable`."""
    shown = array.view(Variable)
    shown.name, shown.path, shown.index = name, path, index
    return shown


class LearningRate:
    """Descriptor behind ``optimizer.learning_rate``.

    A number is kept as a float32 variable, as Keras does, so that 0.001 reads as
    0.0010000000474974513; a schedule, or a function without arguments, is kept as it is and
    asked at every step. As a dataclass default it stands for `default`.
    """

    def __init__(self, default: Any) -> None:
        self.default = default

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        if optimizer is None:
            return self.default
        rate = optimizer._learning_rate
        if isinstance(rate, Variable):
            return rate
        return variable(np.array(optimizer.rate(), np.float32), "learning_rate", "learning_rate")

    def __set__(self, optimizer: Any, value: Any) -> None:
        current = optimizer.__dict__.get("_learning_rate")
        if isinstance(value, dict) and value.get("class_name") == "function":
            value = registry.lookup("schedule", value["config"])
        elif isinstance(value, dict):
            value = registry.deserialize("schedule", value)
        if isinstance(value, LearningRateSchedule) or callable(value):
            optimizer._learning_rate = value
        elif current is None:
            rate = np.array(_number(type(optimizer).__name__, value), np.float32)
            optimizer._learning_rate = variable(rate, "learning_rate", "learning_rate")
        elif isinstance(current, Variable):
            current.assign(_number(type(optimizer).__name__, value))
        elif getattr(current, "base_can_change", False):  # made from Keras 2's `decay`
            current.initial_learning_rate = _number(type(optimizer).__name__, value)
        else:
            raise TypeError(
                f"{type(optimizer).__name__} was created with {current!r} as its learning rate, "
                f"which cannot be set to {value!r}. Create it with a float, or set another "
                "schedule."
            )


def _number(owner: str, value: Any) -> float:
    try:
        if isinstance(value, str | bool) or value is None:
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"{owner} expects learning_rate to be a float, a LearningRateSchedule or a function "
            f"without arguments that returns a float, but got {value!r}."
        ) from None
    if not (number >= 0 and math.isfinite(number)):
        raise ValueError(
            f"{owner} expects a learning_rate that is finite and not negative, but got {number}."
        )
    return number
