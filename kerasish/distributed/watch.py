"""Ranks that do not come: a thread of each tells the first rank, every second, where it is.

MPI waits for ever for a rank that has stopped, hangs, or has left the script. Here the first rank
sees who is waited for, says so, and ends the job; the others watch the first rank.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
import time
from typing import Any, NamedTuple, NoReturn

from kerasish.distributed.cluster import Cluster
from kerasish.distributed.ending import end_all
from kerasish.distributed.witness import LONGER

PATIENCE = 25.0
SILENCE = 0.6  # of the patience: after so long without a sign a process is given up
TICK = 0.02  # seconds between looks while the job ends


def patience() -> float:
    """Seconds that ranks wait for one another: what KERASISH_MPI_TIMEOUT says, else 25."""
    stated = os.environ.get("KERASISH_MPI_TIMEOUT", "").strip()
    try:
        seconds = float(stated) if stated else PATIENCE
    except ValueError:
        seconds = -1
    if not seconds > 0:
        raise ValueError(
            f"KERASISH_MPI_TIMEOUT must be a number of seconds above 0 but is {stated!r}."
        )
    return seconds


class Sign(NamedTuple):
    """What a rank tells of itself."""

    entered: int  # communications so far
    waiting: str | None  # in which one it waits, ...
    waited: float  # ... and for how many seconds
    place: str  # where its main thread is otherwise
    ended: bool  # whether its script has


class Watch(threading.Thread):
    """Sends signs of life and looks after those of others, until all ranks have ended."""

    def __init__(self, cluster: Cluster, comm: Any) -> None:
        super().__init__(name="kerasish-mpi", daemon=True)
        self.cluster, self._comm = cluster, comm
        self._patience = patience()
        self._interval = min(1.0, self._patience / 8)
        self._wake = threading.Event()
        self._ended = self._over = False
        self._main = threading.main_thread().ident
        now = time.monotonic()
        self._heard = [now] * cluster.size
        self._signs = [Sign(0, None, 0.0, "", False)] * cluster.size
        self._last = (0, now)  # count of this rank and since when
        self._sending: list[Any] = []

    def finish(self) -> None:
        """Wait, at the end of the script, for all other ranks to come there."""
        self._ended = True
        self._wake.set()
        self.join()

    def run(self) -> None:
        """Tell and look, at every tick."""
        first = self.cluster.rank == 0
        before = told = time.monotonic()
        said_so = False  # that the script has ended
        while not self._over:
            self._wake.wait(TICK if self._ended else self._interval)
            now = time.monotonic()
            if now - before > 3 * self._interval:  # this process was stopped itself
                self._heard = [heard + now - before for heard in self._heard]
            before = now
            self._receive(now)
            self._signs[self.cluster.rank] = own = self._own(now)
            self._heard[self.cluster.rank] = now
            if first and all(sign.ended for sign in self._signs):
                self._over = True
            if self._over or now - told >= self._interval or own.ended != said_so:
                told, said_so = now, own.ended
                self._send(own, range(1, self.cluster.size) if first else [0])
            self._look(now)
        if first:
            for request in self._sending:
                request.wait()

    # --- signs --------------------------------------------------------------------------------

    def _own(self, now: float) -> Sign:
        cluster = self.cluster
        count, waiting = cluster.count, cluster.waiting
        if count != self._last[0]:
            self._last = (count, now)
        stuck = now - self._last[1]
        place = self._where() if stuck > self._patience / 2 and waiting is None else ""
        return Sign(count, waiting, stuck if waiting else 0.0, place, self._ended)

    def _where(self) -> str:
        """The line of the user's that the main thread is in, or else the innermost one."""
        frame = sys._current_frames().get(self._main or 0)
        if frame is None:
            return ""
        innermost = frame
        library = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
        own = os.path.dirname(os.path.dirname(__file__))
        while frame is not None and frame.f_code.co_filename.startswith((own, "<", *library)):
            frame = frame.f_back
        found = innermost if frame is None else frame
        code = found.f_code
        return f"{os.path.basename(code.co_filename)}, line {found.f_lineno}, in {code.co_name}"

    def _send(self, sign: Sign, ranks: Any) -> None:
        self._sending = [request for request in self._sending if not request.test()[0]]
        if len(self._sending) > 8 * self.cluster.size:  # nobody takes them
            return
        for rank in ranks:
            self._sending.append(self._comm.isend((sign, self._over), rank))

    def _receive(self, now: float) -> None:
        status = self.cluster.status()
        while self._comm.iprobe(status=status):
            rank = status.source
            self._signs[rank], over = self._comm.recv(source=rank)
            self._heard[rank] = now
            self._over = self._over or over

    # --- judgement ----------------------------------------------------------------------------

    def _look(self, now: float) -> None:
        if self._over:
            return
        limit = SILENCE * self._patience
        if self.cluster.rank > 0:
            # The lowest of those who notice speaks for all.
            if now - self._heard[0] > limit + min(self.cluster.rank - 1, 5) * 0.5:
                self._give_up(0, now)
            return
        for rank, heard in enumerate(self._heard):
            if now - heard > limit and not (self._signs[rank].ended and self._ended):
                self._give_up(rank, now)
        waiting = [r for r, sign in enumerate(self._signs) if sign.waiting]
        if not waiting:
            return
        ahead = max(waiting, key=lambda r: self._signs[r].entered)
        sign = self._signs[ahead]
        for rank, other in enumerate(self._signs):
            if other.entered >= sign.entered or other.waiting:
                continue
            if other.ended:
                self._end(
                    f"{self.cluster.name_of(rank)} has ended its script, but rank {ahead} waits "
                    f"for it in {sign.waiting}. All ranks must make the same calls of fit: look "
                    f"for sys.exit, or a condition on the rank."
                )
            if sign.waited > self._patience:
                place = f"; it is at {other.place}" if other.place else ""
                self._end(
                    f"{self.cluster.name_of(rank)} has not come to {sign.waiting} in "
                    f"{sign.waited:.0f} s, where rank {ahead} waits{place}. {LONGER}"
                )

    def _give_up(self, rank: int, now: float) -> None:
        self._end(
            f"{self.cluster.name_of(rank)} has given no sign of life for "
            f"{now - self._heard[rank]:.0f} s: its process is stopped or hangs, or its machine or "
            f"the network is down. {LONGER}"
        )

    def _end(self, text: str) -> NoReturn:
        end_all(self.cluster, f"{text} The job ends.")
