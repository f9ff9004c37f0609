"""Joining the other ranks of the job, once a process."""

from __future__ import annotations

import os
import socket

from kerasish import config, display
from kerasish.distributed.cluster import Cluster
from kerasish.distributed.ending import Witness, guard
from kerasish.distributed.launcher import Launch, launched
from kerasish.distributed.watch import Watch, patience

_INSTALL = 'Install it with `pip install "kerasish[mpi]"`, or `pip install mpi4py mpich`'

_cluster: Cluster | None = None


def connected() -> Cluster | None:
    """The cluster that this process has joined, if it has."""
    return _cluster


def connect() -> Cluster:
    """Join the other ranks; waits until all of them have come here.

    Raises
    ------
    ImportError
        If mpi4py is not installed or finds no MPI.
    RuntimeError
        If MPI does not see the processes that the launcher has started, or allows one thread only.
    ValueError
        If the ranks were told different numbers of threads.
    """
    global _cluster
    if _cluster is None:
        _cluster = _connect()
    return _cluster


def _connect() -> Cluster:
    place = launched()
    witness = Witness(place, patience()) if place.size > 1 else None
    try:
        return _start(place, witness)
    except BaseException:
        if witness is not None:
            witness.end()
        raise


def _start(place: Launch, witness: Witness | None) -> Cluster:
    """Start MPI, which waits for the other ranks, and see that it has found them."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(
            f"compile: distribute='mpi' needs the package mpi4py and an MPI library, but importing "
            f"mpi4py.MPI failed: {error}. {_INSTALL}."
        ) from None
    seen = MPI.COMM_WORLD.size
    if seen != place.size and place.size > 1:
        library = MPI.Get_library_version().split("\n")[0].strip()
        raise RuntimeError(
            f"compile: {place.launcher} has started {place.size} processes, but to MPI this one is "
            f"one of {seen}: the launcher does not belong to the library that mpi4py has found "
            f"({library}). With Slurm use `srun --mpi=pmi2`; else start the script with the "
            f"mpiexec of that library (`pip install mpich` brings one)."
        )
    if MPI.Query_thread() < MPI.THREAD_MULTIPLE:
        raise RuntimeError(
            "compile: distribute='mpi' needs MPI with MPI_THREAD_MULTIPLE, but it was initialised "
            "with less. Do not set mpi4py.rc.thread_level, and use an MPI library that has it."
        )
    cluster = Cluster(MPI)
    if cluster.size > 1:
        _settle(cluster)
        if cluster.rank > 0:
            display.mute()
        guard(cluster, witness, Watch(cluster, MPI.COMM_WORLD.Dup()))
    return cluster


def _settle(cluster: Cluster) -> None:
    """Learn where the other ranks are, and agree with them on the number of threads."""
    me = (socket.gethostname(), os.getpid(), config.processors(), config.stated_threads())
    found = cluster.exchange("the start", me)
    cluster.hosts, cluster.pids = [f[0] for f in found], [f[1] for f in found]
    stated = {f[3] for f in found}
    if len(stated) > 1:
        told = ", ".join(
            f"rank {r}: {'by itself' if f[3] is None else f[3]}" for r, f in enumerate(found[:8])
        )
        raise ValueError(
            f"compile: the ranks were told different numbers of threads ({told}). Set "
            f"KERASISH_NUM_THREADS, or call set_num_threads, alike on all of them."
        )
    shares = []
    for host, _, processors, _ in found:
        beside = sum(1 for h, _, p, _ in found if h == host and not processors.isdisjoint(p))
        shares.append(max(1, len(processors) // beside))
    cluster.threads = stated.pop() or min(shares)
    config.share_processors(cluster.threads)
