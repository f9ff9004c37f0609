"""Sequential: a model is a list of layers. What happens; how is in `kerasish.training`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from kerasish import registry
from kerasish.autodiff import is_traced
from kerasish.errors import brief, named_arguments
from kerasish.layers.base import Backward, Layer
from kerasish.layers.core import InputLayer
from kerasish.models.files import Files
from kerasish.models.layer_list import LayerList
from kerasish.models.trainer import Trainer
from kerasish.registry import register
from kerasish.step import Step, commit
from kerasish.store import Array, as_array, gather

SHUFFLE_STREAM = 2**63 + 1


@register()
class Sequential(Trainer, Files, LayerList):
    """A model whose layers follow one another.

    Parameters
    ----------
    layers : list, optional
        Layers, config dicts such as ``{"class_name": "Dense", "units": 64}``, or models.
    name : str, optional
        Name of the model.
    trainable : bool
        Whether any of it learns.
    seed : int, optional
        Makes initial weights, dropout and shuffling repeatable; else drawn from
        `set_random_seed`, or at random.

    Examples
    --------
    >>> from kerasish.layers import Dense
    >>> model = Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(1)], seed=0)
    >>> model.compile("adam", "mse").output_shape
    (None, 1)
    >>> model.count_params()
    21
    """

    supports_masking: ClassVar[bool] = True
    keras_module: ClassVar[str] = "keras"

    def __init__(
        self,
        layers: Any = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        seed: int | None = None,
        dtype: Any = None,
    ) -> None:
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(
                f"Sequential expects a list of layers but got {brief(layers)}. Write brackets "
                f"around them: Sequential([layer, layer])."
            )
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self._seed = _checked_seed(seed)
        self.counter = 0
        self._output_shape = None
        for layer in layers or []:
            self._append(layer)
        if not self.trainable:
            self.trainable = False
        self._build_if_known()

    # --- calling ------------------------------------------------------------------------------

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Call the layers in order; backward is one reversed loop over their closures."""
        at_head, step.at_head = step.at_head, False
        backwards: list[Any] = []
        last = self._sublayers[-1]
        for layer in self._sublayers[:-1]:
            x, backward = layer.apply(x, step)
            backwards.append(backward)
        step.at_head = at_head
        x, backward = last.apply(x, step)
        if not step.recording:
            return x, None
        backwards.append(backward)

        def run_backward(dy: Any) -> Any:
            for back in reversed(backwards):
                dy = back(dy)
                if dy is None:
                    return None
            return dy

        return x, run_backward

    @property
    def head(self) -> str | None:
        """``"softmax"`` or ``"sigmoid"`` if that is the last thing done, else None."""
        if not self._sublayers or self.activity_regularizer is not None:
            return None
        return self._sublayers[-1].head

    def cast_input(self, x: np.ndarray) -> np.ndarray:
        """Cast a batch to what the first layer computes with."""
        if self.flat_layers()[0].casts_input:
            return np.asarray(x, self.dtype)
        return np.asarray(x)

    def aligned(self, x: np.ndarray) -> np.ndarray:
        """Compare a batch's shape with the model's input.

        A last axis of size 1 may be left out or added, as in Keras.
        """
        built = self.input_shape
        shape = x.shape
        if shape[1:] == built[1:]:
            return x
        if len(shape) == len(built) - 1 and built[-1] == 1:
            shape = (*shape, 1)
        elif len(shape) == len(built) + 1 and shape[-1] == 1:
            shape = shape[:-1]
        fits = len(shape) == len(built) and all(
            a is None or a == b for a, b in zip(built[1:], shape[1:], strict=True)
        )
        if not fits:
            first = self.flat_layers()[0]
            raise first.misfit(built, x.shape)
        return x.reshape(shape)

    def __call__(self, inputs: Any, training: bool | None = False, mask: Any = None) -> Any:
        """Apply the model to an array; each call with ``training=True`` drops out differently."""
        from kerasish.layers import custom

        if is_traced(inputs) or custom.current_step() is not None:
            return super().__call__(inputs, training, mask)
        if isinstance(inputs, Layer):
            return super().__call__(inputs)
        x = self.prepare_input(inputs)
        if not self.built:
            self.ensure_built(self.input_hint or (None, *x.shape[1:]))
        x = self.cast_input(self.aligned(x))
        counter = self.next_counter() if training else 0
        step = Step(training=bool(training), batch_size=len(x), seed=self.seed, counter=counter)
        step.mask = None if mask is None else np.asarray(mask, bool)
        y, _ = self.apply(x, step)
        commit([step])
        return as_array(y)

    def prepare_input(self, inputs: Any) -> np.ndarray:
        """Check the type; floats and integers are cast by `cast_input`."""
        first = self.flat_layers()[0] if self._sublayers else self
        return Layer.prepare_input(first, inputs)

    # --- randomness ---------------------------------------------------------------------------

    def next_counter(self) -> int:
        """Count a call in training mode; never goes back."""
        self.counter += 1
        return self.counter

    def shuffle_rng(self) -> np.random.Generator:
        """Random numbers for the order of the next epoch."""
        return np.random.Generator(
            np.random.Philox(key=[self.seed, SHUFFLE_STREAM], counter=[0, 0, 0, self.counter])
        )

    # --- description --------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Any]:
        """Keras's name; a Sequential has one input."""
        return [self.input_shape]

    @named_arguments
    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        The arguments are those of `kerasish.models.summary.print_summary`.
        """
        from kerasish.models.summary import print_summary

        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    def get_config(self) -> dict[str, Any]:
        """Return name, type and layers as JSON-able values, in Keras's form."""
        entries: list[Layer] = list(self._sublayers)
        shape = self._build_shape or self.input_hint
        if shape is not None:
            given = self.__dict__.get("_input_layer")
            entries.insert(0, given or InputLayer(batch_shape=shape, name=f"{self.name}_input"))
        result = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": super().get_config()["dtype"],
            "layers": [registry.serialize(layer) for layer in entries],
        }
        if self._build_shape is not None:
            result["build_input_shape"] = list(self._build_shape)
        return result

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Sequential:
        """Build a model, with fresh weights, from what `get_config` returned."""
        if not isinstance(config, dict):
            raise TypeError(
                f"Sequential.from_config expects the dict of get_config() but got {brief(config)}. "
                f"For JSON text use kerasish.models.model_from_json(text)."
            )
        with registry.custom_object_scope(custom_objects or {}):
            model = cls(name=config.get("name"), dtype=config.get("dtype"))
            for entry in config.get("layers", []):
                model.add(entry, rebuild=False)
            if not config.get("trainable", True):
                model.trainable = False
            shape = config.get("build_input_shape")
            if shape is not None and model.input_hint is None:
                model.input_hint = tuple(shape)
            model._build_if_known()
        return model

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture as Keras's JSON text; `model_from_json` reads it."""
        return json.dumps(registry.serialize(self), **kwargs)

    # --- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        dropped = ("_flat", "_flops", "_spare_teams")
        state = {key: value for key, value in self.__dict__.items() if key not in dropped}
        _ = self.seed
        state["_seed"] = self._seed
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.built:
            gather([w for w in self.weights if w.trainable])
        if self.has_program:
            self.program.thaw()

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._sublayers)

    def __len__(self) -> int:
        return len(self._sublayers)

    def __bool__(self) -> bool:
        return True


def _checked_seed(seed: Any) -> int | None:
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"Sequential: `seed` must be a whole number from 0 on but is {seed!r}.")
    return int(seed)


__all__ = ["Array", "Sequential"]
