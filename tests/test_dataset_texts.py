"""Data sets of texts and tables: what files hold, which words stay, Keras's order and refusals."""

import json
import pickle

import numpy as np
import pytest

from kerasish.datasets import boston_housing, california_housing, imdb, reuters, words
from kerasish.datasets.source import Dataset, Form, Remote, read_npz


def ragged(*texts):
    array = np.empty(len(texts), object)
    array[:] = [list(text) for text in texts]
    return array


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Small files in the true formats, and tables that know no hashes of them."""
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERASISH_OFFLINE", "1")
    texts = ragged([1, 2, 3], [4, 1], [5, 6, 7, 8], [2])
    np.savez(tmp_path / "imdb.npz", x_train=texts, y_train=np.array([0, 1, 1, 0]),
             x_test=texts[:2], y_test=np.array([1, 0]))  # fmt: skip
    np.savez(tmp_path / "reuters.npz", x=texts, y=np.array([3, 4, 5, 6]))
    rows = np.arange(10.0)
    for name, module in (
        ("boston_housing", boston_housing),
        ("california_housing", california_housing),
    ):
        np.savez(tmp_path / f"{name}.npz", x=np.stack([rows, -rows], 1), y=rows)
        form = Form((Remote(f"{name}.npz"),), read_npz)
        monkeypatch.setattr(module, "TABLE", Dataset(name, (form,)))
    for module in (imdb, reuters):
        name = module.TABLE.name
        form = Form((Remote(f"{name}.npz"),), words.read_texts)
        monkeypatch.setattr(module, "TABLE", Dataset(name, (form,)))
    return tmp_path


def test_reviews(files):
    (x, y), (x_test, y_test) = imdb.load_data(files)
    assert x.dtype == object
    assert isinstance(x[0], list)
    assert sorted(map(len, x)) == [2, 3, 4, 5]
    assert all(text[0] == 1 for text in x)  # the mark of the beginning
    assert max(map(max, x)) <= 10  # 8 + 3, where the last number counts as unknown
    assert sorted(y) == [0, 0, 1, 1]
    assert len(x_test) == len(y_test) == 2
    by_length = {len(text): text for text in imdb.load_data(files, num_words=6)[0][0]}
    assert by_length[4] == [1, 4, 5, 2]  # 3 + 3 is not below 6
    plain = imdb.load_data(files, start_char=None, index_from=0, oov_char=None, skip_top=2)[0][0]
    assert sorted(plain, key=len)[0] in ([2], [4])


def test_the_order_is_that_of_a_seed(files):
    first, again, other = (imdb.load_data(files, seed=s)[0][1].tolist() for s in (113, 113, 4))
    assert first == again
    assert sorted(first) == sorted(other)


def test_newswires(files):
    (x, y), (x_test, y_test) = reuters.load_data(files, test_split=0.25)
    assert (len(x), len(x_test)) == (3, 1)
    assert sorted([*y, *y_test]) == [3, 4, 5, 6]
    (short, _), _ = reuters.load_data(files, maxlen=4)
    assert max(map(len, short)) < 4
    with pytest.raises(ValueError, match="maxlen=1, no sequence was kept"):
        reuters.load_data(files, maxlen=1)
    with pytest.raises(TypeError, match="unrecognized keyword arguments"):
        reuters.load_data(files, words=3)
    assert len(reuters.info()["class_names"]) == 46


@pytest.mark.parametrize("module", [boston_housing, california_housing])
def test_tables(files, module):
    (x, y), (x_test, y_test) = module.load_data(path=files)
    assert (x.shape, x_test.shape) == ((8, 2), (2, 2))
    assert np.array_equal(x[:, 0], y)
    assert sorted([*y, *y_test]) == list(range(10))
    with pytest.raises(ValueError, match=r"`test_split` must be between 0 and 1"):
        module.load_data(path=files, test_split=1.5)


def test_the_version_of_california_housing(files):
    with pytest.raises(ValueError, match="`version` must be one of 'small', 'large'"):
        california_housing.load_data("tiny")
    assert len(california_housing.load_data("small", files)[0][0]) == 8


def test_the_numbers_of_words(files, monkeypatch):
    path = files / "imdb_word_index.json"
    path.write_text(json.dumps({"the": 1, "film": 2}))
    monkeypatch.setattr(Remote, "problem", lambda self, path: "")
    assert imdb.get_word_index(path) == {"the": 1, "film": 2}
    reuters_path = files / "reuters_word_index.json"
    reuters_path.write_text('["no dict"]')
    with pytest.raises(ValueError, match="no JSON of words and numbers"):
        reuters.get_word_index(reuters_path)


class Code:
    def __reduce__(self):
        return (print, ("run",))


def test_code_in_a_file_is_refused(files, capsys):
    array = np.empty(1, object)
    array[0] = Code()
    np.savez(files / "reuters.npz", x=array, y=np.array([1]))
    with pytest.raises(ValueError, match=r"unsafe or damaged pickle: it names builtins\.print"):
        reuters.load_data(files)
    assert pickle.loads(pickle.dumps(1)) == 1  # the pickle module itself is as it was
    assert "run" not in capsys.readouterr().out


def test_without_network_the_error_says_where_to_put_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path))
    monkeypatch.setenv("KERASISH_OFFLINE", "1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"imdb\.npz"):
        imdb.load_data()
