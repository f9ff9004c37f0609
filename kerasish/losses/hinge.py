"""Losses of margins, for targets -1 and 1 (0 and 1 are taken as such) or one-hot ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.losses import targets
from kerasish.losses.base import Backward, Paired, functional
from kerasish.losses.regression import mean, share
from kerasish.registry import register


def signs(y: np.ndarray) -> np.ndarray:
    """Turn targets 0 and 1 into -1 and 1, if there are no others in the batch."""
    return 2 * y - 1 if bool(np.all((y == 0) | (y == 1))) else y


def slope(x: np.ndarray) -> np.ndarray:
    """Derivative of max(x, 0), with 1/2 at the corner as Keras's backends have it."""
    return np.heaviside(x, x.dtype.type(0.5))


@register
@dataclass(eq=False, repr=False)
class Hinge(Paired):
    """Mean of max(1 - yp, 0).

    Examples
    --------
    >>> float(Hinge()([[1.0, -1.0]], [[0.5, 0.5]]))
    1.0
    """

    additive: ClassVar[bool] = False  # whether targets are 0 and 1 is seen on the whole batch
    name: str | None = field(default="hinge", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """max(1 - yp, 0); gradient -y inside the margin."""
        y = signs(y)
        short = 1 - y * p

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, p) * -y * slope(short)

        return mean(np.maximum(short, 0)), backward


@register
@dataclass(eq=False, repr=False)
class SquaredHinge(Paired):
    """Mean of max(1 - yp, 0)².

    Examples
    --------
    >>> float(SquaredHinge()([[1.0, -1.0]], [[0.5, 0.5]]))
    1.25
    """

    additive: ClassVar[bool] = False
    name: str | None = field(default="squared_hinge", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """max(1 - yp, 0)²; gradient -2y max(1 - yp, 0)."""
        y = signs(y)
        short = np.maximum(1 - y * p, 0)

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, p, 2.0) * -y * short

        return mean(short * short), backward


@register
@dataclass(eq=False, repr=False)
class CategoricalHinge(Paired):
    """max(0, 1 + max((1 - y) p) - Σ yp): the true class is to lead all others by 1.

    Examples
    --------
    >>> float(CategoricalHinge()([[0.0, 1.0, 0.0]], [[1.0, 3.0, 2.5]]))
    0.5
    """

    name: str | None = field(default="categorical_hinge", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Equal maxima share the gradient."""
        others = (1 - y) * p
        rival = np.max(others, axis=-1, keepdims=True)
        short = rival[..., 0] - np.sum(y * p, axis=-1) + 1

        def backward(dl: np.ndarray) -> np.ndarray:
            first = others == rival
            share_of_rival = first / np.sum(first, axis=-1, keepdims=True, dtype=p.dtype)
            return (np.asarray(dl, p.dtype) * slope(short))[..., None] * (
                (1 - y) * share_of_rival - y
            )

        return np.maximum(short, 0), backward

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless targets look like the predictions; labels get a hint."""
        targets.check_one_hot(self, y_true, y_pred_shape, "")


hinge = functional(Hinge)
squared_hinge = functional(SquaredHinge)
categorical_hinge = functional(CategoricalHinge)
