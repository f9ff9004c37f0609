"""What an optimizer remembers about the weights of one compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerasish.optimizers.base import Optimizer, Slot
from kerasish.optimizers.variables import Variable, variable
from kerasish.store import Runs, Weight


class Memory:
    """Slots, step count and moving average of one optimizer for one set of weights."""

    def __init__(
        self, optimizer: Optimizer, runs: Runs, dtype: Any = None, building: bool = False
    ) -> None:
        self.optimizer, self.runs = optimizer, runs
        self.dtype = np.dtype(dtype or runs.dtype)
        for weight in runs.weights:
            if weight.store is None:  # flat views need the order of C
                weight.value = np.ascontiguousarray(weight.value).reshape(weight.shape)
        self.indices = {weight: i for i, weight in enumerate(runs.weights)}
        self._custom: list[tuple[str, np.ndarray, Weight | None]] = []
        self._make_slots()
        self._attach(building)

    def _make_slots(self) -> None:
        opt, size = self.optimizer, self.runs.size
        self.average = np.zeros(size, self.dtype) if opt.use_ema else None
        steps = opt.gradient_accumulation_steps
        self.accumulator = np.zeros(size, self.dtype) if steps else None
        self.extras = [(name, np.array(first, self.dtype)) for name, first in opt.extras()]
        self.packed: list[np.ndarray] = []
        self.slots: list[list[tuple[Slot, np.ndarray]]] = [[] for _ in self.runs.weights]
        if opt.elementwise:
            for slot in opt.slots():
                packed = np.empty(size, self.dtype)
                self.packed.append(packed)
                for made, weight in zip(self.slots, self.runs.weights, strict=True):
                    made.append((slot, self._fill(self.runs.view(packed, weight), slot, weight)))
            return
        for made, weight in zip(self.slots, self.runs.weights, strict=True):
            for slot in opt.slots_for(weight):
                shape = weight.shape if slot.shape is None else slot.shape
                array = np.empty(shape, slot.dtype or self.dtype)
                made.append((slot, self._fill(array, slot, weight)))

    @staticmethod
    def _fill(array: np.ndarray, slot: Slot, weight: Weight) -> np.ndarray:
        array[...] = weight.value if slot.initial == "weight" else slot.initial
        return array

    @property
    def arrays(self) -> list[np.ndarray]:
        """The memory of the slots."""
        return self.packed or [array for made in self.slots for _, array in made]

    def move(self, take: Callable[[tuple[int, ...], Any], np.ndarray], fill: bool) -> None:
        """Move the slots into memory that `take` gives; without `fill` it has them already."""
        moved = [take(array.shape, array.dtype) for array in self.arrays]
        if fill:
            for new, old in zip(moved, self.arrays, strict=True):
                new[...] = old
        if self.packed:
            self.packed = moved
            views: Iterable[Any] = (
                self.runs.view(new, weight) for weight in self.runs.weights for new in moved
            )
        else:
            views = moved
        rest = iter(views)
        self.slots = [[(slot, next(rest)) for slot, _ in made] for made in self.slots]

    def _attach(self, building: bool) -> None:
        """Become the state that the optimizer shows, and let its own `build` make variables."""
        opt = self.optimizer
        first = opt._state is None
        self.count = opt._count if first else np.zeros((), np.int32)
        self.worker = opt
        overridden = type(opt).build is not Optimizer.build
        if overridden and not first:
            # Arrays that a user's `build` keeps on the optimizer belong to its first weights.
            self.worker = object.__new__(type(opt))
            self.worker.__dict__.update(opt.__dict__)
        self.building = overridden and not building
        self.worker._state = opt._state = self
        if self.building:
            self.worker.built = False
            shown: list[Any] = [self.show(i) for i in range(len(self.runs.weights))]
            self.worker.build(shown)
            self.building = False
        self.worker.built = opt.built = True

    def copy_weights(self) -> None:
        """Give the slots that begin as copies of the weights their first values."""
        for weight, made in zip(self.runs.weights, self.slots, strict=True):
            for slot, array in made:
                if slot.initial == "weight":
                    array[...] = weight.value

    @property
    def iterations(self) -> int:
        """Updates done."""
        return int(self.count) // (self.optimizer.gradient_accumulation_steps or 1)

    def fits(self, weights: Sequence[Any]) -> bool:
        """Whether the state is for just these weights."""
        own = self.runs.weights
        return len(own) == len(weights) and all(a is b for a, b in zip(own, weights, strict=True))

    def index(self, weight: Any) -> int:
        """Position of a weight, or of the `Variable` that shows it."""
        i = weight.index if isinstance(weight, Variable) else self.indices.get(weight)
        if i is None:
            raise ValueError(
                f"{type(self.optimizer).__name__} does not know the weight '{weight.path}': it was "
                f"built for {len(self.indices)} others. Make a new optimizer for other weights."
            )
        return i

    def show(self, i: int) -> Variable:
        """Return the `i`-th weight as a `Variable`, which a formula can calculate with."""
        weight = self.runs.weights[i]
        return variable(weight.value, weight.name, weight.path, i)

    def add(
        self, name: str, shape: Any, initializer: Any, dtype: Any, index: int | None
    ) -> Variable:
        """Make an array for a user's optimizer (`Optimizer.add_variable`)."""
        from kerasish import initializers

        shape = tuple(shape)
        array = np.array(initializers.get(initializer)(shape, dtype=np.dtype(dtype).name), dtype)
        self._custom.append((name, array, None if index is None else self.runs.weights[index]))
        return variable(array, name, f"{self.optimizer.name}/{name}", index)

    @property
    def variables(self) -> list[tuple[str, np.ndarray, Weight | None]]:
        """All arrays as (name, array, weight or None), in the order and with the names of Keras.

        The arrays are those that the optimizer works on. In files the names are prefixed with
        ``<name of the optimizer>/``.
        """
        rate = self.optimizer._learning_rate
        head: list[tuple[str, np.ndarray, Weight | None]] = [("iteration", self.count, None)]
        if isinstance(rate, Variable):
            head.append(("learning_rate", rate.value, None))
        for name, packed in (("average", self.average), ("gradient_accumulator", self.accumulator)):
            if packed is not None:
                head += [(_path(w, name), self.runs.view(packed, w), w) for w in self.runs.weights]
        extras = [(name, array, None) for name, array in self.extras]
        return [*head, *self._slots_in_order(), *self._custom, *extras]

    def _slots_in_order(self) -> Iterator[tuple[str, np.ndarray, Weight | None]]:
        n = self.optimizer.interleaved
        longest = max((len(made) for made in self.slots), default=0)
        for part in [slice(0, n), *(slice(k, k + 1) for k in range(n, longest))]:
            for weight, made in zip(self.runs.weights, self.slots, strict=True):
                for slot, array in made[part]:
                    yield _path(weight, slot.name), array, weight

    def get_state(self, copy: bool = True) -> dict[str, Any]:
        """Return everything a later step depends on, for an exact resume: copies, or views."""
        state: dict[str, Any] = {"iterations": int(self.count)}
        for i, (name, array, _) in enumerate(self.variables[1:], 1):
            state[f"{i}:{name}"] = array.copy() if copy else array
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `get_state` returned; nothing is changed if it does not fit."""
        own = {f"{i}:{name}": a for i, (name, a, _) in enumerate(self.variables)}
        own.pop("0:iteration")
        arrays = {key: np.asarray(a) for key, a in state.items() if key != "iterations"}
        wrong = [k for k in own if k not in arrays or arrays[k].shape != own[k].shape]
        wrong += [k for k in arrays if k not in own]
        if wrong or "iterations" not in state:
            raise ValueError(
                f"{type(self.optimizer).__name__}: the saved optimizer state does not fit the "
                f"weights and options of this one; first difference: "
                f"'{wrong[0] if wrong else 'iterations'}'. Use the model and optimizer it "
                "came from."
            )
        for key, array in own.items():
            array[...] = arrays[key]
        self.count[...] = state["iterations"]

    def carry_over(self, old: Memory) -> None:
        """Go on where `old` is: copy the slots of the weights that both know, and the count."""
        shared = False
        for weight, made in zip(self.runs.weights, self.slots, strict=True):
            if weight not in old.indices:
                continue
            shared = True
            slots = old.slots[old.indices[weight]]
            past = {(i, slot.name): array for i, (slot, array) in enumerate(slots)}
            for i, (slot, array) in enumerate(made):
                _copy(past.get((i, slot.name)), array)
            for name in ("average", "accumulator"):
                mine, theirs = getattr(self, name), getattr(old, name)
                if mine is not None and theirs is not None:
                    _copy(old.runs.view(theirs, weight), self.runs.view(mine, weight))
        if shared:
            self.count[...] = old.count
            extras = dict(old.extras)
            for name, array in self.extras:
                _copy(extras.get(name), array)
            known = {(name, id(of)): array for name, array, of in old._custom}
            for name, array, of in self._custom:
                _copy(known.get((name, id(of))), array)


def _path(weight: Weight, slot: str) -> str:
    return f"{weight.path.replace('/', '_')}_{slot}" if slot else weight.name


def _copy(source: np.ndarray | None, target: np.ndarray) -> None:
    if source is not None and source.shape == target.shape:
        target[...] = source
