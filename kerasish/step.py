"""What one call of a model carries through its layers (contract 1 of ARCHITECTURE.md).

A `Step` belongs to one shard of one batch. Layers read from it whether they train, where to get
random numbers and memory, and write to it gradients, added losses and new moving averages. No
layer keeps anything of a call on itself, so the same layer can run in several threads at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from kerasish.store import Weight

LINE = 64  # bytes of a cache line


def aligned(size: int) -> np.ndarray:
    """Uninitialised memory of `size` bytes that begins with a cache line.

    Vectors that lie across two lines cost twice as much.
    """
    buffer = np.empty(size + LINE, np.uint8)
    start = -buffer.__array_interface__["data"][0] % LINE
    return buffer[start : start + size]


def aligned_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An uninitialised array in such memory."""
    dtype = np.dtype(dtype)
    return aligned(math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)


def multiplied(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """``np.matmul(a, b, out=out)`` of no more than two axes each.

    `dot`, which does the same where all are of one type, is called twice as fast.
    """
    if a.dtype == b.dtype == out.dtype:
        return a.dot(b, out)
    return np.matmul(a, b, out=out)


class Arena:
    """Memory for the arrays of one step, handed out again, in the same order, at the next.

    The n-th request of a step gets the n-th buffer, which only ever grows. What is handed out is
    valid until the next `restart`, or, from a side, until its second `turn`; nothing that reaches
    a user may live here.
    """

    def __init__(self) -> None:
        self._pools = [_Pool(), _Pool(), _Pool()]
        self._pool = self._pools[0]

    def restart(self) -> None:
        """Begin a new step: all earlier arrays may be overwritten from now on."""
        for pool in self._pools:
            pool.next = 0
        self._pool = self._pools[0]

    def turn(self) -> None:
        """Take from one of two sides from now on, whose earlier arrays may be overwritten.

        The arrays of the other side, which was in use until now, stay.
        """
        self._pool = self._pools[2 if self._pool is self._pools[1] else 1]
        self._pool.next = 0

    @property
    def nbytes(self) -> int:
        """Memory that is kept from step to step."""
        return sum(buffer.nbytes for pool in self._pools for buffer in pool.buffers)

    def take(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return an uninitialised array."""
        pool = self._pool
        i = pool.next
        pool.next = i + 1
        if i < len(pool.views):
            view = pool.views[i]
            if view.shape == shape and view.dtype == dtype:
                return view
        else:
            pool.buffers.append(np.empty(0, np.uint8))
            pool.views.append(pool.buffers[i])
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if pool.buffers[i].size < size:
            pool.buffers[i] = aligned(size)
        view = pool.buffers[i][:size].view(dtype).reshape(shape)
        pool.views[i] = view
        return view


class _Pool:
    def __init__(self) -> None:
        self.buffers: list[np.ndarray] = []
        self.views: list[np.ndarray] = []
        self.next = 0


class Step:
    """State of one forward and backward pass over one shard of a batch.

    Attributes
    ----------
    training : bool
        Training behaviour (dropout drops, batch normalisation uses the batch).
    recording : bool
        Whether gradients are wanted. If not, `forward` returns None in place of backward.
    batch_size : int
        Rows of the whole batch; `rows` is the slice of them that this shard holds.
    mask : ndarray or None
        Boolean (N, T) mask of the array now passing; layers read and set it.
    lookup : kernels.Lookup or None
        That the array now passing is rows of a table.
    losses : list of float
        What `add_loss` has collected.
    logits : ndarray or None
        Input of a softmax or sigmoid head, left there for the loss while `at_head` was set.
    """

    def __init__(
        self,
        *,
        training: bool = False,
        recording: bool = False,
        batch_size: int = 0,
        rows: slice | None = None,
        shard: int = 0,
        seed: int = 0,
        counter: int = 0,
        arena: Arena | None = None,
        exchange: Callable[[Any, Callable[[list[Any]], Any]], Any] | None = None,
    ) -> None:
        self.training, self.recording = training, recording
        self.batch_size = batch_size
        self.rows = rows if rows is not None else slice(0, batch_size)
        self.shard, self.seed, self.counter = shard, seed, counter
        self.arena = arena
        if arena is not None:
            self.empty = arena.take  # type: ignore[method-assign]
        self._exchange = exchange
        self.grads: dict[Weight, np.ndarray] = {}
        self.written: set[Weight] = set()
        self.touched: dict[Weight, np.ndarray] = {}  # rows of gradients that are not zero
        self.frozen: frozenset[Any] | None = None
        self.no_dx: frozenset[Any] = frozenset()
        self.updates: list[tuple[Weight, np.ndarray, slice | None]] = []
        self.losses: list[float] = []
        self.mask: np.ndarray | None = None
        self.lookup: Any = None
        self.logits: np.ndarray | None = None
        self.at_head = False
        self._rng: np.random.Generator | None = None
        self._kept_rng: tuple[Any, np.random.Generator, Any] | None = None
        self._ones = np.ones(0, np.float32)
        self._zeros = np.zeros(0, np.float32)
        self.plans: dict[Any, Any] = {}  # what kernels have prepared for the next step
        self._scratch: dict[str, np.ndarray] = {}
        self._views: dict[str, np.ndarray] = {}  # of `_scratch`, as last asked for
        self._is_chained = False

    def restart(self, batch_size: int, rows: slice, counter: int) -> None:
        """Make the step ready for another batch, keeping its memory."""
        self.batch_size, self.rows, self.counter = batch_size, rows, counter
        self.mask = self.lookup = self.logits = self._rng = None
        self.at_head = self._is_chained = False
        if self.losses:
            self.losses = []
        if self.updates:
            self.updates = []
        self.written.clear()
        if self.arena is not None:
            self.arena.restart()

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers that depend on (seed, counter, shard) only."""
        if self._rng is None:
            self._rng = self._wound_to(self.counter)
        return self._rng

    def rng_for(self, seed: int | None) -> np.random.Generator:
        """`rng`, or a stream of its own for a layer that was given a seed."""
        return self.rng if seed is None else self._generator(seed)

    def _wound_to(self, counter: int) -> np.random.Generator:
        """The generator of the last step, if there was one, at this step's numbers.

        To make a new one takes five times as long.
        """
        kept = self._kept_rng
        if kept is None or kept[0] != (self.seed, self.shard):
            rng = self._generator(self.seed)
            self._kept_rng = (self.seed, self.shard), rng, rng.bit_generator.state
            return rng
        _, rng, state = kept
        state["state"]["counter"] = np.array([0, 0, 0, counter], np.uint64)
        rng.bit_generator.state = state
        return rng

    def _generator(self, seed: int) -> np.random.Generator:
        key = [seed & 0xFFFFFFFFFFFFFFFF, self.shard]
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, self.counter]))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An uninitialised array, valid until this step's backward pass has ended."""
        return np.empty(shape, dtype)

    def chain(self) -> Callable[[Any, Any], None]:
        """Begin a chain of functions, each of which needs nothing but what the last one returned.

        Call the result with the argument and the value of each: the argument's memory is then used
        again, so that two of them serve for all and stay in the cache. A chain within another
        gives nothing back, since whoever called it may still need the argument.
        """
        arena = self.arena
        if self._is_chained or arena is None:
            return _keep
        self._is_chained = True
        arena.turn()

        def follow(x: Any, y: Any) -> None:
            if not (y is x or np.may_share_memory(x, y)):
                arena.turn()

        return follow

    def scratch(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An uninitialised array that is overwritten by the next one of the same `name`.

        For what an operation needs only while it runs: it stays in the cache from one to the next.
        """
        view = self._views.get(name)
        if view is not None and view.shape == shape and view.dtype == dtype:
            return view
        size = math.prod(shape) * np.dtype(dtype).itemsize
        buffer = self._scratch.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._scratch[name] = aligned(size)
        view = self._views[name] = buffer[:size].view(dtype).reshape(shape)
        return view

    def is_frozen(self, layer: Any) -> bool:
        """Whether the layer does not learn in this model (fixed at compile)."""
        return layer in self.frozen if self.frozen is not None else not layer.trainable

    def needs_dx(self, layer: Any) -> bool:
        """Whether anything before `layer` needs the gradient of its input."""
        return layer not in self.no_dx

    def spare_dx(self, outer: Any, *inner: Any) -> None:
        """Where `outer` needs no gradient of its input, layers inside that get it need none."""
        if outer in self.no_dx:
            self.no_dx |= {*inner}

    def wants(self, weight: Weight) -> bool:
        """Whether the gradient of `weight` is wanted."""
        return weight in self.grads

    def add_grad(
        self,
        weight: Weight,
        x: np.ndarray,
        dy: np.ndarray | None = None,
        product: Callable[[np.ndarray, np.ndarray, np.ndarray, Step], None] | None = None,
    ) -> None:
        """Accumulate a gradient: ``x.T @ dy`` over all leading axes, or `x` summed over them.

        The first call of a step writes, later ones add, so that a layer used twice is right by
        itself. Weights that do not learn here are skipped. ``product(x, dy, out, step)`` may say
        how the product of matrices is computed.
        """
        gradient = self.grads.get(weight)
        if gradient is None:
            return
        first = weight not in self.written
        self.written.add(weight)
        if self.touched:
            self.touched.pop(weight, None)
        out = gradient if first else np.empty_like(gradient)
        if dy is not None:
            if x.ndim > 2:
                x, dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
            if product is None:
                multiplied(x.T, dy, out)
            else:
                product(x, dy, out, self)
        elif x.ndim > gradient.ndim:
            rows = x.reshape(-1, gradient.size)  # a product sums rows faster than .sum(axis=0)
            multiplied(self.ones(len(rows), rows.dtype), rows, out.reshape(-1))
        else:
            np.copyto(out, x)
        if not first:
            gradient += out

    def is_first(self, weight: Weight) -> bool:
        """Whether the gradient is wanted and nothing has been added to it in this step."""
        return weight in self.grads and weight not in self.written and weight not in self.touched

    def rows_of(self, weight: Weight, indices: np.ndarray) -> np.ndarray | None:
        """The gradient of a table, ready to have something added to the rows at `indices`.

        None if it is not wanted. Of a large table few rows are used in a step: only those of the
        last step are set to zero, so that the others cost nothing.
        """
        gradient = self.grads.get(weight)
        if gradient is None:
            return None
        if weight in self.written:
            if weight in self.touched:
                self.touched[weight] = np.concatenate([self.touched[weight], indices.reshape(-1)])
            return gradient
        self.written.add(weight)
        gradient[self.touched.get(weight, slice(None))] = 0
        self.touched[weight] = indices.reshape(-1)
        return gradient

    def ones(self, count: int, dtype: Any) -> np.ndarray:
        """A vector of ones (read only)."""
        if self._ones.size < count or self._ones.dtype != dtype:
            self._ones = np.ones(count, dtype)
        return self._ones[:count]

    def zeros(self, count: int, dtype: Any) -> np.ndarray:
        """A vector of zeros that is only read."""
        if self._zeros.size < count or self._zeros.dtype != dtype:
            self._zeros = np.zeros(count, dtype)
        return self._zeros[:count]

    def add_loss(self, value: Any) -> None:
        """Add a term, already divided by what it is a mean over, to the batch's loss."""
        self.losses.append(float(value))

    def exchange(self, value: Any, combine: Callable[[list[Any]], Any]) -> Any:
        """Return ``combine`` of the values of all shards, in shard order; every shard must call."""
        return combine([value]) if self._exchange is None else self._exchange(value, combine)

    def all_sum(self, value: Any) -> Any:
        """Sum of an array or number over all shards."""
        return value if self._exchange is None else self._exchange(value, _add_in_order)

    def read(self, weight: Weight) -> np.ndarray:
        """The value of a weight that `update` may already have changed in this step."""
        for other, value, rows in reversed(self.updates):
            if other is weight and rows is None:
                return value
        return weight.value

    def update(self, weight: Weight, value: np.ndarray, rows: slice | None = None) -> None:
        """Give a weight that is not learnt a new value when all shards have finished.

        Without `rows` all shards must compute the same value; with `rows` each gives its own.
        """
        self.updates.append((weight, np.array(value), rows))


def split_rows(rows: int, count: int) -> list[slice]:
    """Cut `rows` into `count` slices whose lengths differ by one at most.

    >>> split_rows(5, 2)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    size, rest = divmod(rows, count)
    edges = list(accumulate((size + (i < rest) for i in range(count)), initial=0))
    return [slice(a, b) for a, b in pairwise(edges)]


def _keep(x: Any, y: Any) -> None:
    pass


def _add_in_order(values: list[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def commit(steps: list[Step]) -> None:
    """Apply the updates that the shards of one batch have collected."""
    for step in steps:
        for weight, value, rows in step.updates:
            if rows is not None:
                weight.value[rows] = value
            elif step is steps[0]:
                weight.value[...] = value
