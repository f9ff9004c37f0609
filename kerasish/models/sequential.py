"""Sequential: a model is a list of layers. What happens; how is in `kerasish.training`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from kerasish import config, registry
from kerasish.layers.arguments import Shape, input_hint
from kerasish.layers.base import Backward, Layer
from kerasish.layers.core import InputLayer
from kerasish.layers.weights import building, is_building
from kerasish.models.trainer import Trainer
from kerasish.registry import register
from kerasish.step import Step, commit
from kerasish.store import Array, as_array, gather

INIT_STREAM, SHUFFLE_STREAM = 2**63, 2**63 + 1


@register()
class Sequential(Trainer, Layer):
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
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self._seed = _checked_seed(seed)
        self.counter = 0
        self._output_shape: Shape | None = None
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(f"Sequential expects a list of layers but got {layers!r}.")
        for layer in layers or []:
            self._append(layer)
        if not self.trainable:
            self.trainable = False
        self._build_if_known()

    # --- the list of layers -------------------------------------------------------------------

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Add a layer, config dict or model at the end."""
        self._append(layer)
        self._changed()
        if rebuild:
            self._build_if_known()

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove the last layer and return it."""
        if not self.layers:
            raise ValueError(f"Sequential {self.name!r} has no layer to pop.")
        layer = self._sublayers.pop()
        self._changed()
        if rebuild:
            self._build_if_known()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, dict):
            layer = registry.deserialize("layer", layer)
        if isinstance(layer, type):
            raise TypeError(
                f"Sequential got the class {layer.__name__} itself. Make a layer of it: "
                f"{layer.__name__}(...)."
            )
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential expects layers or config dicts but got {layer!r}. A function goes "
                f"into Lambda(function) or Activation(function)."
            )
        if isinstance(layer, InputLayer):
            if self._sublayers:
                raise ValueError(
                    f"Sequential {self.name!r} already has layers: Input(...) can only stand "
                    f"first. Move {layer.name!r} to the front, or leave it out."
                )
            self.input_hint = layer.batch_shape
            self.__dict__["_input_layer"] = layer  # not one of the layers
            return
        for other in self._sublayers:
            if other.name == layer.name and other is not layer:
                raise ValueError(
                    f"All layers added to a Sequential model should have unique names. Name "
                    f"{layer.name!r} is already the name of a layer in {self.name!r} ({other!r}). "
                    f"Give one of them another name=."
                )
        if not self._sublayers and self.input_hint is None:
            hint = layer.input_hint
            if hint is None and isinstance(layer, Sequential):
                hint = layer._build_shape
            self.input_hint = hint
        self._sublayers.append(layer)

    def _changed(self) -> None:
        self.built = False
        self.input_hint = self._build_shape or self.input_hint
        self._build_shape = None
        self._output_shape = None
        self.__dict__.pop("_flat", None)
        self.__dict__.pop("_flops", None)
        self.__dict__.pop("_spare_teams", None)
        self.forget_program()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return list(self._sublayers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place."""
        if index is not None:
            if not -len(self._sublayers) <= index < len(self._sublayers):
                raise ValueError(
                    f"get_layer: index {index} is out of range: {self.name!r} has "
                    f"{len(self._sublayers)} layers."
                )
            return self._sublayers[index]
        for layer in self._sublayers:
            if layer.name == name:
                return layer
        from kerasish.errors import did_you_mean

        names = [layer.name for layer in self._sublayers]
        hint = did_you_mean(name, names) if name else " Pass name= or index=."
        raise ValueError(f"No such layer: {name}.{hint} Existing layers are: {names}.")

    def flat_layers(self) -> list[Layer]:
        """The layers in the order of their calls, nested models taken apart."""
        flat = self.__dict__.get("_flat")
        if flat is None:
            flat = []
            for layer in self._sublayers:
                flat.extend(layer.flat_layers() if isinstance(layer, Sequential) else [layer])
            self.__dict__["_flat"] = flat
        return flat

    # --- building -----------------------------------------------------------------------------

    def _build_if_known(self) -> None:
        if self.input_hint is not None and self._sublayers and not self.built:
            self.ensure_built(self.input_hint)

    def build(self, input_shape: Any = None) -> None:
        """Make all weights for inputs of this shape, the batch axis first (None)."""
        if input_shape is None:
            input_shape = self.input_hint
        if input_shape is None:
            raise ValueError(
                f"build: the input shape of Sequential {self.name!r} is not known. Pass "
                f"build(input_shape=(None, ...)), or begin the list with Input(shape=...)."
            )
        shape: Shape = input_hint("build", batch_shape=input_shape) or ()
        if not self._sublayers:
            raise ValueError(f"Sequential {self.name!r} has no layers. Add some first.")
        rng = None  # a model inside another draws from its stream
        if self._seed is not None or not is_building():
            rng = np.random.Generator(np.random.Philox(key=[self.seed, INIT_STREAM]))
        with building(rng):
            current = shape
            for position, layer in enumerate(self._sublayers):
                layer.position = position
                layer.ensure_built(current)
                layer.check_call(tuple(2 if a is None else a for a in current))
                current = layer.compute_output_shape(current)
        for layer in self._sublayers:
            for weight in layer.weights:
                if not weight.path.startswith(f"{self.name}/"):
                    weight.path = f"{self.name}/{weight.path}"
        self._output_shape = current
        self._build_shape = shape
        self.built = True
        gather([w for w in self.weights if w.trainable])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for inputs of this shape."""
        for layer in self._sublayers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, batch axis first as None."""
        if self._output_shape is None:
            raise AttributeError(
                f"Sequential {self.name!r} has no output shape yet: it is not built. Give it "
                f"data, an Input(...), or call build(...)."
            )
        return self._output_shape

    @property
    def flops_a_row(self) -> int:
        """Rough work of one forward pass for one row."""
        found = self.__dict__.get("_flops")
        if found is None:
            found = self.__dict__["_flops"] = self.flops(self.input_shape, self.output_shape)
        return found

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Sum over the layers."""
        total = 0
        for layer in self._sublayers:
            output_shape = layer.compute_output_shape(input_shape)
            total += layer.flops(input_shape, output_shape)
            input_shape = output_shape
        return total

    @property
    def is_shardable(self) -> bool:
        """Whether all layers can work on a part of the batch."""
        return all(layer.shardable for layer in self.walk())

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

        if custom.is_traced(inputs) or custom.current_step() is not None:
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

    @property
    def seed(self) -> int:
        """What all random numbers of this model are drawn from."""
        if self._seed is None:
            self._seed = config.next_seed()
        return self._seed

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

    def summary(self, *args: Any, **kwargs: Any) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        Takes ``line_length, positions, print_fn, expand_nested, show_trainable, layer_range``.
        """
        from kerasish.models.summary import print_summary

        print_summary(self, *args, **kwargs)

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
