"""The list of layers of a model: changing it, finding in it, and building it."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.errors import brief, did_you_mean
from kerasish.layers.arguments import Shape, as_shape
from kerasish.layers.base import Layer
from kerasish.layers.core import InputLayer
from kerasish.layers.symbol import Symbol
from kerasish.layers.weights import all_or_nothing, building
from kerasish.models.model import Model
from kerasish.store import gather


class LayerList(Model):
    """The part of `Sequential` that is a list of layers with shapes."""

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
            raise ValueError(f"Sequential {self.name!r} has no layer to pop. Add some first.")
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
                f"Sequential expects layers but got the class {layer.__name__} itself. Make a "
                f"layer of it: {layer.__name__}(...)."
            )
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential expects layers or config dicts but got {brief(layer)}. {_mend(layer)}"
            )
        if any(inner is self for inner in layer.walk()):
            raise ValueError(
                f"Sequential {self.name!r} cannot be a layer of itself. Add another model, or a "
                f"copy: kerasish.models.clone_model(model)."
            )
        layer.require_one_output()
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
            if hint is None and isinstance(layer, LayerList):
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
        self.__dict__.pop("_direct", None)
        self.__dict__.pop("_spare_teams", None)
        self.forget_program()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place."""
        if index is not None and name is not None:
            raise ValueError(
                f"get_layer takes a name or an index but got both: {name!r} and {index!r}. Leave "
                f"one of them out."
            )
        if isinstance(name, int) or not isinstance(index, int | np.integer | None):
            wrong = f"name={name!r}" if index is None else f"index={index!r}"
            raise TypeError(
                f"get_layer expects name= as text or index= as a whole number but got {wrong}. "
                f"Write get_layer('name') or get_layer(index=0)."
            )
        if index is not None:
            if not -len(self._sublayers) <= index < len(self._sublayers):
                raise ValueError(
                    f"get_layer: index {index} is out of range: {self.name!r} has "
                    f"{len(self._sublayers)} layers, the first of which is index 0."
                )
            return self._sublayers[index]
        for layer in self._sublayers:
            if layer.name == name:
                return layer

        names = [layer.name for layer in self._sublayers]
        hint = did_you_mean(name, names) if name else " Pass name= or index=."
        raise ValueError(f"No such layer: {name}.{hint} Existing layers are: {names}.")

    def flat_layers(self) -> list[Layer]:
        """The layers in the order of their calls, nested models taken apart."""
        flat = self.__dict__.get("_flat")
        if flat is None:
            flat = []
            for layer in self._sublayers:
                flat.extend(layer.flat_layers() if isinstance(layer, LayerList) else [layer])
            self.__dict__["_flat"] = flat
        return flat

    # --- building -----------------------------------------------------------------------------

    def _build_if_known(self) -> None:
        if self.input_hint is not None and self._sublayers and not self.built:
            self.ensure_built(self.input_hint)

    def build_for(self, x: Any) -> None:
        """Build for batches like `x`, if that has not been done."""
        if self.built:
            return
        if not self._sublayers:
            raise ValueError(f"Sequential {self.name!r} has no layers. Add some first.")
        shape = np.shape(x)
        if 0 in shape[1:]:
            raise ValueError(
                f"Sequential {self.name!r} expects at least one feature a sample but got x of "
                f"shape {shape}. Check the columns that were selected."
            )
        self.ensure_built(self.input_hint or (None, *(shape[1:] or (1,))))

    def ensure_built(self, input_shape: Shape, rng: np.random.Generator | None = None) -> None:
        """Build layer by layer if that has not been done."""
        Layer.ensure_built(self, input_shape, rng)

    def build(self, input_shape: Any = None) -> None:
        """Make all weights for inputs of this shape, the batch axis first (None)."""
        if input_shape is None:
            input_shape = self.input_hint
        if input_shape is None:
            raise ValueError(
                f"build: the input shape of Sequential {self.name!r} is not known. Pass "
                f"build(input_shape=(None, ...)), or begin the list with Input(shape=...)."
            )
        shape = as_shape(input_shape, "build", "input_shape")
        if len(shape) == 1 and shape != (None,):
            raise ValueError(
                f"build: `input_shape` begins with the batch axis but is {input_shape!r}. For "
                f"{shape[0]} features a sample write build((None, {shape[0]}))."
            )
        if not self._sublayers:
            raise ValueError(f"Sequential {self.name!r} has no layers. Add some first.")
        with all_or_nothing(self), building(self.init_rng()):
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
            layer._owner = weakref.ref(self)
        self._output_shape = current
        self._build_shape = shape
        self.built = True
        gather([w for w in self.weights if w.trainable])

    def before(self, layer: Layer) -> Symbol:
        """What comes into one of the layers."""
        at = self._sublayers.index(layer)
        shape = layer.input_shape
        return Symbol(self.input.start, tuple(self._sublayers[:at]), shape, self.dtype)

    def after(self, layer: Layer) -> Symbol:
        """What comes out of one of the layers."""
        at = self._sublayers.index(layer) + 1
        shape = layer.output_shape
        return Symbol(self.input.start, tuple(self._sublayers[:at]), shape, self.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for inputs of this shape."""
        for layer in self._sublayers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Sum over the layers."""
        total = 0
        for layer in self._sublayers:
            output_shape = layer.compute_output_shape(input_shape)
            total += layer.flops(input_shape, output_shape)
            input_shape = output_shape
        return total


def _mend(item: Any) -> str:
    """What to write instead of something that is no layer."""
    kind = getattr(item, "registry_kind", None)
    if item is None:
        return "Leave it out."
    if isinstance(item, str):
        named = registry.known("activation").get(item)
        return f"Write {'Activation(' + repr(item) + ')' if named else 'Dense(...)'} instead."
    if isinstance(item, list | tuple):
        return "Lists cannot be nested: unpack it as [*layers], or make it a Sequential."
    if kind in ("loss", "optimizer", "metric"):
        return f"Pass it to compile({kind}{'s' if kind == 'metric' else ''}=...)."
    if callable(item):
        return "A function goes into Lambda(function) or Activation(function)."
    return "Data are passed to fit()." if hasattr(item, "shape") else "Write Dense(...), say."
