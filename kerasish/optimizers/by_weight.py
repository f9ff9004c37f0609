"""What a formula written in Keras's way, one weight at a time, finds in its optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish.optimizers.variables import Variable


class ByWeight:
    """The part of `Optimizer` that `build` and `update_step` of a subclass call."""

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
