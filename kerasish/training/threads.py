"""One level of parallelism (contract 3): worker threads that run the shards of a step.

A step takes the whole gang or waits for it. While shards run, BLAS is held at one thread, since
its own threads spin after each product and would fight ours for the processors.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

from kerasish import config
from kerasish.display import announce
from kerasish.kernels import compiled
from kerasish.training.interrupt import interrupts


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
            task, ended, wake = inbox.get()
            try:
                task()
                ended.append(None)
            except BaseException as error:
                ended.append(error)
            wake.put(None)
            del task, ended, wake  # nothing of a step stays alive while there is none to do

    def run(self, tasks: list[Callable[[], Any]], abort: Callable[[], None]) -> None:
        """Run all tasks at once, the first in this thread, and raise the first error, if any.

        `abort` is called as soon as one fails, and must let the others end. However this ends,
        no task is running any more: their memory is used again at once.
        """
        with self._lock:
            self._hire(len(tasks) - 1)
            ended: list[BaseException | None] = []
            wake: SimpleQueue[None] = SimpleQueue()
            for task, inbox in zip(tasks[1:], self._inboxes, strict=False):
                inbox.put((_aborting(task, abort), ended, wake))
            errors: list[BaseException | None] = []
            self._here.busy = True
            try:
                _aborting(tasks[0], abort)()
            except BaseException as error:
                errors.append(error)
            finally:
                self._here.busy = False
            while len(ended) < len(tasks) - 1:
                try:
                    wake.get()
                except BaseException as error:  # Ctrl-C for the second time
                    errors.append(error)
                    abort()
        genuine = [e for e in errors + ended if e is not None and not isinstance(e, Released)]
        try:
            if genuine:
                raise genuine[0]
        finally:
            del errors, ended, genuine  # an error must not hold, by its traceback, itself

    def share(self, functions: list[Callable[[], Any]]) -> None:
        """Call functions that are independent of each other, as many at once as there are threads.

        Each thread has its own, whose memory may be in its cache from the last time; one that has
        done them takes from the others, who may have woken late.
        """
        count = min(config.num_threads(), len(functions))
        if count < 2 or self.is_inside():
            for function in functions:
                function()
            return
        edges = [len(functions) * i // count for i in range(count + 1)]
        left = [deque(functions[a:b]) for a, b in pairwise(edges)]
        self.run([partial(_work_off, left, k) for k in range(count)], _nothing)

    def _hire(self, count: int) -> None:
        while len(self._inboxes) < count:
            inbox: SimpleQueue[Any] = SimpleQueue()
            name = f"kerasish-{len(self._inboxes) + 1}"
            threading.Thread(target=self._work, args=(inbox,), name=name, daemon=True).start()
            self._inboxes.append(inbox)


def _nothing() -> None:
    pass


def _work_off(left: list[deque[Callable[[], Any]]], own: int) -> None:
    """Call what is left, the own ones first."""
    for take in [left[own].popleft, *(other.pop for other in left[own + 1 :] + left[:own])]:
        while (function := _taken(take)) is not None:
            function()


def _taken(take: Callable[[], Any]) -> Any:
    """What a queue gives, which it gives to one thread only, or None at its end."""
    try:
        return take()
    except IndexError:
        return None


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
        self._libraries: list[Any] | None = None
        self._threads: list[int] | None = None  # of each library before, while anyone is inside

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold BLAS inside a ``with`` block."""
        counted = False
        try:
            with self._lock:
                if self._inside == 0:
                    self._threads = self._hold()
                self._inside += 1
                counted = True
            yield
        finally:
            with interrupts.whole(), self._lock:
                self._inside = max(0, self._inside - counted)
                if self._inside == 0:
                    self._restore()

    def _hold(self) -> list[int]:
        """Set every library to one thread; how many each had.

        What threadpoolctl does, without what it looks up besides: a prediction takes no longer.
        """
        if self._libraries is None:
            from threadpoolctl import ThreadpoolController

            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        threads = [library.get_num_threads() for library in self._libraries]
        for library, count in zip(self._libraries, threads, strict=True):
            if count != 1:
                library.set_num_threads(1)
        return threads

    def _restore(self) -> None:
        threads, self._threads = self._threads, None
        for library, count in zip(self._libraries or (), threads or (), strict=False):
            if count != 1:
                library.set_num_threads(count)

    def after_fork(self) -> None:
        """In a child process nobody is inside."""
        self._lock = threading.Lock()
        self._inside = 0
        self._restore()


gang = Gang()
blas_guard = BlasGuard()


@contextlib.contextmanager
def computing() -> Iterator[bool]:
    """What a loop of steps wants: Ctrl-C and BLAS held, and a word when kernels are compiled.

    Gives whether it is the outermost.
    """
    with interrupts.watch() as outermost, blas_guard(), compiled.announcing(_say_compiling):
        yield outermost


def _say_compiling() -> None:
    announce("compiling kernels, once")


def _after_fork() -> None:
    gang.__init__()  # type: ignore[misc]
    blas_guard.after_fork()
    interrupts.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
