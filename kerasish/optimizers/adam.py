"""Adam and its relatives: first and second moments of the gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.kernels.constants import numbers
from kerasish.optimizers.base import Kernel, Optimizer, Slot
from kerasish.registry import register


def moments(m: Any, v: Any, g: Any, beta_1: float, beta_2: float, scratch: Any) -> None:
    """Move `m` towards the gradient and `v` towards its square."""
    of_m, of_g, of_v, of_square = numbers(m.dtype, beta_1, 1 - beta_1, beta_2, 1 - beta_2)
    m *= of_m
    np.multiply(g, of_g, scratch)
    m += scratch
    v *= of_v
    np.multiply(g, g, scratch)
    scratch *= of_square
    v += scratch


@register("adam")
@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Adaptive moment estimation (Kingma and Ba, arXiv 1412.6980).

    ``m += (1 - beta_1) * (g - m)``, ``v += (1 - beta_2) * (g**2 - v)``,
    ``w -= lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)``.
    With `amsgrad` the greatest `v` so far takes the place of `v` (Reddi et al., arXiv 1904.09237).

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = Adam(learning_rate=0.5).apply_gradients([(np.array([1.0, -20.0]), w)])
    >>> w.numpy().round(4)
    array([0.5, 1.5], dtype=float32)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    interleaved = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", 0 <= self.beta_1 < 1, "in [0, 1)")
        self._check("beta_2", 0 <= self.beta_2 < 1, "in [0, 1)")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum"), Slot("velocity")] + [Slot("velocity_hat")] * bool(self.amsgrad)

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the step size, corrected for moments that started at zero."""
        return (lr * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t),)

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        name = "adam" if slots == 2 else "amsgrad"
        return name, (self.beta_1, self.beta_2, 1 - self.beta_1, 1 - self.beta_2, self.epsilon)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        m, v, *greatest = slots
        (alpha,), (step,) = s, scratch
        moments(m, v, g, self.beta_1, self.beta_2, step)
        if greatest:
            v = np.maximum(greatest[0], v, out=greatest[0])
        np.sqrt(v, step)
        step += numbers(step.dtype, self.epsilon)[0]
        np.divide(m, step, step)
        step *= alpha
        w -= step


@register("adamw")
@dataclass(eq=False, repr=False)
class AdamW(Adam):
    """Adam whose weight decay is a part of the step (Loshchilov and Hutter, arXiv 1711.05101).

    Examples
    --------
    >>> AdamW().weight_decay
    0.004
    """

    learning_rate: Any = 0.001
    weight_decay: float | None = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("weight_decay", self.weight_decay is not None, "a float")


@register("adamax")
@dataclass(eq=False, repr=False)
class Adamax(Optimizer):
    """Adam with the infinity norm (Kingma and Ba, arXiv 1412.6980, section 7.1).

    ``m += (1 - beta_1) * (g - m)``, ``u = max(beta_2 * u, |g|)``,
    ``w -= lr / (1 - beta_1**t) * m / (u + epsilon)``.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = Adamax(learning_rate=0.5).apply_gradients([(np.array([1.0, -20.0]), w)])
    >>> w.numpy().round(4)
    array([0.5, 1.5], dtype=float32)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", 0 <= self.beta_1 < 1, "in [0, 1)")
        self._check("beta_2", 0 <= self.beta_2 <= 1, "in [0, 1]")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum"), Slot("norm")]

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the step size, corrected for a momentum that started at zero."""
        return (lr / (1 - self.beta_1**t),)

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        return "adamax", (self.beta_1, self.beta_2, 1 - self.beta_1, self.epsilon)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (m, u), (alpha,), (step,) = slots, s, scratch
        m *= self.beta_1
        np.multiply(g, 1 - self.beta_1, out=step)
        m += step
        u *= self.beta_2
        np.maximum(u, np.abs(g, out=step), out=u)
        np.add(u, self.epsilon, out=step)
        np.divide(m, step, out=step)
        step *= alpha
        w -= step


@register("nadam")
@dataclass(eq=False, repr=False)
class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat, 2015).

    With ``u(t) = beta_1 * (1 - 0.96**t / 2)``, ``P = u(1) * ... * u(t)`` and the moments of Adam,
    ``m_hat = u(t + 1) * m / (1 - P * u(t + 1)) + (1 - u(t)) * g / (1 - P)`` and
    ``w -= lr * m_hat / (sqrt(v / (1 - beta_2**t)) + epsilon)``.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = Nadam(learning_rate=0.5).apply_gradients([(np.array([1.0, -20.0]), w)])
    >>> w.numpy().round(2)
    array([0.47, 1.53], dtype=float32)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    buffers = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", 0 <= self.beta_1 < 1, "in [0, 1)")
        self._check("beta_2", 0 <= self.beta_2 < 1, "in [0, 1)")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum"), Slot("velocity")]

    def extras(self) -> list[tuple[str, float]]:
        """Return the product P, which Keras's files call ``variable``."""
        return [("variable", 1.0)]

    def advance(self, t: int, *extras: np.ndarray) -> None:
        """Change the product P, in place, once a step."""
        extras[0][...] *= self._share(t)

    def _share(self, t: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the factors of momentum and gradient, and of the root of the velocity."""
        product, after = float(extras[0]), self._share(t + 1)
        return (
            lr * after / (1 - product * after),
            lr * (1 - self._share(t)) / (1 - product),
            1 / math.sqrt(1 - self.beta_2**t),
        )

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        rest = (1 - self.beta_1, 1 - self.beta_2)
        return "nadam", (self.beta_1, self.beta_2, *rest, self.epsilon)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (m, v), (of_m, of_g, of_root), (step, root) = slots, s, scratch
        moments(m, v, g, self.beta_1, self.beta_2, step)
        np.sqrt(v, out=root)
        root *= of_root
        root += self.epsilon
        np.multiply(g, of_g, out=step)
        step /= root
        w -= step
        np.multiply(m, of_m, out=step)
        step /= root
        w -= step
