"""Sequential: a model is a list of layers. What happens; how is in `kerasish.training`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.errors import brief
from kerasish.layers.base import Backward, Layer
from kerasish.models.layer_list import LayerList
from kerasish.registry import register
from kerasish.step import Step


@register()
class Sequential(LayerList):
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
        super().__init__(name=name, trainable=True, seed=seed, dtype=dtype)
        for layer in layers or []:
            self._append(layer)
        if not trainable:
            self.trainable = False
        self._build_if_known()

    @property
    def takes_text(self) -> bool:  # type: ignore[override]
        """Whether the first layer does."""
        return bool(self._sublayers) and self.flat_layers()[0].takes_text

    def cast_input(self, x: np.ndarray) -> np.ndarray:
        """Cast a batch to what the first layer computes with."""
        first = self.flat_layers()[0]
        if first.casts_input:
            return np.asarray(x, self.dtype)
        return first.prepare_input(x) if first.takes_text else np.asarray(x)

    # --- calling ------------------------------------------------------------------------------

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Call the layers in order; backward is one reversed loop over their closures."""
        at_head, step.at_head = step.at_head, False
        backwards: list[Any] = []
        follow = None if step.recording else step.chain()
        layers, k = self._sublayers, 0
        while k < len(layers):
            layer = layers[k]
            joined = layer.joined(layers[k + 1 :]) if step.mask is None else None
            count, call = (1, layer.apply) if joined is None else joined
            k += count
            step.at_head = at_head and k == len(layers)
            y, backward = call(x, step)
            if step.lookup is not None:
                step.lookup.offer(layer, y, layers[k] if k < len(layers) else None)
            if follow is None:
                backwards.append(backward)
            else:
                follow(x, y)
            x = y
        if follow is not None:
            return x, None

        def run_backward(dy: Any) -> Any:
            follow = step.chain()
            for back in reversed(backwards):
                dx = back(dy)
                if dx is None:
                    return None
                follow(dy, dx)
                dy = dx
            return dy

        return x, run_backward

    @property
    def is_chain(self) -> bool:  # type: ignore[override]
        """Whether a call is that of `flat_layers` in order, and nothing else."""
        models = [layer for layer in self.walk() if isinstance(layer, LayerList)]
        return all(type(m) is Sequential and m.activity_regularizer is None for m in models)

    @property
    def head(self) -> str | None:
        """``"softmax"`` or ``"sigmoid"`` if that is the last thing done, else None."""
        if not self._sublayers or self.activity_regularizer is not None:
            return None
        return self._sublayers[-1].head

    def get_config(self) -> dict[str, Any]:
        """Return name, type and layers as JSON-able values, in Keras's form."""
        entries: list[Layer] = list(self._sublayers)
        shape = self._build_shape or self.input_hint
        if shape is not None:
            given = self.__dict__.get("_input_layer")
            entries.insert(0, given or self._implied_input(shape))
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
            made: dict[str, Any] = {}  # a layer that is listed again is the same one
            for entry in config.get("layers", []):
                name = _name_in(entry)
                model.add(made.get(name or "", entry), rebuild=False)
                if name and len(model) and model.layers[-1].name == name:
                    made[name] = model.layers[-1]
            # Keras writes False for models whose layers learn all the same: the layers decide.
            if not config.get("trainable", True) and not any(x.trainable for x in model.layers):
                model.trainable = False
            shape = config.get("build_input_shape")
            if shape is not None and model.input_hint is None:
                model.input_hint = tuple(shape)
            model._build_if_known()
        return model

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._sublayers)

    def __len__(self) -> int:
        return len(self._sublayers)


def _name_in(entry: Any) -> str | None:
    """The name that a layer's config states."""
    inner = entry.get("config", entry) if isinstance(entry, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None
