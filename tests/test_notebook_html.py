"""What models, layers, histories and matrices show of themselves in notebooks."""

import subprocess
import sys

import numpy as np
import pytest

from kerasish import Model, Sequential, layers, viz
from kerasish.callbacks import Callback as BaseCallback
from kerasish.callbacks import ClassReport, ConfusionMatrix, History, RunLog
from tests.html_checks import checked

EVIL = "<script>'\"&"
X = np.linspace(0, 1, 24).reshape(8, 3).astype("float32")


class Branching(Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


MODELS = {
    "empty": Sequential,
    "unbuilt": lambda: Sequential([layers.Dense(2)]),
    "built": lambda: Sequential([layers.Dense(2, input_shape=(3,))]),
    "nested": lambda: Sequential([layers.Input((3,)), Sequential([layers.Dense(2)], name=EVIL)]),
    "with call": Branching,
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_models_show_their_table(make):
    model = make()
    page = checked(model._repr_html_())
    assert model.name in page.text
    for layer in model.layers:
        assert layer.name in page.text
    assert page.all("script") == []


def test_a_built_model_has_shapes_and_counts():
    text = checked(MODELS["nested"]()._repr_html_()).text
    assert "(None, 2)" in text
    assert "Total params: 8 (32.00 B)" in text
    unbuilt = checked(MODELS["unbuilt"]()._repr_html_()).text
    assert "0 (unbuilt)" in unbuilt
    assert "Not built yet" in unbuilt


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (layers.Dense(4, activation="relu", name=EVIL), (2, 3), ["units 4", "relu", "(3, 4), 12"]),
        (layers.Dense(4), None, ["units 4", "not built"]),
        (layers.Dropout(0.25), (2, 3), ["rate 0.25"]),
        (layers.LSTM(2), (2, 3, 4), ["units 2"]),
        (layers.BatchNormalization(), (2, 3), ["moving_mean (3,), 3 parameters, does not learn"]),
    ],
)
def test_layers_show_what_they_were_told_and_have(layer, shape, words):
    if shape:
        layer(np.zeros(shape, "float32"))
    page = checked(layer._repr_html_())
    for part in [type(layer).__name__, layer.name, *words]:
        assert part in page.text
    assert "initializer" not in page.text  # as it usually is
    assert "float32" not in page.text


def test_layers_of_users_too():
    class Mine(layers.Layer):
        def call(self, inputs):
            return inputs

    assert "Mine" in checked(Mine()._repr_html_()).text


def fit(*callbacks, **options):
    model = Sequential([layers.Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    y = np.arange(8) % 2
    options = {"epochs": 3, "validation_data": (X, y), **options}
    return model.fit(X, y, callbacks=list(callbacks), verbose=0, **options)


def test_a_history_shows_its_curves():
    page = checked(fit()._repr_html_())
    assert [one["data-name"] for one in page.all("svg", class_="chart")] == ["loss", "accuracy"]
    assert "Loss best" in page.text
    assert "training" in page.text
    assert "validation" in page.text


def test_a_history_may_hold_anything():
    class Odd(BaseCallback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update({EVIL: np.nan, "note": EVIL, "f1": np.array([0.0, 1.0])})

    page = checked(fit(Odd())._repr_html_())
    assert EVIL in page.text
    assert page.all("svg", data_name="note") == []
    assert page.all("svg", data_name="f1") != []


def test_a_history_without_epochs_and_one_that_was_interrupted():
    assert "No epochs yet" in checked(History()._repr_html_()).text
    history = History()
    history.on_epoch_end(0, {"loss": 0.5})
    history.interrupted = True
    assert "Interrupted." in checked(history._repr_html_()).text


def test_confusion_matrices_show_their_cells(capsys):
    show, report = ConfusionMatrix([EVIL, "dog"]), ClassReport([EVIL, "dog"])
    assert show._repr_html_() is report._repr_html_() is None  # then Jupyter shows the repr
    fit(show, report, epochs=1)
    page = checked(show._repr_html_())
    assert len([one for one in page.all("td") if "title" in one]) == 4
    assert EVIL in page.text
    assert "of 8 right" in page.text
    table = checked(report._repr_html_())
    assert "precision recall f1 samples" in table.text
    assert "mean" in table.text


def test_a_run_that_was_read_shows_its_curves(tmp_path):
    fit(RunLog(tmp_path / "a.jsonl"))
    page = checked(viz.read_run(tmp_path / "a.jsonl")._repr_html_())
    assert len(page.all("svg", class_="chart")) == 2


def test_no_picture_needs_matplotlib():
    code = """
import sys, numpy as np
from kerasish import Sequential, layers
from kerasish.callbacks import ConfusionMatrix
model = Sequential([layers.Dense(2, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
show = ConfusionMatrix()
history = model.fit(np.ones((4, 3)), [0, 1, 0, 1], epochs=2, verbose=0)
show.matrix = np.eye(2, dtype=int)
for one in (model, model.layers[0], history, show):
    assert one._repr_html_()
assert "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
