"""Optimizers that look at a whole weight at once: its norm, its rows and columns."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.optimizers.adam import moments
from kerasish.optimizers.base import Optimizer, Slot
from kerasish.registry import register
from kerasish.store import Weight


def _norm(x: np.ndarray) -> float:
    flat = x.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)))


def _rms(x: np.ndarray) -> float:
    return _norm(x) / math.sqrt(max(x.size, 1))


@register("lamb")
@dataclass(eq=False, repr=False)
class Lamb(Optimizer):
    """Adam whose step is scaled to each weight's norm (You et al., arXiv 1904.00962).

    With Adam's moments and ``u = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)``,
    ``w -= lr * u * norm(w) / norm(u)``; the ratio counts as 1 where a norm is 0.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.array([3.0, 4.0], "float32"))
    >>> _ = Lamb(learning_rate=0.5).apply_gradients([(np.array([1.0, 0.0]), w)])
    >>> w.numpy().round(4)
    array([0.5, 4. ], dtype=float32)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    elementwise = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", 0 <= self.beta_1 < 1, "in [0, 1)")
        self._check("beta_2", 0 <= self.beta_2 < 1, "in [0, 1)")

    def slots(self) -> list[Slot]:
        """Return the arrays remembered for every weight."""
        return [Slot("momentum"), Slot("velocity")]

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the learning rate and the corrections for moments that started at zero."""
        return lr, 1 / (1 - self.beta_1**t), 1 / math.sqrt(1 - self.beta_2**t)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (m, v), (lr, of_m, of_root), (u,) = slots, s, scratch
        moments(m, v, g, self.beta_1, self.beta_2, u)
        np.sqrt(v, out=u)
        u *= of_root
        u += self.epsilon
        np.divide(m, u, out=u)
        u *= of_m
        w_norm, u_norm = _norm(w), _norm(u)
        u *= lr * (w_norm / u_norm if w_norm > 0 and u_norm > 0 else 1.0)
        w -= u


@register("adafactor")
@dataclass(eq=False, repr=False)
class Adafactor(Optimizer):
    """Adaptive steps from row and column means only (Shazeer and Stern, arXiv 1804.04235).

    With ``b = 1 - t**beta_2_decay`` and ``q = g**2 + epsilon_1``: ``r`` and ``c`` are running means
    (of rate `b`) of the means of `q` over the last axis and the one before, and
    ``v = r / mean(r) * c``; weights of less than two axes keep a running mean `v` of `q` itself.
    ``u = g / sqrt(v)``, ``w -= max(epsilon_2, rms(w)) * rho * u / max(1, rms(u) / clip_threshold)``
    where ``rho = min(lr, 1 / sqrt(t))``.

    Parameters
    ----------
    relative_step : bool
        Written to files for Keras, whose formula bounds the rate by ``1 / sqrt(t)`` either way.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.ones((2, 2), "float32"))
    >>> _ = Adafactor(learning_rate=0.5).apply_gradients([(np.ones((2, 2)), w)])
    >>> w.numpy().round(4)
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """

    beta_2_decay: float = -0.8
    epsilon_1: float = 1e-30
    epsilon_2: float = 1e-3
    clip_threshold: float = 1.0
    relative_step: bool = True
    elementwise = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("clip_threshold", self.clip_threshold > 0, "positive")

    def slots_for(self, weight: Weight) -> list[Slot]:
        """Return the arrays remembered for one weight."""
        if weight.ndim < 2:  # Keras's files hold two unused zeros here
            return [Slot("", 0, (), np.int32), Slot("", 0, (), np.int32), Slot("velocity")]
        rows, columns = weight.shape[:-1], weight.shape[:-2] + weight.shape[-1:]
        return [Slot("", 0.0, rows), Slot("", 0.0, columns), Slot("velocity")]

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the bounded learning rate and the rate of the running means."""
        return min(lr, 1 / math.sqrt(t)), 1 - t**self.beta_2_decay

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (r, c, v), (rho, b), (u,) = slots, s, scratch
        np.multiply(g, g, out=u)
        u += self.epsilon_1
        if w.ndim < 2:
            v *= b
            u *= 1 - b
            v += u
        else:
            r *= b
            r += (1 - b) * u.mean(axis=-1)
            c *= b
            c += (1 - b) * u.mean(axis=-2)
            relative = r / r.mean(axis=-1, keepdims=True)
            np.multiply(relative[..., None], c[..., None, :], out=v)
        np.sqrt(v, out=u)
        np.divide(g, u, out=u)
        size = max(self.epsilon_2, _rms(w)) * rho
        u *= size / max(1.0, _rms(u) / self.clip_threshold)
        w -= u


@register("muon")
@dataclass(eq=False, repr=False)
class Muon(Optimizer):
    """Momentum made orthogonal (Jordan et al., 2024; Liu et al., arXiv 2502.16982).

    For matrices ``m = momentum * m + g``, ``w -= lr * rms_rate * sqrt(max(shape)) * O(h)`` where
    ``h = g + momentum * m`` with `nesterov`, else `m`, and `O` brings all singular values near 1
    by `ns_steps` Newton-Schulz steps ``x = a * x + (b * A + c * A @ A) @ x``, ``A = x @ x.T``. All
    other weights, embeddings and `exclude_layers` take steps of Adam.

    Parameters
    ----------
    adam_beta_1, adam_beta_2, adam_weight_decay, adam_lr_ratio : float
        Options of the steps of Adam; its learning rate is ``learning_rate * adam_lr_ratio``.
    exclude_layers : list of str
        Regular expressions, searched for in the paths of weights.
    exclude_embeddings : bool
        Whether weights with "embedding" in their path take steps of Adam.
    rms_rate : float or None
        Size of the step by the root of the mean square; None leaves the step as it is.

    Examples
    --------
    >>> from kerasish.store import Weight
    >>> w = Weight(np.zeros((2, 2), "float32"))
    >>> optimizer = Muon(learning_rate=0.5, rms_rate=None)
    >>> _ = optimizer.apply_gradients([(np.array([[3.0, 0.0], [0.0, 1.0]]), w)])
    >>> bool(0.3 < -w.numpy()[0, 0] < 0.7)
    True
    """

    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_weight_decay: float | None = 0.004
    epsilon: float = 1e-7
    weight_decay: float | None = field(default=0.004, kw_only=True)
    exclude_layers: list[str] | None = field(default=None, kw_only=True)
    exclude_embeddings: bool = field(default=True, kw_only=True)
    muon_a: float = field(default=3.4445, kw_only=True)
    muon_b: float = field(default=-4.7750, kw_only=True)
    muon_c: float = field(default=2.0315, kw_only=True)
    adam_lr_ratio: float = field(default=1, kw_only=True)
    momentum: float = field(default=0.95, kw_only=True)
    ns_steps: int = field(default=5, kw_only=True)
    nesterov: bool = field(default=True, kw_only=True)
    rms_rate: float | None = field(default=0.2, kw_only=True)
    elementwise = False
    positional_tail = (
        *Optimizer.positional_tail,
        "exclude_layers",
        "exclude_embeddings",
        "muon_a",
        "muon_b",
        "muon_c",
        "adam_lr_ratio",
        "momentum",
        "ns_steps",
        "nesterov",
        "rms_rate",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.exclude_layers = list(self.exclude_layers or [])
        self._check("adam_beta_1", 0 <= self.adam_beta_1 < 1, "in [0, 1)")
        self._check("adam_beta_2", 0 <= self.adam_beta_2 < 1, "in [0, 1)")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values, in the order of Keras."""
        config = super().get_config()
        last = ("nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate")
        return {k: v for k, v in config.items() if k not in last} | {k: config[k] for k in last}

    def _uses_adam(self, weight: Weight) -> bool:
        if weight.ndim != 2 or (self.exclude_embeddings and "embedding" in weight.path.lower()):
            return True
        return any(re.search(layer, weight.path) for layer in self.exclude_layers or ())

    def decay_of(self, weight: Weight) -> float:
        """Return the weight decay of one weight; 0 means none."""
        decay = self.adam_weight_decay if self._uses_adam(weight) else self.weight_decay
        return (decay or 0.0) if self._decays(weight) else 0.0

    def slots_for(self, weight: Weight) -> list[Slot]:
        """Return the arrays remembered for one weight."""
        return [Slot("momentum")] + [Slot("velocity")] * self._uses_adam(weight)

    def scalars(self, t: int, lr: float, *extras: Any) -> tuple[Any, ...]:
        """Return the learning rate and the step size of Adam."""
        root = math.sqrt(1 - self.adam_beta_2**t)
        return lr, lr * self.adam_lr_ratio * root / (1 - self.adam_beta_1**t)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place."""
        (lr, alpha), (step,) = s, scratch
        m = slots[0]
        if len(slots) == 2:
            v = slots[1]
            moments(m, v, g, self.adam_beta_1, self.adam_beta_2, step)
            np.sqrt(v, out=step)
            step += self.epsilon
            np.divide(m, step, out=step)
            step *= alpha
        else:
            m *= self.momentum
            m += g
            if self.nesterov:
                np.multiply(m, self.momentum, out=step)
                step += g
            else:
                step[...] = m
            scale = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(w.shape))
            np.multiply(self._orthogonal(step), lr * scale, out=step)
        w -= step

    def _orthogonal(self, h: np.ndarray) -> np.ndarray:
        tall = h.shape[0] > h.shape[1]
        x = (h.T if tall else h) / (_norm(h) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * square @ square) @ x
        return x.T if tall else x
