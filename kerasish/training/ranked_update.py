"""The step of the optimizer, shared out among the ranks of one machine.

Their gradients and the optimizer's slots lie in memory that they share. Each rank adds up the
gradients of all and updates the weights in its part of the blocks, as one of several threads of a
process would, to the same bits; then each copies the weights that the others have updated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from kerasish import config
from kerasish.distributed import Cluster
from kerasish.distributed.memory import shared_memory
from kerasish.optimizers.plan import Block, Run, each
from kerasish.optimizers.state import OptimizerState
from kerasish.step import LINE

AN_UPDATE = "the update of the weights"


class SharedUpdate:
    """What the ranks of one machine share of the optimizer's work and memory."""

    def __init__(self, cluster: Cluster, state: OptimizerState, parts: list[np.ndarray]) -> None:
        self._cluster, self._state = cluster, state
        size, dtype = state.runs.size, state.dtype
        takers = [_taker(part) for part in parts]
        self._gradients = [
            [take((size,), dtype) for _ in range(cluster.threads)] for take in takers
        ]
        self._weights = takers[0]((size,), dtype)
        state.move(takers[0], fill=cluster.rank == 0)
        state.spread = self._spread

    @classmethod
    def of(cls, cluster: Cluster, state: OptimizerState | None) -> SharedUpdate | None:
        """Make it, on all ranks at once, if there are enough weights to be worth it."""
        if state is None or not state.can_be_spread or config.num_threads() > cluster.threads:
            return None
        packed = _padded(state.runs.size * state.dtype.itemsize)
        size = packed * cluster.threads
        if cluster.rank == 0:
            size += packed + sum(_padded(array.nbytes) for array in state.arrays)
        parts = shared_memory(cluster, size)
        if parts is None:
            return None
        made = cls(cluster, state, parts)
        cluster.meet(AN_UPDATE)  # the first rank has filled the slots
        return made

    @property
    def own(self) -> list[np.ndarray]:
        """Memory for the gradients of this rank's shards."""
        return self._gradients[self._cluster.rank]

    def gradients(self, counts: list[int]) -> list[np.ndarray]:
        """The gradients of all shards, in order, where each rank has so many."""
        return [
            gradient
            for own, count in zip(self._gradients, counts, strict=True)
            for gradient in own[:count]
        ]

    def apply(self, gradients: list[np.ndarray], run: Run) -> None:
        """Do a step of the optimizer, once all gradients are there."""
        gradient, *others = gradients
        self._state.apply(gradient, run, others=others)
        if self._state.accumulator is not None:
            self._cluster.meet(AN_UPDATE)  # nobody reads the gradients any more

    def end(self) -> None:
        """Give the optimizer memory of its own again."""
        self._state.spread = None
        self._state.move(np.empty, fill=True)

    def _spread(
        self,
        run: Run,
        groups: list[list[Block]],
        work: Callable[[list[Block]], None],
        updates: bool,
    ) -> None:
        """Do a rank's part of the work; then the weights of the others' parts, if it `updates`."""
        first, last = edges(groups, self._cluster.size)[self._cluster.rank]
        mine = groups[first:last]
        each(run, mine, work)
        if updates:
            for block in _blocks(mine):
                self._weights[block.start : block.stop] = block.w.reshape(-1)
        self._cluster.meet(AN_UPDATE)
        if updates:
            for block in _blocks([*groups[:first], *groups[last:]]):
                block.w[...] = self._weights[block.start : block.stop].reshape(block.w.shape)


def _blocks(groups: list[list[Block]]) -> Iterator[Block]:
    for group in groups:
        yield from group


def edges(groups: list[list[Block]], ranks: int) -> list[tuple[int, int]]:
    """First and last group of each rank, of about as many weights."""
    sizes = [sum(block.w.size for block in group) for group in groups]
    ends = list(accumulate(sizes))
    cuts = [
        sum(end - size / 2 < ends[-1] * rank / ranks for end, size in zip(ends, sizes, strict=True))
        for rank in range(ranks + 1)
    ]
    return list(pairwise(cuts))


def _padded(size: int) -> int:
    return -(-size // LINE) * LINE


def _taker(memory: np.ndarray) -> Callable[[tuple[int, ...], Any], np.ndarray]:
    """A function that makes arrays in `memory`, one behind another."""
    place = 0

    def take(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        nonlocal place
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        array = memory[place : place + size].view(dtype).reshape(shape)
        place += _padded(size)
        return array

    return take
