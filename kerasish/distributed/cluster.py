"""The ranks of an MPI job: how they exchange values, add gradients, and end together."""

from __future__ import annotations

import os
import pickle
from typing import Any, NoReturn

import numpy as np

INLINE = 1016
"""Bytes of a rank's value that travel with its length, in one message of 1 KiB."""


class RankError(RuntimeError):
    """Another rank of the job has raised, or the ranks have come to different places.

    Attributes
    ----------
    origin : int
        The rank that has more to say: its own error, with traceback.
    """

    def __init__(self, message: str, origin: int) -> None:
        super().__init__(message)
        self.origin = origin

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.origin)


class Cluster:
    """All ranks of the job, of which this process is one.

    Every method that communicates must be called by all ranks, in the same order; a rank that has
    nothing to contribute calls `follow` instead of `exchange`.

    Attributes
    ----------
    rank, size : int
        The number of this rank, from 0 on, and how many there are.
    threads : int
        Threads of every rank.
    waiting : str or None
        What the main thread waits for the other ranks in.
    count : int
        Communications so far.
    """

    def __init__(self, mpi: Any) -> None:
        self._mpi = mpi
        self._comm = mpi.COMM_WORLD.Dup()
        self.rank, self.size = self._comm.rank, self._comm.size
        self.waiting: str | None = None
        self.count = 0
        self._frame = np.zeros(8 + INLINE, np.uint8)
        self._frames = np.zeros((self.size, 8 + INLINE), np.uint8)
        self._lengths = self._frames[:, :8].view(np.int64)[:, 0]
        self.hosts: list[str] = []
        self.pids: list[int] = []
        self.threads = 1
        self.note = ""  # a file that is there once a rank of this machine has said why it ends

    # --- communication ------------------------------------------------------------------------

    def exchange(self, kind: str, value: Any) -> list[Any]:
        """Return the values that all ranks gave, in order; None of a rank that followed.

        Raises
        ------
        RankError
            If a rank has failed, or the others are exchanging something else.
        """
        return self._gather(kind, value)[1]

    def follow(self) -> tuple[str, list[Any]]:
        """Take part in whatever the other ranks exchange; returns its kind and the values."""
        return self._gather("", None)

    def fail(self, error: BaseException) -> None:
        """Tell the others, at their next exchange, that this rank cannot go on."""
        if not isinstance(error, RankError):
            text = f"{type(error).__name__}: {error}"
            self._collect("the others", pickle.dumps(("!", text)))

    def total(self, array: np.ndarray) -> None:
        """Add an array over all ranks, in place: the same bits on each."""
        self._enter("the sum of gradients")
        self._comm.Allreduce(self._mpi.IN_PLACE, array)
        self.waiting = None

    def meet(self, what: str) -> None:
        """Wait until all ranks have come here."""
        self._enter(what)
        self._comm.Barrier()
        self.waiting = None

    def broadcast(self, value: Any, kind: str) -> Any:
        """Return rank 0's value everywhere."""
        self.exchange(kind, None)  # where a rank that has failed is noticed
        self._enter(kind)
        value = self._comm.bcast(value, 0)
        self.waiting = None
        return value

    def _enter(self, what: str) -> None:
        self.count += 1
        self.waiting = what

    def _gather(self, kind: str, value: Any) -> tuple[str, list[Any]]:
        found = self._collect(kind or "the others", pickle.dumps((kind, value), 5))
        kinds = [k for k, _ in found]
        if "!" in kinds:
            origin = kinds.index("!")
            raise RankError(f"{self.name_of(origin)} raised {found[origin][1]}", origin)
        working = {k for k in kinds if k}
        if len(working) > 1:
            raise RankError(_apart(kinds), 0)
        return working.pop(), [v for _, v in found]

    def _collect(self, what: str, data: bytes) -> list[tuple[str, Any]]:
        self._enter(what)
        frame, size = self._frame, len(data)
        frame[:8].view(np.int64)[0] = size
        if size <= INLINE:
            frame[8 : 8 + size] = np.frombuffer(data, np.uint8)
        self._comm.Allgather(frame, self._frames)
        lengths = self._lengths.tolist()
        if max(lengths) <= INLINE:
            parts = [self._frames[r, 8 : 8 + n] for r, n in enumerate(lengths)]
        else:
            counts = [n if n > INLINE else 0 for n in lengths]
            edges = np.cumsum([0, *counts]).tolist()
            joined = np.empty(edges[-1], np.uint8)
            own = np.frombuffer(data, np.uint8)[: counts[self.rank]]
            byte = self._mpi.BYTE
            self._comm.Allgatherv([own, byte], [joined, (counts, edges[:-1]), byte])
            parts = [
                joined[edges[r] : edges[r + 1]] if counts[r] else self._frames[r, 8 : 8 + n]
                for r, n in enumerate(lengths)
            ]
        self.waiting = None
        if max(lengths) <= INLINE and bool(
            (self._frames[:, : 8 + size] == frame[: 8 + size]).all()
        ):
            return [pickle.loads(data)] * self.size
        # The bytes are those of this job's own processes, as all that MPI transports.
        return [pickle.loads(part.data) for part in parts]

    # --- names and ends -----------------------------------------------------------------------

    def name_of(self, rank: int) -> str:
        """A rank as messages name it."""
        return f"rank {rank} of {self.size} (process {self.pids[rank]} on {self.hosts[rank]})"

    def status(self) -> Any:
        """A new `MPI.Status`."""
        return self._mpi.Status()

    def abort(self, status: int = 1) -> NoReturn:
        """End all processes of the job at once."""
        self._mpi.COMM_WORLD.Abort(status)
        os._exit(status)  # Abort does not come back


def _apart(kinds: list[str]) -> str:
    """Say which ranks are where, of ranks that should be at the same place."""
    places: dict[str, list[int]] = {}
    for rank, kind in enumerate(kinds):
        if kind:
            places.setdefault(kind, []).append(rank)
    told = "; ".join(f"{_listed(ranks)} at {kind}" for kind, ranks in places.items())
    return (
        f"the ranks have come apart: {told}. All ranks must run the same script on the same data: "
        f"every one has to make the same calls of fit, with as many batches."
    )


def _listed(ranks: list[int]) -> str:
    """``"rank 3 is"`` or ``"ranks 0, 1, 2, ... are"``."""
    if len(ranks) == 1:
        return f"rank {ranks[0]} is"
    return f"ranks {', '.join(map(str, ranks[:8]))}{', ...' if len(ranks) > 8 else ''} are"
