"""Division by a norm of the sample: UnitNormalization and RMSNormalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.normalization import check_axes
from kerasish.layers.same_shape import SameShape
from kerasish.registry import register
from kerasish.step import Step

TINY = 1e-12  # the norm that a smaller one counts as


class OverAxes(SameShape):
    """A normalisation over one or several axes together."""

    axis: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        several = isinstance(self.axis, list | tuple)
        axes = self.axis if several else [self.axis]
        if not axes or not all(isinstance(a, int | np.integer) for a in axes):
            raise TypeError(
                f"{self.label}: `axis` must be a whole number or a list of them but is "
                f"{self.axis!r}."
            )
        self.axis = [int(a) for a in axes] if several else int(self.axis)

    def axes_of(self, ndim: int) -> tuple[int, ...]:
        """The axes, counted from the front, in order."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        return tuple(sorted({axis % ndim for axis in axes}))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        check_axes(self, self.axis if isinstance(self.axis, list) else [self.axis], input_shape)
        self.shardable = 0 not in self.axes_of(len(input_shape))
        return tuple(input_shape)

    def build(self, input_shape: Shape) -> None:
        """Check the axes."""
        self.compute_output_shape(input_shape)


@register()
@dataclass(eq=False, repr=False)
class UnitNormalization(OverAxes):
    """Divide each sample by its Euclidean norm: ``y = x / sqrt(sum(x**2))``.

    Parameters
    ----------
    axis : int or list of int
        The axes that are normalised together.

    Examples
    --------
    >>> UnitNormalization()(np.array([[3.0, 4.0]]))
    Array([[0.6, 0.8]], dtype=float32)
    """

    axis: Any = -1

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Divide; a norm below 1e-12 counts as 1e-12."""
        axes: Any = self.axes_of(x.ndim)
        norm = np.sqrt(np.square(x).sum(axis=axes, keepdims=True))
        inverse = 1 / np.maximum(norm, x.dtype.type(TINY))
        y = x * inverse

        def backward(dy: np.ndarray) -> np.ndarray:
            along = (dy * y).sum(axis=axes, keepdims=True)
            along[norm <= TINY] = 0
            return (dy - y * along) * inverse

        return y, backward if step.recording else None


@register()
@dataclass(eq=False, repr=False)
class RMSNormalization(OverAxes):
    """Divide each sample by its root mean square: ``x / sqrt(mean(x**2) + epsilon) * scale``.

    Parameters
    ----------
    axis : int or list of int
        The axes that are normalised together; `scale` has their shape.
    epsilon : float
        Added to the mean square.

    Notes
    -----
    Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".

    Examples
    --------
    >>> RMSNormalization()(np.array([[1.0, 7.0]]))
    Array([[0.2, 1.4]], dtype=float32)
    """

    axis: Any = -1
    epsilon: float = 1e-6

    def build(self, input_shape: Shape) -> None:
        """Make the scale, of the shape of the normalised axes."""
        super().build(input_shape)
        shape = [input_shape[axis] for axis in self.axes_of(len(input_shape))]
        self.scale = self.add_weight(shape, "ones", name="scale")

    def get_config(self) -> dict[str, Any]:
        """Arguments; axes that Keras would put in another order are counted from the end."""
        config = super().get_config()
        if isinstance(self.axis, list) and self._build_shape is not None:
            ndim = len(self._build_shape)
            if [axis % ndim for axis in sorted(self.axis)] != list(self.axes_of(ndim)):
                config["axis"] = [axis - ndim for axis in self.axes_of(ndim)]
        return config

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Divide by the root mean square, multiply with the scale."""
        axes: Any = self.axes_of(x.ndim)
        scale = self.scale.value.reshape([n if i in axes else 1 for i, n in enumerate(x.shape)])
        square = np.square(x).mean(axis=axes, keepdims=True)
        inverse = 1 / np.sqrt(square + x.dtype.type(self.epsilon))
        x_hat = x * inverse
        y = x_hat * scale

        def backward(dy: np.ndarray) -> np.ndarray | None:
            if step.wants(self.scale):
                others = tuple(i for i in range(x.ndim) if i not in axes)
                step.add_grad(self.scale, (dy * x_hat).sum(axis=others))
            if not step.needs_dx(self):
                return None
            d_hat = dy * scale
            d_hat -= x_hat * (d_hat * x_hat).mean(axis=axes, keepdims=True)
            d_hat *= inverse
            return d_hat

        return y, backward if step.recording else None
