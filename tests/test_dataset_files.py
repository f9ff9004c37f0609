"""MNIST, Fashion-MNIST and CIFAR from small files in their true formats, served by a bad server."""

import dataclasses
import gzip
import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest

from kerasish.datasets import cifar10, cifar100, fashion_mnist, idx, mnist, pickles, source
from kerasish.datasets.source import Dataset, Form, Remote, load, read_npz
from kerasish.fetching import DownloadError, download
from tests import lying_server

RNG = np.random.default_rng(0)
DIGITS = {
    "x_train": RNG.integers(0, 256, (6, 28, 28), "uint8"),
    "y_train": RNG.integers(0, 10, 6, "uint8"),
    "x_test": RNG.integers(0, 256, (4, 28, 28), "uint8"),
    "y_test": RNG.integers(0, 10, 4, "uint8"),
}
PHOTOS = {
    "train": RNG.integers(0, 256, (10, 3072), "uint8"),
    "test": RNG.integers(0, 256, (2, 3072), "uint8"),
}
LABELS = {part: RNG.integers(0, 10, len(rows), "uint8") for part, rows in PHOTOS.items()}
GROUPS = {part: RNG.integers(0, 20, len(rows), "uint8") for part, rows in PHOTOS.items()}


def sha(data):
    return hashlib.sha256(data).hexdigest()


def idx_bytes(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def npz_bytes(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def tar_bytes(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"folder/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def python2_pickle(data):
    """The dict of a batch as Python 2 wrote it: byte strings for keys, protocol 2."""
    return pickle.dumps(data, 2).replace(b"numpy._core", b"numpy.core")


IDX = {idx._NAMES[key]: gzip.compress(idx_bytes(array)) for key, array in DIGITS.items()}
BATCHES = [slice(i, i + 2) for i in range(0, 10, 2)]
BINARY10 = {
    f"data_batch_{i + 1}.bin": np.c_[LABELS["train"][rows], PHOTOS["train"][rows]].tobytes()
    for i, rows in enumerate(BATCHES)
} | {"test_batch.bin": np.c_[LABELS["test"], PHOTOS["test"]].tobytes()}
PYTHON10 = {
    f"data_batch_{i + 1}": python2_pickle(
        {b"data": PHOTOS["train"][rows], b"labels": LABELS["train"][rows].tolist()}
    )
    for i, rows in enumerate(BATCHES)
} | {"test_batch": python2_pickle({b"data": PHOTOS["test"], b"labels": LABELS["test"].tolist()})}
BINARY100 = {
    f"{part}.bin": np.c_[GROUPS[part], LABELS[part], PHOTOS[part]].tobytes() for part in PHOTOS
}
PYTHON100 = {
    part: python2_pickle(
        {
            b"data": PHOTOS[part],
            b"fine_labels": LABELS[part].tolist(),
            b"coarse_labels": GROUPS[part].tolist(),
        }
    )
    for part in PHOTOS
}
FILES = {
    **IDX,
    "mnist.npz": npz_bytes(DIGITS),
    "cifar-10-binary.tar.gz": tar_bytes(BINARY10),
    "cifar-10-python.tar.gz": tar_bytes(PYTHON10),
    "cifar-100-binary.tar.gz": tar_bytes(BINARY100),
    "cifar-100-python.tar.gz": tar_bytes(PYTHON100),
}
MEMBERS = BINARY10 | PYTHON10 | BINARY100 | PYTHON100


@pytest.fixture
def server():
    with lying_server.running(dict(FILES)) as running:
        yield running


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """No cache, no other program's files, no network."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "user"))
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "*")
    for variable in ("KERASISH_OFFLINE", "KERAS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(download, "CHUNK", 100)


@pytest.fixture
def small(server, monkeypatch):
    """Let a data set's table speak of the small files; `manners` says how each form is served."""

    def replace(module, *manners):
        forms = iter(manners or ("good",))
        made = []
        for form in module.TABLE.forms:
            manner = next(forms, "403") if form.files[0].urls else None
            made.append(
                Form(tuple(remote(file, manner, server) for file in form.files), form.parse)
            )
        shapes = dict.fromkeys(module.TABLE.shapes, ())
        table = dataclasses.replace(module.TABLE, forms=tuple(made), shapes={})
        assert shapes.keys() >= {"x_train", "x_test"}
        monkeypatch.setattr(module, "TABLE", table)
        return table

    return replace


def remote(file, manner, server):
    """The small stand-in for a file of a table."""
    if file.name in FILES:
        data = FILES[file.name]
        size, digest = len(data), sha(data)
        content = data[:0]
        if file.content:
            content = gzip.decompress(data)
    else:
        size, digest, content = None, "", MEMBERS[file.name]
    return dataclasses.replace(
        file,
        urls=(server.url(manner, file.name),) if manner else (),
        size=size,
        sha256=digest,
        md5="",
        content="sha256:" + sha(content) if file.content else "",
        members={name: "sha256:" + sha(MEMBERS[name]) for name in file.members},
    )


def images(part):
    return PHOTOS[part].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def assert_digits(parts):
    (x_train, y_train), (x_test, y_test) = parts
    found = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    for name, array in found.items():
        np.testing.assert_array_equal(array, DIGITS[name])
        assert array.dtype == np.uint8


def assert_photos(parts, labels=LABELS):
    for part, (x, y) in zip(("train", "test"), parts, strict=True):
        np.testing.assert_array_equal(x, images(part))
        np.testing.assert_array_equal(y, labels[part][:, None])
        assert (x.dtype, y.dtype, x.flags.c_contiguous) == (np.uint8, np.uint8, True)


# --- the four data sets -----------------------------------------------------------------------


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_idx_files_are_downloaded_parsed_once_and_kept(small, server, tmp_path, module):
    small(module)
    assert_digits(module.load_data())
    cache = tmp_path / "home" / "datasets" / module.TABLE.name
    with np.load(cache / f"{module.TABLE.name}.npz", allow_pickle=False) as archive:
        assert sorted(archive.files) == sorted(DIGITS)
    assert len(server.asked) == 4
    for file in cache.glob("*ubyte.gz"):
        file.unlink()
    assert_digits(module.load_data())
    assert len(server.asked) == 4


def test_mnist_comes_as_kerass_npz_when_the_idx_mirrors_fail(small):
    small(mnist, "500", "good")
    assert_digits(mnist.load_data("mnist.npz"))


@pytest.mark.parametrize(
    "manners", [("good",), ("403", "good")], ids=["binary archive", "python archive"]
)
@pytest.mark.parametrize("module", [cifar10, cifar100])
def test_cifar_archives_give_the_same_arrays(small, module, manners):
    small(module, *manners)
    assert_photos(module.load_data())
    if module is cifar100:
        assert_photos(module.load_data("coarse"), GROUPS)


def test_a_damaged_cache_is_made_anew(small, server, tmp_path):
    small(mnist)
    mnist.load_data()
    cache = tmp_path / "home" / "datasets" / "mnist" / "mnist.npz"
    cache.write_bytes(cache.read_bytes()[:-500])
    assert_digits(mnist.load_data())
    assert len(server.asked) == 4


def test_failure_lists_all_addresses_and_says_where_to_put_the_files(small, tmp_path):
    small(cifar10, "403", "wrong")
    with pytest.raises(DownloadError) as caught:
        cifar10.load_data()
    text = str(caught.value)
    assert "cifar10 could not be downloaded" in text
    assert "403/cifar-10-binary.tar.gz: HTTP 403 Forbidden" in text
    assert "wrong/cifar-10-python.tar.gz: its SHA-256 is" in text
    assert f"put it into {tmp_path / 'home' / 'datasets' / 'cifar10'}" in text


def test_offline_says_what_is_missing(small, server, monkeypatch):
    small(mnist)
    monkeypatch.setenv("KERASISH_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"not at hand in .*KERASISH_OFFLINE is set"):
        mnist.load_data()
    assert server.asked == []


# --- files at hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "user/.keras/datasets/mnist.npz",
        "home/datasets/mnist/mnist.npz",
        "here/data/MNIST/raw/*",
        "here/MNIST/raw/*",
        "user/data/mnist/*",
    ],
)
def test_verified_files_of_others_are_used_in_place(small, server, tmp_path, place):
    small(mnist, "403", "403")
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    if path.name == "*":
        for name, data in IDX.items():
            (path.parent / name.removesuffix(".gz")).write_bytes(gzip.decompress(data))
    else:
        path.write_bytes(FILES["mnist.npz"])
    assert_digits(mnist.load_data())
    assert server.asked == []


@pytest.mark.parametrize(
    ("module", "place", "files"),
    [
        (cifar10, "here/data/cifar-10-batches-py", PYTHON10),
        (cifar10, "here/cifar-10-batches-bin", BINARY10),
        (
            cifar10,
            "user/.keras/datasets/cifar-10-batches-py-target/cifar-10-batches-py",
            PYTHON10,
        ),
        (cifar100, "user/.keras/datasets/cifar-100-python", PYTHON100),
        (cifar100, "here/cifar-100-binary", BINARY100),
    ],
)
def test_extracted_archives_of_others_are_used_in_place(
    small, server, tmp_path, module, place, files
):
    small(module, "403", "403")
    (tmp_path / place).mkdir(parents=True)
    for name, data in files.items():
        (tmp_path / place / name).write_bytes(data)
    assert_photos(module.load_data())
    assert server.asked == []


def test_files_of_others_that_are_not_right_are_passed_over(small, server, tmp_path):
    small(mnist)
    place = tmp_path / "user" / ".keras" / "datasets"
    place.mkdir(parents=True)
    (place / "mnist.npz").write_bytes(npz_bytes({"x_train": DIGITS["x_train"]}))
    assert_digits(mnist.load_data())
    assert len(server.asked) == 4


@pytest.mark.parametrize("level", [1, 9, None])
def test_a_copy_that_was_compressed_in_another_way_is_as_good(small, tmp_path, level):
    small(mnist, "403", "403")
    for name, data in IDX.items():
        data = gzip.decompress(data)
        (tmp_path / name).write_bytes(data if level is None else gzip.compress(data, level))
    assert_digits(mnist.load_data(path=tmp_path))


def test_an_archive_that_was_packed_in_another_way_is_as_good(small, tmp_path):
    small(cifar10, "403", "403")
    again = tar_bytes(dict(reversed(PYTHON10.items())) | {"readme.html": b"hello"})
    assert sha(again) != sha(FILES["cifar-10-python.tar.gz"])
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(again)
    assert_photos(cifar10.load_data(path=path))
    assert_photos(cifar10.load_data(path=str(tmp_path)))


def test_a_path_is_read_and_not_kept(small, tmp_path):
    small(mnist)
    (tmp_path / "mnist.npz").write_bytes(FILES["mnist.npz"])
    assert_digits(mnist.load_data(tmp_path / "mnist.npz"))
    assert not (tmp_path / "home").exists()


def test_a_path_that_is_not_there_is_an_error(small, tmp_path):
    small(mnist)
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nowhere.*leave `path` out"):
        mnist.load_data(path=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"folder .* does not hold train-images.*mnist.npz"):
        mnist.load_data(path=tmp_path)
    (tmp_path / "pixels.dat").write_bytes(b"1")
    with pytest.raises(FileNotFoundError, match=r"pixels.dat is not one of the files"):
        mnist.load_data(path=tmp_path / "pixels.dat")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:-9], r"it has \d+ bytes, not \d+"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), r"its SHA-256 is .*, not "),
        (lambda data: b"", "it has 0 bytes"),
    ],
)
def test_a_spoilt_file_at_hand_is_named_with_what_is_wrong(small, tmp_path, spoil, message):
    small(mnist)
    path = tmp_path / "mnist.npz"
    path.write_bytes(spoil(FILES["mnist.npz"]))
    with pytest.raises(
        ValueError, match=r"mnist.npz is not the mnist.npz it should be: " + message
    ):
        mnist.load_data(path=path)


def test_a_gzip_file_that_is_cut_short_is_not_read(small, tmp_path):
    small(mnist)
    for name, data in IDX.items():
        (tmp_path / name).write_bytes(data[:-9])
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is not .* it has \d+ bytes"):
        mnist.load_data(path=tmp_path)


def test_label_mode_is_checked():
    with pytest.raises(ValueError, match=r"must be 'fine' .* got 'course'. Did you mean 'coarse'"):
        cifar100.load_data("course")


@pytest.mark.parametrize("module", [mnist, fashion_mnist, cifar10, cifar100])
def test_info_goes_with_the_table(module):
    info, shapes = module.info(), module.TABLE.shapes
    assert info["name"] == module.TABLE.name
    assert (info["train_size"], *info["input_shape"]) == shapes["x_train"]
    assert (info["test_size"], *info["input_shape"]) == shapes["x_test"]
    assert len(set(info["class_names"])) == (100 if module is cifar100 else 10)
    assert len(set(info.get("coarse_class_names", range(20)))) == 20
    assert {"source", "licence", "url"} <= info.keys()
    for form in module.TABLE.forms:
        for file in form.files:
            assert file.is_known
            assert all(url.startswith("https://") for url in file.urls)
            hashes = [file.sha256, file.content, *file.members.values()]
            digits = {len(h.rpartition(":")[2]) for h in hashes if h}
            assert digits <= {32, 64}


# --- the readers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00\x00\x0d\x01" + bytes(8), "does not begin as an IDX file"),
        (b"<html>", "does not begin as an IDX file"),
        (b"", "does not begin as an IDX file"),
        (b"\x00\x00\x08\x03\x00", "ends within its head"),
        (idx_bytes(DIGITS["x_test"])[:-1], "should hold 3136 bytes of data but holds 3135"),
        (idx_bytes(DIGITS["y_test"]) + b"1", "should hold 4 bytes of data but holds more"),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path, data, message):
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        idx.read_idx(tmp_path / "f")


def test_images_and_labels_must_go_together(tmp_path):
    paths = {name: tmp_path / name for name in IDX}
    for name, data in IDX.items():
        paths[name].write_bytes(data)
    paths["t10k-labels-idx1-ubyte.gz"] = paths["train-labels-idx1-ubyte.gz"]
    with pytest.raises(ValueError, match=r"images of shape \(4, 28, 28\) and labels of shape \(6,"):
        idx.parse(paths)


class Evil:
    def __reduce__(self):
        return print, ("it ran",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pickle.dumps(Evil()), r"names builtins.print"),
        (pickle.dumps({b"data": Evil()}), r"names builtins.print"),
        (pickle.dumps(np.random.default_rng), r"names numpy.random"),
        (b"cos\nsystem\n(S'true'\ntR.", r"names os.system"),
        (python2_pickle(PHOTOS["test"])[:-30], r"unsafe or damaged pickle"),
        (b"nonsense", r"unsafe or damaged pickle"),
        (pickle.dumps([1, 2]), r"should hold a dict but holds a list"),
        (pickle.dumps({b"data": [1, 2]}), r"has no pixels"),
        (pickle.dumps({b"data": np.zeros((2, 5), "uint8")}), r"have shape \(2, 5\)"),
        (pickle.dumps({b"data": PHOTOS["test"], b"labels": [1]}), r"2 images and 1 labels"),
    ],
)
def test_pickles_with_anything_but_data_are_refused(data, message, capsys):
    from kerasish.datasets import cifar

    with pytest.raises(ValueError, match=message):
        cifar.read_python(data, ("y",), "batch")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_unpickler_reads_data_of_all_protocols(protocol):
    ragged = np.array([[1, 2], [3], "word", b"bytes"], object)
    value = {"a": np.arange(6.0).reshape(2, 3), "b": [1, 2.5, None, True, b"\xff"], "c": ragged}
    found = pickles.load(pickle.dumps(value, protocol))
    np.testing.assert_array_equal(found["a"], value["a"])
    assert found["b"] == value["b"]
    assert found["c"].tolist() == ragged.tolist()


def test_binary_batches_of_the_wrong_length_are_refused():
    from kerasish.datasets import cifar

    with pytest.raises(ValueError, match="records of 3073 bytes but has 3072 bytes"):
        cifar.read_binary(bytes(3072), ("y",), "b")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": b"1"}, r"no b in x.tar"),
        ({"a": b"1", "b": b"22222"}, "occurs twice or is too large"),
    ],
)
def test_archives_are_read_member_by_member(tmp_path, files, message):
    path = tmp_path / "x.tar"
    path.write_bytes(tar_bytes(files))
    with pytest.raises(ValueError, match=message):
        dict(source.members(path, {"a", "b"}, most=4))
    assert dict(source.members(path, {"a"})) == {"a": b"1"}
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


# --- what tables may say ----------------------------------------------------------------------


def table_of(server, **stated):
    return Dataset(
        "tiny",
        (Form((Remote("tiny.npz", (server.url("good", "tiny.npz"),), **stated),), read_npz),),
    )


def test_a_file_without_a_known_hash_is_held_to_its_first_download(server, tmp_path):
    first = npz_bytes({"x": np.arange(3)})
    server.files["tiny.npz"] = first
    table = table_of(server)
    assert load(table)["x"].tolist() == [0, 1, 2]
    record = table.folder / "tiny.npz.sha256"
    assert record.read_text().split() == [sha(first), "tiny.npz"]
    (table.folder / "tiny.npz").unlink()
    server.files["tiny.npz"] = npz_bytes({"x": np.arange(4)})
    (tmp_path / "here" / "tiny.npz").write_bytes(server.files["tiny.npz"])
    other = dataclasses.replace(table, name="other")
    (other.folder).mkdir()
    (other.folder / "tiny.npz.sha256").write_text(record.read_text())
    with pytest.raises(DownloadError, match="it is not the file of the first download"):
        load(other)


def test_md5_counts_with_the_size(server):
    data = npz_bytes({"x": np.arange(3)})
    server.files["tiny.npz"] = data
    md5 = hashlib.md5(data).hexdigest()
    with pytest.raises(DownloadError, match=f"it has {len(data)} bytes, not 5"):
        load(table_of(server, md5=md5, size=5))
    with pytest.raises(DownloadError, match="its MD5 is"):
        load(table_of(server, md5="0" * 32))
    assert load(table_of(server, md5=md5, size=len(data)))["x"].tolist() == [0, 1, 2]


def test_pickled_arrays_in_an_npz_are_refused(server):
    data = npz_bytes({"x": np.array([[1], [2, 3]], object)})
    server.files["tiny.npz"] = data
    with pytest.raises(ValueError, match=r"tiny.npz cannot be read: .*allow_pickle.*Delete it"):
        load(table_of(server, sha256=sha(data)))


def test_arrays_of_the_wrong_shape_are_refused(server):
    data = npz_bytes({"x": np.zeros((2, 2), "uint8")})
    server.files["tiny.npz"] = data
    table = dataclasses.replace(table_of(server, sha256=sha(data)), shapes={"x": (3, 2)})
    with pytest.raises(ValueError, match=r"x should be uint8 of shape \(3, 2\) but is uint8 of"):
        load(table)


def test_a_cache_that_cannot_be_written_costs_a_warning_only(server, monkeypatch):
    server.files["tiny.npz"] = npz_bytes({"x": np.arange(3)})

    def full(*ignored, **arrays):
        raise OSError(28, "No space left on device")

    table = table_of(server)
    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(UserWarning, match=r"no space left.*parsed again next time"):
        assert load(table)["x"].tolist() == [0, 1, 2]
    assert not list(table.folder.glob("*.tmp"))
