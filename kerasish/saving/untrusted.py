"""Reading HDF5 files from strangers: in a child process of limited memory, processor and time.

libhdf5 can crash or hang on a damaged file, where nothing in this process could stop it. The child
checks what `hdf5.FileTree` checks, and hands over plain arrays and texts; what it sends is
bounded and parsed here without trust. Where the system has no `resource` module (Windows), only
the time is limited.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from kerasish.saving.hdf5 import MOST_PARTS, MemoryTree, Tree
from kerasish.saving.limits import MOST_JSON, FileError, read_json

SECONDS = 8.0
BYTES_A_SECOND = 20 << 20
_ROOM = 128 << 20
_PROGRAM = "import sys; sys.path[:] = {path!r}; from kerasish.saving import untrusted as u; u.serve({most}, {seconds})"  # noqa: E501


def read_tree(source: Any, path: Any, most: int) -> MemoryTree:
    """Read a whole HDF5 file in a child process.

    Parameters
    ----------
    source : str or bytes
        The path of the file, or what it holds.
    path : str
        The name for messages.
    most : int
        Bytes that may come out of it.

    Raises
    ------
    FileError
        If the child reports one, crashes, or exceeds its memory or time.
    """
    with _as_file(source) as file:
        size = os.fstat(file.fileno()).st_size
        seconds = SECONDS + size / BYTES_A_SECOND
        process = start(file, most, seconds)
        expired = threading.Event()

        def stop() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            return _receive(process.stdout, str(path), most)
        except EOFError:
            code = process.wait()
            if expired.is_set() or code == -24:  # SIGXCPU
                raise FileError(f"reading it took longer than {seconds:.0f} s: damaged?") from None
            ended = f"the signal {-code}" if code < 0 else f"the code {code}"
            raise FileError(f"it is damaged: the process that read it ended with {ended}") from None
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


def start(file: BinaryIO, most: int, seconds: float) -> Any:
    """Start a process that reads HDF5 from `file` and writes what it holds to its stdout."""
    code = _PROGRAM.format(path=sys.path, most=most, seconds=seconds)
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        [sys.executable, "-I", "-c", code],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **threads},
    )


@contextlib.contextmanager
def _as_file(source: Any) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        with tempfile.TemporaryFile() as file:
            file.write(source)
            file.flush()
            file.seek(0)
            yield file
    else:
        with open(source, "rb") as opened:
            yield opened


# --- the child ------------------------------------------------------------------------------------


def serve(most: int, seconds: float) -> None:
    """Read HDF5 from stdin and write it to stdout, in the form that `_receive` reads."""
    import h5py

    from kerasish.saving.hdf5 import FileTree

    limit(most + _ROOM, seconds)
    with io.FileIO(0, closefd=False) as file, io.FileIO(1, "w", closefd=False) as out:
        try:
            with h5py.File(file, "r") as opened:
                tree = FileTree(opened, "", os.fstat(0).st_size, most)
                send(tree, io.BufferedWriter(out))
        except Exception as error:
            _send_header(out, {"error": str(error) or type(error).__name__})


def limit(memory: int, seconds: float) -> None:
    """Let this process take no more than `memory` bytes beyond what it has, and `seconds`."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):  # where the system does not say or allow it
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
        address_space = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    whole = int(seconds) + 1
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def send(tree: Tree, out: Any) -> None:
    """Write attributes and shapes as JSON, then the arrays one by one."""
    attributes: dict[str, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    arrays: list[tuple[str, tuple[int, ...], int]] = []

    def visit(place: str, depth: int) -> None:
        if depth > MOST_PARTS:
            errors[place] = f"the group '/{place[:60]}' is too deep"
            return
        try:
            attributes[place] = {n: tree.attribute(place, n) for n in tree.attributes(place)}
            members = tree.members(place)
        except Exception as error:
            errors[place] = str(error) or type(error).__name__
            return
        for name, kind in members.items():
            inner = f"{place}/{name}" if place else name
            if kind == "group":
                visit(inner, depth + 1)
                continue
            try:
                arrays.append((inner, tree.shape(inner) or (), tree.size_of(inner)))
            except Exception as error:
                errors[inner] = str(error) or type(error).__name__

    visit("", 0)
    _send_header(out, {"attributes": attributes, "errors": errors, "arrays": arrays})
    for place, _, _ in arrays:
        try:
            array = np.asarray(tree.read(place), order="C")
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
        except Exception as error:
            _send_header(out, {"error": str(error) or type(error).__name__})
            continue
        _send_header(out, {"dtype": array.dtype.str, "shape": array.shape})
        out.write(array.reshape(-1).data if array.size else b"")
    out.flush()


def _send_header(out: Any, value: Any) -> None:
    text = json.dumps(value).encode()
    out.write(len(text).to_bytes(8, "little") + text)


# --- the parent -----------------------------------------------------------------------------------


def _receive(stream: Any, path: str, most: int) -> MemoryTree:
    """Read what `send` wrote, believing nothing of it."""
    head = _header(stream)
    if "error" in head:
        raise FileError(str(head["error"]))
    attributes, errors, listed = (head.get(key) for key in ("attributes", "errors", "arrays"))
    if not isinstance(attributes, dict) or not isinstance(errors, dict):
        raise FileError("the process that read it sent no list of groups")
    arrays: dict[str, np.ndarray] = {}
    left = most
    for place, _, _ in listed or []:
        found = _header(stream)
        if "error" in found:
            errors[place] = str(found["error"])
            continue
        dtype, shape = np.dtype(str(found["dtype"])), tuple(int(n) for n in found["shape"])
        count = 1
        for axis in shape:
            count *= axis
        left -= count * dtype.itemsize
        if dtype.kind not in "biuf" or min(shape, default=0) < 0 or left < 0:
            raise FileError(f"the dataset '/{place}' claims shape {shape} of type {dtype}")
        array = np.empty(shape, dtype)
        if array.size:
            _fill(stream, array.reshape(-1).view(np.uint8).data)
        arrays[str(place)] = array
    return MemoryTree(path, attributes, arrays, {str(k): str(v) for k, v in errors.items()})


def _header(stream: Any) -> dict[str, Any]:
    size = bytearray(8)
    _fill(stream, memoryview(size))
    count = int.from_bytes(size, "little")
    if count > MOST_JSON:
        raise FileError("the process that read it sent too much")
    text = bytearray(count)
    _fill(stream, memoryview(text))
    value = read_json(bytes(text), "what the process that read it sent")
    if not isinstance(value, dict):
        raise FileError("the process that read it sent no object")
    return value


def _fill(stream: Any, buffer: memoryview) -> None:
    while len(buffer):
        count = stream.readinto(buffer)
        if not count:
            raise EOFError
        buffer = buffer[count:]
