"""A small process beside the first rank of each machine that outlives ranks which are killed.

It is started as a script of its own, needs nothing but Python, and does two things. Before MPI
has started, where a process that waits for others can do nothing itself, it gives up after a
time. Later it tells which rank has gone without a word: whatever has started the job ends all
others at once, and knows numbers of processes only.

The standard input has what it is told: one line of JSON when MPI has started, ``{}`` to end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import Any

PAUSE = 0.05  # seconds in which those who are ended after the first one may follow


def main(rank: int, size: int, patience: float, variable: str) -> None:
    """Watch over the parent process until it has started, then over the ranks it names."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent, began = os.getppid(), time.monotonic()
    while not select.select([sys.stdin], [], [], 0.5)[0]:
        if os.getppid() != parent:
            return
        if time.monotonic() - began > patience:
            late = absent(parent, size, variable)
            _tell(
                f"rank {rank} of {size} has waited {patience:g} s for MPI to start: not all ranks "
                f"have come to compile(distribute='mpi').{late} {LONGER}"
            )
            os.kill(parent, signal.SIGKILL)
            return
    told = json.loads(sys.stdin.readline() or "{}")
    if told:
        watch(told["names"], told["pids"], told["note"])


LONGER = (
    "If a rank may take longer than others, set KERASISH_MPI_TIMEOUT to more seconds for all ranks."
)


def absent(parent: int, size: int, variable: str) -> str:
    """Name the ranks of this machine that have not loaded MPI yet, as far as Linux tells."""
    late, seen = {}, set()
    with contextlib.suppress(OSError):
        starter = _parent_of(parent)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
                if _parent_of(pid) == starter:
                    entries = dict(e.split("=", 1) for e in _read(pid, "environ").split("\0") if e)
                    rank = int(entries[variable])
                    seen.add(rank)
                    if "libmpi" not in _read(pid, "maps"):
                        late[rank] = f"rank {rank} (process {pid})"
    told = ""
    if late:
        told = f" On this machine these are not there yet: {', '.join(late.values())}."
    if seen and len(seen) < size:
        gone = [str(rank) for rank in range(size) if rank not in seen]
        listed = ", ".join(gone[:8]) + (", ..." if len(gone) > 8 else "")
        told += f" Ended already, or on other machines: rank {listed}."
    return told


def _parent_of(pid: Any) -> str:
    return _read(pid, "stat").rpartition(")")[2].split()[1]


def _read(pid: Any, name: str) -> str:
    with open(f"/proc/{pid}/{name}", errors="replace") as file:
        return file.read()


def watch(names: list[str], pids: list[int], note: str) -> None:
    """Wait for the end of a process, or for a line that says that all is well."""
    events = select.epoll()
    events.register(sys.stdin.fileno(), select.EPOLLIN)
    owners = {os.pidfd_open(pid): name for name, pid in zip(names, pids, strict=True)}
    for descriptor in owners:
        events.register(descriptor, select.EPOLLIN)
    gone: list[str] = []
    while not gone:
        for descriptor, _ in events.poll():  # in the order in which they have come
            if descriptor in owners:
                gone.append(owners[descriptor])
            elif not gone and sys.stdin.readline():
                return
            else:
                events.unregister(descriptor)
    time.sleep(PAUSE)
    if os.path.exists(note):  # it has spoken for itself
        os.unlink(note)
        return
    _tell(
        f"{gone[0]} is gone without a word: it has been killed (by a signal, or by the system for "
        f"want of memory) or has crashed. The job ends; started again, it goes on from the last "
        f"backup if it has BackupAndRestore."
    )


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"\nkerasish: {text}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
