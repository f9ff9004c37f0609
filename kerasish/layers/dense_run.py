"""Dense layers that follow one another, done together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from kerasish import activations
from kerasish.kernels import stack
from kerasish.layers.base import Backward, Layer
from kerasish.step import Step


class DenseRun:
    """Two layers or more as one: all but the last have relu or no activation.

    Where kernels do not take all of them, they are called one by one.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = layers
        self._parts = [stack.Affine(layer.kernel, layer.bias, layer.is_relu) for layer in layers]

    def __call__(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Output and backward function, as `Layer.apply` has them."""
        found = stack.affine(self._parts, x, step) if x.ndim == 2 else None
        if found is None:
            return self._one_by_one(x, step)
        memory, outputs = found
        last = self.layers[-1]
        y, to_dz = (outputs[-1], None) if last.is_relu else last.activate(outputs[-1], step)
        if not step.recording:
            return y, None

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dz = dy if to_dz is None else to_dz(dy)
            needs_dx = step.needs_dx(self.layers[0])
            done, dx = stack.backward(self._parts, dz, x, memory, step, needs_dx)
            return dx if done else self._back_one_by_one(dz, [x, *outputs], step)

        return y, backward

    def _one_by_one(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        at_head, step.at_head = step.at_head, False
        backwards: list[Any] = []
        for layer in self.layers:
            step.at_head = at_head and layer is self.layers[-1]
            x, backward = layer.apply(x, step)
            backwards.append(backward)
        return x, (lambda dy: _through(backwards, dy)) if step.recording else None

    def _back_one_by_one(
        self, dz: np.ndarray, values: list[np.ndarray], step: Step
    ) -> np.ndarray | None:
        """The backward pass from dLoss/dz of the last layer, if a kernel did only the forward."""
        for k in reversed(range(len(self.layers))):
            dx = self.layers[k].affine_backward(dz, values[k], values[k + 1], step)
            if dx is None:
                return None
            dz = dx
        return dz


def run_from(layer: Any, following: Sequence[Layer]) -> tuple[int, DenseRun] | None:
    """The run that begins with a Dense layer, if another one can follow it at once."""
    can = [layer, *takewhile(_is_plain, following)]
    count = 1 + sum(1 for _ in takewhile(_lets_follow, can))
    run = can[:count]
    if len(run) < 2 or not _is_plain(layer) or len(set(run)) < len(run):
        return None
    return len(run), DenseRun(run)


def _is_plain(layer: Any) -> bool:
    from kerasish.layers.core import Dense

    patched = not vars(layer).keys().isdisjoint(("forward", "apply"))
    return (
        type(layer) is Dense and layer.activity_regularizer is None and not patched and layer.built
    )


def _lets_follow(layer: Any) -> bool:
    return layer.is_relu or layer.activation is activations.linear


def _through(backwards: list[Any], dy: np.ndarray | None) -> np.ndarray | None:
    for backward in reversed(backwards):
        if dy is not None:
            dy = backward(dy)
    return dy
