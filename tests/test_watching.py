"""Callbacks that look into training: learning rate finder, profiler, confusion matrix, report."""

import pickle
import sys
import types

import numpy as np
import pytest

from kerasish import Sequential, layers, losses, optimizers
from kerasish.callbacks import (
    BackupAndRestore,
    Callback,
    ClassReport,
    ConfusionMatrix,
    LambdaCallback,
    LRFinder,
    Profiler,
)
from kerasish.callbacks import live_screens as screens_module
from kerasish.callbacks import reports as reports_module
from kerasish.callbacks.lr_finder import suggest
from tests.viz_checks import assert_nothing_is_cut_off, texts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype("float32")
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.7)


def classifier(optimizer="adam", build=True, **options):
    """A model with everything that a step changes: dropout, moving averages, slots."""
    shape = {"input_shape": (4,)} if build else {}
    model = Sequential(
        [
            layers.Dense(8, activation="relu", name="hidden", **shape),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.3, name="drop"),
            layers.Dense(3, activation="softmax", name="out"),
        ],
        name="judge",
        seed=1,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def fit(model, *callbacks, epochs=2, **options):
    options = {"verbose": 0, "batch_size": 8, "validation_data": (X, Y), **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


# LRFinder


def schedule():
    return optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 5, 0.9))


def several():
    return optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.Adam(), {".*bias": optimizers.SGD(0.1, momentum=0.5)})
    )


def averaged():
    return optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)


@pytest.mark.parametrize(
    "make", [lambda: "adam", schedule, several, averaged], ids=["adam", "schedule", "multi", "ema"]
)
@pytest.mark.parametrize("when", ["before", "between", "unbuilt"])
def test_finding_a_rate_changes_no_bit_of_training(make, when):
    model, other = (classifier(make(), build=when != "unbuilt") for _ in range(2))
    if when == "between":
        for each in (model, other):
            fit(each, epochs=1)
    earlier = model.history
    finder = LRFinder(1e-5, 100, steps=20)
    finder.find(model, X, Y, batch_size=8, verbose=0)
    assert model.history is earlier
    assert len(finder.losses) > 5
    ours, theirs = fit(model), fit(other)
    assert ours.history == theirs.history
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_rates_go_evenly_from_the_first_to_the_last():
    finder = LRFinder(1e-6, 1e-3, steps=13)
    finder.find(classifier(), X, Y, batch_size=8, verbose=0)
    np.testing.assert_allclose(finder.learning_rates, np.geomspace(1e-6, 1e-3, 13), rtol=1e-6)


def test_losses_are_those_of_single_batches():
    model = Sequential([layers.Dense(1, input_shape=(2,))], seed=0)
    model.compile(optimizers.SGD(0.1), "mse")
    x, y = np.ones((20, 2)), np.arange(20.0)
    finder = LRFinder(1e-9, 1e-8, steps=10)
    finder.find(model, x, y, batch_size=2, shuffle=False, verbose=0)
    predicted = model.predict(x, verbose=0)[:, 0]
    expected = ((predicted - y) ** 2).reshape(10, 2).mean(axis=1)
    np.testing.assert_allclose(finder.losses, expected, rtol=1e-4)


def test_the_bar_and_the_suggestion(capsys):
    finder = LRFinder(1e-4, 1e3, steps=40)
    rate = finder.find(classifier("sgd"), X, Y, batch_size=8)
    verdict, bar = sorted(capsys.readouterr().out.splitlines(), key=lambda line: "steps/s" in line)
    assert bar.startswith("Learning rates - ")
    assert " - learning_rate: " in bar
    assert verdict.startswith(f"LRFinder suggests a learning rate of {rate:.2g}, of ")
    assert 1e-3 < rate < 30
    assert max(finder.learning_rates) < 1e3  # it stopped where the loss exploded


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-6, 10, 100).tolist()
    logs = np.log10(rates)
    losses = 2 - 1.5 / (1 + np.exp(-4 * (logs + 3))) + np.where(logs > -1, 50 * (logs + 1) ** 2, 0)
    assert suggest(rates, losses.tolist(), 0.02) == pytest.approx(1e-3, rel=0.3)
    assert suggest(rates, np.linspace(1, 2, 100).tolist(), 0.02) is None
    assert suggest(rates, [1.0] * 100, 0.02) is None
    assert suggest(rates[:3], [3.0, 2.0, 1.0], 0.02) is None
    assert suggest(rates[:20], [np.nan] * 20, 0.02) is None


def test_no_suggestion_is_said(capsys):
    finder = LRFinder(1e-9, 1e-8, steps=10)
    assert finder.find(classifier(), X, Y, batch_size=8) is None
    assert (
        "LRFinder has no suggestion: the loss did not fall in 10 batches" in capsys.readouterr().out
    )


def test_a_short_fit_covers_the_whole_range():
    finder = LRFinder(1e-6, 1e-2, steps=100, verbose=0)
    fit(classifier(), finder, epochs=2)
    assert len(finder.losses) == 16
    assert finder.learning_rates[-1] == pytest.approx(1e-2)


def test_after_an_error_everything_is_back():
    def fail(batch, logs):
        raise RuntimeError("no")

    model = classifier(schedule())
    before, rate = model.get_weights(), model.optimizer._learning_rate
    with pytest.raises(RuntimeError, match="no"):
        fit(model, LRFinder(), LambdaCallback(on_train_batch_end=fail))
    assert model.optimizer._learning_rate is rate
    assert model.optimizer.iterations == 0
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_plot_of_the_rates():
    finder = LRFinder(1e-4, 1e3, steps=30)
    finder.find(classifier("sgd"), X, Y, batch_size=8, verbose=0)
    finder.suggestion = 0.1
    figure = finder.plot(title="Mine")
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == (
        "learning rate",
        "loss",
        "log",
    )
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["loss of a batch", "smoothed"]
    assert legend[2].startswith("suggestion ")
    assert_nothing_is_cut_off(figure)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_lr": 0}, r"must be 0 < min_lr < max_lr but are 0 and 10"),
        ({"min_lr": 1.0, "max_lr": 0.1}, r"must be 0 < min_lr < max_lr but are 1.0 and 0.1"),
        ({"steps": 3}, r"`steps` must be a whole number from 10 on but is 3"),
        ({"smooth": 0.9}, r"`smooth` must be from 0 to 0.5 but is 0.9"),
    ],
)
def test_bad_ranges(options, message):
    with pytest.raises(ValueError, match=message):
        LRFinder(**options)
    with pytest.raises(ValueError, match="nothing to plot yet"):
        LRFinder().plot()


# Profiler


def test_every_layer_is_timed_forward_and_backward(capsys):
    model, profiler = classifier(), Profiler()
    fit(model, profiler)
    names = [
        "hidden",
        "norm",
        "drop",
        "out",
        "loss, metrics, optimizer",
        "waiting for data, callbacks",
    ]
    assert [timing.name for timing in profiler.timings] == names
    assert all(timing.forward > 0 for timing in profiler.timings[:5])
    assert all(timing.backward > 0 for timing in profiler.timings[:4])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["layer", "type", "forward", "backward", "share"]
    assert lines[2].split()[:2] == ["norm", "BatchNormalization"]
    assert "mean of 15 batches" in lines[-1]  # two epochs of eight, the first is skipped
    shares = [float(line.split()[-2]) for line in lines[1:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_timing_changes_nothing():
    model, other = classifier(), classifier()
    ours, theirs = fit(model, Profiler(verbose=0)), fit(other)
    assert ours.history == theirs.history
    assert all("apply" not in vars(layer) for layer in model.layers)


def test_only_the_batches_asked_for_are_wrapped():
    wrapped = []

    class Look(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            wrapped.append("apply" in vars(self.model.layers[0]))

    fit(classifier(), Profiler(batches=3, skip=2, verbose=0), Look(), epochs=1)
    assert wrapped == [False, False, True, True, True, False, False, False]


def test_layers_within_models_and_layers_used_twice(capsys):
    shared = layers.Dense(4, activation="relu", name="shared")
    inner = Sequential([shared, layers.Dense(4, name="inner")])
    model = Sequential([inner, shared, layers.Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    profiler = Profiler(verbose=0)
    fit(model, profiler)
    names = [timing.name for timing in profiler.timings[:-2]]
    assert names[:2] == ["shared", "inner"]
    assert len(names) == 3


def test_after_an_error_the_layers_are_as_before():
    def fail(batch, logs):
        raise RuntimeError("no")

    model = classifier()
    with pytest.raises(RuntimeError, match="no"):
        fit(model, Profiler(skip=0), LambdaCallback(on_train_batch_begin=fail))
    assert all("apply" not in vars(layer) for layer in model.layers)


def test_the_plot_of_the_timings():
    profiler = Profiler(verbose=0)
    fit(classifier(), profiler)
    figure = profiler.plot()
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()][:2] == ["hidden", "norm"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["forward", "backward", "other"]
    assert_nothing_is_cut_off(figure)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batches": 0}, "`batches` must be a whole number from 1 on but is 0"),
        ({"skip": -1}, "`skip` must be a whole number from 0 on but is -1"),
    ],
)
def test_bad_numbers_of_batches(options, message):
    with pytest.raises(ValueError, match=message):
        Profiler(**options)
    with pytest.raises(ValueError, match=r"nothing was timed yet. .* more than 1 batch"):
        Profiler().table()


# ConfusionMatrix and ClassReport


def expected_matrix(model):
    guesses = model.predict(X, verbose=0).argmax(axis=1)
    return np.array([[np.sum((i == Y) & (guesses == j)) for j in range(3)] for i in range(3)])


@pytest.mark.parametrize("cls", [ConfusionMatrix, ClassReport])
@pytest.mark.parametrize("one_hot", [False, True])
def test_counts_are_those_of_the_predictions(cls, one_hot, capsys):
    model, callback = classifier(), cls()
    y = np.eye(3)[Y] if one_hot else Y
    if one_hot:
        model.compile("adam", "categorical_crossentropy")
    model.fit(X, y, epochs=2, batch_size=7, verbose=0, validation_data=(X, y), callbacks=[callback])
    np.testing.assert_array_equal(callback.matrix, expected_matrix(model))
    assert model.program.observers == []


def test_the_predictions_of_the_validation_are_not_made_twice(capsys):
    calls = []
    model = classifier()
    model.predict = lambda *args, **kwargs: calls.append(1)
    fit(model, ConfusionMatrix(), ClassReport())
    assert calls == []


def test_a_terminal_gets_a_line_with_the_worst(capsys):
    show = ConfusionMatrix(["ant", "bee", "cow"], every=2)
    model = classifier()
    fit(model, show, epochs=3)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Epoch 2: ")
    show.matrix = np.array([[5, 2, 0], [0, 1, 3], [0, 0, 4]])
    assert show.summary() == (
        "10 of 15 right (66.7 %); bee taken for cow 3 times; ant taken for bee 2 times"
    )


def test_figures_of_confusions_go_into_files(tmp_path, capsys):
    show = ConfusionMatrix(path=tmp_path / "new" / "epoch{epoch}.png", normalize="true")
    fit(classifier(), show)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["epoch1.png", "epoch2.png"]
    assert capsys.readouterr().out == ""
    assert show.figure.axes[0].get_title("left").startswith("Epoch 2: ")
    assert "true class" in [text.get_text() for text in texts(show.figure)]


def test_a_notebook_gets_one_figure_of_confusions(monkeypatch):
    calls = []
    handle = types.SimpleNamespace(update=lambda bundle, **rest: calls.append(sorted(bundle)))

    def display(bundle, raw, display_id):
        calls.append("display")
        return handle

    fake = types.ModuleType("IPython.display")
    fake.display = display
    python = types.SimpleNamespace(get_ipython=lambda: None, display=fake)
    monkeypatch.setitem(sys.modules, "IPython", python)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setattr(reports_module, "kernel", lambda: "notebook")
    monkeypatch.setattr(screens_module, "kernel", lambda: "notebook")
    fit(classifier(), ConfusionMatrix(), epochs=2)
    assert calls == ["display", ["image/png", "text/plain"], ["image/png", "text/plain"]]


def test_scores_follow_their_definitions(capsys):
    report, model = ClassReport(["ant", "bee", "cow"]), classifier()
    fit(model, report, epochs=1)
    guesses = model.predict(X, verbose=0).argmax(axis=1)
    for k in range(3):
        right, taken, there = np.sum((k == Y) & (guesses == k)), sum(guesses == k), sum(k == Y)
        precision, recall = (right / count if count else 0.0 for count in (taken, there))
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        found = [report.scores[key][k] for key in ("precision", "recall", "f1", "support")]
        np.testing.assert_allclose(found, [precision, recall, f1, there])
    title, head, *rows, mean = capsys.readouterr().out.splitlines()
    assert title == "Epoch 1"
    assert head.split() == ["class", "precision", "recall", "f1", "samples"]
    assert [row.split()[0] for row in rows] == ["ant", "bee", "cow"]
    assert mean.split()[0] == "mean"
    assert mean.split()[-1] == "60"


def test_of_many_classes_the_worst_are_printed():
    report = ClassReport(most=2)
    report.matrix = np.diag([5, 1, 5]) + np.array([[0, 0, 0], [4, 0, 0], [0, 0, 0]])
    lines = report.table().splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["0", "1", "mean"]
    assert lines[-1] == "(the 2 of 3 classes with the lowest f1)"


def test_evaluate_reports_too(capsys):
    model, report = classifier(), ClassReport()
    model.evaluate(X, Y, verbose=0, callbacks=[report])
    np.testing.assert_array_equal(report.matrix, expected_matrix(model))
    assert capsys.readouterr().out.startswith("class")


@pytest.mark.parametrize("logits", [False, True])
def test_two_classes_by_one_unit(logits, capsys):
    model = Sequential(
        [layers.Dense(1, activation=None if logits else "sigmoid", input_shape=(4,))], seed=0
    )
    model.compile("sgd", losses.BinaryCrossentropy(from_logits=logits))
    report, y = ClassReport(), (X[:, 0] > 0).astype(int)
    model.evaluate(X, y, verbose=0, callbacks=[report])
    guesses = model.predict(X, verbose=0)[:, 0] > (0 if logits else 0.5)
    assert report.matrix[1, 1] == np.sum(guesses & (y == 1))


@pytest.mark.parametrize("cls", [ConfusionMatrix, ClassReport])
def test_what_cannot_be_reported_is_told_before_training(cls, tmp_path):
    model = classifier()
    with pytest.raises(ValueError, match=rf"{cls.__name__} looks at the predictions of the valid"):
        fit(model, cls(), validation_data=None)
    with pytest.raises(ValueError, match=rf"{cls.__name__}: `class_names` has 2 names, but the mo"):
        fit(model, cls(["a", "b"]))
    with pytest.raises(ValueError, match=r"`every` must be a whole number of epochs from 1 on"):
        cls(every=0)
    images = Sequential([layers.Conv1D(2, 1, input_shape=(4, 1))])
    images.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"needs one class a sample, but the model puts out"):
        images.fit(
            X[..., None], np.zeros((60, 4, 2)), validation_split=0.5, verbose=0, callbacks=[cls()]
        )
    assert model.optimizer.iterations == 0


def test_bad_arguments_of_the_confusion_matrix(tmp_path):
    with pytest.raises(ValueError, match=r"`normalize` must be None, 'true', 'pred' or 'all' but"):
        ConfusionMatrix(normalize="rows")
    with pytest.raises(TypeError, match=r"ConfusionMatrix: the path must be a string or a path"):
        ConfusionMatrix(path=3)
    with pytest.raises(ValueError, match=r"ConfusionMatrix: '.*x.doc' ends in .doc"):
        fit(classifier(), ConfusionMatrix(path=tmp_path / "x.doc"))


def test_they_can_be_copied_and_backed_up(tmp_path, capsys):
    callbacks = [ConfusionMatrix(), ClassReport(), Profiler(verbose=0)]
    fit(classifier(), *callbacks, BackupAndRestore(tmp_path))  # warns of what it cannot hold
    for callback in [*callbacks, LRFinder()]:
        assert pickle.loads(pickle.dumps(callback)).get_config() == callback.get_config()
    again = ClassReport()
    again.set_state(callbacks[1].get_state())
    assert again.table() == callbacks[1].table()
