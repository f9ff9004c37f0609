"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.optimizers.base import Kernel, Optimizer, Slot
from kerasish.registry import register


@register("sgd")
@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Gradient descent, with momentum: ``m = momentum * m - lr * g``, ``w += m``.

    With `nesterov` instead ``w += momentum * m - lr * g`` (Sutskever et al., 2013).

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = SGD(learning_rate=0.5).apply_gradients([(np.array([1.0, 2.0]), w)])
    >>> w.numpy()
    array([0.5, 0. ], dtype=float32)
    """

    learning_rate: Any = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("momentum", 0 <= self.momentum <= 1, "in [0, 1]")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum")] if self.momentum else []

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        if not slots:
            return "sgd", ()
        return "sgd_nesterov" if self.nesterov else "sgd_momentum", (self.momentum,)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (lr,), (step,) = s, scratch
        np.multiply(g, -lr, out=step)
        if slots:
            (m,) = slots
            m *= self.momentum
            m += step
            if self.nesterov:
                w += step
                np.multiply(m, self.momentum, out=step)
                w += step
            else:
                w += m
        else:
            w += step
