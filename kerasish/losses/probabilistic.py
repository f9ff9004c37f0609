"""Losses between distributions: Kullback-Leibler divergence and Poisson."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kerasish.config import epsilon
from kerasish.losses.base import Backward, Paired, functional
from kerasish.losses.regression import clip, mean, share
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class KLDivergence(Paired):
    """Kullback-Leibler divergence, the sum of y log(y / p), both clipped to [1e-7, 1].

    Examples
    --------
    >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
    0.1438
    """

    name: str | None = field(default="kl_divergence", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Σ y log(y / p); gradient -y / p, and 0 where p is clipped."""
        y, q = clip(y, epsilon(), 1), clip(p, epsilon(), 1)

        def backward(dl: np.ndarray) -> np.ndarray:
            return np.asarray(-dl, p.dtype)[..., None] * y / q * (p == q)

        return np.sum(y * np.log(y / q), axis=-1), backward


@register
@dataclass(eq=False, repr=False)
class Poisson(Paired):
    """Mean of p - y log(p + 1e-7): targets are counts, predictions their expected values.

    Examples
    --------
    >>> round(float(Poisson()([[2.0, 0.0]], [[2.0, 1.0]])), 4)
    0.8069
    """

    name: str | None = field(default="poisson", kw_only=True)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """p - y log(p + ε); gradient 1 - y / (p + ε)."""
        q = p + p.dtype.type(epsilon())

        def backward(dl: np.ndarray) -> np.ndarray:
            return share(dl, p) * (1 - y / q)

        return mean(p - y * np.log(q)), backward


kl_divergence = functional(KLDivergence, "kld", "KLD", "kullback_leibler_divergence")
poisson = functional(Poisson)
