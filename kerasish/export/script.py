"""The body of an exported file while it is being written: calls, functions, arrays."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import activations
from kerasish.export.functions import activations as formulas
from kerasish.export.functions import basics
from kerasish.export.source import NotAlone, Sources
from kerasish.store import Weight

Rule = Callable[[Any, "Script"], None]
rules: dict[type, Rule] = {}
WIDTH = 96  # columns of the file


class CannotExportError(ValueError):
    """A layer that no function stands for in an exported file."""


def rule(*layers: type) -> Callable[[Rule], Rule]:
    """Decorator: how the layers of some classes are exported.

    Parameters
    ----------
    *layers : type
        The classes, just as they are: a subclass of one may do anything and needs its own rule.

    Examples
    --------
    >>> from kerasish.layers import Layer
    >>> class Twice(Layer):
    ...     def forward(self, x, step):
    ...         return 2 * x, lambda dy: 2 * dy
    >>> def twice(x, factor):
    ...     '''``factor * x``.'''
    ...     return factor * x
    >>> @rule(Twice)
    ... def _(layer, script):
    ...     script.call(twice, 2.0)
    >>> script = Script(np.float32)
    >>> script.apply(Twice(name="a"))
    >>> print(*script.lines, sep="; ")
    # Twice 'a'; x = twice(x, 2.0)
    """

    def decorate(function: Rule) -> Rule:
        rules.update(dict.fromkeys(layers, function))
        return function

    return decorate


class Script:
    """What an exported file does with its input ``x``, line after line.

    Attributes
    ----------
    lines : list of str
        Statements, one after another, without indentation.
    arrays : dict
        The arrays that they use, by their names in the .npz file.
    mask : Name or None
        The variable that holds a mask, where there is one, ...
    mask_axes : int
        ... and its number of axes: 2 for one of time steps.
    contents : {"floats", "whole numbers", "numbers", "texts"}
        What ``x`` holds.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.lines: list[str] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.mask: Name | None = None
        self.mask_axes = 0
        self.sources = Sources()
        self.contents = "floats"
        self._names: dict[int, tuple[Any, str]] = {}
        self._variables: dict[str, int] = {}
        self._layer = "model"

    # --- layers -------------------------------------------------------------------------------

    def apply(self, layer: Any) -> None:
        """Write what a layer, or the layers of a model, do."""
        inner = layer.flat_layers() if hasattr(layer, "flat_layers") else [layer]
        if inner != [layer]:
            for part in inner:
                self.apply(part)
            return
        if self.mask is not None and not layer.supports_masking:
            self.mask = None
        found = rules.get(type(layer))
        if found is None:
            raise CannotExportError(
                f"{layer.label} cannot be exported: kerasish knows no NumPy function for a "
                f"{type(layer).__name__}. Write one, and a rule that calls it: see "
                f"kerasish.export.rule."
            )
        self.lines.append(f"# {type(layer).__name__} {layer.name!r}")
        count, self._layer = len(self.lines), layer.name
        if not layer.keeps_whole:
            if self.contents.endswith("numbers") and layer.casts_input:
                self.lines.append("x = x.astype(DTYPE)")
            self.contents = "floats"
        try:
            found(layer, self)
        except NotAlone as error:
            raise CannotExportError(f"{layer.label} cannot be exported: {error}.") from None
        if len(self.lines) == count:  # nothing in inference
            self.lines.pop()

    def activate(self, fn: Any) -> None:
        """Write an activation."""
        if fn is not activations.linear:
            if getattr(fn, "registry_kind", None) == "layer":
                self.apply(fn)
            elif isinstance(fn, types.FunctionType):
                self.call(fn)
                self.call(basics.settle, DTYPE)
            else:
                self.call(formula_of(fn))

    # --- statements ---------------------------------------------------------------------------

    def call(self, function: Any, *args: Any, to: str = "x", of: str = "x", **kwargs: Any) -> None:
        """Write ``to = function(of, *args, **kwargs)``; weights are given as they are."""
        given = [of, *map(self.expression, args)]
        given += [f"{key}={self.expression(value)}" for key, value in kwargs.items()]
        name = self.expression(function)
        line = f"{to} = {name}({', '.join(given)})"
        if len(line) > WIDTH - 4:
            inner = "".join(f"    {argument},\n" for argument in given)
            line = f"{to} = {name}(\n{inner})"
        self.lines.append(line)

    def fresh(self, name: str) -> Name:
        """A variable of this name, or with a number if there is one already."""
        count = self._variables[name] = self._variables.get(name, 0) + 1
        return Name(name if count == 1 else f"{name}_{count}")

    def line(self, text: str) -> None:
        """Write a statement."""
        self.lines.append(text)

    def expression(self, value: Any) -> str:
        """How a value is written: a weight by its name, a function by its own, else a literal."""
        if isinstance(value, Name):
            return str(value)
        if isinstance(value, Weight):
            return self._array(value, value.value, value.path.partition("/")[2] or value.name)
        if isinstance(value, np.ndarray):
            return self._array(value, value, f"{self._layer}/constant")
        if isinstance(value, np.generic):
            return self.expression(value.item())
        if isinstance(value, types.FunctionType):
            return self.sources.add(value)
        if isinstance(value, list | tuple):
            items = [self.expression(v) for v in value]
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        if isinstance(value, str):
            return json.dumps(value)
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        raise TypeError(f"An exported file cannot hold {value!r}.")

    def array(self, value: np.ndarray, name: str) -> Name:
        """Keep an array of a layer under a name; gives the expression for it."""
        return Name(self._array(value, value, f"{self._layer}/{name}"))

    def _array(self, key: Any, value: np.ndarray, name: str) -> str:
        known = self._names.get(id(key))
        if known is not None:
            return f'w["{known[1]}"]'
        found, count = name, 0
        while found in self.arrays:
            count += 1
            found = f"{name}_{count}"
        self._names[id(key)], self.arrays[found] = (key, found), np.array(value)
        return f'w["{found}"]'


class Name(str):
    """A variable of the file, as an argument of `Script.call`."""


DTYPE = Name("DTYPE")  # of the model


def formula_of(fn: Any) -> Any:
    """The function of an exported file that stands for an activation."""
    if isinstance(fn, types.FunctionType):  # a user's
        return fn
    ours = getattr(formulas, getattr(fn, "__name__", ""), None)
    known = isinstance(fn, activations.Activation) and getattr(activations, fn.__name__) is fn
    if ours is None or not known:
        raise CannotExportError(
            f"The activation {fn!r} cannot be exported: kerasish knows no NumPy function for it. "
            f"Use one of kerasish.activations."
        )
    return ours
