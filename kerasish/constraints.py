"""Constraints: projections that are applied to weights after each update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import config as settings
from kerasish import registry
from kerasish.activations.base import as_floats
from kerasish.registry import Configurable, register
from kerasish.store import Array


@register()
class Constraint(Configurable):
    """Base of all constraints: subclass it and define ``__call__(w)``, which returns new weights.

    Examples
    --------
    >>> class Rounded(Constraint):
    ...     def __call__(self, w):
    ...         return np.round(w, 1)
    >>> Rounded()(np.array([0.12, 0.98]))
    array([0.1, 1. ])
    """

    registry_kind: ClassVar[str] = "constraint"

    def __call__(self, w: Any) -> Any:
        """The weights as they shall be: unchanged here."""
        return w


@dataclass(eq=False, repr=False)
class _NormConstraint(Constraint):
    """Rescales the vectors along `axis`; a kernel's column is the vector into one unit."""

    def __call__(self, w: Any) -> np.ndarray:
        """Rescale the vectors to the norms that `desired` gives."""
        w = as_floats(w, type(self).__name__)
        axis = self.axis  # type: ignore[attr-defined]
        axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
        if not all(-w.ndim <= a < w.ndim for a in axes):
            raise ValueError(
                f"{type(self).__name__} has `axis` {axis}, which a weight of shape {w.shape} does "
                f"not have. Use axis=0 for Dense kernels and biases, [0, 1, 2] for Conv2D kernels."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            norm = np.sqrt((w * w).sum(axis=axes, keepdims=True))
            scale = self.desired(norm) / (norm + w.dtype.type(settings.epsilon()))
            return (w * scale).view(Array)

    def desired(self, norm: np.ndarray) -> np.ndarray | float:
        """The norms that the vectors shall have."""
        return norm


@register()
@dataclass(eq=False, repr=False)
class MaxNorm(_NormConstraint):
    """Scale vectors that are longer than `max_value` down to it.

    Parameters
    ----------
    max_value : float
        Largest norm allowed.
    axis : int or list of int
        Axes over which a norm is taken: 0 for Dense, ``[0, 1, 2]`` for Conv2D.

    Examples
    --------
    >>> MaxNorm(2.0)([[3.0, 1.0], [4.0, 0.0]]).round(3)
    array([[1.2, 1. ],
           [1.6, 0. ]], dtype=float32)
    """

    max_value: float = 2
    axis: Any = 0

    old_spellings: ClassVar[dict[str, str]] = {"m": "max_value"}

    def desired(self, norm: np.ndarray) -> np.ndarray:
        """``min(norm, max_value)``."""
        return np.clip(norm, 0, self.max_value)


@register()
@dataclass(eq=False, repr=False)
class NonNeg(Constraint):
    """Set negative weights to zero.

    >>> NonNeg()([-1.0, 2.0])
    Array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> np.ndarray:
        """``max(w, 0)``."""
        return np.maximum(as_floats(w, "NonNeg"), 0).view(Array)


@register()
@dataclass(eq=False, repr=False)
class UnitNorm(_NormConstraint):
    """Scale vectors to length one.

    Parameters
    ----------
    axis : int or list of int
        Axes over which a norm is taken: 0 for Dense, ``[0, 1, 2]`` for Conv2D.

    Examples
    --------
    >>> UnitNorm()([[3.0], [4.0]]).round(3)
    array([[0.6],
           [0.8]], dtype=float32)
    """

    axis: Any = 0

    def desired(self, norm: np.ndarray) -> float:
        """One."""
        return 1.0


@register()
@dataclass(eq=False, repr=False)
class MinMaxNorm(_NormConstraint):
    """Draw the length of vectors into ``[min_value, max_value]``.

    Parameters
    ----------
    min_value, max_value : float
        Bounds of the norm.
    rate : float
        Part of the way that is gone at each step; 1 enforces the bounds.
    axis : int or list of int
        Axes over which a norm is taken: 0 for Dense, ``[0, 1, 2]`` for Conv2D.

    Examples
    --------
    >>> MinMaxNorm(0.0, 1.0, rate=0.5)([[3.0], [4.0]]).round(3)
    array([[1.8],
           [2.4]], dtype=float32)
    """

    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: Any = 0

    def desired(self, norm: np.ndarray) -> np.ndarray:
        """``rate * clip(norm, min_value, max_value) + (1 - rate) * norm``."""
        return self.rate * np.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
maxnorm, nonneg, unitnorm = MaxNorm, NonNeg, UnitNorm  # as Keras 1 spelt them


def get(identifier: Any) -> Any:
    """Return the constraint that a name, config, class, function or object stands for, or None.

    >>> get("max_norm"), get(None)
    (MaxNorm(), None)
    """
    return registry.resolve("constraint", identifier)


def serialize(constraint: Constraint) -> dict[str, Any]:
    """Return the config dict of a constraint.

    >>> serialize(MaxNorm(3))["config"]
    {'max_value': 3, 'axis': 0}
    """
    return registry.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the constraint that a config dict or name describes.

    >>> deserialize({"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}})
    MaxNorm(max_value=3)
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    return registry.deserialize("constraint", config, custom_objects)
