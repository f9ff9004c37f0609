"""A layer at every time step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.wrapper import Wrapper
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class TimeDistributed(Wrapper):
    """Apply a layer to each time step of (N, T, ...), with the same weights.

    Parameters
    ----------
    layer : Layer
        Such as ``Dense(10)`` or ``Conv2D(8, 3)``, which get the steps of all samples as one big
        batch. One that mixes the samples of its batch, such as BatchNormalization, gets the
        steps one after another.

    Examples
    --------
    >>> from kerasish.layers import Flatten
    >>> TimeDistributed(Flatten())(np.ones((2, 5, 4, 3))).shape
    (2, 5, 12)
    """

    supports_masking: ClassVar[bool] = True

    def _inner(self, shape: Shape) -> Shape:
        """A step's shape."""
        if len(shape) < 3:
            raise self.shape_error(
                "(N, steps, ...)", shape, "It takes sequences: add the time axis, x[:, None]."
            )
        return (shape[0], *shape[2:])

    def build(self, input_shape: Shape) -> None:
        """Build the layer for one step."""
        self.layer.require_one_output()
        super().build(self._inner(input_shape))

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Let the layer inside look at one step."""
        self.layer.check_call(self._inner(shape))

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Fold the time axis into the batch, or go step by step."""
        self._inner(x.shape)
        if x.shape[1] == 0:
            raise ValueError(f"{self.label} got sequences of length 0. Leave them out.")
        step.spare_dx(self, self.layer)
        mask = step.mask
        parts = self.layer.walk()
        apart = any(layer.mixes_samples or not layer.shardable for layer in parts)
        y, backward = (self._apart if apart else self._folded)(x, step)
        inner_mask, step.mask = step.mask, mask
        if mask is not None and mask.ndim > 2 and inner_mask is None:
            step.mask = np.asarray(mask.reshape(*mask.shape[:2], -1).any(axis=-1))
        return y, backward

    def _folded(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """All steps as one batch; a mask of the steps means nothing inside of one."""
        steps, mask = x.shape[:2], step.mask
        inner = mask is not None and mask.ndim > 2
        step.mask = mask.reshape(-1, *mask.shape[2:]) if inner and mask is not None else None
        y, inner_backward = self.layer.apply(x.reshape(-1, *x.shape[2:]), step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dx = inner_backward(dy.reshape(y.shape))
            return None if dx is None else dx.reshape(x.shape)

        return y.reshape(*steps, *y.shape[1:]), backward if step.recording else None

    def _apart(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """One call of the layer for each step."""
        mask = step.mask
        outputs: list[np.ndarray] = []
        backwards: list[Any] = []
        for t in range(x.shape[1]):
            step.mask = None if mask is None else mask[:, t]
            y, back = self.layer.apply(x[:, t], step)
            outputs.append(y)
            backwards.append(back)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dx = [backwards[t](dy[:, t]) for t in reversed(range(len(backwards)))]
            return None if dx[0] is None else np.stack(dx[::-1], axis=1)

        return np.stack(outputs, axis=1), backward if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the layer, with the time axis."""
        shape = self.layer.compute_output_shape(self._inner(input_shape))
        return (shape[0], input_shape[1], *shape[1:])

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Those of the layer, for each step."""
        inner = self.layer.flops(self._inner(input_shape), (None, *output_shape[2:]))
        return (input_shape[1] or 1) * inner
