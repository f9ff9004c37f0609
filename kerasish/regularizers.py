"""Regularizers: a penalty on weights, or on a layer's output, that is added to the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import autodiff, registry
from kerasish.activations.base import as_floats, is_traced
from kerasish.registry import Configurable, register
from kerasish.store import Array, as_array


@register()
class Regularizer(Configurable):
    """Base of all regularizers: subclass it and define ``__call__(x)``, which returns a number.

    Attributes
    ----------
    additive : bool
        Whether the penalty of an array is the sum of the penalties of its parts. A penalty on
        a layer's output that is not is computed for the whole batch at once.

    Notes
    -----
    A subclass may define ``gradient(x)``; else its ``__call__``, written in NumPy, is
    differentiated by the package `autograd`.

    Examples
    --------
    >>> class Cubic(Regularizer):
    ...     def __call__(self, x):
    ...         return np.sum(np.abs(x) ** 3)
    >>> gradient(Cubic(), np.array([1.0, -2.0]))
    array([  3., -12.])
    """

    registry_kind: ClassVar[str] = "regularizer"
    additive: ClassVar[bool] = False

    def __call__(self, x: Any) -> Any:
        """Penalty of `x`: none here."""
        return 0.0

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """dPenalty/dx, of the shape and type of `x`."""
        if type(self).__call__ is Regularizer.__call__:
            return np.zeros_like(x)
        return autodiff.gradient(self, x)


class _Formula(Regularizer):
    """A regularizer that is its `penalty` and `gradient`."""

    def __call__(self, x: Any) -> Any:
        """Penalty of an array, as a scalar of its float type."""
        if is_traced(x):
            return autodiff.through(self._with_backward, x)
        x = as_floats(x, type(self).__name__)
        with np.errstate(over="ignore", invalid="ignore"):
            return as_array(x.dtype.type(self.penalty(x)))

    def penalty(self, x: np.ndarray) -> Any:
        """The value for a float array."""
        raise TypeError(f"{type(self).__name__} does not define its penalty.")

    def _with_backward(self, x: np.ndarray) -> tuple[Array, Callable[[Any], np.ndarray]]:
        return self(x), lambda dy: dy * self.gradient(x)


@register("l1_l2")
@dataclass(eq=False, repr=False)
class L1L2(_Formula):
    """``l1 * sum(|x|) + l2 * sum(x**2)``.

    >>> float(L1L2(l1=0.5, l2=0.25)([1.0, -2.0]))
    2.75
    """

    l1: float = 0.0
    l2: float = 0.0

    additive: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.l1 = _checked(self, "l1", 0.0 if self.l1 is None else self.l1)
        self.l2 = _checked(self, "l2", 0.0 if self.l2 is None else self.l2)

    def penalty(self, x: np.ndarray) -> Any:
        """The value for a float array."""
        value = 0.0
        if self.l1:
            value += self.l1 * np.abs(x).sum()
        if self.l2:
            value += self.l2 * np.vdot(x, x)
        return value

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """``l1 * sign(x) + 2 * l2 * x``."""
        if not self.l1:
            return x * (2 * self.l2)
        return self.l1 * np.sign(x) + x * (2 * self.l2)


@register()
@dataclass(eq=False, repr=False)
class L1(_Formula):
    """``l1 * sum(|x|)``, which draws weights to zero.

    >>> round(float(L1(0.5)([1.0, -2.0])), 6)
    1.5
    """

    l1: float = 0.01

    additive: ClassVar[bool] = True
    old_spellings: ClassVar[dict[str, str]] = {"l": "l1"}

    def __post_init__(self) -> None:
        self.l1 = _as_float32(_checked(self, "l1", 0.01 if self.l1 is None else self.l1))

    def penalty(self, x: np.ndarray) -> Any:
        """The value for a float array."""
        return self.l1 * np.abs(x).sum()

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """``l1 * sign(x)``."""
        return self.l1 * np.sign(x)


@register()
@dataclass(eq=False, repr=False)
class L2(_Formula):
    """``l2 * sum(x**2)``, without a factor 1/2.

    >>> float(L2(0.5)([1.0, -2.0]))
    2.5
    """

    l2: float = 0.01

    additive: ClassVar[bool] = True
    old_spellings: ClassVar[dict[str, str]] = {"l": "l2"}

    def __post_init__(self) -> None:
        self.l2 = _checked(self, "l2", 0.01 if self.l2 is None else self.l2)

    def penalty(self, x: np.ndarray) -> Any:
        """The value for a float array."""
        return self.l2 * np.vdot(x, x)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """``2 * l2 * x``."""
        return x * (2 * self.l2)


@register()
@dataclass(eq=False, repr=False)
class OrthogonalRegularizer(_Formula):
    """Penalty on rows (or columns) of a matrix that are not at right angles to one another.

    ``factor`` times the mean of ``|cos(angle)|`` over all pairs of rows (or columns).

    Parameters
    ----------
    factor : float
        Strength of the penalty.
    mode : {"rows", "columns"}
        What is to be orthogonal.

    Examples
    --------
    >>> float(OrthogonalRegularizer(0.5)([[1.0, 0.0], [0.0, 2.0]]))
    0.0
    """

    factor: float = 0.01
    mode: str = "rows"

    def __post_init__(self) -> None:
        self.factor = _as_float32(_checked(self, "factor", self.factor))
        if self.mode not in ("rows", "columns"):
            raise ValueError(
                f"OrthogonalRegularizer expects `mode` to be 'rows' or 'columns' but got "
                f"{self.mode!r}."
            )

    def penalty(self, x: np.ndarray) -> Any:
        """The value for a float matrix."""
        unit, _ = self._unit_rows(x)
        return 0.5 * self._pair_weight(len(unit)) * np.abs(_off_diagonal(unit @ unit.T)).sum()

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Gradient through the cosines and the normalisation of the rows."""
        unit, norm = self._unit_rows(x)
        signs = np.sign(_off_diagonal(unit @ unit.T))
        toward = self._pair_weight(len(unit)) * (signs @ unit)  # dPenalty/d(unit rows)
        along = (toward * unit).sum(axis=1, keepdims=True) * unit
        dx = (toward - along) / norm
        return dx if self.mode == "rows" else np.ascontiguousarray(dx.T)

    def _unit_rows(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if x.ndim != 2:
            raise ValueError(
                f"OrthogonalRegularizer expects a matrix (rank 2) but got shape {x.shape}. Use it "
                f"on kernels of Dense layers only."
            )
        rows = x if self.mode == "rows" else x.T
        norm = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
        norm = np.where(norm == 0, 1, norm)
        return rows / norm, norm

    def _pair_weight(self, size: int) -> float:
        return self.factor / max(size * (size - 1) / 2, 1)


def _off_diagonal(product: np.ndarray) -> np.ndarray:
    np.fill_diagonal(product, 0)
    return product


def _as_float32(value: float) -> float:
    """Keras keeps some factors as float32 and writes them to files with that rounding."""
    return float(np.float32(value))


def _checked(owner: Any, name: str, value: Any) -> float:
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"{type(owner).__name__} expects `{name}` to be a finite number, at least 0, but got "
            f"{value!r}."
        )
    return float(value)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def gradient(regularizer: Any, x: np.ndarray) -> np.ndarray:
    """Gradient of any regularizer, a user's function included, at `x`.

    >>> gradient(lambda w: 0.5 * np.sum(w * w), np.array([1.0, -2.0]))
    array([ 1., -2.])
    """
    own = getattr(regularizer, "gradient", None)
    return autodiff.gradient(regularizer, x) if own is None else own(x)


def get(identifier: Any) -> Any:
    """Return the regularizer that a name, config, class, function or object stands for, or None.

    >>> get("l2")
    L2()
    """
    return registry.resolve("regularizer", identifier)


def serialize(regularizer: Regularizer) -> dict[str, Any]:
    """Return the config dict of a regularizer.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the regularizer that a config dict or name describes.

    >>> deserialize({"class_name": "L1L2", "config": {"l1": 0.5, "l2": 0.0}})
    L1L2(l1=0.5)
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    return registry.deserialize("regularizer", config, custom_objects)
