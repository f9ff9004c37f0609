"""save_weights and load_weights: layouts, pairing, all or nothing, and what is refused."""

import os
import pathlib

import h5py
import numpy as np
import pytest

import kerasish as ks
from kerasish import layers, saving
from kerasish.saving.hdf5 import HEADER_LIMIT, names_in, write_names
from kerasish.saving.opening import open_tree
from kerasish.saving.places import saved_layers

ENDINGS = (".weights.h5", ".h5", ".hdf5")
X = np.random.default_rng(0).standard_normal((16, 6, 6, 1)).astype("float32")
Y = np.arange(16) % 3


def cnn(name="cnn", units=3, **options):
    return ks.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(2, 3),
            layers.BatchNormalization(),
            ks.Sequential([layers.Flatten(), layers.Dense(4, name="inner")], name="nested"),
            layers.Dropout(0.5),
            layers.Dense(units, activation="softmax"),
        ],
        name=name,
        **options,
    )


def trained(name="cnn"):
    model = cnn(name, seed=1)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0, epochs=2)
    return model


@pytest.mark.parametrize("ending", ENDINGS)
def test_weights_come_back(tmp_path, ending):
    model, path = trained(), tmp_path / f"a{ending}"
    model.save_weights(path)
    twin = cnn("other", seed=2)
    twin.load_weights(path)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict(X, verbose=0), twin.predict(X, verbose=0))
    assert os.listdir(tmp_path) == [path.name]


def test_keras_3_files_hold_the_optimizer_and_training_goes_on(tmp_path):
    model, path = trained(), tmp_path / "a.weights.h5"
    model.save_weights(path)
    twin = cnn("other", seed=2)
    twin.compile("adam", "sparse_categorical_crossentropy")
    twin.load_weights(path)
    assert twin.optimizer.iterations == 2
    for each in (model, twin):
        each.layers[3].rate = 0.0
        each.fit(X, Y, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_layout_of_keras_3(tmp_path):
    model, path = trained(), tmp_path / "a.weights.h5"
    model.save_weights(path)
    places = [place for place, _ in saved_layers(model)]
    assert places == [
        "",
        "layers/conv2d",
        "layers/batch_normalization",
        "layers/sequential",
        "layers/sequential/layers/flatten",
        "layers/sequential/layers/dense",
        "layers/dropout",
        "layers/dense",
    ]
    with h5py.File(path) as file:
        assert not file.attrs
        assert file["layers/sequential/layers/dense/vars"].attrs["name"] == "inner"
        assert file["layers/dropout/vars"].attrs["name"] == model.layers[3].name
        kernel = file["layers/conv2d/vars/0"]
        assert (kernel.shape, kernel.dtype, kernel.chunks) == ((3, 3, 1, 2), np.float32, None)
        assert file["optimizer/vars"].attrs["name"] == model.optimizer.name
        assert file["optimizer/vars/0"][()] == 2
        assert file["optimizer/vars/0"].dtype == np.int32
        assert len(file["optimizer/vars"]) == 2 + 2 * 8


def test_the_layout_of_keras_2(tmp_path):
    path = tmp_path / "a.h5"
    model = trained()
    model.layers[2].trainable = False
    model.save_weights(path)
    with h5py.File(path) as file:
        names = [layer.name for layer in model.layers]
        assert list(file.attrs["layer_names"]) == names
        assert set(file) == {*names, "top_level_model_weights"}
        group = file["nested"]
        assert len(group.attrs["weight_names"]) == 2
        for name in group.attrs["weight_names"]:
            assert name in group
        empty = file[names[3]].attrs["weight_names"]
        assert (empty.shape, empty.dtype) == ((0,), np.float64)
        kind = h5py.check_string_dtype(file.attrs.get_id("layer_names").dtype)
        assert (kind.encoding, kind.length) == ("ascii", None)


def test_names_beyond_the_limit_of_hdf5_are_cut_up(tmp_path):
    names = [f"{i:0250d}" for i in range(300)]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_names(file, "layer_names", names)
        write_names(file, "short", ["a", "b"])
        assert file.attrs["layer_names0"].dtype == "S250"
        assert [len(file.attrs[f"layer_names{i}"]) for i in range(2)] == [150, 150]
        with pytest.raises(ValueError, match="too long for HDF5"):
            write_names(file, "x", ["a" * (HEADER_LIMIT + 1)])
    with open_tree(tmp_path / "a.h5") as tree:
        assert names_in(tree, "", "layer_names") == names
        assert names_in(tree, "", "short") == ["a", "b"]
        assert names_in(tree, "", "none") is None


def test_by_name_loads_only_layers_of_the_same_name(tmp_path):
    path = tmp_path / "a.h5"
    first = ks.Sequential([layers.Dense(3, name="a", input_shape=(2,)), layers.Dense(4, name="b")])
    first.save_weights(path)
    second = ks.Sequential([layers.Dense(3, name="a", input_shape=(2,)), layers.Dense(5, name="c")])
    before = second.get_weights()
    second.load_weights(path, by_name=True)
    np.testing.assert_array_equal(second.get_weights()[0], first.get_weights()[0])
    np.testing.assert_array_equal(second.get_weights()[2], before[2])
    third = ks.Sequential([layers.Dense(3, name="x", input_shape=(2,))])
    with pytest.warns(UserWarning, match=r"no layer of the file .* In the file: a, b\."):
        third.load_weights(path, by_name=True)


@pytest.mark.parametrize("ending", ENDINGS)
def test_weights_that_do_not_fit_change_nothing(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    trained().save_weights(path)
    other = ks.Sequential(
        [layers.Conv2D(2, 3, input_shape=(6, 6, 1)), layers.Flatten(), layers.Dense(5)], name="o"
    )
    before = other.get_weights()
    with pytest.raises(ValueError, match="nothing was changed") as caught:
        other.load_weights(path)
    message = str(caught.value)
    assert message.startswith(f"Cannot load '{path}': its weights are not those of Sequential 'o'")
    assert "Only in the file" in message
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", ENDINGS)
def test_both_shapes_are_named(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    cnn().save_weights(path)
    other = cnn(units=7)
    match = r"dense_\d+/kernel: the file has \(4, 3\), the model \(4, 7\)"
    with pytest.raises(ValueError, match=match):
        other.load_weights(path)
    before = other.layers[-1].get_weights()[0]
    with pytest.warns(UserWarning, match=match):
        other.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(other.layers[-1].get_weights()[0], before)


def test_frozen_layers_are_paired_by_the_names_of_their_weights(tmp_path):
    """In HDF5 what learns comes first, so freezing in between changes the order."""
    path = tmp_path / "a.h5"

    def model():
        inner = ks.Sequential([layers.Dense(3), layers.Dense(3)], name="inner")
        return ks.Sequential([layers.Input((3,)), inner])

    first, second = model(), model()
    first.layers[0].layers[0].trainable = False
    first.layers[0].layers[0].name = second.layers[0].layers[0].name
    for a, b in zip(first.weights, second.weights, strict=True):
        a.path = b.path
    first.save_weights(path)
    second.load_weights(path)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_shared_layer_is_written_once(tmp_path):
    def model():
        shared = layers.Dense(3, name="shared")
        return ks.Sequential([layers.Input((3,)), shared, layers.ReLU(), shared])

    first, second = model(), model()
    for ending in ENDINGS:
        first.save_weights(tmp_path / f"a{ending}")
        second.set_weights([np.zeros_like(w) for w in second.get_weights()])
        second.load_weights(tmp_path / f"a{ending}")
        np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_an_optimizer_state_that_does_not_fit_is_left_out_whole(tmp_path):
    path = tmp_path / "a.weights.h5"
    trained().save_weights(path)
    twin = cnn()
    twin.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match=r"does not fit SGD 'sgd.*Only in the file"):
        twin.load_weights(path)
    assert twin.optimizer.iterations == 0


def test_layers_inside_layers_stand_under_their_attribute(tmp_path):
    class Pair(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = layers.Dense(2)
            self.rest = [layers.Dense(3), layers.Dense(4)]

        def build(self, input_shape):
            for layer in (self.first, *self.rest):
                layer.ensure_built(input_shape)
                input_shape = layer.compute_output_shape(input_shape)

        def forward(self, x, step):
            for layer in (self.first, *self.rest):
                x, _ = layer.forward(x, step)
            return x, None

    model = ks.Sequential([layers.Input((2,)), Pair()])
    assert [place for place, _ in saved_layers(model)] == [
        "",
        "layers/pair",
        "layers/pair/first",
        "layers/pair/rest/dense",
        "layers/pair/rest/dense_1",
    ]
    model.save_weights(tmp_path / "a.weights.h5")
    model.load_weights(tmp_path / "a.weights.h5")


# --- bad input ------------------------------------------------------------------------------------


def small():
    return ks.Sequential([layers.Dense(2, input_shape=(3,))], name="small")


def write(path, content):
    path.write_bytes(content)
    return path


BAD = {
    "missing": (lambda p: p / "no.h5", FileNotFoundError, "there is no such file"),
    "missing folder": (lambda p: p / "no" / "a.h5", FileNotFoundError, "there is no folder"),
    "a folder": (lambda p: p, IsADirectoryError, "it is a folder"),
    "empty": (lambda p: write(p / "a.h5", b""), ValueError, "it is empty"),
    "text": (lambda p: write(p / "a.h5", b"hello"), ValueError, "it begins with b'hello'"),
    "pickle": (lambda p: write(p / "a.h5", b"\x80\x04x"), ValueError, "never loaded"),
    "page": (lambda p: write(p / "a.h5", b"<!DOCTYPE html>"), ValueError, "download has failed"),
    "lfs": (
        lambda p: write(p / "a.h5", b"version https://git-lfs.github.com"),
        ValueError,
        "git lfs pull",
    ),
    "cut": (
        lambda p: write(p / "a.h5", b"\x89HDF\r\n\x1a\n" + bytes(40)),
        OSError,
        "damaged or cut off: Unable to",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_cannot_be_read_are_named(tmp_path, case):
    prepare, error, match = BAD[case]
    path = prepare(tmp_path)
    with pytest.raises(error, match=match) as caught:
        small().load_weights(path)
    assert f"Cannot load '{path}'" in str(caught.value)


def test_a_misspelt_ending_is_guessed(tmp_path):
    small().save_weights(tmp_path / "best.weights.h5")
    with pytest.raises(FileNotFoundError, match=r"Did you mean '.*best\.weights\.h5'\?"):
        small().load_weights(tmp_path / "best.h5")


def test_hdf5_that_is_not_keras(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.ones(3)
    with pytest.raises(ValueError, match="holds no weights in a layout of Keras"):
        small().load_weights(tmp_path / "a.h5")


def test_by_name_needs_names(tmp_path):
    small().save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match="by_name=True needs a file in the layout of Keras 2"):
        small().load_weights(tmp_path / "a.weights.h5", by_name=True)


def test_unbuilt_models(tmp_path):
    model = ks.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="saving a model that has not yet been built"):
        model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match="loading weights into a model that has not yet been"):
        model.load_weights(tmp_path / "a.weights.h5")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("ending", [".pkl", ".pt", ".json", ".tf", ".onnx"])
def test_endings_of_other_formats(tmp_path, ending):
    with pytest.raises(ValueError, match=rf"save_weights cannot write .*'\{ending}' stands for"):
        small().save_weights(tmp_path / f"a{ending}")


def test_no_ending_is_hdf5_with_a_note(tmp_path):
    path = tmp_path / "weights.05-0.98"
    with pytest.warns(UserWarning, match=r"none of the endings .* written as HDF5"):
        small().save_weights(path)
    small().load_weights(path)


def test_overwrite_false_and_arguments(tmp_path):
    path = tmp_path / "a.weights.h5"
    small().save_weights(str(path))
    with pytest.raises(FileExistsError, match=r"exists and overwrite=False"):
        small().save_weights(path, overwrite=False)
    with pytest.raises(TypeError, match="expects the path of a file but got None"):
        small().save_weights(None)
    with pytest.raises(TypeError, match="Unrecognized keyword arguments"):
        small().load_weights(path, by_nam=True)


def test_missing_folders_are_made_so_that_no_training_is_lost(tmp_path):
    path = tmp_path / "new" / "folder" / "a.weights.h5"
    saving.save_weights(small(), path)
    assert pathlib.Path(path).is_file()
