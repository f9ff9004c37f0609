"""Activation functions as layers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import activations, constraints, initializers, kernels, regularizers
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.same_shape import SameShape
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class Activation(SameShape):
    """Apply an activation function: a name, a function, or one of `kerasish.activations`.

    Examples
    --------
    >>> Activation("relu")(np.array([[-1.0, 2.0]]))
    Array([[0., 2.]], dtype=float32)
    """

    activation: Any

    fuses_head: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.activation = activations.get(self.activation)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Apply the function, into new memory."""
        if step.at_head:
            return self.activate(x, step)
        return _apply(self.activation, x, step)


@register()
@dataclass(eq=False, repr=False)
class ReLU(SameShape):
    """``x`` above `threshold`, at most `max_value`; below it ``negative_slope * (x - threshold)``.

    Examples
    --------
    >>> ReLU(max_value=6)(np.array([[-1.0, 2.0, 9.0]]))
    Array([[0., 2., 6.]], dtype=float32)
    """

    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_value is not None:
            _not_negative(self, "max_value", self.max_value)
        _not_negative(self, "negative_slope", self.negative_slope)
        _not_negative(self, "threshold", self.threshold)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """`kerasish.activations.relu` with the layer's arguments."""
        if (self.max_value, self.negative_slope, self.threshold) == (None, 0, 0):
            return _apply(activations.relu, x, step)
        return _apply(
            activations.relu,
            x,
            step,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


@register()
@dataclass(eq=False, repr=False)
class LeakyReLU(SameShape):
    """``x`` where positive, else ``negative_slope * x``.

    Examples
    --------
    >>> LeakyReLU(0.5)(np.array([[-1.0, 2.0]]))
    Array([[-0.5, 2. ]], dtype=float32)
    """

    negative_slope: float = 0.3

    old_spellings: ClassVar[dict[str, str]] = {"alpha": "negative_slope"}

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative(self, "negative_slope", self.negative_slope)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """`kerasish.activations.leaky_relu` with the layer's slope."""
        return _apply(activations.leaky_relu, x, step, negative_slope=self.negative_slope)


@register()
@dataclass(eq=False, repr=False)
class ELU(SameShape):
    """``x`` where positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2015).

    Examples
    --------
    >>> ELU()(np.array([[-1.0, 2.0]]))
    Array([[-0.632..., 2. ]], dtype=float32)
    """

    alpha: float = 1.0

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """`kerasish.activations.elu` with the layer's alpha."""
        return _apply(activations.elu, x, step, alpha=self.alpha)


@register()
@dataclass(eq=False, repr=False)
class PReLU(SameShape):
    """``x`` where positive, else ``alpha * x`` with a learnt `alpha` (He et al. 2015).

    Parameters
    ----------
    shared_axes : list of int, optional
        Axes along which one alpha serves all positions: ``[1, 2]`` makes it one a channel for
        images. The batch axis (0) always shares.

    Examples
    --------
    >>> PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]]))
    Array([[-1., 2.]], dtype=float32)
    """

    alpha_initializer: Any = "Zeros"
    alpha_regularizer: Any = None
    alpha_constraint: Any = None
    shared_axes: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.alpha_initializer = initializers.get(self.alpha_initializer)
        self.alpha_regularizer = regularizers.get(self.alpha_regularizer)
        self.alpha_constraint = constraints.get(self.alpha_constraint)
        if self.shared_axes is not None:
            axes = self.shared_axes
            self.shared_axes = list(axes) if isinstance(axes, list | tuple) else [axes]

    def build(self, input_shape: Shape) -> None:
        """Make alpha, of a sample's shape with 1 for the shared axes."""
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis % len(input_shape) < len(input_shape):
                raise self.shape_error(f"with the axes {self.shared_axes}", input_shape)
            shape[axis % len(input_shape) - 1] = 1
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """``max(x, 0) + alpha * min(x, 0)``."""
        alpha = self.alpha.value
        below = np.minimum(x, 0)
        y = np.maximum(x, 0, out=step.empty(x.shape, x.dtype))
        y += alpha * below
        if not step.recording:
            return y, None
        shared = tuple(i + 1 for i, size in enumerate(alpha.shape) if size == 1)

        def backward(dy: np.ndarray) -> np.ndarray:
            if step.wants(self.alpha):
                step.add_grad(self.alpha, (dy * below).sum(axis=shared, keepdims=True))
            return dy * ((x > 0) + alpha * (x < 0))

        return y, backward


@register()
@dataclass(eq=False, repr=False)
class Softmax(SameShape):
    """``exp(x) / sum(exp(x))`` along `axis`, an axis or several together.

    A boolean mask that broadcasts to the input picks the elements that take part; the others
    become 0. A mask of time steps, (N, T) for inputs (N, T, D), only passes through.

    Examples
    --------
    >>> Softmax()(np.array([[0.0, 0.0]]))
    Array([[0.5, 0.5]], dtype=float32)
    """

    axis: Any = -1

    fuses_head: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.axis = list(self.axis) if isinstance(self.axis, list | tuple) else int(self.axis)

    @property
    def head(self) -> str | None:
        """``"softmax"`` where the last axis is normalised, else None."""
        fuses = self.axis in (-1, [-1]) and self.activity_regularizer is None
        return "softmax" if fuses else None

    def build(self, input_shape: Shape) -> None:
        """Nothing is learnt, but a sum over the batch needs the whole of it."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        if any(axis % len(input_shape) == 0 for axis in axes):
            self.shardable = False

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Subtract the maximum, so that nothing overflows."""
        keep = self._elements(x, step.mask)
        at_head = step.at_head and keep is None  # the loss will be computed from logits
        step.at_head = False
        if at_head:
            step.logits = x
        axes = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        z = x if keep is None else np.where(keep, x, x.dtype.type(-1e9))
        y = np.subtract(z, z.max(axis=axes, keepdims=True), out=step.empty(x.shape, x.dtype))
        np.exp(y, out=y)
        y /= y.sum(axis=axes, keepdims=True)
        if keep is not None:
            y *= keep  # also where a whole row is masked

        def backward(dy: np.ndarray) -> np.ndarray:
            if at_head:
                return dy  # already dLoss/dlogits
            weighted = dy * y
            return weighted - y * weighted.sum(axis=axes, keepdims=True)

        return y, backward if step.recording else None

    def _elements(self, x: np.ndarray, mask: np.ndarray | None) -> np.ndarray | None:
        """The mask, if it speaks of elements and not of time steps."""
        if mask is None or (1 < mask.ndim < x.ndim and mask.shape == x.shape[: mask.ndim]):
            return None
        ends = zip(mask.shape[::-1], x.shape[::-1], strict=False)
        if mask.ndim > x.ndim or any(m not in (1, n) for m, n in ends):
            raise ValueError(
                f"{self.label} needs a mask that is broadcastable to its input of shape "
                f"{x.shape} and must not have more dimensions, but got one of shape {mask.shape}."
            )
        return mask


def _apply(fn: Any, x: np.ndarray, step: Step, **options: Any) -> tuple[np.ndarray, Any]:
    """An activation function with arguments, into new memory."""
    out = step.empty(x.shape, x.dtype)
    if fn is activations.relu and not options:
        y = np.maximum(x, 0, out=out)
        return y, (lambda dy: kernels.relu_backward(dy, y, step)[0]) if step.recording else None
    return activations.forward(fn, x, out=out, keep=step.recording, **options)


def _not_negative(layer: SameShape, argument: str, value: Any) -> None:
    if value is None or isinstance(value, str) or value < 0:
        raise ValueError(
            f"{argument} of a {type(layer).__name__} layer cannot be None or negative: it must "
            f"be a number of at least 0 but is {value!r}."
        )
