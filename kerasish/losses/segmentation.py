"""Losses of overlap between two regions, for images whose pixels are to be classified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.config import epsilon
from kerasish.losses.base import Backward, Paired, functional
from kerasish.registry import register


class Overlap(Paired):
    """What Dice and Tversky share: sums over `axis`, by default over the whole batch."""

    axis: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.axis, list | np.ndarray):
            self.axis = tuple(int(a) for a in self.axis)

    @property
    def additive(self) -> bool:  # type: ignore[override]
        """Whether each sample has a loss of its own: the axis of samples is not summed over."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return all(a is not None and (a > 0 or a == -1) for a in axes)

    def sum(self, x: np.ndarray) -> np.ndarray:
        """Sum over `axis`, which stays as an axis of 1."""
        return np.sum(x, axis=self.axis, keepdims=True)

    def drop(self, x: np.ndarray) -> np.ndarray:
        """Take the axes of 1 away that `sum` has left."""
        return np.squeeze(x, self.axis) if self.axis is not None else x.reshape(())

    def keep(self, dl: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The reverse of `drop`."""
        axes = tuple(range(x.ndim)) if self.axis is None else self.axis
        return np.expand_dims(np.asarray(dl, x.dtype), axes)


@register
@dataclass(eq=False, repr=False)
class Dice(Overlap):
    """1 - 2 Σyp / (Σy + Σp): 0 for regions that agree, 1 for regions that do not meet.

    Parameters
    ----------
    axis : int or tuple of int, optional
        What is summed over; everything, samples included, by default.

    Examples
    --------
    >>> round(float(Dice()([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0, 1.0]])), 4)
    0.5
    """

    positional_tail: ClassVar[tuple[str, ...]] = ("reduction", "name", "axis", "dtype")
    axis: Any = field(default=None, kw_only=True)
    name: str | None = field(default="dice", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """1 - 2I / U; gradient (2I / U - 2y) / U."""
        shared = 2 * self.sum(y * p)
        size = self.sum(y) + self.sum(p) + y.dtype.type(epsilon())

        def backward(dl: np.ndarray) -> np.ndarray:
            return self.keep(dl, p) * (shared / size - 2 * y) / size

        return self.drop(1 - shared / size), backward


@register
@dataclass(eq=False, repr=False)
class Tversky(Overlap):
    """1 - I / (I + alpha A + beta B): Dice with weights for what is missed (A) and extra (B).

    Salehi, Erdogmus and Gholipour, 2017.

    Parameters
    ----------
    alpha, beta : float
        Weights of Σy(1 - p) and of Σ(1 - y)p.
    axis : int or tuple of int, optional
        What is summed over; everything, samples included, by default.

    Examples
    --------
    >>> round(float(Tversky()([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0, 1.0]])), 4)
    0.5
    """

    positional_tail: ClassVar[tuple[str, ...]] = ("reduction", "name", "axis", "dtype")
    alpha: float = 0.5
    beta: float = 0.5
    axis: Any = field(default=None, kw_only=True)
    name: str | None = field(default="tversky", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """1 - I / S with dI = y and dS = y - alpha y + beta (1 - y)."""
        shared = self.sum(y * p)
        missed, extra = self.sum((1 - p) * y), self.sum(p * (1 - y))
        size = shared + self.alpha * missed + self.beta * extra + y.dtype.type(epsilon())

        def backward(dl: np.ndarray) -> np.ndarray:
            dsize = y - self.alpha * y + self.beta * (1 - y)
            return self.keep(dl, p) * (shared / size * dsize - y) / size

        return self.drop(1 - shared / size), backward


dice = functional(Dice)
tversky = functional(Tversky)
