"""Methods of Keras's optimizers: formulas written one weight at a time, variables as lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import spellings
from kerasish.errors import warn
from kerasish.optimizers.variables import Variable


class KerasSurface:
    """The part of `Optimizer` that is there for scripts and subclasses written for Keras."""

    _state: Any

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight. A subclass that overrides this is called for every weight."""
        self._state.update_one(gradient, variable, float(learning_rate))

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make an array that is saved with the optimizer; to be called in `build`."""
        return self._state.add(name or "variable", shape, initializer, dtype or "float32", None)

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Make an array of the shape of a weight; to be called in `build`."""
        weight, state = reference_variable, self._state
        full = f"{weight.path.replace('/', '_')}_{name or 'var'}"
        return state.add(full, weight.shape, initializer, weight.dtype, state.index(weight))

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Any], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Make an array for every weight, or with a list of names a list for each name."""
        names = [name] if isinstance(name, str) else list(name)
        firsts = list(initializer) if isinstance(initializer, list | tuple) else [initializer]
        firsts = firsts * len(names) if len(firsts) == 1 else firsts
        if len(names) != len(firsts):
            raise ValueError(
                f"add_optimizer_variables expects one initializer or one for each of the names "
                f"{names}, but got {initializer!r}."
            )
        made: tuple[list[Variable], ...] = tuple([] for _ in names)
        for weight in trainable_variables:
            for kept, each, first in zip(made, names, firsts, strict=True):
                kept.append(self.add_variable_from_reference(weight, each, first))
        return made[0] if isinstance(name, str) else made

    @property
    def lr(self: Any) -> Any:
        """Old spelling of `learning_rate`."""
        spellings.warn_once(type(self).__name__, "`lr`", "Write optimizer.learning_rate.")
        return self.learning_rate

    @lr.setter
    def lr(self: Any, value: Any) -> None:
        spellings.warn_once(type(self).__name__, "`lr`", "Write optimizer.learning_rate.")
        self.learning_rate = value

    def assign(self, variable: Any, value: Any) -> None:
        """Overwrite a weight or a variable."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """Add to a weight or a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Subtract from a weight or a variable."""
        variable.assign_sub(value)

    def _get_variable_index(self, variable: Any) -> int:
        return self._state.index(variable)

    def set_weights(self: Any, weights: Sequence[Any]) -> None:
        """Assign a list of arrays to `variables`."""
        if self._state is None:
            raise ValueError(
                f"{type(self).__name__}.set_weights needs the slots to be there. Call "
                "`build(weights)` first."
            )
        own = self.variables
        if len(own) != len(weights):
            raise ValueError(
                f"{type(self).__name__}.set_weights expects {len(own)} arrays, one for each of "
                f"`variables`, but got {len(weights)}."
            )
        for each, array in zip(own, weights, strict=True):
            each.assign(array)

    def save_own_variables(self: Any, store: Any) -> None:
        """Write `variables` to a mapping under "0", "1", ..., as in files of Keras."""
        for i, each in enumerate(self.variables):
            store[str(i)] = each.numpy()

    def load_own_variables(self: Any, store: Any) -> None:
        """Read what `save_own_variables` wrote; a warning and no change if the count differs."""
        own = self.variables
        if len(store.keys()) != len(own):
            warn(
                f"{type(self).__name__} '{self.name}' has {len(own)} variables and the saved one "
                f"{len(store.keys())}; they are not loaded. Has it been built?"
            )
            return
        for i, each in enumerate(own):
            each.assign(store[str(i)])

    def stateless_apply(
        self: Any,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Any,
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the weights and `variables` that a step makes of those given, changing nothing."""
        if self._state is None:
            raise ValueError(
                f"{type(self).__name__}.stateless_apply needs the slots to be there. Call "
                "`build(weights)` first."
            )
        weights, own = self._state.runs.weights, self.variables
        before = [w.numpy() for w in [*weights, *own]]
        try:
            for each, array in zip(
                [*weights, *own], [*trainable_variables, *optimizer_variables], strict=True
            ):
                each.assign(array)
            self.apply(grads)
            return [w.numpy() for w in weights], [v.numpy() for v in own]
        finally:
            for each, array in zip([*weights, *own], before, strict=True):
                each.assign(array)
