"""Layers one after the other, as one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import registry
from kerasish.autodiff import is_traced
from kerasish.errors import brief
from kerasish.layers import custom, symbol
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward, Layer
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class Pipeline(Layer):
    """Apply layers in turn; outside of models to single images and dicts, too.

    Parameters
    ----------
    layers : list of Layer
        Mostly augmentation and preprocessing.

    Examples
    --------
    >>> from kerasish.layers import RandomFlip, Rescaling
    >>> prepare = Pipeline([RandomFlip(), Rescaling(1 / 255)])
    >>> prepare(np.full((4, 8, 8, 3), 255, "uint8")).max()
    np.float32(1.0)
    """

    supports_masking: ClassVar[bool] = True
    positional_tail: ClassVar[tuple[str, ...]] = ("name",)

    layers: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.layers, list | tuple):
            raise ValueError(f"Pipeline takes a list of layers but got {brief(self.layers)}.")
        self.layers = [
            registry.deserialize("layer", layer) if isinstance(layer, dict) else layer
            for layer in self.layers
        ]
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"Pipeline takes a list of layers but {brief(layer)} is none.")

    @property
    def casts_input(self) -> bool:  # type: ignore[override]
        """What the first layer says."""
        return self.layers[0].casts_input if self.layers else True

    def build(self, input_shape: Shape) -> None:
        """Build the layers in order."""
        shape = input_shape
        for layer in self.layers:
            layer.ensure_built(shape)
            shape = layer.compute_output_shape(shape)
        self.shardable = all(layer.shardable for layer in self.layers)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """One layer after the other."""
        backwards: list[Any] = []
        for layer in self.layers:
            x, backward = layer.apply(x, step)
            backwards.append(backward)

        def backward_all(dy: np.ndarray) -> np.ndarray:
            for backward in reversed(backwards):
                dy = backward(dy)
            return dy

        return x, backward_all if step.recording else None

    def __call__(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Call the layers in order; outside of models the default is training, as in Keras."""
        training = True if training is None else training
        if is_traced(inputs) or symbol.is_symbolic(inputs) or custom.current_step():
            return super().__call__(inputs, training, mask)
        for layer in self.layers:
            inputs = layer(inputs, training=training)
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the last layer."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Those of all layers."""
        total, shape = 0, input_shape
        for layer in self.layers:
            after = layer.compute_output_shape(shape)
            total += layer.flops(shape, after)
            shape = after
        return total

    def get_config(self) -> dict[str, Any]:
        """The layers and the name, as Keras writes them."""
        return {"layers": [registry.serialize(layer) for layer in self.layers], "name": self.name}
