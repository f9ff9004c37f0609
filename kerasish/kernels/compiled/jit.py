"""The decorator of all kernels, and where compiled code is kept."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pathlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kerasish.kernels import compiled

HERE = pathlib.Path(__file__).resolve().parent
# LLVM may contract, reorder and use reciprocals, but not assume that NaN and infinity are absent:
# with its flags nnan and ninf, relu would turn NaN into 0.
SAFE_FASTMATH = {"contract", "reassoc", "arcp", "nsz", "afn"}
_lock = threading.RLock()


class Deferred:
    """Stands in a family's globals for what needs numba, until a kernel is first called."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def made(self) -> Any:
        """What takes this object's place, made once."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def __call__(self, *args: Any) -> Any:
        """Load numba, put what is made in its place everywhere, and call it."""
        with _lock:
            _activate()
        return self.made()(*args)


def kernel(fn: Callable[..., Any]) -> Any:
    """Compile a function of arrays with numba, once for each combination of types it meets.

    What makes LLVM vectorise its loops: every operand is a one-dimensional view that is indexed
    from 0 (``row(out[i], x[i])``), a loop touches two or three arrays, and divisions do not check
    for zero (``error_model="numpy"``). Where that is not enough there is `simd`. The GIL is
    released while it runs.

    numba is imported at the first call of any kernel, not here. A kernel may call others, of its
    own module or imported from another family.
    """
    return Deferred(lambda: _compiled(fn))


def inlined(fn: Callable[..., Any]) -> Any:
    """Compile a function, such as one of `simd`'s vectors, into each kernel that calls it."""

    def make() -> Any:
        from numba.extending import register_jitable

        return register_jitable(fn)

    return Deferred(make)


def _compiled(fn: Callable[..., Any]) -> Any:
    import numba

    options: dict[str, Any] = {"fastmath": SAFE_FASTMATH, "nogil": True, "error_model": "numpy"}
    with _cache_folder() as folder:
        return numba.njit(cache=folder is not None, **options)(fn)


def _activate() -> None:
    """Replace what is deferred in all families that have been imported."""
    _listen()
    prefix = f"{compiled.__name__}."
    for family in [m for name, m in list(sys.modules.items()) if name.startswith(prefix)]:
        for name, value in list(vars(family).items()):
            if isinstance(value, Deferred):
                setattr(family, name, value.made())


@contextlib.contextmanager
def _cache_folder() -> Iterator[str | None]:
    """Make numba keep what is decorated inside the block in a folder of ours.

    numba notices changes of a kernel's own file only, not of those it calls in other files. So the
    folder's name depends on the source of all.
    """
    config: Any = importlib.import_module("numba.core.config")
    user_set = config.CACHE_DIR
    folder = _find_folder(user_set)
    config.CACHE_DIR = folder or ""
    try:
        yield folder
    finally:
        config.CACHE_DIR = user_set


_found: dict[str, str | None] = {}


def _find_folder(user_set: str) -> str | None:
    """The first that can be written of: NUMBA_CACHE_DIR, the package's own, KERASISH_HOME."""
    if user_set not in _found:
        home = os.environ.get("KERASISH_HOME") or os.path.join("~", ".kerasish")
        places = [HERE / "__pycache__", pathlib.Path(home).expanduser() / "compiled"]
        if user_set:
            places = [pathlib.Path(user_set)]
        name = f"kernels-{_digest()}"
        _found[user_set] = next((str(p / name) for p in places if _writable(p, name)), None)
    return _found[user_set]


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _writable(place: pathlib.Path, name: str) -> bool:
    """Whether the folder is there or can be made; those of earlier sources are removed."""
    try:
        (place / name).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place / name):
            pass
    except OSError:
        return False
    for old in place.glob("kernels-*"):
        if old.name != name:
            shutil.rmtree(old, ignore_errors=True)
    return True


_listening = False


def _listen() -> None:
    """Have `compiled.announce` called whenever numba compiles one of our kernels."""
    global _listening
    if _listening:
        return
    _listening = True
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            dispatcher = event.data.get("dispatcher") if event.data else None
            if getattr(dispatcher, "__module__", "").startswith(compiled.__name__):
                compiled.announce()

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Listener())
