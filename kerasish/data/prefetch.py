"""Making batches in a thread while the last ones are being used."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Any

_POLL_SECONDS = 0.1  # how often a full queue looks whether anybody still wants its items


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = _Failure(StopIteration())


def ahead(items: Iterator[Any], depth: int) -> Iterator[Any]:
    """Yield `items`, at most `depth` of which wait ready-made; 0 makes each when it is wanted.

    An error comes where its item would have come. A loop that is left early ends the thread.

    Examples
    --------
    >>> list(ahead(iter(range(4)), depth=2))
    [0, 1, 2, 3]
    """
    if depth < 1:
        yield from items
        return
    ready: queue.Queue[Any] = queue.Queue(depth)
    left = threading.Event()
    args = (items, ready, left)
    thread = threading.Thread(target=_work, args=args, name="kerasish-data", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        left.set()
        with contextlib.suppress(queue.Empty):
            ready.get_nowait()
        thread.join()


def _work(items: Iterator[Any], ready: queue.Queue[Any], left: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, ready, left):
                break
        _put(_END, ready, left)
    except BaseException as error:  # goes to whoever waits
        _put(_Failure(error), ready, left)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def _put(item: Any, ready: queue.Queue[Any], left: threading.Event) -> bool:
    """Hand an item over as soon as there is room; False if nobody waits any more."""
    while not left.is_set():
        try:
            ready.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
