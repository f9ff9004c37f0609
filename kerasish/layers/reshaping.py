"""Layers that only move elements: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward, Layer
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class Flatten(Layer):
    """Join all axes of a sample into one: (N, ...) to (N, features); (N,) becomes (N, 1).

    Parameters
    ----------
    data_format : str, optional
        ``"channels_last"`` (default), or ``"channels_first"`` for data of shape (N, C, ...),
        whose channel axis is first moved to the end.

    Examples
    --------
    >>> Flatten()(np.zeros((2, 4, 3))).shape
    (2, 12)
    """

    keeps_whole: ClassVar[bool] = True
    data_format: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data_format = self.data_format or "channels_last"
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                f"{self.label}: `data_format` must be 'channels_last' or 'channels_first' but is "
                f"{self.data_format!r}."
            )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Reshape; a view where the memory allows it."""
        first = self.data_format == "channels_first" and x.ndim > 2
        ordered = np.moveaxis(x, 1, -1) if first else x
        y = ordered.reshape(len(x), math.prod(x.shape[1:]))

        def backward(dy: np.ndarray) -> np.ndarray:
            dx = dy.reshape(ordered.shape)
            return np.moveaxis(dx, -1, 1) if first else dx

        return y, backward if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, features)."""
        return (input_shape[0], _product(input_shape[1:]))


@register()
@dataclass(eq=False, repr=False)
class Reshape(Layer):
    """Give each sample another shape with as many elements.

    Parameters
    ----------
    target_shape : tuple of int
        Shape without the batch axis; one entry may be -1 and is then found from the others.

    Raises
    ------
    ValueError
        If the numbers of elements differ.

    Examples
    --------
    >>> Reshape((-1, 2))(np.zeros((5, 6))).shape
    (5, 3, 2)
    """

    keeps_whole: ClassVar[bool] = True
    target_shape: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.target_shape
        axes = (given,) if isinstance(given, int | np.integer) else tuple(given)
        whole = all(isinstance(axis, int | np.integer) and axis >= -1 for axis in axes)
        if not whole or axes.count(-1) > 1:
            raise ValueError(
                f"{self.label}: `target_shape` must hold whole numbers, at most one of them -1, "
                f"but is {given!r}. It does not include the batch axis."
            )
        self.target_shape = tuple(int(axis) for axis in axes)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Reshape; a view where the memory allows it."""
        y = x.reshape(self.compute_output_shape(x.shape))  # type: ignore[arg-type]
        return y, (lambda dy: dy.reshape(x.shape)) if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *target_shape), with -1 replaced."""
        size, target = _product(input_shape[1:]), self.target_shape
        if size is None:
            return (input_shape[0], *(None if axis == -1 else axis for axis in target))
        known = math.prod(axis for axis in target if axis != -1)
        rest = size // known if known else 0
        if known * rest != size or (-1 not in target and rest != 1 and size):
            raise self.shape_error(
                f"with {known} elements a sample{' or a multiple' if -1 in target else ''}",
                input_shape,
                f"A sample has {size} elements, which do not fit target_shape={target}.",
            )
        return (input_shape[0], *(rest if axis == -1 else axis for axis in target))


@register()
@dataclass(eq=False, repr=False)
class Permute(Layer):
    """Reorder the axes of a sample.

    Parameters
    ----------
    dims : tuple of int
        Where the output's axes 1, 2, ... come from; the batch axis (0) is not named.

    Examples
    --------
    >>> Permute((2, 1))(np.zeros((5, 3, 4))).shape
    (5, 4, 3)
    """

    keeps_whole: ClassVar[bool] = True
    dims: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dims = tuple(self.dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self.label}: `dims` must name the axes 1 to {len(self.dims)} once each but is "
                f"{self.dims}. The batch axis is not counted."
            )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Transpose into contiguous memory, which the next layer reads faster."""
        y = step.empty(self.compute_output_shape(x.shape), x.dtype)  # type: ignore[arg-type]
        np.copyto(y, x.transpose(0, *self.dims))
        back = np.argsort((0, *self.dims))
        return y, (lambda dy: dy.transpose(back)) if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's axes in their new order."""
        if len(input_shape) != len(self.dims) + 1:
            axes = ", ".join(f"axis {i + 1}" for i in range(len(self.dims)))
            raise self.shape_error(
                f"(N, {axes})", input_shape, f"`dims` names {len(self.dims)} axes."
            )
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


@register()
@dataclass(eq=False, repr=False)
class RepeatVector(Layer):
    """Repeat each sample's vector `n` times: (N, D) to (N, n, D).

    Examples
    --------
    >>> RepeatVector(3)(np.ones((2, 4))).shape
    (2, 3, 4)
    """

    keeps_whole: ClassVar[bool] = True
    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.n = positive(self, "n", self.n)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Copy along a new axis 1."""
        y = step.empty(self.compute_output_shape(x.shape), x.dtype)  # type: ignore[arg-type]
        np.copyto(y, x[:, None])
        return y, (lambda dy: dy.sum(axis=1)) if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, n, D)."""
        if len(input_shape) != 2:
            raise self.shape_error("(N, features)", input_shape, "Add Flatten() before it.")
        return (input_shape[0], self.n, input_shape[1])


def _product(axes: Shape) -> int | None:
    return None if None in axes else math.prod(axes)  # type: ignore[arg-type]
