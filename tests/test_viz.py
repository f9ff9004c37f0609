"""Figures: what is drawn, that nothing leaks into pyplot, and that no text is cut off."""

import itertools
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from kerasish import viz
from kerasish.viz import canvas
from kerasish.viz.runs import direction, read_runs
from tests.viz_checks import assert_nothing_is_cut_off, texts

CURVES = {
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "loss": [0.9, 0.5, 0.4, 0.2],
    "val_accuracy": [0.4, 0.6, 0.75, 0.7],
    "val_loss": [1.0, 0.6, 0.5, 0.7],
}


def titles(figure):
    return [axes.get_title("left") for axes in figure.axes]


def test_training_and_validation_share_the_axes_of_their_metric():
    figure = viz.plot_history(CURVES)
    assert titles(figure) == ["Loss", "Accuracy"]
    loss = figure.axes[0]
    assert list(loss.lines[0].get_ydata()) == CURVES["loss"]
    assert list(loss.lines[1].get_ydata()) == CURVES["val_loss"]
    assert list(loss.lines[0].get_xdata()) == [1, 2, 3, 4]
    assert loss.lines[0].get_color() != loss.lines[1].get_color()
    assert loss.lines[0].get_linestyle() != loss.lines[1].get_linestyle()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["training", "validation", "best epoch"]


def test_the_best_epoch_is_that_of_validation():
    loss, accuracy = viz.plot_history(CURVES).axes
    assert [list(c) for c in loss.lines[2].get_data()] == [[3], [0.5]]
    assert [list(c) for c in accuracy.lines[2].get_data()] == [[3], [0.75]]
    assert any(t.get_text() == "best 0.5, epoch 3" for t in loss.texts)
    assert len(viz.plot_history(CURVES, mark_best=False).axes[0].lines) == 2


@pytest.mark.parametrize(
    "history",
    [
        CURVES,
        SimpleNamespace(history=CURVES, epoch=[0, 1, 2, 3]),
        [dict(zip(CURVES, row, strict=True)) for row in zip(*CURVES.values(), strict=True)],
        [CURVES],
        {"only": CURVES},
    ],
    ids=["dict", "History", "logs", "list", "named"],
)
def test_every_form_of_history_is_read_alike(history):
    (run,) = read_runs(history)
    assert set(run.series) == set(CURVES)
    for name, values in CURVES.items():
        assert list(run.points(name)[0]) == [1, 2, 3, 4]
        assert list(run.points(name)[1]) == values


def test_a_list_of_numbers_is_a_loss():
    (run,) = read_runs([0.9, 0.4])
    assert list(run.series) == ["loss"]


def test_runs_are_compared_in_one_colour_each():
    figure = viz.plot_history([CURVES, CURVES], labels=["SGD", "Adam"], metrics="val_loss")
    (axes,) = figure.axes
    colours = [line.get_color() for line in axes.lines if line.get_linestyle() != "None"]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["SGD", "Adam", "training", "validation", "best epoch"]
    named = viz.plot_history({"SGD": CURVES, "Adam": CURVES}, metrics=["loss"])
    assert [t.get_text() for t in named.legends[0].get_texts()] == legend


@pytest.mark.parametrize("epochs", [1, 2, 7, 1000])
def test_epochs_are_whole_numbers_from_one(epochs):
    figure = viz.plot_history({"loss": list(np.linspace(1, 0.1, epochs))})
    figure.canvas.draw()
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) and tick >= 1 for tick in ticks)


def test_epochs_go_on_from_initial_epoch():
    resumed = SimpleNamespace(history={"loss": [0.3, 0.2]}, epoch=[5, 6])
    assert list(viz.plot_history(resumed).axes[0].lines[0].get_xdata()) == [6, 7]


def test_validation_every_few_epochs_stands_at_its_epochs():
    figure = viz.plot_history({"loss": [6, 5, 4, 3, 2, 1], "val_loss": [5, 3, 1]})
    assert list(figure.axes[0].lines[1].get_xdata()) == [2, 4, 6]


@pytest.mark.parametrize(
    "curves",
    [
        {"loss": [np.nan, 0.5, np.inf]},
        {"loss": [np.nan]},
        {"loss": [0.0, 0.0]},
        {"loss": [1e7, 2e8], "mae": [1e-9, 2e-9]},
        {"loss": [0.1], "odd $name$ of_a_metric": [1.0]},
        {"loss": [1.0, 0.1], "learning_rate": [1e-2, 1e-5]},
        {"loss": [1.0, 0.1], "precision": [[0.1, 0.3], np.array([0.5, 0.7])]},
        {f"metric_{i}": [i, i + 1] for i in range(5)},
    ],
    ids=["nan", "only nan", "zero", "scales", "name", "rate", "arrays", "many"],
)
def test_odd_histories_are_drawn_whole(curves):
    figure = viz.plot_history(curves, title="A title with a $ sign")
    assert len(figure.axes) == len(curves)
    assert_nothing_is_cut_off(figure)


def test_a_log_scale_is_for_positive_values():
    figure = viz.plot_history({"loss": [1.0, 0.1], "r2_score": [-1.0, 0.5]}, log_scale=True)
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear"]
    assert_nothing_is_cut_off(figure)


def test_arrays_are_drawn_by_their_mean():
    figure = viz.plot_history({"precision": [[0.25, 0.75], [0.5, 1.0]]})
    assert list(figure.axes[0].lines[0].get_ydata()) == [0.5, 0.75]


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("loss", "min"),
        ("val_mean_squared_error", "min"),
        ("mae_1", "min"),
        ("binary_crossentropy", "min"),
        ("acc", "max"),
        ("val_sparse_categorical_accuracy", "max"),
        ("auc_3", "max"),
        ("r2_score", "max"),
        ("learning_rate", None),
        ("seconds", None),
    ],
)
def test_names_say_which_end_is_good(name, good):
    assert direction(name) == good


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.plot_history(3), TypeError, "plot_history expects what `fit` returned"),
        (lambda: viz.plot_history({}), ValueError, "holds no epochs"),
        (lambda: viz.plot_history([]), ValueError, "holds no epochs"),
        (lambda: viz.plot_history({"loss": 3}), TypeError, "'loss' must be a list with one number"),
        (lambda: viz.plot_history(CURVES, "acuracy"), ValueError, "Did you mean 'accuracy'"),
        (lambda: viz.plot_history(CURVES, []), ValueError, "`metrics` is empty"),
        (
            lambda: viz.plot_history([CURVES], labels=["a", "b"]),
            ValueError,
            "`labels` must name each of the 1 runs",
        ),
        (lambda: viz.image_grid(np.zeros((8, 8))), ValueError, r"Add an axis for a single image"),
        (lambda: viz.image_grid(np.zeros((2, 8, 8, 2))), ValueError, "1, 3 or 4 channels but got"),
        (lambda: viz.image_grid(np.zeros((0, 8, 8))), ValueError, "image_grid expects images"),
        (
            lambda: viz.image_grid(np.zeros((2, 8, 8)), [1, 2, 3]),
            ValueError,
            r"`labels` must hold one class.* each of the 2 images but got .*\(3,\)",
        ),
        (
            lambda: viz.image_grid(np.zeros((2, 8, 8)), [1, 2], np.zeros((3, 10))),
            ValueError,
            "`predictions` must hold one class",
        ),
        (
            lambda: viz.image_grid(np.zeros((2, 8, 8)), [0, 5], class_names=["cat", "dog"]),
            ValueError,
            "class 5 has no name",
        ),
    ],
)
def test_bad_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def captions(figure):
    return [axes.get_title() for axes in figure.axes]


def test_wrong_predictions_are_marked_by_more_than_colour():
    figure = viz.image_grid(np.zeros((3, 4, 4)), [1, 2, 3], [1, 7, 3])
    assert captions(figure) == ["1", "\N{MULTIPLICATION SIGN} 7 (is 2)", "3"]
    right, wrong = figure.axes[0], figure.axes[1]
    assert right.title.get_color() != wrong.title.get_color()
    assert wrong.title.get_fontweight() == "bold"
    assert wrong.spines["left"].get_linewidth() > right.spines["left"].get_linewidth()
    assert any("2 of 3 right" in text.get_text() for text in texts(figure))


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [
        ([0, 1], [0, 1]),
        ([[0], [1]], [[0.2], [0.8]]),
        (np.eye(2), [[0.9, 0.1], [0.4, 0.6]]),
        ([0.0, 1.0], None),
        (None, [0, 1]),
    ],
)
def test_classes_come_as_numbers_one_hot_or_probabilities(labels, predictions):
    figure = viz.image_grid(np.zeros((2, 4, 4)), labels, predictions, ["cat", "dog"])
    assert captions(figure) == ["cat", "dog"]


@pytest.mark.parametrize(
    "images",
    [
        np.arange(32, dtype=np.uint8).reshape(2, 4, 4),
        np.zeros((2, 4, 4, 1)),
        np.ones((2, 4, 6, 3), np.uint8),
        np.random.default_rng(0).normal(size=(2, 4, 6, 3)),
        np.full((2, 4, 6, 4), 200.0),
        np.full((2, 4, 4), np.nan),
        np.ones((1, 4, 4), bool),
    ],
)
def test_every_kind_of_image_is_drawn(images):
    figure = viz.image_grid(images, title="Images")
    assert len(figure.axes) == len(images)
    assert_nothing_is_cut_off(figure)


def test_long_names_and_many_images_are_not_cut_off():
    names = ["a very long name of a class, too long", "T-shirt/top", "$10"]
    labels, guesses = np.arange(40) % 3, (np.arange(40) // 2) % 3
    figure = viz.image_grid(np.zeros((40, 8, 8)), labels, guesses, names, title="Clothes")
    assert len(figure.axes) == 24
    assert_nothing_is_cut_off(figure)
    boxes = [axes.title.get_window_extent() for axes in figure.axes[:6]]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_figures_take_part_in_those_of_the_user():
    figure = viz.new_figure((7, 6))
    top, bottom = figure.subfigures(2, 1)
    assert viz.plot_history(CURVES, figure=top) is top
    assert viz.image_grid(np.zeros((4, 8, 8)), [1, 2, 3, 4], figure=bottom) is bottom
    assert len(figure.axes) == 6
    assert_nothing_is_cut_off(figure)


def test_figures_show_themselves_in_notebooks_and_can_be_pickled():
    figure = viz.plot_history(CURVES)
    picture, size = figure._repr_png_()
    assert picture.startswith(b"\x89PNG")
    assert list(size.values()) == [round(96 * inches) for inches in figure.get_size_inches()]
    copy = pickle.loads(pickle.dumps(figure))
    assert titles(copy) == titles(figure)
    assert copy._repr_png_() == figure._repr_png_()


def test_a_notebook_does_not_show_them_in_pyplots_way(monkeypatch):
    own = {}
    formatter = SimpleNamespace(for_type=own.__setitem__)
    shell = SimpleNamespace(display_formatter=SimpleNamespace())
    shell.display_formatter.formatters = {"image/png": formatter}
    python = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", python)
    canvas._figure_class.cache_clear()
    figure = viz.plot_history(CURVES)
    assert own == {type(figure): type(figure)._repr_png_}


def test_pyplot_is_never_touched():
    code = (
        "import sys, kerasish.viz as viz\n"
        "assert 'matplotlib' not in sys.modules\n"
        "viz.plot_history({'loss': [1, 2]}).savefig(sys.stdout.buffer)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.startswith(b"\x89PNG")


def test_settings_of_the_user_are_left_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    viz.plot_history(CURVES)
    viz.image_grid(np.zeros((2, 4, 4)))
    assert dict(matplotlib.rcParams) == before
