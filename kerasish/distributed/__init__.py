"""Training on several machines: the ranks of an MPI job (see `Sequential.compile`).

    mpiexec -n 4 python train.py

starts four processes that run the same script. With ``compile(..., distribute="mpi")`` they train
one model: each works on its part of every batch. Here is what a script may want to know.
"""

from __future__ import annotations

from kerasish.distributed.cluster import Cluster, RankError
from kerasish.distributed.connecting import connect, connected
from kerasish.distributed.launcher import asked_for, launched, loneliness

__all__ = [
    "Cluster",
    "RankError",
    "asked_for",
    "connect",
    "connected",
    "is_first",
    "launched",
    "loneliness",
    "rank",
    "size",
]


def rank() -> int:
    """The number of this process in its MPI job, from 0 on; 0 without one.

    >>> rank(), size()
    (0, 1)
    """
    cluster = connected()
    return launched().rank if cluster is None else cluster.rank


def size() -> int:
    """The number of processes in this MPI job; 1 without one."""
    cluster = connected()
    return launched().size if cluster is None else cluster.size


def is_first() -> bool:
    """Whether this process is the one that should print and write files.

    >>> if is_first():
    ...     print("done")
    done
    """
    return rank() == 0
