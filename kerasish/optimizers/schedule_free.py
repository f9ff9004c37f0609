"""Schedule-free learning: averaging in place of a learning-rate schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.optimizers.base import Kernel, Optimizer, Slot
from kerasish.registry import register


@register("schedule_free_adamw")
@dataclass(eq=False, repr=False)
class ScheduleFreeAdamW(Optimizer):
    """Schedule-free AdamW (Defazio et al., arXiv 2405.15682).

    Three sequences: `z` takes the steps of Adam, `x` is the mean of all `z`, and the model holds
    ``y = (1 - beta_1) * z + beta_1 * x``, where gradients are taken. With Adam's step
    ``d = lr * g / (sqrt(v / (1 - beta_2**t)) + epsilon)``: ``z -= d``, ``x += (z - x) / t``.
    Only `z` (in files ``momentum``) and `v` are kept, `x` follows from `y` and `z`.

    Parameters
    ----------
    warmup_steps : int
        The learning rate rises in a line during so many steps.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = ScheduleFreeAdamW(0.5).apply_gradients([(np.array([1.0, -20.0]), w)])
    >>> w.numpy().round(4)
    array([0.5, 1.5], dtype=float32)
    """

    learning_rate: Any = 0.0025
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    warmup_steps: int = 0
    buffers = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", 0 <= self.beta_1 <= 1, "in [0, 1]")
        self._check("beta_2", 0 <= self.beta_2 < 1, "in [0, 1)")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum", "weight"), Slot("velocity")]

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return step size, correction of the root, share of `z` in `x` and of `d` in `y`."""
        if self.warmup_steps > 0:
            lr *= min(t / self.warmup_steps, 1.0)
        share = 1 / t
        return lr, 1 / math.sqrt(1 - self.beta_2**t), share, 1 - self.beta_1 + share * self.beta_1

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        return "schedule_free", (self.beta_2, 1 - self.beta_2, self.epsilon)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (z, v), (lr, of_root, share, of_step), (step, other) = slots, s, scratch
        v *= self.beta_2
        np.multiply(g, g, out=other)
        other *= 1 - self.beta_2
        v += other
        np.sqrt(v, out=step)
        step *= of_root
        step += self.epsilon
        np.divide(g, step, out=step)
        step *= lr
        # y + share * (z - y) - of_step * d is what becomes of y when z and x have moved
        np.subtract(z, w, out=other)
        other *= share
        w += other
        z -= step
        step *= of_step
        w -= step
