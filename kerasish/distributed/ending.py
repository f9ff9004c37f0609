"""An error on one rank ends the whole job, with a message that names the rank."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from kerasish.distributed.cluster import Cluster, RankError

GRACE = 5.0
"""Seconds that a rank gives the one that has failed to say so itself."""


def report_errors(cluster: Cluster) -> None:
    """Let an exception that nobody catches end all ranks.

    Without it the other ranks would wait for this one for ever, and this one, where MPI ends, for
    the others.
    """
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        own = not isinstance(error, RankError) or error.origin == cluster.rank
        if not own:
            time.sleep(GRACE)  # the rank that knows more ends the job before
        tell(f"{cluster.name_of(cluster.rank)} has failed; the job ends.")
        previous(kind, error, trace)
        cluster.abort()

    sys.excepthook = hook


def tell(text: str) -> None:
    """Write a line to the terminal of whoever has started the job, at once."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if sys.stderr is not None:
        sys.stderr.write(f"\nkerasish: {text}\n")
        sys.stderr.flush()
