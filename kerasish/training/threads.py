"""One level of parallelism (contract 3): worker threads that run the shards of a step.

A step takes the whole gang or waits for it. While shards run, BLAS is held at one thread, since
its own threads spin after each product and would fight ours for the processors.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any


class Released(BaseException):
    """Ends a shard that waits for another one, which has raised."""


class Rendezvous:
    """Where the shards of one step meet to combine their values."""

    def __init__(self, count: int) -> None:
        self._values: list[Any] = [None] * count
        self._missing = self._count = count
        self._round = 0
        self._result: Any = None
        self._broken = False
        self._changed = threading.Condition()

    def exchange(self, shard: int, value: Any, combine: Callable[[list[Any]], Any]) -> Any:
        """Return ``combine(values)`` of all shards; the last to arrive computes it."""
        with self._changed:
            if self._broken:
                raise Released
            self._values[shard] = value
            self._missing -= 1
            if self._missing == 0:
                self._result = combine(self._values)
                self._values = [None] * self._count
                self._missing = self._count
                self._round += 1
                self._changed.notify_all()
                return self._result
            here = self._round
            while self._round == here and not self._broken:
                self._changed.wait()
            if self._round == here:
                raise Released
            return self._result

    def abort(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()


class Gang:
    """The worker threads of the process, started at first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inboxes: list[SimpleQueue[Any]] = []
        self._here = threading.local()

    def is_inside(self) -> bool:
        """Whether this thread is running a shard: a call from there runs inline, as one shard."""
        return getattr(self._here, "busy", False)

    def _work(self, inbox: SimpleQueue[Any]) -> None:
        self._here.busy = True
        while True:
            task, done = inbox.get()
            try:
                task()
                done.put(None)
            except BaseException as error:
                done.put(error)
            del task, done

    def run(self, tasks: list[Callable[[], Any]], abort: Callable[[], None]) -> None:
        """Run all tasks at once, the first in this thread, and raise the first error, if any.

        `abort` is called as soon as one fails, and must let the others end.
        """
        with self._lock:
            while len(self._inboxes) < len(tasks) - 1:
                inbox: SimpleQueue[Any] = SimpleQueue()
                name = f"kerasish-{len(self._inboxes) + 1}"
                threading.Thread(target=self._work, args=(inbox,), name=name, daemon=True).start()
                self._inboxes.append(inbox)
            done: SimpleQueue[BaseException | None] = SimpleQueue()
            for task, inbox in zip(tasks[1:], self._inboxes, strict=False):
                inbox.put((_aborting(task, abort), done))
            errors: list[BaseException] = []
            self._here.busy = True
            try:
                _aborting(tasks[0], abort)()
            except BaseException as error:
                errors.append(error)
            finally:
                self._here.busy = False
            for _ in tasks[1:]:
                error_or_none = done.get()
                if error_or_none is not None:
                    errors.append(error_or_none)
        genuine = [error for error in errors if not isinstance(error, Released)]
        if genuine:
            raise genuine[0]


def _aborting(task: Callable[[], Any], abort: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            task()
        except BaseException:
            abort()
            raise

    return run


class BlasGuard:
    """Holds BLAS at one thread while anyone is inside; counted, one a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._controller: Any = None
        self._limit: Any = None

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold BLAS inside a ``with`` block."""
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                if self._controller is None:
                    from threadpoolctl import ThreadpoolController

                    self._controller = ThreadpoolController().select(user_api="blas")
                self._limit = self._controller.limit(limits=1)
        try:
            yield
        finally:
            with self._lock:
                self._inside = max(0, self._inside - 1)
                if self._inside == 0 and self._limit is not None:
                    self._limit.restore_original_limits()
                    self._limit = None

    def after_fork(self) -> None:
        """In a child process nobody is inside."""
        self._lock = threading.Lock()
        self._inside = 0
        if self._limit is not None:
            self._limit.restore_original_limits()
            self._limit = None


gang = Gang()
blas_guard = BlasGuard()


def _after_fork() -> None:
    gang.__init__()  # type: ignore[misc]
    blas_guard.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
