"""Batch and layer normalisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish import initializers, kernels
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.same_shape import SameShape
from kerasish.layers.weights import resolve_roles, weight_by_role
from kerasish.registry import register
from kerasish.step import Step
from kerasish.store import Weight


@register()
@dataclass(eq=False, repr=False)
class BatchNormalization(SameShape):
    """Standardise each channel over the batch, then scale and shift: ``gamma * x_hat + beta``.

    In training the statistics are the batch's (all shards together; only steps that the mask
    keeps) and move the averages: ``moving = momentum * moving + (1 - momentum) * batch``, with
    the biased variance. In inference, and while the layer is frozen, the averages are used.

    Parameters
    ----------
    axis : int
        The channel axis.
    momentum, epsilon : float
        Inertia of the averages; what is added to the variance.
    center, scale : bool
        Whether there is a `beta`, a `gamma`.
    synchronized : bool
        Accepted: statistics are always those of the whole batch.

    Notes
    -----
    Ioffe and Szegedy 2015. Weights gamma, beta, moving_mean, moving_variance, each (C,).

    Examples
    --------
    >>> BatchNormalization()(np.array([[1.0], [3.0]]), training=True).numpy().round(2)
    array([[-1.],
           [ 1.]], dtype=float32)
    """

    axis: Any = -1
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Any = "zeros"
    gamma_initializer: Any = "ones"
    moving_mean_initializer: Any = "zeros"
    moving_variance_initializer: Any = "ones"
    beta_regularizer: Any = None
    gamma_regularizer: Any = None
    beta_constraint: Any = None
    gamma_constraint: Any = None
    renorm: bool = False
    renorm_clipping: Any = None
    renorm_momentum: float = 0.99
    synchronized: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.renorm:
            raise ValueError(
                f"{self.label} does not take `renorm`: batch renormalisation is not supported. "
                f"For small batches use LayerNormalization."
            )
        if isinstance(self.axis, list | tuple) and len(self.axis) == 1:
            self.axis = self.axis[0]  # as files of tf.keras have it
        if not isinstance(self.axis, int | np.integer):
            raise TypeError(f"{self.label}: `axis` must be one whole number but is {self.axis!r}.")
        self.axis = int(self.axis)
        self.momentum, self.epsilon = float(self.momentum), float(self.epsilon)
        resolve_roles(self, "beta", "gamma")
        self.moving_mean_initializer = initializers.get(self.moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(self.moving_variance_initializer)

    @property
    def mixes_samples(self) -> bool:
        """Its statistics are those of the whole batch."""
        return True

    def build(self, input_shape: Shape) -> None:
        """Make gamma, beta and the moving averages, each (C,)."""
        self.compute_output_shape(input_shape)
        shape = (input_shape[self.axis],)
        self.gamma = weight_by_role(self, "gamma", shape) if self.scale else None
        self.beta = weight_by_role(self, "beta", shape) if self.center else None
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Standardise with the batch's statistics or the moving ones."""
        learns = step.training and not step.is_frozen(self)
        rows = self._fold(x)
        keep = self._kept_rows(x, step.mask) if learns else None
        if learns:
            mean, variance, count = kernels.moments(rows, step, keep)
            for moving, batch in (self.moving_mean, mean), (self.moving_variance, variance):
                old = step.read(moving)
                step.update(moving, self.momentum * old + (1 - self.momentum) * batch)
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        factor = inverse if self.gamma is None else inverse * self.gamma.value
        shift = np.zeros_like(inverse) if self.beta is None else self.beta.value
        y = kernels.normalise(rows, mean, factor, shift, step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dy = self._fold(dy)
            if learns or any(step.wants(w) for w in (self.gamma, self.beta) if w):
                dbeta, dgamma = kernels.normalised_sums(dy, rows, mean, inverse, step)
                add_gradient(step, self.gamma, dgamma)
                add_gradient(step, self.beta, dbeta)
            if not step.needs_dx(self):
                return None
            if not learns:
                return self._unfold(kernels.multiply(dy, factor, step), x)
            mean_dy, mean_dy_x_hat = step.all_sum(np.array([dbeta, dgamma])) / count
            slope, level = factor * inverse * mean_dy_x_hat, factor * mean_dy
            if keep is None:
                dx = kernels.normalise_backward(dy, rows, mean, factor, slope, level, step)
            else:  # the statistics are of the kept rows only
                dx = kernels.multiply(dy, factor, step)
                dx -= keep[:, None] * (slope * (rows - mean) + level)
            return self._unfold(dx, x)

        return self._unfold(y, x), backward if step.recording else None

    def _fold(self, x: np.ndarray) -> np.ndarray:
        """All axes but the channels' into one: (M, C)."""
        if self.axis % x.ndim != x.ndim - 1:
            x = np.moveaxis(x, self.axis, -1)
        return x.reshape(-1, x.shape[-1])

    def _unfold(self, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        """(M, C) back to the shape of `x`."""
        if self.axis % x.ndim == x.ndim - 1:
            return rows.reshape(x.shape)
        shape = np.moveaxis(x, self.axis, -1).shape
        return np.moveaxis(rows.reshape(shape), -1, self.axis)

    def _kept_rows(self, x: np.ndarray, mask: np.ndarray | None) -> np.ndarray | None:
        """The mask, of all axes but the last, for each row of (M, C)."""
        if mask is None:
            return None
        if mask.ndim != x.ndim - 1 or self.axis % x.ndim != x.ndim - 1:
            raise ValueError(
                f"{self.label} needs a mask of one dimension less than its inputs, and the "
                f"channels on the last axis, but got a mask of shape {mask.shape} for inputs of "
                f"shape {x.shape} with axis={self.axis}."
            )
        return np.broadcast_to(mask, x.shape[:-1]).reshape(-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        check_axes(self, [self.axis], input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        for key in ("renorm", "renorm_clipping", "renorm_momentum"):
            config[key] = config.pop(key)
        return config


@register()
@dataclass(eq=False, repr=False)
class LayerNormalization(SameShape):
    """Standardise each sample over `axis`, then scale and shift: ``gamma * x_hat + beta``.

    Parameters
    ----------
    axis : int or list of int
        The axes that are normalised together; gamma and beta have their shape. As in Keras, that
        is written with negative axes first: (C, H) for ``[-1, 1]``, of the same numbers as (H, C).
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a `beta`, a `gamma`.
    rms_scaling : bool
        Divide by the deviation without subtracting the mean first, and without `beta`.

    Notes
    -----
    Ba et al. 2016.

    Examples
    --------
    >>> LayerNormalization()(np.array([[1.0, 3.0]])).numpy().round(2)
    array([[-1.,  1.]], dtype=float32)
    """

    axis: Any = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    rms_scaling: bool = field(default=False, kw_only=True)
    beta_initializer: Any = "zeros"
    gamma_initializer: Any = "ones"
    beta_regularizer: Any = None
    gamma_regularizer: Any = None
    beta_constraint: Any = None
    gamma_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        axes = self.axis if isinstance(self.axis, list | tuple) else [self.axis]
        if not axes or not all(isinstance(axis, int | np.integer) for axis in axes):
            raise TypeError(
                f"{self.label}: `axis` must be a whole number or a list of them but is "
                f"{self.axis!r}."
            )
        self.axis = list(axes) if isinstance(self.axis, list | tuple) else int(self.axis)
        resolve_roles(self, "beta", "gamma")

    def build(self, input_shape: Shape) -> None:
        """Make gamma and beta, of the shape of the normalised axes."""
        self.compute_output_shape(input_shape)
        self.shardable = 0 not in self._axes(len(input_shape))
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        shape = tuple(input_shape[axis] for axis in sorted(given))
        with_beta = self.center and not self.rms_scaling
        self.gamma = (
            weight_by_role(self, "gamma", shape) if self.scale or self.rms_scaling else None
        )
        self.beta = weight_by_role(self, "beta", shape) if with_beta else None

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Move the axes to the end, fold to rows (M, K), standardise each row."""
        axes = self._axes(x.ndim)
        ends = tuple(range(-len(axes), 0))
        moved = np.moveaxis(x, axes, ends)
        rows = moved.reshape(-1, int(np.prod(moved.shape[-len(axes) :])))
        average = np.full(rows.shape[1], 1 / rows.shape[1], x.dtype)
        centred = rows - (rows @ average)[:, None]
        variance = np.square(centred) @ average
        inverse = (1 / np.sqrt(variance + x.dtype.type(self.epsilon)))[:, None]
        standard = centred * inverse
        x_hat = rows * inverse if self.rms_scaling else standard
        y = scale_and_shift(x_hat, self.gamma, self.beta, step)

        def unfold(rows: np.ndarray) -> np.ndarray:
            return np.moveaxis(rows.reshape(moved.shape), ends, axes)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dy = np.moveaxis(dy, axes, ends).reshape(rows.shape)
            for weight, gradient in (self.beta, dy), (self.gamma, dy * x_hat):
                if weight is not None:
                    step.add_grad(weight, gradient.reshape(-1, *weight.shape))
            if not step.needs_dx(self):
                return None
            d_hat = dy if self.gamma is None else dy * self.gamma.value.reshape(-1)
            dx = d_hat - standard * ((d_hat * x_hat) @ average)[:, None]
            if not self.rms_scaling:
                dx -= (d_hat @ average)[:, None]
            dx *= inverse
            return unfold(dx)

        return unfold(y), backward if step.recording else None

    def _axes(self, ndim: int) -> list[int]:
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        return sorted(axis % ndim for axis in axes)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        check_axes(self, axes, input_shape)
        return tuple(input_shape)


def scale_and_shift(
    x_hat: np.ndarray, gamma: Weight | None, beta: Weight | None, step: Step
) -> np.ndarray:
    """``gamma * x_hat + beta`` for x_hat (M, K)."""
    if gamma is not None:
        y = kernels.multiply(x_hat, gamma.value.reshape(-1), step)
    else:
        y = x_hat.copy() if beta is not None else x_hat
    if beta is not None:
        y += beta.value.reshape(-1)
    return y


def add_gradient(step: Step, weight: Weight | None, gradient: np.ndarray) -> None:
    """`step.add_grad` for a weight that the layer may be without."""
    if weight is not None:
        step.add_grad(weight, gradient)


def check_axes(layer: Any, axes: list[int], input_shape: Shape) -> None:
    """Refuse axes that inputs of this shape have not."""
    ndim = len(input_shape)
    if any(not -ndim <= axis < ndim for axis in axes):
        raise layer.shape_error(
            f"with an axis {axes[0] if len(axes) == 1 else axes}",
            input_shape,
            "The axis is out of bounds; the batch is axis 0.",
        )
