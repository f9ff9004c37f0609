"""Normalisation over groups of channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.normalization import add_gradient, check_axes, scale_and_shift
from kerasish.layers.same_shape import SameShape
from kerasish.layers.weights import resolve_roles, weight_by_role
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class GroupNormalization(SameShape):
    """Standardise each sample's groups of channels, over all places, then scale and shift.

    Unlike batch normalisation it does not depend on the batch, so it suits small ones.

    Parameters
    ----------
    groups : int
        Number of groups, which must divide the number of channels. 1 normalises all of a sample
        together; -1 gives each channel a group of its own ("instance normalisation").
    axis : int
        The channel axis.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a `beta`, a `gamma`, each (channels,).

    Notes
    -----
    Wu and He 2018, "Group Normalization".

    Examples
    --------
    >>> GroupNormalization(groups=2)(np.array([[1.0, 3.0, 10.0, 30.0]])).numpy().round(2)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    groups: int = 32
    axis: Any = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Any = "zeros"
    gamma_initializer: Any = "ones"
    beta_regularizer: Any = None
    gamma_regularizer: Any = None
    beta_constraint: Any = None
    gamma_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = isinstance(self.groups, int | np.integer) and not isinstance(self.groups, bool)
        if not whole or (self.groups < 1 and self.groups != -1):
            raise ValueError(
                f"{self.label}: `groups` must be a positive whole number, or -1 for a group for "
                f"each channel, but is {self.groups!r}."
            )
        if not isinstance(self.axis, int | np.integer):
            raise TypeError(f"{self.label}: `axis` must be one whole number but is {self.axis!r}.")
        self.groups, self.axis, self.epsilon = int(self.groups), int(self.axis), float(self.epsilon)
        resolve_roles(self, "beta", "gamma")

    def build(self, input_shape: Shape) -> None:
        """Make gamma and beta, each (C,)."""
        self.compute_output_shape(input_shape)
        channels = input_shape[self.axis]
        if channels is not None and channels % self._groups_of(channels):
            raise ValueError(
                f"{self.label}: `groups`={self.groups} must divide the number of channels, "
                f"{channels} (axis {self.axis} of {tuple(input_shape)})."
            )
        self.gamma = weight_by_role(self, "gamma", (channels,)) if self.scale else None
        self.beta = weight_by_role(self, "beta", (channels,)) if self.center else None

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Fold to (N, places, C); means are of a group, repeated for each of its channels."""
        moved = np.moveaxis(x, self.axis, -1)
        channels = x.shape[self.axis]
        rows = moved.reshape(len(x), -1, channels)
        share = np.full((1, rows.shape[1]), 1 / max(rows.shape[1], 1), x.dtype)
        groups = self._groups_of(channels)
        size = channels // groups

        def mean(values: np.ndarray) -> np.ndarray:
            of_channels = np.matmul(share, values)  # (N, 1, C)
            of_groups = of_channels.reshape(len(x), 1, groups, size).mean(axis=-1)
            return np.repeat(of_groups, size, axis=-1)

        x_hat = rows - mean(rows)
        inverse = 1 / np.sqrt(mean(np.square(x_hat)) + x.dtype.type(self.epsilon))
        x_hat *= inverse
        y = scale_and_shift(x_hat, self.gamma, self.beta, step)

        def unfold(rows: np.ndarray) -> np.ndarray:
            return np.moveaxis(rows.reshape(moved.shape), -1, self.axis)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dy = np.moveaxis(dy, self.axis, -1).reshape(rows.shape)
            add_gradient(step, self.beta, dy)
            add_gradient(step, self.gamma, dy * x_hat)
            if not step.needs_dx(self):
                return None
            d_hat = dy if self.gamma is None else dy * self.gamma.value
            dx = d_hat - mean(d_hat)  # by way of the mean
            dx -= x_hat * mean(d_hat * x_hat)  # by way of the variance
            dx *= inverse
            return unfold(dx)

        return unfold(y), backward if step.recording else None

    def _groups_of(self, channels: int) -> int:
        return channels if self.groups == -1 else self.groups

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        check_axes(self, [self.axis], input_shape)
        if self.axis % len(input_shape) == 0:
            raise self.shape_error(
                f"with the channels on axis {self.axis}", input_shape, "Axis 0 is the batch."
            )
        return tuple(input_shape)
