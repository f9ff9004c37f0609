"""The base of all metrics: a name, a state that batches add to, and a result read off it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.metrics.state import Variable, dtype_name
from kerasish.registry import Configurable, snake_case, unique_name
from kerasish.store import Array, Weight, as_array


def _with_numpy(result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a user's `result` return numbers and arrays of any kind: all get ``.numpy()``."""

    @functools.wraps(result)
    def wrapped(self: Any) -> Any:
        value = result(self)
        plain = isinstance(value, bool | int | float | np.generic | np.ndarray | Weight)
        return as_array(value) if plain and not isinstance(value, Array) else value

    return wrapped


@dataclass(eq=False, repr=False, init=False)
class Metric(Configurable):
    """Base class of metrics.

    A user's metric makes its state with `add_weight` in ``__init__`` and writes `update_state` and
    `result`. The metrics of this package are *additive*: `increments` says what a batch adds to
    the state, without changing anything, so that the parts of a batch may be worked on in several
    threads; `apply` then adds it. A metric that only has `update_state` sees the whole batch.

    Weights and masks: `update_state` gets ``sample_weight`` where the metric stands in
    ``weighted_metrics``. Metrics of mean type (`takes_mask`) also get the mask of the predictions
    from the training loop, multiplied into the weights, so that masked steps do not count.

    Parameters
    ----------
    dtype : str, optional
        Type of the result. The state of built-in metrics is kept in float64.
    name : str, optional
        Key in logs and History; the class's name in snake case by default.

    Attributes
    ----------
    direction : {"max", "min", None}
        Which way is better, for callbacks that monitor the metric.
    additive : bool
        Whether the state is a plain sum over samples, given by `increments`.

    Examples
    --------
    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.seen = self.add_weight(name="seen", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.seen.assign(np.maximum(self.seen, np.max(y_pred)))
    ...     def result(self):
    ...         return self.seen
    >>> m = Largest()
    >>> m.update_state([0, 1], [0.5, 2.5])
    >>> float(m.result())
    2.5
    """

    registry_kind: ClassVar[str] = "metric"
    positional_tail: ClassVar[tuple[str, ...]] = ("name", "dtype")
    direction: ClassVar[str | None] = None
    additive = False
    takes_mask: ClassVar[bool] = False
    state_names: ClassVar[tuple[str, ...]] = ()
    grows: ClassVar[bool] = False

    name: Any = field(default=None, kw_only=True)
    dtype: Any = field(default=None, kw_only=True)

    def __init__(self, dtype: Any = None, name: Any = None) -> None:
        self.name, self.dtype = name, dtype
        self.__post_init__()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Whoever wrote the class last decides: its own update_state must not be passed by.
        if "additive" not in vars(cls):
            if "increments" in vars(cls):
                cls.additive = True
            elif "update_state" in vars(cls):
                cls.additive = False
        if "result" in vars(cls) and not cls.__module__.startswith("kerasish."):
            cls.result = _with_numpy(cls.result)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.dtype = dtype_name(self.dtype)
        self.name = str(self.name) if self.name else unique_name(snake_case(type(self).__name__))
        self._variables: list[Variable] = []
        self._built = False

    # --- state -------------------------------------------------------------------------------

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Make a state variable of `shape`; `aggregation` is accepted and has no effect here."""
        if "_variables" not in vars(self):
            raise RuntimeError(
                f"{type(self).__name__}: call super().__init__() in __init__ before add_weight()."
            )
        shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        kind = dtype_name(dtype or self.dtype)
        if initializer in (None, "zeros"):
            value = np.zeros(shape, kind)
        else:
            from kerasish import initializers

            value = initializers.get(initializer)(shape, dtype=kind)
        variable = Variable(value, name=name or "variable", trainable=False)
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a state variable, as `add_variable` does; Keras 2's name comes first if a string."""
        if isinstance(shape, str):
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    def _start(self, *shapes: tuple[int, ...]) -> None:
        """Make the variables called `state_names`, in float64, as zeros of `shapes`."""
        for name, shape in zip(self.state_names, shapes, strict=True):
            setattr(self, name, self.add_variable(shape, "zeros", "float64", name=name))
        self._built = True

    @property
    def variables(self) -> list[Weight]:
        """State variables, those of metrics held as attributes last."""
        own = vars(self).values()
        found: list[Weight] = [*self._variables, *(v for v in own if isinstance(v, Weight))]
        for value in own:
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, Metric):
                    found += item.variables
        return list(dict.fromkeys(found))

    def get_state(self) -> list[np.ndarray]:
        """Copies of the state's arrays."""
        return [np.array(v.value) for v in self.variables]

    def set_state(self, arrays: Sequence[Any]) -> None:
        """Put back what `get_state` returned."""
        arrays = [np.asarray(a) for a in arrays]
        if not arrays and self.state_names:  # of a metric that had seen no batch
            self.reset_state()
            return
        if not self._built and len(arrays) == len(self.state_names) > 0:
            self._start(*(a.shape for a in arrays))
        variables = self.variables
        if len(arrays) != len(variables):
            raise ValueError(
                f"{type(self).__name__} '{self.name}' has {len(variables)} state variables but "
                f"got {len(arrays)} arrays. Pass what get_state() returned."
            )
        for variable, array in zip(variables, arrays, strict=True):
            if self.grows and array.shape != variable.shape:
                variable.value = np.zeros(array.shape, variable.value.dtype)
            variable.assign(array)

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self.variables:
            variable.value[...] = 0

    # --- batches -----------------------------------------------------------------------------

    def increments(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """What a batch adds to the state, one item a variable. Changes nothing."""
        raise TypeError(
            f"{type(self).__name__} must define update_state(y_true, y_pred, sample_weight=None), "
            "or increments() with the same arguments."
        )

    def apply(self, increments: Sequence[Any]) -> None:
        """Add what `increments` returned, of one batch or of a part of one."""
        if not self._built:
            self._start(*(np.shape(inc) for inc in increments))
        for name, inc in zip(self.state_names, increments, strict=True):
            variable = getattr(self, name)
            if np.shape(inc) != variable.value.shape:
                inc = self._fit(variable, np.asarray(inc))
            variable.value += inc

    def _fit(self, variable: Variable, inc: np.ndarray) -> np.ndarray:
        """Bring a variable and an increment to one shape, padding the smaller with zeros."""
        if not self.grows:
            raise ValueError(
                f"{type(self).__name__} '{self.name}' has seen {variable.shape[-1]} outputs a "
                f"sample but now got {inc.shape[-1]}. Call reset_state() or use another metric."
            )
        shape = np.maximum(variable.shape, inc.shape)
        for_variable = [(0, n - have) for n, have in zip(shape, variable.shape, strict=True)]
        for_inc = [(0, n - have) for n, have in zip(shape, inc.shape, strict=True)]
        variable.value = np.pad(variable.value, for_variable)
        return np.pad(inc, for_inc)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take a batch into account: ``update_state(y_true, y_pred, sample_weight=None)``."""
        self.apply(self.increments(*args, **kwargs))

    def result(self) -> Any:
        """The metric over all batches since the last reset."""
        raise TypeError(f"{type(self).__name__} must define result().")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch into account and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def _typed(self, value: Any) -> Array:
        return np.array(value, self.dtype).view(Array)

    # --- Keras's stateless surface -------------------------------------------------------------

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[np.ndarray]:
        """Return the state after a batch, starting from the given one; `self` is left alone."""
        before = self.get_state()
        try:
            self.set_state(metric_variables)
            self.update_state(*args, **kwargs)
            return self.get_state()
        finally:
            self.set_state(before)

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """Return the result for the given state; `self` is left alone."""
        before = self.get_state()
        try:
            self.set_state(metric_variables)
            return self.result()
        finally:
            self.set_state(before)

    def stateless_reset_state(self) -> list[np.ndarray]:
        """Return the state of a metric that has seen nothing."""
        before = self.get_state()
        try:
            self.reset_state()
            return self.get_state()
        finally:
            self.set_state(before)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; those Keras does not write only when they are set."""
        written = super().get_config()
        for f in dataclasses.fields(self):
            if f.metadata.get("when_set") and getattr(self, f.name) == f.default:
                written.pop(f.name, None)
        return written
