"""Dropout of whole channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import kernels
from kerasish.layers.arguments import Shape, fraction
from kerasish.layers.base import Backward
from kerasish.layers.same_shape import let_through
from kerasish.layers.spatial import Spatial
from kerasish.registry import register
from kerasish.step import Step


@dataclass(eq=False, repr=False)
class SpatialDropout(Spatial):
    """Dropout of whole channels, of any rank."""

    supports_masking: ClassVar[bool] = True
    positional_tail: ClassVar[tuple[str, ...]] = ("name", "dtype")

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rate = fraction(self, "rate", self.rate)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Multiply by one random number for each sample and channel, in training."""
        shape = self.last_shape(x.shape)
        if not step.training or self.rate == 0:
            return let_through(x, step)
        drawn: Any = self.full_shape(shape[0], (1,) * self.rank, shape[-1])
        rng = step.rng_for(getattr(self, "seed", None))
        mask = kernels.dropout_mask(drawn, self.rate, rng, x.dtype)
        y = kernels.multiply(x, mask, step)
        return y, (lambda dy: kernels.multiply(dy, mask, step)) if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        self.last_shape(input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Keras's keys, in its order: no `trainable`, and the type as a word."""
        config = {**super().get_config(), "dtype": self.dtype}
        keys = ("rate", "seed", "name", "dtype", "data_format")
        return {key: config[key] for key in keys if key in config}


@register()
@dataclass(eq=False, repr=False)
class SpatialDropout1D(SpatialDropout):
    """Drop whole channels of sequences (N, steps, channels) in training.

    Parameters
    ----------
    rate : float
        Probability of dropping, from 0 to 1.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    Tompson et al. 2015.

    Examples
    --------
    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 1))).numpy().ravel()
    array([1., 1.], dtype=float32)
    """

    rank: ClassVar[int] = 1
    seed: int | None = None


@register()
@dataclass(eq=False, repr=False)
class SpatialDropout2D(SpatialDropout):
    """Drop whole channels of images (N, height, width, channels) in training.

    Parameters
    ----------
    rate : float
        Probability of dropping, from 0 to 1.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    seed : int, optional
        Gives the layer random numbers of its own.

    Examples
    --------
    >>> SpatialDropout2D(0.5)(np.ones((1, 2, 2, 1))).shape
    (1, 2, 2, 1)
    """

    rank: ClassVar[int] = 2
    data_format: Any = None
    seed: int | None = None


@register()
@dataclass(eq=False, repr=False)
class SpatialDropout3D(SpatialDropout):
    """Drop whole channels of volumes in training; arguments as in `SpatialDropout2D`.

    Examples
    --------
    >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 1))).shape
    (1, 2, 2, 2, 1)
    """

    rank: ClassVar[int] = 3
    data_format: Any = None
    seed: int | None = None
