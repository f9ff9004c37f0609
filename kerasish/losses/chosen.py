"""The loss called ``"crossentropy"``: which one it is, targets and predictions tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.losses.base import Backward, BuiltIn, Loss
from kerasish.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from kerasish.registry import register


@register("crossentropy", "ce")
@dataclass(eq=False, repr=False)
class Crossentropy(BuiltIn):
    """Binary for predictions with 1 unit, sparse for labels, else categorical cross-entropy.

    Examples
    --------
    >>> round(float(Crossentropy()([1], [[0.05, 0.9, 0.05]])), 4)
    0.1054
    """

    unknown_to_keras: ClassVar[bool] = True

    name: str | None = field(default="crossentropy", kw_only=True)

    def chosen(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> Loss:
        """Return the loss for targets and predictions of these shapes."""
        if y_pred_shape[-1] == 1:
            return BinaryCrossentropy(name=self.name)
        if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
            return SparseCategoricalCrossentropy(name=self.name)
        return CategoricalCrossentropy(name=self.name)

    def forward(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Return the losses and a function from d/dlosses to d/dy_pred."""
        return self.chosen(np.shape(y_true), y_pred.shape).forward(y_true, y_pred)

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError if targets do not fit predictions."""
        shape = y_true if isinstance(y_true, tuple) else np.shape(y_true)
        self.chosen(shape, y_pred_shape).check_targets(y_true, y_pred_shape)
