"""What an activation is: a formula and its derivative, called as one function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import autodiff, registry
from kerasish.autodiff import is_traced
from kerasish.step import Step
from kerasish.store import Array

Backward = Callable[[np.ndarray], np.ndarray]


class Activation:
    """A function of arrays that carries its own derivative.

    Parameters
    ----------
    formula : callable
        ``formula(x, ..., *, out)`` writes into `out`, which may be `x` itself, and returns it.
        A formula without the parameter `out` returns a new array, of any shape.
    needs_x : bool
        Whether the derivative reads the input; if not, it is a function of the output alone and
        the input's memory may be reused. Arguments other than the defaults may need `x` all
        the same: then pass it always.

    Notes
    -----
    Results have the float type of the input; other numbers and lists become float32. Overflow
    to infinity and NaN pass through silently.

    Examples
    --------
    >>> @Activation
    ... def cubed(x, *, out):
    ...     return np.power(x, 3, out=out)
    >>> @cubed.derivative
    ... def _(dy, x, y):
    ...     return dy * 3 * x**2
    >>> cubed([1.0, -2.0])
    Array([ 1., -8.], dtype=float32)
    >>> y, backward = forward(cubed, np.array([1.0, -2.0]))
    >>> backward(np.ones(2))
    array([ 3., 12.])
    """

    def __init__(self, formula: Callable[..., np.ndarray], needs_x: bool = True) -> None:
        functools.update_wrapper(self, formula)
        self.__name__: str = formula.__name__
        self.needs_x = needs_x
        self._formula = formula
        self._derivative: Callable[..., np.ndarray] | None = None
        parameters = inspect.signature(formula).parameters
        self.in_place = "out" in parameters
        shown = [p for p in parameters.values() if p.name != "out"]
        self.__signature__ = inspect.Signature(shown)
        self._options = [p.name for p in shown][1:]

    def derivative(self, fn: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        """Decorator for the function ``(dy, x, y, ...)`` that returns dLoss/dx, a new array."""
        self._derivative = fn
        return fn

    def __call__(
        self, x: Any, *args: Any, out: np.ndarray | None = None, **kwargs: Any
    ) -> np.ndarray:
        """Apply it to numbers or an array; the result goes to `out`, which may be `x`."""
        if args:
            kwargs = self._by_name(args, kwargs)
        if is_traced(x):
            return autodiff.through(lambda a: forward(self, a, **kwargs), x)
        y = self.compute(as_floats(x, self.__name__), out, kwargs)
        return y.view(Array) if out is None else y

    def compute(self, x: np.ndarray, out: np.ndarray | None, kwargs: dict[str, Any]) -> np.ndarray:
        """The formula on a float array."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.in_place:
                if out is None:
                    out = np.empty(x.shape, x.dtype)
                return self._formula(x, out=out, **kwargs)
            y = self._formula(x, **kwargs)
        if out is None:
            return y
        np.copyto(out, y)
        return out

    def backward(
        self, dy: np.ndarray, x: np.ndarray | None, y: np.ndarray, *args: Any, **kwargs: Any
    ) -> np.ndarray:
        """Return dLoss/dx, a new array, from dLoss/dy, the input and the output."""
        if self._derivative is None:
            raise TypeError(
                f"The activation {self.__name__} has no derivative. Give it one with "
                f"@{self.__name__}.derivative."
            )
        if args:
            kwargs = self._by_name(args, kwargs)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._derivative(dy, x, y, **kwargs)

    def _by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > len(self._options):
            raise TypeError(
                f"{self.__name__}{self.__signature__} takes at most {1 + len(self._options)} "
                f"positional arguments but got {1 + len(args)}."
            )
        for name in self._options[: len(args)]:
            if name in kwargs:
                raise TypeError(f"{self.__name__} got `{name}` twice: by position and by name.")
        return {**dict(zip(self._options, args, strict=False)), **kwargs}

    def __reduce__(self) -> str:
        return self.__name__  # pickled by reference, as functions are

    def __repr__(self) -> str:
        return f"<activation {self.__name__}>"


def activation(*aliases: str, needs_x: bool = False) -> Callable[[Any], Activation]:
    """Decorator: make a formula an `Activation`, known by its name and `aliases`."""

    def decorate(formula: Callable[..., np.ndarray]) -> Activation:
        return registry.register(*aliases, kind="activation")(Activation(formula, needs_x))

    return decorate


def forward(
    fn: Callable[..., Any],
    x: np.ndarray,
    out: np.ndarray | None = None,
    keep: bool = True,
    **kwargs: Any,
) -> tuple[np.ndarray, Backward | None]:
    """Apply any activation and return its output with the function from dLoss/dy to dLoss/dx.

    Parameters
    ----------
    fn : Activation, function or layer
        A plain function is differentiated by the package `autograd`.
    x : ndarray
        Input, of a float type.
    out : ndarray, optional
        Memory for the output; may be `x`. It is left alone where it cannot be used: if `x` is
        still needed, if the output has another shape, or for a plain function.
    keep : bool
        Whether a gradient is wanted; if not, the second result is None.
    **kwargs
        Further arguments of `fn`.

    Examples
    --------
    >>> from kerasish.activations import tanh
    >>> y, backward = forward(tanh, np.array([0.0, 1.0]))
    >>> backward(np.ones(2)).round(3)
    array([1.  , 0.42])
    """
    if isinstance(fn, Activation):
        needs_x = keep and (fn.needs_x or bool(kwargs))
        if out is not None and (not fn.in_place or (needs_x and np.may_share_memory(out, x))):
            out = None
        y = fn.compute(x, out, kwargs)
        if not keep:
            return y, None
        kept = x if needs_x else None
        return y, lambda dy: fn.backward(dy, kept, y, **kwargs)
    if getattr(fn, "registry_kind", None) == "layer":
        return _forward_layer(fn, x, keep)
    if not keep:
        return np.asarray(fn(x, **kwargs), x.dtype), None
    value, backward = autodiff.vjp(lambda a: fn(a, **kwargs), x)
    return np.asarray(value, x.dtype), backward


def bound(
    fn: Callable[..., Any], z: np.ndarray, keep: bool = True
) -> tuple[Callable[[], np.ndarray], Backward] | None:
    """`forward` for an array `z` that is filled again and again, as two functions.

    The first applies the activation, in place where `forward` does so for ``out=z``; the second
    takes dLoss/dy of that application to dLoss/dz. None for what is no `Activation`. Overflow is
    the caller's to silence.
    """
    if not isinstance(fn, Activation) or fn._derivative is None:
        return None
    formula, derivative = fn._formula, fn._derivative
    needs_x = keep and fn.needs_x
    kept = z if needs_x else None
    if fn.in_place:
        y = np.empty_like(z) if needs_x else z
        return functools.partial(formula, z, out=y), lambda dy: derivative(dy, kept, y)

    made = z

    def apply() -> np.ndarray:
        nonlocal made
        made = formula(z)
        return made

    return apply, lambda dy: derivative(dy, kept, made)


def _forward_layer(layer: Any, x: np.ndarray, keep: bool) -> tuple[np.ndarray, Backward | None]:
    """A layer such as ``LeakyReLU()`` in the place of an activation."""
    layer.ensure_built((None, *x.shape[1:]))
    if layer.weights:
        raise ValueError(
            f"{layer.label} has weights and cannot be used as an activation: they would not be "
            f"trained. Add it as a layer of its own instead."
        )
    return layer.forward(x, Step(recording=keep, batch_size=len(x)))


def as_floats(x: Any, name: str) -> np.ndarray:
    """Return `x` as a float array: float arrays as they are, all else as float32."""
    array = np.asarray(x)
    if array.dtype.kind == "f" and hasattr(x, "dtype"):
        return array
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} expects an array of real numbers but got elements of type {array.dtype}. "
            f"Convert them to floats first."
        )
    return array.astype(np.float32)
