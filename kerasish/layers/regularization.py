"""Layers that disturb or penalise in training and do nothing else: dropout and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import kernels, regularizers
from kerasish.layers.arguments import fraction
from kerasish.layers.base import Backward, Layer
from kerasish.layers.same_shape import SameShape, let_through
from kerasish.registry import register
from kerasish.step import Step

# Constants of SELU, whose negative limit AlphaDropout drops to (Klambauer et al. 2017).
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@register()
@dataclass(eq=False, repr=False)
class Dropout(SameShape):
    """Set a random part of the inputs to 0 in training and scale the others by 1 / (1 - rate).

    Parameters
    ----------
    rate : float
        Probability of dropping, from 0 to 1.
    noise_shape : tuple, optional
        Shape of the random mask, 1 on axes along which it is shared: ``(None, 1, features)``
        drops a feature at all time steps.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    Srivastava et al. 2014, in the "inverted" form that leaves inference unchanged.

    Examples
    --------
    >>> Dropout(0.5)(np.ones((1, 3)))
    Array([[1., 1., 1.]], dtype=float32)
    """

    rate: float
    noise_shape: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rate = fraction(self, "rate", self.rate)
        self.noise_shape = _noise_shape(self, self.noise_shape)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Multiply by a random mask, in training."""
        if not step.training or self.rate == 0:
            return let_through(x, step)
        if self.noise_shape is None:
            return kernels.dropout(x, self.rate, step.rng_for(self.seed), step)
        mask = _draw_mask(self, x, step)
        y = kernels.multiply(x, mask, step)
        return y, (lambda dy: kernels.multiply(dy, mask, step)) if step.recording else None

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        config["noise_shape"] = config.pop("noise_shape")
        return config


@register()
@dataclass(eq=False, repr=False)
class AlphaDropout(Dropout):
    """Dropout for SELU networks: mean and variance of the inputs stay what they were.

    Dropped inputs take SELU's negative limit; then everything is scaled and shifted back.

    Parameters
    ----------
    rate : float
        Probability of dropping, at least 0 and below 1.
    noise_shape, seed
        As in `Dropout`.

    Notes
    -----
    Klambauer et al. 2017, "Self-Normalizing Neural Networks".

    Examples
    --------
    >>> AlphaDropout(0.1)(np.ones((1, 3)))
    Array([[1., 1., 1.]], dtype=float32)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        _below_one(self, self.rate)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """``a * (x or limit) + b``, in training."""
        if not step.training or self.rate == 0:
            return let_through(x, step)
        limit = -SELU_ALPHA * SELU_SCALE
        a = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5
        b = -a * limit * self.rate
        keep = _draw_mask(self, x, step) > 0
        scale = keep * x.dtype.type(a)
        y = kernels.multiply(x, scale, step)
        y += np.where(keep, b, a * limit + b).astype(x.dtype)
        return y, (lambda dy: kernels.multiply(dy, scale, step)) if step.recording else None


@register()
@dataclass(eq=False, repr=False)
class GaussianDropout(SameShape):
    """Multiply by random numbers of mean 1 and variance rate / (1 - rate) in training.

    Parameters
    ----------
    rate : float
        At least 0 and below 1.
    seed : int, optional
        Gives the layer random numbers of its own.

    Examples
    --------
    >>> GaussianDropout(0.5)(np.ones((1, 3)))
    Array([[1., 1., 1.]], dtype=float32)
    """

    rate: float
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rate = _below_one(self, self.rate)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """``x * (1 + deviation * noise)``, in training."""
        if not step.training or self.rate == 0:
            return let_through(x, step)
        factor = step.rng_for(self.seed).standard_normal(x.shape, _sampled(x.dtype))
        factor *= math.sqrt(self.rate / (1 - self.rate))
        factor += 1
        y = kernels.multiply(x, factor, step)
        return y, (lambda dy: kernels.multiply(dy, factor, step)) if step.recording else None


@register()
@dataclass(eq=False, repr=False)
class GaussianNoise(SameShape):
    """Add random numbers of mean 0 in training.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, from 0 to 1.
    seed : int, optional
        Gives the layer random numbers of its own.

    Examples
    --------
    >>> GaussianNoise(0.5)(np.ones((1, 3)))
    Array([[1., 1., 1.]], dtype=float32)
    """

    stddev: float
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.stddev = fraction(self, "stddev", self.stddev)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """``x + stddev * noise``, in training."""
        if not step.training or self.stddev == 0:
            return let_through(x, step)
        noise = step.rng_for(self.seed).standard_normal(x.shape, _sampled(x.dtype))
        noise *= self.stddev
        return let_through(np.add(x, noise, out=noise), step)


@register()
@dataclass(eq=False, repr=False)
class ActivityRegularization(SameShape):
    """Let the input through and add ``l1 * sum|x| + l2 * sum x**2``, a batch's mean, to the loss.

    Examples
    --------
    >>> ActivityRegularization(l2=0.01)(np.ones((1, 3)))
    Array([[1., 1., 1.]], dtype=float32)
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.activity_regularizer = regularizers.L1L2(l1=self.l1, l2=self.l2)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """The input; `apply` adds the penalty."""
        return let_through(x, step)

    def get_config(self) -> dict[str, Any]:
        """Arguments; the penalty follows from them."""
        config = super().get_config()
        config.pop("activity_regularizer")
        return config


def _noise_shape(layer: Layer, value: Any) -> tuple[int | None, ...] | None:
    if value is None:
        return None
    axes = None if isinstance(value, str) or not np.iterable(value) else tuple(value)
    if axes is None or any(a is not None and not (isinstance(a, int) and a > 0) for a in axes):
        raise ValueError(
            f"{layer.label}: `noise_shape` must be a tuple of positive whole numbers or None but "
            f"is {value!r}."
        )
    return axes


def _draw_mask(layer: Dropout, x: np.ndarray, step: Step) -> np.ndarray:
    """Zeros and 1 / (1 - rate), in the shape of `x` or of the layer's `noise_shape`."""
    rng, asked = step.rng_for(layer.seed), layer.noise_shape
    if asked is None:
        return kernels.dropout_mask(x.shape, layer.rate, rng, x.dtype)
    whole = (step.batch_size, *x.shape[1:])
    fits = len(asked) == x.ndim
    if not fits or any(a not in (None, 1, n) for a, n in zip(asked, whole, strict=True)):
        raise ValueError(
            f"{layer.label}: `noise_shape` {asked} does not fit inputs of shape {whole}. Each "
            f"axis must be the input's size (or None) or 1."
        )
    shape = tuple(1 if a == 1 else n for a, n in zip(asked, x.shape, strict=True))
    mask = kernels.dropout_mask(shape, layer.rate, rng, x.dtype)
    # One mask for the whole batch must be the same in all of its parts.
    return step.exchange(mask, lambda masks: masks[0]) if asked[0] == 1 else mask


def _below_one(layer: Layer, rate: float) -> float:
    rate = fraction(layer, "rate", rate)
    if rate == 1:
        raise ValueError(
            f"{layer.label}: `rate` must be below 1 but is 1, where the variance of the noise "
            f"would be infinite."
        )
    return rate


def _sampled(dtype: np.dtype) -> Any:
    return np.float32 if dtype == np.float32 else np.float64
