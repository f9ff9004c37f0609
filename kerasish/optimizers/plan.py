"""How a step goes through memory: stretches of weights, cut into blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kerasish.kernels import compiled
from kerasish.store import Weight

if TYPE_CHECKING:
    from kerasish.optimizers.state import OptimizerState

Run = Callable[[list[Callable[[], None]]], Any] | None
BLOCK = 16384  # elements; a block of gradient, weight, two slots and scratch stays in the L2 cache
GROUPS = 16  # most functions handed to `run` at once
# Measured offline: to share work with another thread costs 75 microseconds. So many elements
# take three times as long, for a formula in NumPy and for a compiled one.
MIN_SHARED, MIN_SHARED_COMPILED = 65_536, 163_840
# Blocks of a compiled formula begin where a vector of the processor does, whatever their number:
# what is done in vectors and what singly, and so every bit, does not depend on how many they are.
ALIGNED, LONGEST = 1024, 131_072


class Block(NamedTuple):
    """A part of the weights that is updated in one go; `shape` is None for flat arrays."""

    start: int
    stop: int
    shape: tuple[int, ...] | None
    w: np.ndarray
    slots: tuple[np.ndarray, ...]
    decay: float
    scratch: tuple[np.ndarray, ...]


def each(run: Run, groups: list[list[Any]], work: Callable[[list[Any]], None]) -> None:
    """Call `work` on every group of blocks, through `run` if there is one."""
    if run is None or len(groups) < 2:
        for group in groups:
            work(group)
    else:
        run([partial(work, group) for group in groups])


class Plan:
    """The blocks of one step, found once and used until the weights move.

    Attributes
    ----------
    indices, spans
        The weights to be changed and where they lie in a packed array.
    groups, average
        Blocks for the update, and ``(start, w, average, scratch)`` for the moving average, in
        groups that may run at the same time.
    compiled
        Whether the optimizer's compiled pass updates the blocks.
    constrained
        Weights with a constraint.
    """

    def __init__(self, state: OptimizerState, only: tuple[int, ...] | None) -> None:
        self.state = state
        weights, starts = state.runs.weights, state.runs.starts
        self.indices = list(range(len(weights))) if only is None else list(only)
        self.weights = [weights[i] for i in self.indices]
        self.spans = [(starts[w], starts[w] + w.size) for w in self.weights]
        self.constrained = [w for w in self.weights if w.constraint is not None]
        opt = state.optimizer
        size = sum(w.size for w in self.weights)
        self.compiled = opt.elementwise and compiled.chosen(size, state.dtype)
        self.compiled &= opt.kernel(len(state.packed)) is not None
        self._shared = size >= (MIN_SHARED_COMPILED if self.compiled else MIN_SHARED)
        longest = BLOCK
        if self.compiled:
            longest = min(-(-size // (GROUPS // 2 * ALIGNED)) * ALIGNED, LONGEST)
        self.groups = self._grouped(self._flat(longest) if opt.elementwise else self._whole())
        self.average = self._averages() if only is None else []

    def _stretches(self, wanted: Sequence[Weight]) -> Iterator[tuple[int, int, np.ndarray]]:
        """Parts of the pieces that hold just the weights `wanted`, as long as possible."""
        starts = self.state.runs.starts
        for start, stop, values in self.state.runs.pieces:
            first = last = start
            for weight in wanted:
                at = starts[weight]
                if not start <= at < stop:
                    continue
                if at != last:
                    if first < last:
                        yield first, last, values[first - start : last - start]
                    first = at
                last = at + weight.size
            if first < last:
                yield first, last, values[first - start : last - start]

    def _blocks(
        self, wanted: Sequence[Weight], longest: int
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        for start, stop, values in self._stretches(wanted):
            for a in range(start, stop, longest):
                b = min(a + longest, stop)
                yield a, b, values[a - start : b - start]

    def _flat(self, longest: int) -> list[Any]:
        """Blocks of all weights that have one weight decay, then those with another."""
        by_decay: dict[float, list[Weight]] = {}
        for weight in self.weights:
            by_decay.setdefault(self.state.optimizer.decay_of(weight), []).append(weight)
        packed = self.state.packed
        return [
            (a, b, None, w, tuple(slot[a:b] for slot in packed), decay)
            for decay, weights in by_decay.items()
            for a, b, w in self._blocks(weights, longest)
        ]

    def _whole(self) -> list[Any]:
        """One block a weight, in its shape."""
        slots, decay_of = self.state.slots, self.state.optimizer.decay_of
        return [
            (a, b, weight.shape, weight.value, tuple(s for _, s in slots[i]), decay_of(weight))
            for i, weight, (a, b) in zip(self.indices, self.weights, self.spans, strict=True)
            if weight.size
        ]

    def _averages(self) -> list[list[Any]]:
        average = self.state.average
        if average is None:
            return []
        groups = self._cut([(w, average[a:b]) for a, b, w in self._blocks(self.weights, BLOCK)])
        return [[(*block, np.empty_like(block[0])) for block in group] for group in groups]

    def _cut(self, blocks: list[Any]) -> list[list[Any]]:
        """Share the blocks out to groups."""
        per = -(-len(blocks) // GROUPS) if self._shared else len(blocks)
        return [blocks[first : first + per] for first in range(0, len(blocks), max(per, 1))]

    def _grouped(self, blocks: list[Any]) -> list[list[Block]]:
        """Share the blocks out to groups with scratch memory of their own."""
        buffers = self.state.optimizer.buffers
        if self.compiled:
            buffers = int(any(decay for *_, decay in blocks))
        groups = []
        for part in self._cut(blocks):
            memory = np.empty((buffers, max(w.size for _, _, _, w, _, _ in part)), self.state.dtype)
            group = []
            for block in part:
                w = block[3]
                scratch = tuple(row[: w.size].reshape(w.shape) for row in memory)
                group.append(Block._make((*block, scratch)))
            groups.append(group)
        return groups
