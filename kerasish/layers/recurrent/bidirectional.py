"""A recurrent layer in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import registry
from kerasish.errors import brief
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.recurrent.rnn import RNN
from kerasish.layers.recurrent.several import SeveralOutputs
from kerasish.registry import register
from kerasish.step import Step

MODES = ("sum", "mul", "ave", "concat", None)


@register()
@dataclass(eq=False, repr=False, init=False)
class Bidirectional(SeveralOutputs):
    """A recurrent layer over the sequence and a second one over its reverse.

    Parameters
    ----------
    layer : RNN
        The forward layer, such as ``LSTM(32)``; it is copied, under the name ``forward_...``.
    merge_mode : {"concat", "sum", "mul", "ave", None}
        How the two outputs become one; with None there are two, which only works where the
        layer is called by itself.
    weights : list of ndarray, optional
        Initial weights, those of the forward layer first.
    backward_layer : RNN, optional
        The layer for the reverse, with ``go_backwards=True``; else a copy of `layer`.

    Notes
    -----
    Schuster and Paliwal 1997. The outputs of both layers are in the order of the input. Masked
    steps give zeros where sequences are returned.

    Examples
    --------
    >>> from kerasish.layers import LSTM
    >>> Bidirectional(LSTM(4, return_sequences=True))(np.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    merge_mode: Any

    supports_masking: ClassVar[bool] = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        *,
        activity_regularizer: Any = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if merge_mode not in MODES:
            raise ValueError(
                f"{self.label}: `merge_mode` must be one of {', '.join(map(repr, MODES))} but is "
                f"{merge_mode!r}."
            )
        self.merge_mode = merge_mode
        layer = self._recurrent("layer", layer)
        self.forward_layer = _copy(layer, "forward_")
        if backward_layer is None:
            backward = _copy(layer, "backward_", go_backwards=True)
        else:
            backward = self._recurrent("backward_layer", backward_layer)
            backward.zero_output_for_mask = backward.return_sequences
        self.backward_layer = backward
        self._check_pair()
        if weights is not None:
            half = len(weights) // 2
            self.forward_layer._initial_weights = weights[:half]
            self.backward_layer._initial_weights = weights[half:]
        self.activity_regularizer = registry.resolve("regularizer", activity_regularizer)
        if not self.trainable:
            self.trainable = False

    def _recurrent(self, argument: str, layer: Any) -> RNN:
        layer = registry.deserialize("layer", layer) if isinstance(layer, dict) else layer
        if not isinstance(layer, RNN):
            raise ValueError(
                f"{self.label}: `{argument}` must be a recurrent layer, such as LSTM(32), but is "
                f"{brief(layer)}."
            )
        return layer

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"{self.label}: forward and backward layer must have different `go_backwards`, but "
                f"both have {forward.go_backwards}. Give backward_layer go_backwards=True."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ValueError(
                    f"{self.label}: forward and backward layer must have the same `{name}`, but "
                    f"it is {one} and {other}."
                )

    @property
    def stateful(self) -> bool:
        """Whether states go on from batch to batch."""
        return self.forward_layer.stateful

    @property
    def return_sequences(self) -> bool:
        """Whether the outputs of all steps are returned."""
        return self.forward_layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether the last states are returned too."""
        return self.forward_layer.return_state

    @property
    def single_output(self) -> bool:
        """Whether the layer returns one array."""
        return self.merge_mode is not None and not self.return_state

    def build(self, input_shape: Shape) -> None:
        """Build both layers."""
        self.build_inside(self.forward_layer, input_shape)
        self.build_inside(self.backward_layer, input_shape)

    def check_call(self, shape: tuple[int, ...]) -> None:
        """What the layers say."""
        self.forward_layer.check_call(shape)

    def reset_state(self) -> None:
        """Set the states of both layers to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Run both layers and merge their outputs."""
        self.require_one_output()
        mask = step.mask
        step.spare_dx(self, self.forward_layer, self.backward_layer)
        by_rows = self._takes_rows(x, step)
        passes = []
        for layer in self.forward_layer, self.backward_layer:
            step.mask = mask
            if by_rows:
                step.lookup.reader = layer
            passes.append(layer.apply(x, step))
        (ahead, ahead_backward), (behind, behind_backward) = passes
        y, merge_backward = self._merge(ahead, self._in_order(behind))

        def backward(dy: np.ndarray) -> np.ndarray | None:
            d_ahead, d_behind = merge_backward(dy)
            dx: Any = ahead_backward(d_ahead)  # type: ignore[misc]
            other: Any = behind_backward(self._in_order(d_behind))  # type: ignore[misc]
            return None if dx is None else dx + other

        return y, backward if step.recording else None

    def _takes_rows(self, x: np.ndarray, step: Step) -> bool:
        """Whether x was looked up and both layers take its distinct rows, or neither does."""
        if step.lookup is None or not step.lookup.is_for(self, x):
            return False
        columns = [n.row_columns(step) for n in (self.forward_layer, self.backward_layer)]
        return all(columns) and step.lookup.take(sum(columns), step)

    def _in_order(self, y: np.ndarray) -> np.ndarray:
        return y[:, ::-1] if self.return_sequences else y

    def _merge(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, Any]:
        if self.merge_mode == "concat":
            cut = a.shape[-1]
            return np.concatenate([a, b], axis=-1), lambda dy: (dy[..., :cut], dy[..., cut:])
        if self.merge_mode == "mul":
            return a * b, lambda dy: (dy * b, dy * a)
        if self.merge_mode == "sum":
            return a + b, lambda dy: (dy, dy)
        return (a + b) / 2, lambda dy: (dy / 2, dy / 2)

    def all_outputs(self, x: np.ndarray, step: Step, initial: Any) -> list[np.ndarray]:
        """The output, or both, and the last states if they are asked for."""
        half = None if initial is None else len(initial) // 2
        starts = (None, None) if half is None else (initial[:half], initial[half:])
        mask = step.mask
        ahead, states, _ = self.forward_layer.run(x, step, starts[0])
        step.mask = mask
        behind, behind_states, _ = self.backward_layer.run(x, step, starts[1])
        pair = ahead, self._in_order(behind)
        outputs = list(pair) if self.merge_mode is None else [self._merge(*pair)[0]]
        return [*outputs, *states, *behind_states] if self.return_state else outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the forward layer; "concat" joins the last axes of both."""
        shape = self.forward_layer.compute_output_shape(input_shape)
        if self.merge_mode != "concat":
            return shape
        one, other = shape[-1], self.backward_layer.compute_output_shape(input_shape)[-1]
        return (*shape[:-1], None if one is None or other is None else one + other)

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Those of both layers."""
        layers = self.forward_layer, self.backward_layer
        return sum(layer.flops(input_shape, output_shape) for layer in layers)

    def get_config(self) -> dict[str, Any]:
        """Arguments, the layers as configs."""
        config = super().get_config()
        config["layer"] = registry.serialize(self.forward_layer)
        config["backward_layer"] = registry.serialize(self.backward_layer)
        return config


def _copy(layer: RNN, prefix: str, **changes: Any) -> RNN:
    config = registry.serialize(layer)
    config["config"] = {
        **config["config"],
        "name": prefix + layer.name.removeprefix(prefix),
        "zero_output_for_mask": layer.return_sequences,
        **changes,
    }
    return registry.deserialize("layer", config)
