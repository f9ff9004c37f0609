"""One file from the first of several addresses that serves it right.

Everything that kerasish downloads comes through `fetch`: mirrors in turn, time limits, resumption,
a lock between processes, and a check of the whole file before it gets its name. TLS certificates
are always checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from kerasish.display import Bar, say
from kerasish.fetching.locks import locked

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0  # without a byte
WINDOW_SECONDS = 10.0  # over which the speed is measured
SLOWEST = 20_000  # bytes a second; below, the next mirror is tried first
RESUMES = 3  # how often one mirror may break off
CHUNK = 1024

Check = Callable[[Path], str]


class DownloadError(OSError):
    """A file that could not be had from any address; the message lists what each of them said."""


class TooSlow(Exception):
    """A mirror that is slower than the limit."""


class Refused(Exception):
    """An answer that is not worth reading."""


class DoesNotFit(Exception):
    """The server cannot go on from the piece that is there."""


def home() -> Path:
    """Folder for what kerasish keeps: ``KERASISH_HOME``, or ``.kerasish`` in the user's own."""
    return Path(os.environ.get("KERASISH_HOME") or "~/.kerasish").expanduser()


def is_offline() -> bool:
    """Whether ``KERASISH_OFFLINE`` forbids to use the network."""
    stated = os.environ.get("KERASISH_OFFLINE", "").strip().lower()
    return stated not in ("", "0", "false", "no", "off")


def file_hash(path: Path | BinaryIO, algorithm: str = "sha256") -> str:
    """Return the hash of a file, or of what is left of an open one, in hexadecimal digits.

    >>> import io
    >>> file_hash(io.BytesIO(b"abc"))[:8]
    'ba7816bf'
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") if isinstance(path, Path) else contextlib.nullcontext(path) as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def fetch(
    urls: Iterable[str],
    target: Path,
    check: Check,
    *,
    size: int | None = None,
    by_hand: str = "",
    force: bool = False,
) -> Path:
    """Download a file, unless it is there already, and return `target`.

    Parameters
    ----------
    urls : iterable of str
        Addresses of the same file, tried in turn.
    target : Path
        Where it goes. What is there and passes `check` stays.
    check : callable
        Takes a path and returns what is wrong with the file, ``""`` if nothing is. It is called
        before a download gets its name.
    size : int, optional
        Bytes to expect. Far more are refused while they come; less or more is for `check`.
    by_hand : str
        How to do without the download, for the message of the error.
    force : bool
        Download even if the file is there.

    Raises
    ------
    DownloadError
        If no address gave a file that passes, or the network must not be used.
    """
    urls = tuple(dict.fromkeys(urls))
    found = _state(target, check)
    if found == "" and not force:
        return target
    if is_offline() and not all(url.startswith("file:") for url in urls):
        at_hand = f" ({found})" if target.exists() else ""
        raise DownloadError(
            f"{target.name} is not at hand in {target.parent}{at_hand}, and KERASISH_OFFLINE is "
            f"set, so nothing is downloaded. Unset it, or {by_hand or _by_hand(target, urls)}"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f".{target.name}.lock"), f"{target.name}"):
            if not force and _state(target, check) == "":  # another process was faster
                return target
            return _from_mirrors(urls, target, check, size, by_hand)
    except PermissionError as error:
        raise DownloadError(
            f"{target.name} cannot be stored: {error.filename or target.parent} is not writable. "
            "Set KERASISH_HOME to a folder that is."
        ) from error


def _state(target: Path, check: Check) -> str:
    return check(target) if target.is_file() else "missing"


def _by_hand(target: Path, urls: tuple[str, ...]) -> str:
    return f"download {urls[0]} by other means and save it as {target}."


def _from_mirrors(
    urls: tuple[str, ...], target: Path, check: Check, size: int | None, by_hand: str
) -> Path:
    """Try every address; those that were too slow once more at the end, with patience."""
    causes: list[str] = []
    slow: list[str] = []
    for patient, url in _turns(urls, slow):
        part = target.with_name(f".{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}")
        try:
            cause = _from_one(url, part, check, size, SLOWEST / 20 if patient else SLOWEST)
        except TooSlow as error:
            cause = str(error)
            if not patient:
                slow.append(url)
        if not cause:
            os.replace(part, target)
            for leftover in target.parent.glob(f".{target.name}.????????"):
                leftover.unlink(missing_ok=True)
            return target
        causes.append(f"  {url}: {cause}")
        if urls[-1] != url or slow:
            say(f"{target.name}: {cause} ({_host(url)}). Trying the next address.")
    listed = "\n".join(causes)
    raise DownloadError(
        f"{target.name} could not be downloaded. Tried:\n{listed}\n"
        f"Check the connection and try again, or {by_hand or _by_hand(target, urls)}"
    )


def _turns(urls: tuple[str, ...], slow: list[str]) -> Iterator[tuple[bool, str]]:
    """Yield ``(patient, url)``: all addresses, then those that were put into `slow` meanwhile."""
    yield from ((False, url) for url in urls)
    yield from ((True, url) for url in tuple(slow))


def _from_one(url: str, part: Path, check: Check, size: int | None, slowest: float) -> str:
    """Download to `part`, going on with what is there; return what went wrong, or ``""``."""
    for attempt in range(RESUMES + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            resumed = _stream(url, part, size, slowest)
        except (TooSlow, KeyboardInterrupt):
            raise  # what came is kept: the next call goes on from there
        except Refused as error:
            part.unlink(missing_ok=True)
            return str(error)
        except DoesNotFit:
            part.unlink()
            cause = "HTTP 416"
            continue
        except Exception as error:
            cause = describe(error)
            got = part.stat().st_size if part.exists() else 0
            if isinstance(error, OSError) and not _is_of_network(error):
                return cause  # the disk is full, say
            if got == 0:
                part.unlink(missing_ok=True)
            if got <= before or attempt == RESUMES:
                return f"{cause} after {got} bytes" if got else cause
            continue  # it broke off on the way: go on from there
        wrong = check(part)
        if not wrong:
            return ""
        part.unlink()
        cause = wrong
        if not resumed:
            break  # else: the pieces do not belong together, so once more from the start
    return cause


def _stream(url: str, part: Path, size: int | None, slowest: float) -> bool:
    """Append to `part` what is missing; return whether it goes on with an older piece."""
    if url.startswith("file:"):
        shutil.copyfile(url2pathname(urlsplit(url).path), part)
        return False
    import pooch  # not with the module: it brings requests along

    with open(part, "ab") as file:
        sink = Sink(file, url, size, slowest)
        headers = {"Accept-Encoding": "identity"}
        if sink.start:
            headers["Range"] = f"bytes={sink.start}-"
        download = pooch.HTTPDownloader(
            chunk_size=CHUNK,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            headers=headers,
            hooks={"response": sink.on_response},
        )
        with contextlib.closing(sink):
            download(url, sink, None)
        return sink.start > 0


class Sink:
    """Where a download goes: it keeps the file, shows progress and watches size and speed."""

    def __init__(self, file: BinaryIO, url: str, size: int | None, slowest: float) -> None:
        self.file, self.url, self.size, self.slowest = file, url, size, slowest
        self.start = self.done = file.tell()
        self._bar: Bar | None = None
        self._since, self._mark = time.monotonic(), self.done

    def on_response(self, response: Any, **ignored: Any) -> None:
        """Look at the head of an answer before its body is read."""
        if urlsplit(self.url).scheme == "https" and urlsplit(response.url).scheme != "https":
            raise Refused(f"leads to an address without TLS ({response.url})")
        if response.is_redirect:
            target = urlsplit(response.headers["Location"]).scheme
            if urlsplit(response.url).scheme == "https" and target not in ("", "https"):
                raise Refused("leads to an address without TLS")
            return
        if self.start and response.status_code == 416:
            raise DoesNotFit
        if not response.ok:
            return
        if self.start and response.status_code != 206:  # the whole file, from its start
            self.file.truncate(0)
            self.start = self.done = 0
        if self.start and not self._goes_on(response):
            raise Refused("sent another piece than was asked for")
        left = int(response.headers.get("Content-Length", 0))
        self._check_size(self.done + left)
        self._bar = Bar(f"Download {_name(self.url)}", self.done + left if left else None, "B")
        self._bar.update(self.done)
        self._since, self._mark = time.monotonic(), self.done

    def _goes_on(self, response: Any) -> bool:
        return response.headers.get("Content-Range", "").startswith(f"bytes {self.start}-")

    def write(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self.file.write(data)
        self.done += len(data)
        if self._bar is not None:
            self._bar.update(len(data))
        self._check_size(self.done)
        now = time.monotonic()
        if now - self._since >= WINDOW_SECONDS:
            rate = (self.done - self._mark) / (now - self._since)
            if rate < self.slowest:
                raise TooSlow(f"too slow ({rate / 1000:.2g} kB/s)")
            self._since, self._mark = now, self.done

    def flush(self) -> None:
        """Do nothing: the file is flushed when it is closed."""

    def _check_size(self, count: int) -> None:
        if self.size is not None and count > 2 * self.size + 2**16:
            raise Refused(f"sends {count} bytes or more where {self.size} are expected")

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()


def _name(url: str) -> str:
    return os.path.basename(urlsplit(url).path) or _host(url)


def _host(url: str) -> str:
    return urlsplit(url).netloc or "this machine"


def _is_of_network(error: BaseException) -> bool:
    from requests.exceptions import RequestException

    return isinstance(error, RequestException | ConnectionError | TimeoutError)


def describe(error: BaseException) -> str:
    """Say in a few words why a download failed."""
    from requests import exceptions

    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}".strip()
    if isinstance(error, exceptions.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(error, exceptions.SSLError):
        return f"its TLS certificate is not accepted ({_innermost(error)})"
    if isinstance(error, exceptions.ReadTimeout) or "Read timed out" in str(error):
        return f"no data for {READ_SECONDS:g} s"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "cut short"
    return _innermost(error)


def _innermost(error: BaseException) -> str:
    """The words of the first cause, which requests and urllib3 wrap several times."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [getattr(error, "reason", None), *error.args]
        inner += [error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException)), error)
    strerror = getattr(error, "strerror", None)
    return str(strerror or error) or type(error).__name__
