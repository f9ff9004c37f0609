"""NumPy's dispatch protocols on autograd's boxes.

NEP 13 (`__array_ufunc__`) and NEP 18 (`__array_function__`) let ``np.sqrt(box)`` reach
``autograd.numpy.sqrt``. What autograd does not differentiate, or not as NumPy calls it, is put in
terms of what it does.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerasish.store import Array


def install() -> SimpleNamespace:
    """Import autograd, make its trace counter thread-local and its boxes dispatch NumPy."""
    try:
        import autograd.numpy as anp
        from autograd import core, tracer
        from autograd.numpy.numpy_boxes import ArrayBox
        from autograd.numpy.numpy_vspaces import ArrayVSpace
        from autograd.util import toposort
    except ImportError as error:
        raise ImportError(
            "Custom functions without a backward pass are differentiated by the package "
            'autograd, which is not installed. Run: pip install "kerasish[autograd]"'
        ) from error

    class Traces(threading.local):
        """How deep differentiations are nested; autograd's own counter is shared by threads."""

        top = -1

        @contextlib.contextmanager
        def new_trace(self) -> Iterator[int]:
            self.top += 1
            try:
                yield self.top
            finally:
                self.top -= 1

    traces = tracer.trace_stack = Traces()
    modules = {"numpy": anp, "numpy.linalg": anp.linalg, "numpy.fft": anp.fft}

    def array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _call(engine, _find(func, modules), func, args, kwargs)

    def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        inputs = tuple(x if tracer.isbox(x) else np.asarray(x) for x in inputs)
        if method == "reduce" and ufunc.__name__ in REDUCTIONS:
            func = getattr(np, REDUCTIONS[ufunc.__name__])
            kwargs = {"axis": 0, **kwargs}
            return _call(engine, _find(func, modules), func, inputs, kwargs)
        if method != "__call__":
            raise _without_gradient(f"numpy.{ufunc.__name__}.{method}")
        known = getattr(tracer, "trace_primitives_map", {})
        substituted = ufunc.__name__ in SUBSTITUTES
        found = known[ufunc] if ufunc in known and not substituted else _find(ufunc, modules)
        return _call(engine, found, ufunc, inputs, kwargs)

    def refuse_array(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "np.asarray() of an ArrayBox would lose its gradient; the argument is an array "
            "already, so leave the conversion out (and join arrays by np.stack, not np.array)"
        )

    ArrayBox.register(Array)
    core.VSpace.register(Array, ArrayVSpace)
    ArrayBox.__array_ufunc__ = array_ufunc
    ArrayBox.__array_function__ = array_function
    ArrayBox.__array__ = refuse_array
    ArrayBox.copy = lambda self: self
    ArrayBox.dot = lambda self, other: anp.dot(self, other)
    ArrayBox.take = lambda self, indices, axis=None: _take(self, indices, axis)
    engine = SimpleNamespace(
        VJPNode=core.VJPNode,
        add_outgrads=core.add_outgrads,
        isbox=tracer.isbox,
        new_box=tracer.new_box,
        toposort=toposort,
        traces=traces,
    )
    return engine


def _without_gradient(what: str) -> TypeError:
    return TypeError(f"{what} on an ArrayBox has no gradient")


def _find(func: Any, modules: dict[str, Any]) -> Callable[..., Any]:
    """The differentiable counterpart of a NumPy function."""
    if func.__name__ in SUBSTITUTES:
        return SUBSTITUTES[func.__name__]
    module = modules.get(getattr(func, "__module__", None) or "numpy", modules["numpy"])
    found = getattr(module, func.__name__, None)
    if found is None:
        raise _without_gradient(f"numpy.{func.__name__}")
    return found


def _call(engine: Any, found: Any, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call `found` as NumPy would `func`; autograd sees boxes in positional arguments only."""
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue and v is not None}
    if kwargs.get("keepdims") is False:
        del kwargs["keepdims"]
    dtype = kwargs.pop("dtype", None)
    for name in ("out", "where", "initial"):
        if kwargs.get(name) not in (None, True):
            raise _without_gradient(f"the argument `{name}` of numpy.{func.__name__}")
        kwargs.pop(name, None)
    if any(engine.isbox(v) for v in kwargs.values()):
        names = list(inspect.signature(func).parameters)
        last = max(names.index(k) for k, v in kwargs.items() if engine.isbox(v))
        args = (*args, *(kwargs.pop(name) for name in names[len(args) : last + 1]))
    result = found(*args, **kwargs)
    return result if dtype is None else result.astype(dtype)


# What autograd does not differentiate, or less well than needed, in terms of what it does.
# Every np.* call below is dispatched again.


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    if low is not None:
        a = np.where(a < low, low, a)
    return a if high is None else np.where(a > high, high, a)


def _where(condition: Any, *branches: Any) -> Any:
    from autograd.numpy import where

    return where(condition, *branches)


def _take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    if axis is None:
        return a.ravel()[indices]
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return arr.ravel()[indices]
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return arr[tuple(grid)]


def _flip(m: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    axes = range(m.ndim) if axis is None else np.atleast_1d(axis)
    turned = {int(k) % m.ndim for k in axes}
    return m[tuple(slice(None, None, -1 if k in turned else 1) for k in range(m.ndim))]


def _average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return np.mean(a, axis=axis)
    if np.shape(weights) != np.shape(a):
        weights = np.reshape(
            weights, tuple(n if k == axis % a.ndim else 1 for k, n in enumerate(a.shape))
        )
    return np.sum(a * weights, axis=axis) / np.sum(weights + 0 * a, axis=axis)


def _nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


def _nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    count = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims)
    return _nansum(a, axis, keepdims) / count


def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
SUBSTITUTES: dict[str, Callable[..., Any]] = {
    "average": _average,
    "cbrt": lambda x: np.sign(x) * np.abs(x) ** (1.0 / 3.0),
    "clip": _clip,
    "copy": lambda a, order="K", subok=False: a,
    "float_power": lambda x, y: x**y,
    "flip": _flip,
    "heaviside": lambda x, at_zero: np.where(x > 0, 1.0, np.where(x < 0, 0.0, at_zero)),
    "hypot": lambda x, y: np.sqrt(x * x + y * y),
    "nanmean": _nanmean,
    "nansum": _nansum,
    "outer": lambda a, b: np.ravel(a)[:, None] * np.ravel(b),
    "positive": lambda x: x,
    "ptp": _ptp,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "where": _where,
}
SUBSTITUTES["amax"], SUBSTITUTES["amin"] = (
    functools.partial(lambda name, *a, **k: getattr(np, name)(*a, **k), name)
    for name in ("max", "min")
)
