"""Optimizers that scale every element by the history of its gradients, and Lion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.optimizers.base import Kernel, Optimizer, Slot
from kerasish.registry import register


@register("rmsprop", "rms_prop")
@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """Gradient over the root of its running mean square (Hinton, lecture 6e, 2012).

    ``v = rho * v + (1 - rho) * g**2``, ``step = lr * g / sqrt(v + epsilon)``, ``w -= step``.
    With `centered`, ``v - a**2`` takes the place of ``v``, `a` being the running mean of `g`.
    With momentum, ``m = momentum * m + step`` and ``w -= m``.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = RMSprop(0.5, rho=0.75).apply_gradients([(np.array([1.0, -20.0]), w)])
    >>> w.numpy().round(4)
    array([0., 2.], dtype=float32)
    """

    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False
    interleaved = 1
    buffers = 2

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        names = ["velocity"] + ["momentum"] * (self.momentum > 0)
        return [Slot(name) for name in names + ["average_gradient"] * bool(self.centered)]

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        name = "rmsprop_centered" if self.centered else "rmsprop"
        constants = (self.rho, 1 - self.rho, self.epsilon)
        if self.momentum > 0:
            return f"{name}_momentum", (*constants, self.momentum)
        return name, constants

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        v, *others = slots
        (lr,), (step, mean) = s, scratch
        v *= self.rho
        np.multiply(g, g, out=step)
        step *= 1 - self.rho
        v += step
        if self.centered:
            a = others[-1]
            a *= self.rho
            np.multiply(g, 1 - self.rho, out=step)
            a += step
            np.multiply(a, a, out=mean)
            np.subtract(v, mean, out=step)
            step += self.epsilon
        else:
            np.add(v, self.epsilon, out=step)
        np.sqrt(step, out=step)
        np.divide(g, step, out=step)
        step *= lr
        if self.momentum > 0:
            m = others[0]
            m *= self.momentum
            m += step
            w -= m
        else:
            w -= step


@register("adagrad")
@dataclass(eq=False, repr=False)
class Adagrad(Optimizer):
    """Gradient over the root of the sum of its squares (Duchi et al., 2011).

    ``a += g**2`` from `initial_accumulator_value` on, ``w -= lr * g / sqrt(a + epsilon)``.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(1, "float32"))
    >>> _ = Adagrad(0.5, initial_accumulator_value=3.0).apply_gradients([(np.array([1.0]), w)])
    >>> w.numpy().round(4)
    array([0.75], dtype=float32)
    """

    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        ok = self.initial_accumulator_value >= 0
        self._check("initial_accumulator_value", ok, "not negative")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("accumulator", self.initial_accumulator_value)]

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        return "adagrad", (self.epsilon,)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (a,), (lr,), (step,) = slots, s, scratch
        np.multiply(g, g, out=step)
        a += step
        np.add(a, self.epsilon, out=step)
        np.sqrt(step, out=step)
        np.divide(g, step, out=step)
        step *= lr
        w -= step


@register("adadelta")
@dataclass(eq=False, repr=False)
class Adadelta(Optimizer):
    """Steps in the units of the weights (Zeiler, arXiv 1212.5701).

    ``a = rho * a + (1 - rho) * g**2``, ``delta = sqrt(d + epsilon) / sqrt(a + epsilon) * g``,
    ``d = rho * d + (1 - rho) * delta**2``, ``w -= lr * delta``.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(1, "float32"))
    >>> _ = Adadelta(1.0, rho=0.75).apply_gradients([(np.array([4.0]), w)])
    >>> w.numpy().round(4)
    array([0.9994], dtype=float32)
    """

    rho: float = 0.95
    epsilon: float = 1e-7
    buffers = 2

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("accumulated_grad"), Slot("accumulated_delta_var")]

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        return "adadelta", (self.rho, 1 - self.rho, self.epsilon)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (a, d), (lr,), (delta, other) = slots, s, scratch
        a *= self.rho
        np.multiply(g, g, out=other)
        other *= 1 - self.rho
        a += other
        np.add(d, self.epsilon, out=delta)
        np.add(a, self.epsilon, out=other)
        delta /= other
        np.sqrt(delta, out=delta)
        delta *= g
        d *= self.rho
        np.multiply(delta, delta, out=other)
        other *= 1 - self.rho
        d += other
        delta *= lr
        w -= delta


@register("ftrl")
@dataclass(eq=False, repr=False)
class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al., 2013), for sparse linear models.

    With ``p = -learning_rate_power``, ``h = g + 2 * l2_shrinkage * w`` and ``n = a + g**2``:
    ``z += h - (n**p - a**p) / lr * w``, ``a = n``,
    ``w = (clip(z, -l1, l1) - z) / (n**p / lr + 2 * l2 + beta / lr)``.
    A step whose learning rate is 0 changes nothing.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.zeros(1, "float32"))
    >>> _ = Ftrl(0.5, initial_accumulator_value=3.0).apply_gradients([(np.array([1.0]), w)])
    >>> w.numpy()
    array([-0.25], dtype=float32)
    """

    learning_rate_power: float = -0.5
    initial_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0
    l2_shrinkage_regularization_strength: float = 0.0
    beta: float = 0.0
    buffers = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("learning_rate_power", self.learning_rate_power <= 0, "not positive")
        for key in (
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):
            self._check(key, getattr(self, key) >= 0, "not negative")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("accumulator", self.initial_accumulator_value), Slot("linear")]

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the learning rate and what is added to the root before it is divided by it."""
        return lr, 2 * lr * self.l2_regularization_strength + self.beta

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants, for the usual power."""
        if self.learning_rate_power != -0.5:
            return None
        shrinkage = 2 * self.l2_shrinkage_regularization_strength
        return "ftrl", (shrinkage, self.l1_regularization_strength)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (a, z), (lr, added), (root, change) = slots, s, scratch
        if lr == 0:
            return
        self._power(a, change)
        np.multiply(g, g, out=root)
        a += root
        self._power(a, root)
        change -= root
        change *= 1 / lr
        change *= w
        z += change
        z += g
        if self.l2_shrinkage_regularization_strength:
            np.multiply(w, 2 * self.l2_shrinkage_regularization_strength, out=change)
            z += change
        root += added
        root *= 1 / lr
        np.maximum(root, 1e-30, out=root)  # 0 / 0 before the first gradient counts as 0
        l1 = self.l1_regularization_strength
        np.clip(z, -l1, l1, out=change)
        change -= z
        np.divide(change, root, out=w)

    def _power(self, a: Any, out: Any) -> None:
        if self.learning_rate_power == -0.5:
            np.sqrt(a, out=out)
        else:
            np.power(a, -self.learning_rate_power, out=out)


@register("lion")
@dataclass(eq=False, repr=False)
class Lion(Optimizer):
    """Evolved sign momentum (Chen et al., arXiv 2302.06675).

    ``w -= lr * sign(beta_1 * m + (1 - beta_1) * g)``, ``m = beta_2 * m + (1 - beta_2) * g``.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones(2, "float32"))
    >>> _ = Lion(learning_rate=0.5).apply_gradients([(np.array([1.0, -20.0]), w)])
    >>> w.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    beta_1: float = 0.9
    beta_2: float = 0.99
    buffers = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", 0 < self.beta_1 <= 1, "in (0, 1]")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum")]

    def kernel(self, slots: int) -> Kernel:
        """Compiled pass and its constants."""
        return "lion", (self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (m,), (lr,), (step, share) = slots, s, scratch
        np.multiply(m, self.beta_1, out=step)
        np.multiply(g, 1 - self.beta_1, out=share)
        step += share
        np.sign(step, out=step)
        step *= lr
        w -= step
        m *= self.beta_2
        np.multiply(g, 1 - self.beta_2, out=share)
        m += share
