"""Data sets: shapes, splits and what their licence asks for."""

import hashlib
from importlib import resources

import numpy as np
import pytest

from kerasish.datasets import digits


def test_digits_have_the_documented_shapes_and_values():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1437, 8, 8)
    assert x_test.shape == (360, 8, 8)
    assert y_train.shape == (1437,)
    assert y_test.shape == (360,)
    for array in (x_train, y_train, x_test, y_test):
        assert array.dtype == np.uint8
        assert array.flags.owndata
        assert array.flags.writeable
    assert (x_train.min(), x_train.max()) == (0, 16)
    assert set(y_train) == set(y_test) == set(range(10))


def test_digits_are_those_of_scikit_learn():
    reference = pytest.importorskip("sklearn.datasets").load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    ours = np.c_[np.r_[x_train, x_test].reshape(-1, 64), np.r_[y_train, y_test]].astype(int)
    theirs = np.c_[reference.data, reference.target].astype(int)
    assert np.array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_the_default_split_never_changes():
    parts = digits.load_data()
    digest = hashlib.sha256(b"".join(a.tobytes() for part in parts for a in part)).hexdigest()
    assert digest == "09fac7d55bf2e089e463acb2db077f7806b497a07839fdd4cbbe87a2f219ab83"


@pytest.mark.parametrize("test_size", [10, 360, 0.5, 1796])
def test_the_split_is_stratified(test_size):
    (_, y_train), (_, y_test) = digits.load_data(test_size, seed=3)
    count = test_size if isinstance(test_size, int) else round(test_size * 1797)
    assert len(y_test) == count
    assert len(y_train) + len(y_test) == 1797
    everyone = np.bincount(np.r_[y_train, y_test])
    assert np.all(np.abs(np.bincount(y_test, minlength=10) - everyone * count / 1797) < 1)


def test_seeds_give_different_splits_and_each_is_shuffled():
    (first, labels), _ = digits.load_data(seed=1)
    (second, _), _ = digits.load_data(seed=2)
    (again, _), _ = digits.load_data(seed=1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert len(set(labels[-50:])) == 10


def test_loading_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()
    digits.load_data()
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("test_size", [0, 1797, -1, 0.0, 1.0])
def test_a_split_that_empties_a_side_is_refused(test_size):
    with pytest.raises(ValueError, match=r"digits\.load_data: `test_size` must leave images on"):
        digits.load_data(test_size)


def test_info_agrees_with_the_arrays_and_the_licence_is_bundled():
    info = digits.info()
    (x_train, y_train), (x_test, _) = digits.load_data()
    assert info["input_shape"] == x_train.shape[1:]
    assert (info["train_size"], info["test_size"]) == (len(x_train), len(x_test))
    assert len(info["class_names"]) == len(set(y_train))
    text = resources.files("kerasish.datasets").joinpath("digits.LICENSE.txt").read_text("utf-8")
    for fact in ("10.24432/C50P49", "CC BY 4.0", "Alpaydin", "Kaynak"):
        assert fact in text
    assert info["licence"] in text
