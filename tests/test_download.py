"""Downloads from servers that lie, break off, stall or crawl; `get_file` and its archives."""

import hashlib
import io
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest

import kerasish
from kerasish.fetching import DownloadError, download, fetch
from kerasish.utils import files, get_file
from tests import lying_server

DATA = np.random.default_rng(0).bytes(5000)
SHA = hashlib.sha256(DATA).hexdigest()


def check(path):
    return files.hash_mismatch(path, "sha256", SHA)


@pytest.fixture
def server():
    with lying_server.running({"data.bin": DATA}) as running:
        yield running


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("KERASISH_OFFLINE", raising=False)
    monkeypatch.setattr(download, "CHUNK", 100)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def get(server, tmp_path):
    """Fetch from a list of manners of the server; other strings are addresses."""

    def fetch_from(*manners, **options):
        urls = [m if "/" in m else server.url(m, "data.bin") for m in manners]
        return fetch(urls, tmp_path / "cache" / "data.bin", check, **options)

    return fetch_from


def test_a_good_file_is_stored_once_and_then_found(server, get, capsys):
    path = get("good", size=5000)
    assert path.read_bytes() == DATA
    assert re.match(r"Download data.bin - 5.0 kB - ", capsys.readouterr().out)
    assert get("good") == path
    assert server.asked == [("good", None)]
    left = [p.name for p in path.parent.iterdir()]
    assert sorted(left) == [".data.bin.lock", "data.bin"]


def test_force_downloads_again_and_a_damaged_file_is_replaced(server, get):
    path = get("good")
    get("good", force=True)
    path.write_bytes(DATA[:-1])
    assert get("good").read_bytes() == DATA
    assert len(server.asked) == 3


@pytest.mark.parametrize("bad", ["403", "404", "500", "wrong", "empty", "endless"])
def test_the_next_mirror_is_tried_after_a_bad_one(server, get, bad, capsys):
    assert get(bad, "good", size=5000).read_bytes() == DATA
    assert [manner for manner, _ in server.asked][-1] == "good"
    assert "Trying the next address" in capsys.readouterr().out


def test_a_dead_port_is_left_for_the_next_mirror_and_redirects_are_followed(server, get):
    assert get(lying_server.dead_url("data.bin"), "redirect").read_bytes() == DATA
    assert server.asked == [("redirect", None), ("good", None)]


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, get):
    assert get("short").read_bytes() == DATA
    assert server.asked == [("short", None), ("short", "bytes=1000-")]


def test_a_server_without_ranges_starts_again_and_is_given_up(server, get):
    with pytest.raises(DownloadError, match=r"stubborn/data.bin: cut short after 1000 bytes"):
        get("stubborn")
    assert server.asked == [("stubborn", None), ("stubborn", "bytes=1000-")]


@pytest.mark.parametrize("manner", ["good", "mixed", "unfit"])
def test_a_left_piece_is_completed_or_else_thrown_away(server, get, tmp_path, manner):
    url = server.url(manner, "data.bin")
    name = f".data.bin.{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / name).write_bytes(DATA[:3000])
    assert get(manner).read_bytes() == DATA
    asked = [(manner, "bytes=3000-")] + [(manner, None)] * (manner != "good")
    assert server.asked == asked
    assert not (tmp_path / "cache" / name).exists()


def test_a_slow_mirror_is_left_and_its_piece_is_used_when_the_others_fail(server, get, monkeypatch):
    monkeypatch.setattr(download, "WINDOW_SECONDS", 0.3)
    monkeypatch.setattr(download, "SLOWEST", 10_000)
    assert get("slow", "good").read_bytes() == DATA
    assert [manner for manner, _ in server.asked] == ["slow", "good"]
    server.asked.clear()
    assert get("slow", "500", force=True).read_bytes() == DATA
    manners = [manner for manner, _ in server.asked]
    assert manners == ["slow", "500", "slow"]
    assert server.asked[-1][1].startswith("bytes=")


def test_a_server_that_says_nothing_is_given_up(get, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.05)
    with pytest.raises(DownloadError, match=r"stall/data.bin: no data for 0.05 s"):
        get("stall")


def test_the_error_lists_every_address_with_its_cause_and_the_way_by_hand(server, get, tmp_path):
    dead = lying_server.dead_url("data.bin")
    with pytest.raises(DownloadError) as caught:
        get("403", dead, "wrong", "500")
    text = str(caught.value)
    assert isinstance(caught.value, OSError)
    for line in (
        "403/data.bin: HTTP 403 Forbidden",
        f"{dead}: Connection refused",
        "wrong/data.bin: its sha256 hash is",
        "500/data.bin: HTTP 500 Internal Server Error",
        f"save it as {tmp_path / 'cache' / 'data.bin'}",
    ):
        assert line in text
    assert not (tmp_path / "cache" / "data.bin").exists()


def test_an_unknown_host_is_said_to_be_unknown(get, monkeypatch):
    import socket

    def fail(*ignored, **also):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(DownloadError, match=r"nowhere.invalid/x: Name or service not known"):
        get("https://nowhere.invalid/x")


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_offline_never_touches_the_network(server, get, tmp_path, monkeypatch, value):
    monkeypatch.setenv("KERASISH_OFFLINE", value)
    with pytest.raises(DownloadError, match=r"data.bin is not at hand in .*KERASISH_OFFLINE"):
        get("good")
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache" / "data.bin").write_bytes(b"other")
    with pytest.raises(DownloadError, match=r"\(its sha256 hash is .*\), and KERASISH_OFFLINE"):
        get("good")
    (tmp_path / "cache" / "data.bin").write_bytes(DATA)
    assert get("good").read_bytes() == DATA
    assert server.asked == []
    monkeypatch.setenv("KERASISH_OFFLINE", "0")
    assert not download.is_offline()


def test_a_redirect_that_leaves_tls_is_refused():
    import requests

    sink = download.Sink(io.BytesIO(), "https://example.com/x", None, 0)
    response = requests.Response()
    response.status_code, response.url = 302, "https://example.com/x"
    response.headers["Location"] = "http://example.com/x"
    with pytest.raises(download.Refused, match="without TLS"):
        sink.on_response(response)
    response.status_code, response.url = 200, "http://example.com/x"
    with pytest.raises(download.Refused, match="without TLS"):
        sink.on_response(response)


def test_no_module_switches_the_check_of_certificates_off():
    for path in pathlib.Path(kerasish.__file__).parent.rglob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r"\bverify\s*=|cert_reqs|CERT_NONE|_unverified_context", text), path


def test_processes_wait_for_each_other_and_download_once(server, tmp_path):
    code = (
        "import sys; from pathlib import Path; from kerasish.fetching import fetch\n"
        "fetch([sys.argv[1]], Path(sys.argv[2]), lambda p: '')"
    )
    args = [sys.executable, "-c", code, server.url("slow", "data.bin"), tmp_path / "data.bin"]
    root = pathlib.Path(kerasish.__file__).parent.parent
    env = {**os.environ, "PYTHONPATH": str(root)}
    running = [subprocess.Popen(args, env=env, stderr=subprocess.PIPE) for _ in range(2)]
    said = b"".join(process.communicate()[1] for process in running)
    assert [process.returncode for process in running] == [0, 0], said
    assert (tmp_path / "data.bin").read_bytes() == DATA
    assert server.asked == [("slow", None)]


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write")
def test_a_folder_that_cannot_be_written_is_named(get, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(DownloadError, match=r"is not writable. Set KERASISH_HOME"):
        get("good")


# --- get_file ---------------------------------------------------------------------------------


def tar_of(names):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5
            tar.addfile(member, io.BytesIO(b"hello"))
    return buffer.getvalue()


def zip_of(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"hello")
    return buffer.getvalue()


@pytest.mark.parametrize("given", [SHA, SHA.upper(), hashlib.md5(DATA).hexdigest(), None])
def test_get_file_puts_the_file_into_the_cache(server, tmp_path, given):
    path = get_file(origin=server.url("good", "data.bin"), file_hash=given)
    assert path == str(tmp_path / "home" / "datasets" / "data.bin")
    named = get_file("mine.bin", server.url("good", "data.bin"), cache_subdir="a/b", cache_dir=".")
    assert pathlib.Path(named) == pathlib.Path("a/b/mine.bin")
    assert pathlib.Path(named).read_bytes() == DATA


def test_get_file_refuses_what_has_another_hash(server, tmp_path):
    with pytest.raises(DownloadError, match=r"its sha256 hash is"):
        get_file(origin=server.url("good", "data.bin"), file_hash="0" * 64)
    with pytest.raises(DownloadError, match=r"its md5 hash is"):
        get_file(origin=server.url("good", "data.bin"), md5_hash="0" * 32)
    assert not (tmp_path / "home" / "datasets" / "data.bin").exists()


@pytest.mark.parametrize(("make", "untar"), [(tar_of, False), (tar_of, True), (zip_of, False)])
def test_get_file_unpacks_archives(server, tmp_path, make, untar):
    server.files["flowers.x"] = make(["flowers/rose.txt", "flowers/deep/lily.txt"])
    origin = server.url("good", "flowers.x")
    folder = pathlib.Path(get_file(origin=origin, extract=not untar, untar=untar))
    assert folder == tmp_path / "home" / "datasets" / "flowers.x"
    assert (folder / "flowers" / "deep" / "lily.txt").read_text() == "hello"
    get_file(origin=origin, extract=True)
    assert len(server.asked) == 1
    named = get_file("f.x", origin, extract=True)
    assert named.endswith("f_extracted")
    assert get_file("f", origin, extract=True).endswith(os.sep + "f")
    leftover = [p for p in folder.parent.iterdir() if p.name.startswith(".unpacking")]
    assert not leftover


@pytest.mark.parametrize(
    ("make", "name"), [(tar_of, "../evil.txt"), (zip_of, "../evil.txt"), (zip_of, "/evil.txt")]
)
def test_archives_that_lead_out_of_their_folder_are_refused(server, tmp_path, make, name):
    server.files["evil.x"] = make(["good.txt", name])
    with pytest.raises(ValueError, match=r"evil.x_archive cannot be unpacked"):
        get_file(origin=server.url("good", "evil.x"), extract=True)
    assert [p.name for p in tmp_path.rglob("*.txt")] == []


def test_absolute_paths_in_a_tar_file_lose_their_slash(server, tmp_path):
    server.files["evil.x"] = tar_of(["/evil.txt"])
    folder = get_file(origin=server.url("good", "evil.x"), extract=True)
    assert list(tmp_path.rglob("evil.txt")) == [pathlib.Path(folder, "evil.txt")]
    assert not pathlib.Path("/evil.txt").exists()


def test_get_file_warns_when_there_is_nothing_to_unpack(server):
    with pytest.warns(UserWarning, match="could not extract archive .*data.bin_archive"):
        get_file(origin=server.url("good", "data.bin"), extract=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r'specify the "origin" argument'),
        ({"origin": "https://example.com/"}, "no file name in the URL"),
        ({"fname": "a/b", "origin": "https://example.com/b"}, "`fname` must be a name without"),
        ({"origin": "https://example.com/b", "file_hash": "abc"}, "must be the MD5 or SHA-256"),
        ({"origin": "https://example.com/b", "hash_algorithm": "crc"}, "`hash_algorithm` must be"),
        ({"origin": "https://example.com/b", "file_hash": "g" * 64}, "hexadecimal digits"),
    ],
)
def test_get_file_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        get_file(**arguments)


def test_get_file_refuses_an_unknown_archive_format(server):
    with pytest.raises(ValueError, match=r"`archive_format` must be .* has \['rar'\]"):
        get_file(origin=server.url("good", "data.bin"), extract=True, archive_format="rar")
