"""Figures of classes and of models: confusions, distributions, diagrams, filters, activations."""

import itertools
import os

import numpy as np
import pytest

from kerasish import Sequential, layers, utils, viz
from tests.viz_checks import assert_nothing_is_cut_off, texts

RNG = np.random.default_rng(0)


def said(figure):
    return [text.get_text() for text in texts(figure)]


def classes(count, samples=300):
    y = np.arange(samples) % count
    return y, np.where(RNG.random(samples) < 0.8, y, RNG.integers(0, count, samples))


# confusion_matrix


def test_rows_are_true_classes_and_columns_predicted_ones():
    figure = viz.confusion_matrix([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 2], ["cat", "dog", "hen"])
    axes = figure.axes[0]
    cells = {t.get_position(): t.get_text() for t in axes.texts}
    assert cells[(0, 0)] == "2"
    assert cells[(1, 0)] == "1"  # (x, y): a cat taken for a dog
    assert cells[(2, 2)] == "1"
    assert [t.get_text() for t in axes.get_yticklabels()] == ["cat", "dog", "hen"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert axes.get_title("left") == "Accuracy 66.7 %, 6 samples"
    np.testing.assert_allclose(axes.images[0].get_array()[0], [2 / 3, 1 / 3, 0])
    assert figure.axes[1].get_ylabel() == "share of the true class (%)"


@pytest.mark.parametrize(
    ("normalize", "first"), [("true", "66.7"), ("pred", "50.0"), ("all", "33.3")]
)
def test_cells_can_be_percentages(normalize, first):
    figure = viz.confusion_matrix([0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 0, 1], normalize=normalize)
    assert figure.axes[0].texts[0].get_text() == first
    assert figure.axes[0].get_title("left") == "Accuracy 50.0 %, 6 samples; cells in %"


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        (np.eye(2)[[0, 1, 1]], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]),
        ([[0], [1], [1]], [[0.1], [0.9], [0.4]]),
        (["a", "b", "b"], ["a", "b", "a"]),
        ([[1, 0], [1, 1]], None),
    ],
    ids=["one-hot", "sigmoid", "strings", "counts"],
)
def test_classes_come_in_every_form(y_true, y_pred):
    figure = viz.confusion_matrix(y_true, y_pred)
    assert [t.get_text() for t in figure.axes[0].texts] == ["1", "0", "1", "1"]


def test_cells_have_numbers_up_to_twenty_classes():
    counts = [len(viz.confusion_matrix(*classes(n)).axes[0].texts) for n in (2, 20, 21)]
    assert counts == [4, 400, 0]


@pytest.mark.parametrize("count", [3, 100])
def test_confusion_of_few_and_many_classes_is_readable(count):
    names = [f"a long name of class {i}, $too" for i in range(count)]
    figure = viz.confusion_matrix(*classes(count), names)
    assert_nothing_is_cut_off(figure)
    labels = [t.get_window_extent() for t in figure.axes[0].get_yticklabels()]
    assert all(a.y0 >= b.y1 - 2 for a, b in itertools.pairwise(labels))


# class_distribution


def test_every_class_has_its_bar():
    figure = viz.class_distribution([0, 0, 0, 2], ["cat", "dog", "hen"])
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [3, 0, 1]
    assert axes.get_title("left") == "4 samples, 3 classes"
    assert "1 classes without samples" in said(figure)
    assert axes.get_xlabel() == "samples"


def test_sets_are_compared_by_shares():
    figure = viz.class_distribution({"train": [0, 0, 1, 1], "test": [0, 1, 1, 1]})
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [50, 50, 25, 75]
    assert axes.get_xlabel() == "share of the set's samples (%)"
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["train", "test"]
    assert "train 4, test 4" in said(figure)
    assert_nothing_is_cut_off(figure)


def test_many_classes_are_columns():
    figure = viz.class_distribution(np.arange(200) % 100)
    (axes,) = figure.axes
    assert {bar.get_height() for bar in axes.patches} == {2}
    assert "all classes of the same size" in said(figure)
    assert_nothing_is_cut_off(figure)


def test_long_names_of_classes_are_not_cut_off():
    names = ["a very long name of a class, too long", "T-shirt/top", "$10"]
    figure = viz.class_distribution([0, 1, 1, 2], names)
    assert "largest class 2 times the smallest" in said(figure)
    assert_nothing_is_cut_off(figure)


# plot_model


def cnn():
    return Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1), name="conv"),
            layers.BatchNormalization(name="a_name_that_is_so_long_that_it_cannot_be_shown_at_all"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ],
        name="cnn",
        seed=0,
    )


def test_boxes_say_shapes_counts_names_and_activations():
    figure = viz.plot_model(cnn())
    seen = said(figure)
    assert "Conv2D, relu" in seen
    assert "conv" in seen
    assert "(None, 6, 6, 4)" in seen
    assert "40 parameters" in seen
    assert "(None, 8, 8, 1)" in seen
    assert figure.axes[0].get_title("left") == "cnn: 491 parameters"
    assert_nothing_is_cut_off(figure)


def test_what_boxes_say_can_be_chosen():
    model = cnn()
    model.layers[0].trainable = False
    plain = viz.plot_model(
        model,
        show_shapes=False,
        show_params=False,
        show_layer_names=False,
        show_layer_activations=False,
        title="Mine",
    )
    expected = {"Mine", "Input", "Conv2D", "BatchNormalization", "Flatten", "Dense"}
    assert set(said(plain)) == expected
    told = said(viz.plot_model(model, show_dtype=True, show_trainable=True))
    assert "40 parameters, float32, frozen" in told


def frames(figure):
    return [p for p in figure.axes[0].patches if p.get_linestyle() not in ("-", "solid")]


def test_models_within_have_frames():
    encoder = Sequential([layers.Dense(4), Sequential([layers.Dense(3)], name="core")], name="enc")
    model = Sequential([encoder, layers.Dense(6)], name="whole")
    model.build((None, 6))
    figure = viz.plot_model(model)
    assert {"enc", "core"} <= set(said(figure))
    assert len(frames(figure)) == 2
    assert_nothing_is_cut_off(figure)
    closed = viz.plot_model(model, expand_nested=False)
    assert "Sequential" in said(closed)
    assert frames(closed) == []


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_deep_models_go_on_beside(rankdir):
    inner = Sequential([layers.Dense(4) for _ in range(9)], name="inner")
    model = Sequential([*(layers.Dense(4) for _ in range(20)), inner])
    model.build((None, 4))
    figure = viz.plot_model(model, rankdir=rankdir)
    if rankdir == "TB":
        assert_nothing_is_cut_off(figure)
    width, height = figure.get_size_inches()
    assert 0.2 < width / height < 5
    first, last = (
        next(t for t in texts(figure) if t.get_text() == name).get_position()
        for name in ("Input", inner.layers[-1].name)
    )
    assert (first[0] < last[0]) is (rankdir != "RL")
    assert (first[1] < last[1]) is (rankdir in ("TB", "LR", "RL"))


def test_models_that_are_not_built_are_drawn():
    figure = viz.plot_model(Sequential([layers.Dense(3)], name="raw"))
    assert {"raw: not built yet", "?", "Dense"} <= set(said(figure))


def test_keras_plot_model(tmp_path):
    figure = utils.plot_model(cnn(), tmp_path / "model.png", show_shapes=True, dpi=40)
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")
    assert os.listdir(tmp_path) == ["model.png"]
    assert "Conv2D" in said(figure)
    assert "(None, 6, 6, 4)" in said(figure)
    utils.plot_model(cnn(), tmp_path / "model.svg")
    assert "<svg" in (tmp_path / "model.svg").read_text()


# filters and activations


def panels(figure):
    return [axes for axes in figure.axes if axes.images]


def test_kernels_of_one_channel_share_a_scale_around_zero():
    model = cnn()
    figure = viz.filters(model)
    kernels = model.layers[0].kernel.numpy()
    pictures = [axes.images[0] for axes in panels(figure)]
    assert len(pictures) == 4
    for i, picture in enumerate(pictures):
        np.testing.assert_allclose(picture.get_array(), kernels[:, :, 0, i])
        assert picture.get_clim() == (-np.abs(kernels).max(), np.abs(kernels).max())
    assert figure.get_suptitle() == "conv: 4 kernels of 3 x 3"
    assert figure.axes[-1].get_ylabel() == "weight"
    assert_nothing_is_cut_off(figure)


def test_kernels_of_three_channels_are_in_colour():
    figure = viz.filters(RNG.normal(size=(5, 5, 3, 12)), max_filters=8, columns=5)
    pictures = [axes.images[0].get_array() for axes in panels(figure)]
    assert len(pictures) == 8
    assert all(p.shape == (5, 5, 3) and p.min() >= 0 and p.max() <= 1 for p in pictures)
    assert figure.get_suptitle() == "8 of 12 kernels of 5 x 5"


def test_kernels_of_other_layers():
    many = viz.filters(RNG.normal(size=(3, 3, 4, 2)))
    assert many.get_suptitle() == "2 kernels of 3 x 3, mean of 4 channels"
    mlp = Sequential([layers.Flatten(), layers.Dense(2, name="first"), layers.Dense(3)])
    mlp.build((None, 4, 6))
    assert viz.filters(mlp).get_suptitle() == "first: 2 kernels of 4 x 6"
    flat = viz.filters(mlp, layer=-1, image_shape=(1, 2))
    assert flat.get_suptitle() == f"{mlp.layers[-1].name}: 3 kernels of 1 x 2"
    sound = viz.filters(RNG.normal(size=(5, 1, 2)))
    assert sound.get_suptitle() == "2 kernels of 1 x 5"


def test_activations_are_the_outputs_of_the_layers():
    model = cnn()
    sample = RNG.normal(size=(8, 8, 1)).astype("float32")
    figure = viz.activations(model, sample, max_channels=2)
    maps = panels(figure)
    assert len(maps) == 1 + 2 + 2  # input, convolution, normalisation
    first = np.asarray(model.layers[0](sample[None]))[0]
    channel = int(maps[1].get_title().removeprefix("channel "))
    np.testing.assert_allclose(maps[1].images[0].get_array(), first[..., channel])
    bars = figure.axes[-1].patches
    np.testing.assert_allclose(
        [bar.get_height() for bar in bars], model.predict(sample[None], verbose=0)[0], rtol=1e-5
    )
    assert_nothing_is_cut_off(figure)


def test_layers_can_be_chosen_and_wide_outputs_are_strips():
    model = Sequential([layers.Dense(100, name="wide"), layers.Dense(3)])
    model.build((None, 4))
    figure = viz.activations(model, np.ones((1, 4)), layers=["wide"], title="Mine")
    assert len(figure.axes) == 2
    assert figure.axes[1].images[0].get_array().shape == (1, 100)
    assert figure.get_suptitle() == "Mine"


def test_sequences_are_maps_and_wrappers_name_what_they_wrap():
    inner = layers.LSTM(2, return_sequences=True)
    model = Sequential([layers.Bidirectional(inner), layers.TimeDistributed(layers.Dense(3))])
    model.build((None, 5, 2))
    sample = RNG.normal(size=(5, 2)).astype("float32")
    figure = viz.activations(model, sample)
    maps = panels(figure)
    assert [axes.images[0].get_array().shape for axes in maps] == [(2, 5), (4, 5), (3, 5)]
    expected = model.predict(sample[None], verbose=0)[0].T
    np.testing.assert_allclose(maps[-1].images[0].get_array(), expected, rtol=1e-5)
    assert maps[-1].get_xlabel() == "step"
    kinds = said(viz.plot_model(model))
    assert {"Bidirectional(LSTM)", "TimeDistributed(Dense)"} <= set(kinds)


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.confusion_matrix([0], [0], normalize="row"), ValueError, "`normalize` must"),
        (lambda: viz.confusion_matrix([0, 1]), ValueError, "square matrix of counts but got an ar"),
        (lambda: viz.confusion_matrix(np.eye(2), None, "abc"), ValueError, "3 names for 2 classes"),
        (lambda: viz.confusion_matrix([0, 1], [0]), ValueError, "has 2 samples but `y_pred` has 1"),
        (lambda: viz.confusion_matrix([0, 5], [0, 1], ["a", "b"]), ValueError, "class 2 has no na"),
        (lambda: viz.confusion_matrix([0, -1], [0, 1]), ValueError, "whole numbers from 0 on.*-1"),
        (lambda: viz.confusion_matrix(["a"], [1]), ValueError, "or all strings, but there is"),
        (lambda: viz.confusion_matrix(["x"], ["a"], ["a"]), ValueError, "'x' is not in `class_na"),
        (lambda: viz.class_distribution([]), ValueError, "there are no samples"),
        (
            lambda: viz.class_distribution(np.zeros((2, 2, 2))),
            ValueError,
            "each sample but got",
        ),
        (lambda: viz.plot_model(Sequential()), ValueError, "no layers yet"),
        (lambda: viz.plot_model(3), TypeError, "expects a model but got 3"),
        (lambda: viz.plot_model(cnn(), rankdir="UP"), ValueError, "one of TB, LR, BT, RL but got"),
        (lambda: utils.plot_model(cnn(), "m.doc"), ValueError, "m.doc' ends in .doc, which is no"),
        (lambda: utils.plot_model(cnn(), None, shapes=1), TypeError, "passed to plot_model"),
        (
            lambda: viz.filters(cnn(), "convv"),
            ValueError,
            r"no layer is called 'convv'. Did y",
        ),
        (lambda: viz.filters(cnn(), 9), ValueError, "there is no layer 9; the model has 4"),
        (lambda: viz.filters(cnn(), 2), ValueError, "the layer 'flatten.*' has no kernel"),
        (lambda: viz.filters(Sequential([layers.Dense(2)])), ValueError, "is not built yet"),
        (lambda: viz.filters(np.zeros((7, 3))), ValueError, r"the 7 inputs are. Pass image_shape"),
        (lambda: viz.filters(np.zeros(3)), ValueError, r"shape \(height, width, channels, filters"),
        (lambda: viz.activations(cnn(), np.zeros((2, 8, 8, 1))), ValueError, "expects one sample"),
        (lambda: viz.activations(Sequential(), 1), ValueError, "a model that is built"),
    ],
)
def test_bad_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
