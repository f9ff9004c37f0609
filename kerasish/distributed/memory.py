"""Memory that all ranks of one machine read and write.

Each rank makes a file that exists in memory only, and the others open it through ``/proc``. Nothing
is left of it when the processes end, however they do, and it is as large as there is memory: what
MPI itself would share lies in ``/dev/shm``, of which a container may have little.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets

import numpy as np

from kerasish.distributed.cluster import Cluster

WHAT = "memory that they share"
HEAD = mmap.PAGESIZE  # bytes before a rank's part: what tells that it is the right file


def shared_memory(cluster: Cluster, size: int) -> list[np.ndarray] | None:
    """Make `size` bytes, and return what all ranks have made, in order, as arrays of bytes.

    All ranks must call; `size` may be another on each. They are zeros that take no memory until
    something is written. None, on all ranks, where there are several machines, or a system without
    such files.
    """
    if len(set(cluster.hosts)) > 1:
        return None
    with contextlib.ExitStack() as stack:
        found = cluster.exchange(WHAT, _offer(size, stack))
        parts = None if None in found else _take(found)
        agreed = cluster.exchange(WHAT, parts is not None)
    return parts if all(agreed) else None


def _offer(size: int, stack: contextlib.ExitStack) -> tuple[int, int, bytes, int] | None:
    """This rank's file: process, descriptor, what it begins with, size."""
    try:
        descriptor = os.memfd_create("kerasish")
        stack.callback(os.close, descriptor)
        os.ftruncate(descriptor, HEAD + size)
        token = secrets.token_bytes(16)
        os.write(descriptor, token)
    except (AttributeError, OSError):
        return None
    return os.getpid(), descriptor, token, size


def _take(found: list[tuple[int, int, bytes, int]]) -> list[np.ndarray] | None:
    """Everybody's part, if these are the files that were offered and not others' of that name."""
    parts = []
    for process, number, token, size in found:
        try:
            descriptor = os.open(f"/proc/{process}/fd/{number}", os.O_RDWR)
            try:
                mapped = mmap.mmap(descriptor, HEAD + size)
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            return None
        if mapped[: len(token)] != token:
            return None
        parts.append(np.frombuffer(mapped, np.uint8, offset=HEAD))
    return parts
