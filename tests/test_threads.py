"""Threads: the same results on one and on several, the same bits each time, calls from anywhere."""

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import kerasish as ks
from kerasish import layers, losses, metrics
from kerasish.training import shards, threads

RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, 10)).astype("float32")  # odd, so that shards and batches differ
LABELS = RNG.integers(0, 4, 61)
ONE_HOT = np.eye(4, dtype="float32")[LABELS]
VALUES = RNG.standard_normal((61, 4)).astype("float32")
WEIGHTS = RNG.uniform(0.2, 2, 61).astype("float32")
SERIES = RNG.standard_normal((61, 6, 3)).astype("float32")
SERIES[np.arange(61)[:, None] % 6 < np.arange(6)] = 0  # rows of 1 to 6 steps, the rest masked
STEPS = RNG.standard_normal((61, 6, 2)).astype("float32")


@pytest.fixture(autouse=True)
def cut(monkeypatch):
    """Cut small batches too; every test leaves number of threads and BLAS as they were."""
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    before, blas = ks.config.num_threads(), blas_threads()
    yield
    ks.config.set_num_threads(before)
    assert blas_threads() == blas


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def dense(*more, head="softmax", **options):
    return lambda: ks.Sequential(
        [layers.Dense(12, "tanh", **options), *(make() for make in more), layers.Dense(4, head)],
        seed=1,
    )


def masked(loss="mse", **options):
    """A case whose losses are one a step, some of them masked."""

    def model():
        stack = [layers.Masking(input_shape=(6, 3)), layers.Dense(5, "tanh"), layers.Dense(2)]
        if options.pop("norm", False):
            stack.insert(2, layers.BatchNormalization())
        return ks.Sequential(stack, seed=1)

    return {"model": model, "x": SERIES, "y": STEPS, "loss": loss, **options}


def rmse(y_true, y_pred):
    """Not the mean of the rmse of parts of a batch."""
    return np.sqrt(np.mean((y_true - y_pred) ** 2))


class Furthest(metrics.Metric):
    """A user's metric: whatever batches it sees must be whole ones."""

    def __init__(self, name="furthest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        weight = 1 if sample_weight is None else np.asarray(sample_weight).max()
        self.total.assign_add(weight * np.abs(y_true - y_pred).max() * len(y_pred))

    def result(self):
        return self.total


class Spread(ks.regularizers.Regularizer):
    """Not the sum of the penalties of parts."""

    def __call__(self, x):
        return 0.1 * np.sum((x - np.mean(x, axis=0)) ** 2)


class Residual(layers.Layer):
    """A user's layer that mixes the samples of a batch."""

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")

    def call(self, inputs):
        return inputs * self.w - np.mean(inputs, axis=0)


def spread(x):
    return 0.1 * np.sum((x - np.mean(x, axis=0)) ** 2)


def weighted(reduction):
    return {"loss": losses.CategoricalCrossentropy(reduction=reduction), "sample_weight": WEIGHTS}


CASES = {
    "plain": {},
    "batch norm": {"model": dense(layers.BatchNormalization)},
    "frozen batch norm": {"model": dense(lambda: layers.BatchNormalization(trainable=False))},
    "layer norm": {"model": dense(layers.LayerNormalization)},
    "sparse": {"y": LABELS, "loss": "sparse_categorical_crossentropy"},
    "class weights": {
        "y": LABELS,
        "loss": "sparse_categorical_crossentropy",
        "class_weight": {0: 0.5, 1: 2.0, 2: 1.0, 3: 3.0},
    },
    "activity": {"model": dense(activity_regularizer=ks.regularizers.L1L2(0.01, 0.02))},
    "activity layer": {"model": dense(lambda: layers.ActivityRegularization(0.01, 0.02))},
    "activity orthogonal": {
        "model": dense(activity_regularizer=ks.regularizers.OrthogonalRegularizer(0.1))
    },
    "activity of a user's": {"model": dense(activity_regularizer=Spread())},
    "activity function": {"model": dense(activity_regularizer=spread)},
    "weight penalties": {
        "model": dense(kernel_regularizer="l1_l2", bias_regularizer=ks.regularizers.L2(0.1))
    },
    "penalty of a user's": {"model": dense(kernel_regularizer=Spread())},
    **{f"reduction {name}": weighted(name) for name in ("sum", "mean", "none", None)},
    "mean with weights": weighted("mean_with_sample_weight"),
    "loss weight": {"loss_weights": 0.3},
    "from probabilities": {"loss": losses.CategoricalFocalCrossentropy()},
    "rmse": {"y": VALUES, "loss": rmse, "model": dense(head=None)},
    "rmse and weights": {
        "y": VALUES,
        "loss": rmse,
        "model": dense(head=None),
        "sample_weight": WEIGHTS,
    },
    "dice": {"loss": losses.Dice(), "model": dense(head="sigmoid")},
    "tversky": {"loss": losses.Tversky(axis=(1,)), "model": dense(head="sigmoid")},
    "user's layer": {"model": dense(Residual)},
    "lambda": {"model": dense(lambda: layers.Lambda(lambda x: x - np.mean(x, axis=0)))},
    "masked": masked(),
    "masked norm": masked(norm=True),
    "masked and weighted": masked("mae", sample_weight=WEIGHTS),
    "masked by weights": masked(losses.MeanSquaredError(reduction="mean_with_sample_weight")),
    "masked sum": masked(losses.Huber(reduction="sum")),
    "masked rmse": masked(lambda a, b: np.sqrt(np.mean((a - b) ** 2, axis=-1))),
}


def run(count, model=dense(), loss="categorical_crossentropy", x=X, y=ONE_HOT, **options):
    """Train on `count` threads; return the history, evaluation, weights and outputs."""
    ks.config.set_num_threads(count)
    model = model()
    plain, weighted = ["accuracy"], ["accuracy"]
    if y is not LABELS:
        plain, weighted = [Furthest(), "mae", "accuracy"], [Furthest(), "mse"]
    factor = options.pop("loss_weights", None)
    model.compile(ks.optimizers.SGD(0.1), loss, factor, plain, weighted)
    given = {key: value for key, value in options.items() if key != "class_weight"}
    history = model.fit(
        x, y, batch_size=25, epochs=2, verbose=0, validation_data=(x, y), **options
    ).history
    results = model.evaluate(x, y, batch_size=13, verbose=0, return_dict=True, **given)
    predictions = model.predict(x, batch_size=20, verbose=0)
    return {
        **history,
        **{f"evaluate {key}": value for key, value in results.items()},
        **{f"weight {i}": array for i, array in enumerate(model.get_weights())},
        "predictions": predictions,
    }


def assert_close(one, other, tolerance=1e-5):
    assert list(one) == list(other)
    for key, value in one.items():
        scale = max(1, np.max(np.abs(value)))
        np.testing.assert_allclose(other[key], value, rtol=0, atol=tolerance * scale, err_msg=key)


@pytest.mark.filterwarnings("ignore:.*does not support masks")
@pytest.mark.parametrize("name", CASES)
def test_threads_change_rounding_only(name):
    one = run(1, **CASES[name])
    assert np.isfinite(one["loss"]).all()
    for count in (2, 3):
        assert_close(one, run(count, **CASES[name]))


def test_the_cases_do_run_in_shards():
    ks.config.set_num_threads(3)
    model = dense(layers.BatchNormalization)()
    model.compile("sgd", "categorical_crossentropy")
    model.train_on_batch(X, ONE_HOT)
    assert len(model.program._training.steps) == 3
    whole = dense(activity_regularizer=ks.regularizers.OrthogonalRegularizer())()
    whole.compile("sgd", "categorical_crossentropy")
    whole.train_on_batch(X, ONE_HOT)
    assert len(whole.program._training.steps) == 1


SPARSE = "sparse_categorical_crossentropy"
METRICS = [
    *((name, VALUES, None, "mse") for name in "MAE MSLE R2Score CosineSimilarity".split()),
    *((name, VALUES, None, "mse") for name in "RootMeanSquaredError LogCoshError".split()),
    *((name, VALUES, None, "mse") for name in "PearsonCorrelation KLDivergence".split()),
    *((name, ONE_HOT, "softmax", "mse") for name in "AUC Precision Recall F1Score".split()),
    *((name, ONE_HOT, "sigmoid", "mse") for name in "BinaryAccuracy TruePositives".split()),
    *((name, ONE_HOT, "softmax", "mse") for name in "CategoricalAccuracy OneHotMeanIoU".split()),
    *((name, LABELS, "softmax", SPARSE) for name in "SparseCategoricalAccuracy Recall".split()),
]


@pytest.mark.parametrize(("name", "y", "head", "loss"), METRICS)
def test_metrics_add_up_over_shards(name, y, head, loss):
    options = {"name": "it"}
    if name == "OneHotMeanIoU":
        options |= {"num_classes": 4, "dtype": "float32"}
    if y is LABELS and name == "Recall":
        options |= {"average": "macro"}

    def results(count):
        ks.config.set_num_threads(count)
        pair = [[getattr(metrics, name)(**options)] for _ in range(2)]
        model = dense(head=head)().compile("sgd", loss, metrics=pair[0], weighted_metrics=pair[1])
        return model.evaluate(
            X, y, sample_weight=WEIGHTS, batch_size=20, verbose=0, return_dict=True
        )

    one = results(1)
    assert len(one) == 3
    for count in (2, 3):
        assert_close(one, results(count))
