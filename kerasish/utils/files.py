"""`get_file`: a file or archive from an address into the cache, as in Keras."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from kerasish.errors import warn
from kerasish.fetching import fetch, file_hash, home

_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256"}


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Download a file unless it is in the cache, and return its path.

    Parameters
    ----------
    fname : str, optional
        Name in the cache; the last part of `origin` if not given.
    origin : str
        Address of the file.
    untar, md5_hash
        Older spellings of `extract` and `file_hash`.
    file_hash : str, optional
        MD5 or SHA-256 of the file, in hexadecimal digits. A file in the cache that does not have
        it is downloaded again, a download that does not have it is refused.
    cache_subdir : str
        Folder within the cache, or an absolute path.
    hash_algorithm : {"auto", "md5", "sha256"}
        What `file_hash` is; by its length if "auto".
    extract : bool
        Unpack the archive and return the folder. Files that would land outside of it are refused.
    archive_format : {"auto", "tar", "zip"}, list or None
        What the archive may be.
    cache_dir : path, optional
        ``KERASISH_HOME``, by default ``~/.kerasish``.
    force_download : bool
        Download even what is in the cache.

    Returns
    -------
    str
        Path of the file, or of the folder that it was unpacked to.

    Raises
    ------
    ValueError
        If the address or name is missing, or the archive cannot be unpacked.
    kerasish.fetching.DownloadError
        If it could not be downloaded, or is not what `file_hash` says; an `OSError`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = Path(folder, "words.txt")
    ...     _ = source.write_text("to be or not")
    ...     path = get_file(origin=source.as_uri(), cache_dir=folder)
    ...     Path(path).relative_to(folder).as_posix()
    'datasets/words.txt'
    """
    if not origin:
        raise ValueError('get_file: Please specify the "origin" argument, the URL of the file.')
    name = os.fspath(fname) if fname else unquote(os.path.basename(urlsplit(origin).path))
    if not name:
        raise ValueError(f"get_file: no file name in the URL {origin!r}. Pass `fname`.")
    if Path(name).name != name:
        raise ValueError(
            f"get_file: `fname` must be a name without folders but got {name!r}. Pass the folder "
            "as `cache_subdir` or `cache_dir`."
        )
    algorithm, expected = _expected(file_hash or md5_hash, hash_algorithm, file_hash is None)
    folder = Path(cache_dir or home()).expanduser() / cache_subdir
    unpacks = extract or untar
    target, unpacked = folder / name, folder / name
    if unpacks and "." in name and fname:
        unpacked = folder / f"{name.partition('.')[0]}_extracted"
    elif unpacks:
        target = folder / f"{name}_archive"

    def check(path: Path) -> str:
        return hash_mismatch(path, algorithm, expected)

    fetch((origin,), target, check, force=force_download)
    if not unpacks:
        return str(target)
    with contextlib.suppress(FileNotFoundError):
        if not force_download and unpacked.stat().st_mtime_ns >= target.stat().st_mtime_ns:
            return str(unpacked)
    if not unpack(target, unpacked, "tar" if untar else archive_format):
        warn(
            f"get_file: could not extract archive {target}: it is neither a tar nor a zip file "
            f"(archive_format={archive_format!r})."
        )
    return str(unpacked)


def _expected(given: str | None, algorithm: str, is_md5: bool) -> tuple[str, str]:
    """Return the algorithm and digits of a hash, ``""`` for none."""
    if algorithm not in ("auto", *_LENGTHS.values()):
        raise ValueError(
            f"get_file: `hash_algorithm` must be 'auto', 'md5' or 'sha256' but got {algorithm!r}."
        )
    if not given:
        return "", ""
    digits = given.strip().lower()
    known = "md5" if is_md5 else _LENGTHS.get(len(digits), "")
    if algorithm == "auto":
        algorithm = known
    if algorithm != _LENGTHS.get(len(digits)) or set(digits) - set("0123456789abcdef"):
        raise ValueError(
            f"get_file: `file_hash` must be the {algorithm or 'MD5 or SHA-256'} hash of the file "
            f"in hexadecimal digits but got {given!r}."
        )
    return algorithm, digits


def hash_mismatch(path: Path, algorithm: str, expected: str) -> str:
    """Say how the hash of a file differs from what is expected; ``""`` if it does not."""
    if not expected:
        return ""
    found = file_hash(path, algorithm)
    if found == expected:
        return ""
    return f"its {algorithm} hash is {found[:12]}..., not {expected[:12]}..."


def unpack(archive: Path, folder: Path, formats: Any = "auto") -> bool:
    """Unpack a tar or zip archive to a folder, wholly or not at all.

    Returns
    -------
    bool
        Whether it is an archive of one of the `formats`.

    Raises
    ------
    ValueError
        If the archive is damaged, or holds a path that leads out of the folder.
    """
    formats = ["tar", "zip"] if formats == "auto" else formats or []
    formats = [formats] if isinstance(formats, str) else list(formats)
    if unknown := set(formats) - {"tar", "zip"}:
        raise ValueError(
            f"get_file: `archive_format` must be 'auto', 'tar', 'zip' or None but has "
            f"{sorted(unknown)}."
        )
    readers = {"tar": (tarfile.is_tarfile, _untar), "zip": (zipfile.is_zipfile, _unzip)}
    for kind in formats:
        is_match, extract = readers[kind]
        if not is_match(archive):
            continue
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as new:
            inner = Path(new, "all")
            inner.mkdir()
            try:
                extract(archive, inner)
            except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
                raise ValueError(
                    f"get_file: the archive {archive} cannot be unpacked: {error}. Delete it, or "
                    "pass force_download=True."
                ) from error
            os.utime(inner)
            if folder.is_dir():
                shutil.rmtree(folder)
            os.replace(inner, folder)
        return True
    return False


def _untar(archive: Path, folder: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise RuntimeError("unpacking tar files safely needs Python 3.11.4 or newer")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")  # refuses links and paths that lead out


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                raise zipfile.BadZipFile(f"{name!r} leads out of the folder")
        file.extractall(folder)
