"""How a step goes through memory: stretches of weights, cut into blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.store import Weight

if TYPE_CHECKING:
    from kerasish.optimizers.state import OptimizerState

Run = Callable[[list[Callable[[], None]]], Any] | None
BLOCK = 16384  # elements; a block of gradient, weight, two slots and scratch stays in the L2 cache
GROUPS = 8  # most functions handed to `run` at once


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
    groups, decay, average
        Blocks for the update, for each weight decay and for the moving average, in groups that
        may run at the same time.
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
        blocks = self._flat() if state.optimizer.elementwise else self._whole()
        self.groups = self._grouped(blocks, state.optimizer.buffers)
        self.decay = list(self._decays())
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

    def _blocks(self, wanted: Sequence[Weight]) -> Iterator[tuple[int, int, np.ndarray]]:
        for start, stop, values in self._stretches(wanted):
            for a in range(start, stop, BLOCK):
                b = min(a + BLOCK, stop)
                yield a, b, values[a - start : b - start]

    def _flat(self) -> list[Any]:
        packed = self.state.packed
        return [
            (a, b, None, w, tuple(slot[a:b] for slot in packed))
            for a, b, w in self._blocks(self.weights)
        ]

    def _whole(self) -> list[Any]:
        """One block a weight, in its shape."""
        return [
            (a, b, weight.shape, weight.value, tuple(array for _, array in self.state.slots[i]))
            for i, weight, (a, b) in zip(self.indices, self.weights, self.spans, strict=True)
            if weight.size
        ]

    def _decays(self) -> Iterator[tuple[float, list[list[Any]]]]:
        by_factor: dict[float, list[Weight]] = {}
        for weight in self.weights:
            by_factor.setdefault(self.state.optimizer.decay_of(weight), []).append(weight)
        for factor, wanted in by_factor.items():
            if factor:
                blocks = [(w,) for _, _, w in self._blocks(wanted)]
                yield factor, [[(w, s[0]) for w, s in g] for g in self._grouped(blocks, 1, 0)]

    def _averages(self) -> list[list[Any]]:
        average = self.state.average
        if average is None:
            return []
        blocks = [(w, average[a:b]) for a, b, w in self._blocks(self.weights)]
        return [[(w, m, s[0]) for w, m, s in g] for g in self._grouped(blocks, 1, 0)]

    def _grouped(self, blocks: list[Any], buffers: int, w_at: int = 3) -> list[list[Any]]:
        """Share the blocks out to groups with scratch memory of their own."""
        size = max((block[w_at].size for block in blocks), default=0)
        per = max(-(-len(blocks) // GROUPS), 4 if self.state.optimizer.elementwise else 1)
        groups = []
        for first in range(0, len(blocks), per):
            memory = np.empty((buffers, size), self.state.dtype)
            group = []
            for block in blocks[first : first + per]:
                w = block[w_at]
                scratch = tuple(row[: w.size].reshape(w.shape) for row in memory)
                group.append((*block, scratch))
            groups.append(group)
        return groups
