"""Lambda: a function of arrays as a layer. Code is never written to files nor read from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Layer
from kerasish.registry import register


class FunctionName(dict):
    """Config of a function: its name, for files, and in this process the function itself."""

    def __init__(self, function: Callable[..., Any]) -> None:
        name = getattr(function, "__name__", type(function).__name__)
        super().__init__(
            module="builtins", class_name="function", config=name, registered_name="function"
        )
        self.function = function


@register()
class Lambda(Layer):
    """Apply a function written in NumPy; its gradient is found by the package `autograd`.

    Parameters
    ----------
    function : callable
        ``function(x)``; it may also take `mask` and `training`. It sees the whole batch.
    output_shape : tuple or callable, optional
        Shape of one output sample, or a function from the input's to the output's full shape;
        found by a trial when left out.
    mask : ndarray or callable, optional
        The output's mask, or a function ``mask(inputs, mask)``; without it masks end here.
    arguments : dict, optional
        Further keyword arguments for `function`.

    Notes
    -----
    Files hold the function's name only. To load one, make the function known:
    ``custom_object_scope({"name": function})``. Better: write a `Layer` subclass.

    Examples
    --------
    >>> Lambda(lambda x: x**2)(np.array([[1.0, 3.0]]))
    Array([[1., 9.]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if not callable(function):
            raise TypeError(
                f"{self.label}: `function` must be a function of arrays but is {function!r}."
            )
        self.function, self.mask, self.arguments = function, mask, dict(arguments or {})
        self._output_shape = output_shape
        try:
            self.accepted = set(inspect.signature(function).parameters)
        except ValueError:  # some compiled functions have none
            self.accepted = set()
        self.supports_masking = mask is not None or "mask" in self.accepted  # type: ignore[misc]

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """Run the function."""
        extra = {"mask": mask, "training": training}
        wanted = {key: value for key, value in extra.items() if key in self.accepted}
        return self.function(inputs, **self.arguments, **wanted)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask that the argument `mask` states."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """What the argument `output_shape` states, else what a trial gives."""
        stated = self._output_shape
        if callable(stated):
            return tuple(stated(input_shape))
        if stated is not None:
            return (input_shape[0], *stated)
        with np.errstate(all="ignore"):  # the trial's zeros need not suit the function
            return super().compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Arguments; functions by name."""
        config = super().get_config()
        config["function"] = FunctionName(self.function)
        for key, value in ("output_shape", self._output_shape), ("mask", self.mask):
            if value is not None:
                config[key] = FunctionName(value) if callable(value) else registry.plain(value)
        config["arguments"] = registry.plain(self.arguments)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Lambda:
        """Build the layer; functions are looked up among the registered and custom objects.

        Raises
        ------
        ValueError
            If a function is not known. Code in a config is never run.
        """
        config = dict(config)
        for key in ("function", "output_shape", "mask"):
            if isinstance(config.get(key), dict):
                config[key] = known_function(config[key], config.get("name"))
        config["arguments"] = config.get("arguments") or {}
        return cls(**config)


def known_function(config: dict[str, Any], layer: Any, owner: str = "Lambda") -> Any:
    """The registered or custom function that a config names; its code is never run."""
    if isinstance(config, FunctionName):
        return config.function
    names = [config.get("registered_name"), config.get("config")]
    for name in names:
        if isinstance(name, str) and name != "function":
            try:
                found = registry.lookup("layer", name)
            except ValueError:
                continue
            if not isinstance(found, type):
                return found
    name = "<lambda>" if config.get("class_name") == "__lambda__" else names[1]
    raise ValueError(
        f"{owner} {layer!r} needs its function {name!r}, and code is never taken from a config or "
        f"file. Pass it as custom_objects={{{name!r}: function}}, or write a Layer subclass "
        f"instead of a {owner}."
    )
