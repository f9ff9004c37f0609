"""Atomic writing: the old file or the new one, and errors that say what happened."""

import errno
import os
import pathlib
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest

from kerasish.atomic import atomic_write


def test_every_writer_can_write_through_it(tmp_path):
    with atomic_write(tmp_path / "a.txt", "w") as file:
        file.write("grüße\n")
    assert (tmp_path / "a.txt").read_bytes() == "grüße\n".encode()
    with atomic_write(str(tmp_path / "a.h5")) as file, h5py.File(file, "w") as h5:
        h5["w"] = np.arange(3)
    with h5py.File(tmp_path / "a.h5") as h5:
        assert h5["w"][1] == 1
    with atomic_write(tmp_path / "a.zip") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m", "text")
    with atomic_write(tmp_path / "a.npz") as file:
        np.savez(file, x=np.ones(2))
    assert np.load(tmp_path / "a.npz")["x"].sum() == 2
    assert len(list(tmp_path.iterdir())) == 4


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), atomic_write(path, "w") as file:  # noqa: PT012
            file.write("new")
            assert path.read_text() == "old"
            raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_of_an_old_file_stay_and_a_new_one_follows_the_umask(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        for path in (old, new):
            with atomic_write(path) as file:
                file.write(b"x")
    finally:
        os.umask(before)
    assert old.stat().st_mode & 0o777 == 0o640
    assert new.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_write(link, "w") as file:
        file.write("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_leftovers_of_killed_writers_are_removed_later(tmp_path):
    path = tmp_path / "model.h5"
    old = tmp_path / ".model.h5.0123456789abcdef.tmp"
    fresh = tmp_path / ".model.h5.fedcba9876543210.tmp"
    other = tmp_path / ".model.h5.notes.tmp"
    for each in (old, fresh, other):
        each.write_text("")
    os.utime(old, (time.time() - 7200,) * 2)
    os.utime(other, (time.time() - 7200,) * 2)
    with atomic_write(path, "w"):
        pass
    assert {p.name for p in tmp_path.iterdir()} == {"model.h5", fresh.name, other.name}


def test_names_of_any_length(tmp_path):
    path = tmp_path / ("ä" * 120 + ".h5")
    with atomic_write(path, "w") as file:
        file.write("x")
    assert path.read_text() == "x"


@pytest.mark.parametrize(
    ("prepare", "error", "match"),
    [
        (lambda p: p.mkdir(), IsADirectoryError, "it is a folder"),
        (lambda p: os.mkfifo(p), OSError, "no regular file"),
    ],
)
def test_targets_that_are_no_files(tmp_path, prepare, error, match):
    path = tmp_path / "there"
    prepare(path)
    with pytest.raises(error, match=match) as caught, atomic_write(path):
        pass
    assert str(path) in str(caught.value)


def test_a_missing_folder(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"Cannot write '.*a\.h5': there is no folder"),
        atomic_write(tmp_path / "no" / "a.h5"),
    ):
        pass


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *args: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="write-protected"), atomic_write(path):
        pass
    monkeypatch.undo()

    def denied(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(PermissionError, match="no permission to write into"), atomic_write(path):
        pass


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_text("old")
    code = f"""
import resource
from kerasish.atomic import atomic_write
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with atomic_write({str(path)!r}) as file:
        file.write(bytes(5000))
except OSError as error:
    print(error)
"""
    root = pathlib.Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert "the file would be too large. What was there before is unchanged" in done.stdout
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_modes_that_append_or_read(tmp_path):
    with pytest.raises(ValueError, match="expects mode 'wb' or 'w' but got 'a'"):
        atomic_write(tmp_path / "a", "a").__enter__()
