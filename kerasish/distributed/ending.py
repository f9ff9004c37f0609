"""How all ranks end together: when one raises, is killed, or has come to the end of the script."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from types import TracebackType
from typing import Any, NoReturn

from kerasish.distributed.cluster import Cluster, RankError
from kerasish.distributed.launcher import Launch

GRACE = 5.0
"""Seconds that a rank gives the one that has failed to say so itself."""
READING = 0.5
"""Seconds for the launcher to read what has been said: it drops the rest when a job is aborted."""


class Witness:
    """This rank's handle on the process that watches over it (see `witness.py`)."""

    def __init__(self, place: Launch, patience: float) -> None:
        self._process = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-I",
                    "-S",
                    os.path.join(os.path.dirname(__file__), "witness.py"),
                ),
                *(str(place.rank), str(place.size), str(patience), place.variable),
            ],
            stdin=subprocess.PIPE,
            start_new_session=True,  # what ends the ranks must not reach it
        )

    def say(self, told: dict[str, Any]) -> None:
        """Tell it something; ``{}`` ends it."""
        stdin = self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            stdin.write(json.dumps(told).encode() + b"\n")  # type: ignore[union-attr]
            stdin.flush()  # type: ignore[union-attr]

    def end(self) -> None:
        """Let it go."""
        self.say({})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)


def guard(cluster: Cluster, witness: Witness | None, watch: Any) -> None:
    """Take care, from now on, that this rank does not end or hang without the others."""
    here = [r for r, host in enumerate(cluster.hosts) if host == cluster.hosts[cluster.rank]]
    cluster.note = os.path.join(tempfile.gettempdir(), f"kerasish-mpi-{cluster.pids[here[0]]}")
    if witness is not None:
        if cluster.rank == here[0] and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                os.unlink(cluster.note)
            names, pids = [cluster.name_of(r) for r in here], [cluster.pids[r] for r in here]
            witness.say({"names": names, "pids": pids, "note": cluster.note})
        else:
            witness.end()
            witness = None
    _report_errors(cluster)
    watch.start()

    @atexit.register
    def finish() -> None:
        watch.finish()
        if witness is not None:
            witness.end()


def _report_errors(cluster: Cluster) -> None:
    """Let an exception that nobody catches end all ranks.

    Without it the other ranks would wait for this one for ever, and this one, where MPI ends, for
    the others.
    """
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        own = not isinstance(error, RankError) or error.origin == cluster.rank
        if not own:
            time.sleep(GRACE)  # the rank that knows more ends the job before
        _say(f"{cluster.name_of(cluster.rank)} has failed; the job ends.")
        previous(kind, error, trace)
        _abort(cluster)

    sys.excepthook = hook


def end_all(cluster: Cluster, text: str) -> NoReturn:
    """Say why, and end all processes of the job."""
    _say(text)
    _abort(cluster)


def _say(text: str) -> None:
    """Write a line to the terminal of whoever has started the job, at once."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"\nkerasish: {text}\n")
        sys.stderr.flush()


def _abort(cluster: Cluster) -> NoReturn:
    with contextlib.suppress(OSError):  # the witness sees by it that something has been said
        os.close(os.open(cluster.note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    # Where MPI itself hangs, the end of this process ends the job.
    timer = threading.Timer(GRACE, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()
    time.sleep(READING)
    cluster.abort()
