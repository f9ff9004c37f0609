"""From addresses and hashes to arrays: where a data set is looked for, checked, parsed and kept.

A data set is a table. It has one or more forms (say, four IDX files, or one .npz): the `Remote`
files that make it up and a parser that turns their paths into arrays. Whoever adds a data set
writes the table and the parser:

    TABLE = Dataset(
        "boston_housing",
        (Form((Remote("boston_housing.npz", (URL,), sha256="f55..."),), read_npz),),
    )
    arrays = load(TABLE)
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kerasish.atomic import atomic_write
from kerasish.errors import warn
from kerasish.fetching import DownloadError, fetch, file_hash, home

Arrays = dict[str, np.ndarray]
_DAMAGES = (ValueError, EOFError, KeyError, zlib.error, tarfile.TarError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Remote:
    """A file of a data set: where it comes from and what it must be.

    Attributes
    ----------
    name : str
        Its name in the cache.
    urls : tuple of str
        Its addresses, the best first; none for a file that is only used where it is found.
    size : int, optional
        Bytes, where known.
    sha256, md5 : str
        Hash of the file. MD5 counts only where no SHA-256 is known, and with the size.
    content : str
        ``"sha256:..."`` or ``"md5:..."`` of what a gzip file holds: a copy that was compressed
        in another way, or not at all, is as good.
    members : dict of str to str
        Such hashes of the files in an archive, by name without folders.
    elsewhere : tuple of str
        Paths, in folders that are searched, by which other programs keep it.
    """

    name: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    sha256: str = ""
    md5: str = ""
    content: str = ""
    members: Mapping[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether anything says what the file must be."""
        return bool(self.sha256 or self.md5 or self.content or self.members)

    def problem(self, path: Path) -> str:
        """Say what is wrong with a copy of the file; ``""`` if nothing is.

        A file of which no hash is known is held to the one that was recorded when it was first
        downloaded, if it was.
        """
        try:
            size = path.stat().st_size
            if self.sha256 and size == (self.size or size):
                found = file_hash(path)
                if found == self.sha256:
                    return ""
                wrong = f"its SHA-256 is {found[:12]}..., not {self.sha256[:12]}..."
            elif self.md5 and size == (self.size or size) and not self.sha256:
                found = file_hash(path, "md5")
                if found == self.md5:
                    return ""
                wrong = f"its MD5 is {found[:12]}..., not {self.md5[:12]}..."
            elif self.sha256 or self.md5:
                wrong = f"it has {size} bytes, not {self.size}"
            elif not self.is_known:
                return self._differs_from_record(path)
            else:
                wrong = "its content is another"
            return "" if self._has_content(path) else wrong
        except OSError as error:
            return f"it cannot be read ({error.strerror or error})"

    def _has_content(self, path: Path) -> bool:
        """Whether what the file holds is right, in whatever way it was compressed."""
        try:
            if self.content:
                return _is(opened(path), self.content)
            found = members(path, self.members) if self.members else ()
            wrong = any(not _is(io.BytesIO(data), self.members[name]) for name, data in found)
            return bool(self.members) and not wrong
        except (gzip.BadGzipFile, *_DAMAGES):
            return False

    def _differs_from_record(self, path: Path) -> str:
        record = path.with_name(f"{self.name}.sha256")  # a piece of a download has another name
        if not record.is_file() or record.read_text().split()[0] == file_hash(path):
            return ""
        return f"it is not the file of the first download, whose SHA-256 is in {record.name}"

    def keep_record(self, path: Path) -> None:
        """Record the hash of a first download where none is known beforehand."""
        record = path.with_name(f"{self.name}.sha256")
        if not self.is_known and not record.exists():
            record.write_text(f"{file_hash(path)}  {path.name}\n")


@dataclass(frozen=True)
class Form:
    """One way in which a data set is published: its files, and the parser of ``{name: path}``."""

    files: tuple[Remote, ...]
    parse: Callable[[dict[str, Path]], Arrays]


@dataclass(frozen=True)
class Dataset:
    """The table of a data set.

    Attributes
    ----------
    name : str
        Of the folder in the cache, and in messages.
    forms : tuple of Form
        The best first.
    shapes : dict of str to tuple
        What the parser must return, where that is fixed.
    """

    name: str
    forms: tuple[Form, ...]
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its files are kept."""
        return home() / "datasets" / self.name


def load(table: Dataset, path: Any = None) -> Arrays:
    """Return the arrays of a data set, from the cache, from files at hand, or downloaded.

    Parameters
    ----------
    table : Dataset
        What to look for.
    path : path, optional
        A folder that holds the files, or the one file. A mere name that is no file (Keras's
        ``"mnist.npz"``) is ignored.

    Raises
    ------
    FileNotFoundError
        If `path` is missing, or holds no form of the data set.
    ValueError
        If a file there is not what it should be.
    kerasish.fetching.DownloadError
        If it could not be downloaded; an `OSError`.
    """
    if path is not None:
        given = Path(path).expanduser()
        if given.exists():
            return _from_path(table, given)
        if given.name != os.fspath(path):
            raise FileNotFoundError(
                f"{table.name}.load_data: there is no file or folder {given}. Pass a folder that "
                f"holds {_names(table.forms[0])}, or leave `path` out to download them."
            )
    cache = table.folder / f"{table.name}.npz"
    if (arrays := _from_cache(table, cache)) is None:
        arrays = _parsed(table, *_obtain(table))
        _keep(arrays, cache)
    return arrays


def _from_path(table: Dataset, path: Path) -> Arrays:
    """Read the files of one form in the folder or file that the user named."""
    problems: list[str] = []
    for form in table.forms:
        paths = _look(form, [path], problems)
        if paths is not None:
            return _parsed(table, form, paths)
    if problems:
        raise ValueError(
            f"{table.name}.load_data: {problems[0]}. Get it anew, or leave `path` out to download "
            "it."
        )
    wanted = " or ".join(_names(form) for form in table.forms if form.files[0].urls)
    raise FileNotFoundError(
        f"{table.name}.load_data: {path} is not one of the files {wanted}."
        if path.is_file()
        else f"{table.name}.load_data: the folder {path} does not hold {wanted}."
    )


def _look(form: Form, places: list[Path], problems: list[str]) -> dict[str, Path] | None:
    """Return the paths of all files of a form in one of the places, if they are there and right."""
    for place in places:
        found: dict[str, Path] = {}
        for file in form.files:
            for candidate in _candidates(file, place):
                if problem := file.problem(candidate):
                    problems.append(f"{candidate} is not the {file.name} it should be: {problem}")
                else:
                    found[file.name] = candidate
                    break
            else:
                break
        if len(found) == len(form.files):
            return found
    return None


def _candidates(file: Remote, place: Path) -> Iterator[Path]:
    """Where a file may lie: it is the place, or is in it, by its own name or by another's."""
    if place.is_file():
        names = {Path(name).name for name in (file.name, *file.elsewhere)}
        if place.name in names | {file.name.removesuffix(".gz")}:
            yield place
        return
    for name in (file.name, file.name.removesuffix(".gz"), *file.elsewhere):
        if (place / name).is_file():
            yield place / name


def _obtain(table: Dataset) -> tuple[Form, dict[str, Path]]:
    """Find a form of the data set on this machine, or else download one."""
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"
    places = [table.folder, keras, Path(), Path("data"), Path.home() / "data"]
    for form in table.forms:
        known = all(file.is_known for file in form.files)
        if (paths := _look(form, places if known else places[:1], [])) is not None:
            return form, paths
    causes: list[str] = []
    names = " or ".join(_names(form) for form in table.forms if form.files[0].urls)
    by_hand = f"get {names} by other means and put it into {table.folder}"
    for form in table.forms:
        if not form.files[0].urls:
            continue
        try:
            paths = {file.name: _download(file, table.folder, by_hand) for file in form.files}
        except DownloadError as error:
            causes += [line for line in str(error).split("\n") if line.startswith("  ")]
            if not causes:
                raise  # no address was tried
            continue
        return form, paths
    listed = "\n".join(dict.fromkeys(causes))
    raise DownloadError(
        f"{table.name} could not be downloaded. Tried:\n{listed}\n"
        f"Check the connection and try again, or {by_hand} (or anywhere, with load_data(path=...))."
    )


def _download(file: Remote, folder: Path, by_hand: str) -> Path:
    path = fetch(file.urls, folder / file.name, file.problem, size=file.size, by_hand=f"{by_hand}.")
    file.keep_record(path)
    return path


def _names(form: Form) -> str:
    names = [file.name for file in form.files]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _parsed(table: Dataset, form: Form, paths: dict[str, Path]) -> Arrays:
    """Parse the files and compare the arrays with the table."""
    try:
        arrays = form.parse(paths)
        _check_shapes(table, arrays)
    except _DAMAGES as error:
        shown = ", ".join(str(path) for path in paths.values())
        raise ValueError(
            f"{table.name}.load_data: {shown} cannot be read: {error}. Delete it to download it "
            "anew."
        ) from error
    return arrays


def _check_shapes(table: Dataset, arrays: Arrays) -> None:
    for name, shape in table.shapes.items():
        if name not in arrays:
            raise ValueError(f"no {name} in it")
        if arrays[name].shape != shape or arrays[name].dtype != np.uint8:
            raise ValueError(
                f"{name} should be uint8 of shape {shape} but is {arrays[name].dtype} of shape "
                f"{arrays[name].shape}"
            )


def _from_cache(table: Dataset, cache: Path) -> Arrays | None:
    """Arrays that were parsed before; None if there are none that are whole."""
    try:
        arrays = read_npz({"": cache})
        _check_shapes(table, arrays)
    except (OSError, *_DAMAGES):
        return None
    return arrays


def _keep(arrays: Arrays, cache: Path) -> None:
    """Write arrays to the cache, all or nothing; failure costs only time."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(cache) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        warn(
            f"{error.strerror or error}; so the data set will be parsed again next time. Set "
            "KERASISH_HOME to a folder with room."
        )


# --- reading files --------------------------------------------------------------------------------


def read_npz(paths: dict[str, Path]) -> Arrays:
    """Parse the one .npz file of a form; a pickled object in it is an error."""
    (path,) = paths.values()
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def opened(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip if it is compressed by that, whatever its name."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if compressed else path.open("rb")  # type: ignore[return-value]


def members(path: Path, wanted: Iterable[str], most: int = 2**28) -> Iterator[tuple[str, bytes]]:
    """Yield ``(name, bytes)`` of the wanted files in a tar archive; nothing is extracted.

    Files are known by their names without folders. One that occurs twice is an error, and so is
    one of more than `most` bytes.
    """
    names = set(wanted)
    left = set(names)
    with tarfile.open(path) as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            if name not in names or not member.isfile():
                continue
            if name not in left or member.size > most:
                raise ValueError(f"{name} occurs twice or is too large in {path.name}")
            left.discard(name)
            file = tar.extractfile(member)
            assert file is not None
            yield name, file.read()
            if not left:
                return
    raise ValueError(f"no {', '.join(sorted(left))} in {path.name}")


def _is(file: BinaryIO, stated: str) -> bool:
    """Whether what is left of a file has the hash ``"algorithm:digits"``."""
    algorithm, _, digits = stated.partition(":")
    with file:
        return file_hash(file, algorithm) == digits
