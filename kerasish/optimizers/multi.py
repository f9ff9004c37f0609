"""Different optimizers for different weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.memory import Memory
from kerasish.optimizers.plan import Run
from kerasish.optimizers.state import OptimizerState
from kerasish.optimizers.variables import Variable, variable
from kerasish.registry import register
from kerasish.store import Runs, Weight


class OptimizerMap(MutableMapping):
    """Optimizers by the paths of weights.

    A path is looked up as it stands, then as a full match of the keys as regular expressions;
    what no key matches gets `default_optimizer`.

    Examples
    --------
    >>> from kerasish.optimizers import SGD, Adam
    >>> chosen = OptimizerMap(SGD(), {"encoder/.*": Adam()})
    >>> type(chosen["encoder/dense/kernel"]).__name__, type(chosen["head/bias"]).__name__
    ('Adam', 'SGD')
    """

    registry_kind = "optimizer"

    def __init__(self, default_optimizer: Any, optimizer_map: dict[str, Any] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(
                f"OptimizerMap expects default_optimizer to be an Optimizer, but got "
                f"{default_optimizer!r}."
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(
                f"OptimizerMap expects optimizer_map to be a dict from paths to optimizers, but "
                f"got {optimizer_map!r}."
            )
        self.default_optimizer = default_optimizer
        self._map: dict[str, Any] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    def __getitem__(self, key: str) -> Any:
        if key in self._map:
            return self._map[key]
        matching = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(
                f"OptimizerMap has several optimizers for '{key}': it matches {matching}. Make the "
                "keys exclude one another."
            )
        return self._map[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Any) -> None:
        if not isinstance(key, str):
            raise ValueError(f"OptimizerMap expects keys to be str, but got {key!r}.")
        if key in self._map:
            raise ValueError(f"OptimizerMap has an optimizer for '{key}' already. Delete it first.")
        _check_inner(optimizer)
        self._map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __call__(self, variable: Weight) -> Any:
        """Return the optimizer of a weight."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values."""
        return {
            "default_optimizer": registry.serialize(self.default_optimizer),
            "optimizer_map": registry.plain(self._map),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> OptimizerMap:
        """Build a map from what `get_config` returned."""
        one = registry.deserialize("optimizer", config["default_optimizer"], custom_objects)
        others = {
            key: registry.deserialize("optimizer", other, custom_objects)
            for key, other in (config.get("optimizer_map") or {}).items()
        }
        return cls(one, others)


def _check_inner(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, MultiOptimizer):
        raise ValueError(
            f"An optimizer within a MultiOptimizer must be an Optimizer that is no MultiOptimizer "
            f"itself, but got {optimizer!r}."
        )


class MultiState(OptimizerState):
    """State of a `MultiOptimizer`: a state for each of its optimizers."""

    optimizer: MultiOptimizer

    def _make_slots(self) -> None:
        super()._make_slots()
        weights, chosen = self.runs.weights, [self.optimizer.choose(w) for w in self.runs.weights]
        self.parts: list[tuple[list[int], OptimizerState, np.ndarray]] = []
        for inner in self.optimizer.optimizers:
            indices = [i for i, one in enumerate(chosen) if one is inner]
            state = OptimizerState(inner, Runs([weights[i] for i in indices]), self.dtype)
            self.parts.append((indices, state, np.empty(state.runs.size, self.dtype)))

    def apply(
        self,
        gradient: np.ndarray,
        run: Run = None,
        only: tuple[int, ...] | None = None,
        others: Sequence[np.ndarray] = (),
        moved: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Do one step: every optimizer on its own weights."""
        for other in others:
            gradient += other
        for indices, state, part in self.parts:
            wanted = None if only is None else tuple(k for k, i in enumerate(indices) if i in only)
            if not indices or wanted == ():
                continue
            for i in indices:
                weight = self.runs.weights[i]
                state.runs.view(part, weight)[...] = self.runs.view(gradient, weight)
            state.apply(part, run, wanted)
        self.count += 1

    def finalize(self, weights: Any = None) -> None:
        """Give the weights their final values."""
        for _, state, _ in self.parts:
            state.swapped = self.swapped
            state.finalize(None if weights is None else [w for w in weights if w in state.indices])

        self.swapped = False

    def swap_average(self) -> None:
        """Exchange the weights that have a moving average and that."""
        for _, state, _ in self.parts:
            state.swap_average()
        self.swapped = not self.swapped

    @property
    def variables(self) -> list[tuple[str, np.ndarray, Weight | None]]:
        """All arrays as (name, array, weight or None), one optimizer after the other."""
        return super().variables + [v for _, state, _ in self.parts for v in state.variables]

    def carry_over(self, old: Memory) -> None:
        """Go on where `old` is."""
        super().carry_over(old)
        for _, state, _ in self.parts:
            for _, past, _ in getattr(old, "parts", ()):
                if past.optimizer is state.optimizer:
                    state.carry_over(past)


@register()
class MultiOptimizer(Optimizer):
    """Gives every weight to one of several optimizers.

    Parameters
    ----------
    optimizer_map : OptimizerMap or callable
        From a weight to its optimizer.
    loss_scale_factor : float, optional
        Takes the place of that of the optimizers.
    name : str, optional

    Attributes
    ----------
    optimizers : list of Optimizer
        Learning rates are read and set there; `learning_rate` raises AttributeError.

    Examples
    --------
    >>> from kerasish.optimizers import SGD, Adam
    >>> from kerasish.store import Weight
    >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {".*bias": SGD(0.25)}))
    >>> kernel, bias = Weight(np.ones(1), "kernel"), Weight(np.ones(1), "bias")
    >>> _ = optimizer.apply_gradients([(np.ones(1), kernel), (np.ones(1), bias)])
    >>> kernel.numpy(), bias.numpy()
    (array([0.5]), array([0.75]))
    """

    state_class = MultiState

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Weight], Any],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self.optimizers: list[Any] = []
        self._chosen: dict[Weight, Any] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for inner in [*dict(optimizer_map).values(), optimizer_map.default_optimizer]:
                self._include(inner)

    def _include(self, inner: Any) -> None:
        _check_inner(inner)
        if not any(inner is known for known in self.optimizers):
            self.optimizers.append(inner)

    def choose(self, weight: Weight) -> Any:
        """Return the optimizer of a weight."""
        if weight not in self._chosen:
            inner = self.optimizer_map(weight)
            self._include(inner)
            self._chosen[weight] = inner
        return self._chosen[weight]

    def __repr__(self) -> str:
        return f"MultiOptimizer({', '.join(map(repr, self.optimizers))})"

    @property
    def learning_rate(self) -> Any:
        """Not to be had; every optimizer has its own."""
        raise AttributeError(
            "A MultiOptimizer has no learning_rate. Read and set it on each of `.optimizers`."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if "_learning_rate" in self.__dict__:
            raise AttributeError(
                "A MultiOptimizer has no learning_rate. Set it on each of `.optimizers`."
            )
        self._learning_rate = variable(np.zeros((), np.float32), "learning_rate", "learning_rate")

    @property
    def variables(self) -> list[Variable]:
        """Its own iteration and learning rate, then the variables of all optimizers."""
        own = [self._iterations, self._learning_rate]
        return own + [v for inner in self.optimizers for v in inner.variables]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values."""
        return {
            "optimizer_map": registry.plain(self.optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Build an optimizer from what `get_config` returned."""
        chosen = config["optimizer_map"]
        if isinstance(chosen, dict):
            chosen = OptimizerMap.from_config(chosen["config"], custom_objects)
        return cls(**{**config, "optimizer_map": chosen})
