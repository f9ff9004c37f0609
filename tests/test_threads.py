"""Threads: the same results on one and on several, the same bits each time, calls from anywhere."""

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from functools import partial

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
    """Of NumPy's BLAS; numba loads another one, SciPy's."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return [pool["num_threads"] for pool in pools if "scipy" not in pool["filepath"]]


def dense(*more, head="softmax", **options):
    return lambda: ks.Sequential(
        [layers.Dense(12, "tanh", **options), *(make() for make in more), layers.Dense(4, head)],
        seed=1,
    )


def masked(loss="mse", *more, **options):
    """A case whose losses are one a step, some of them masked."""

    def model():
        stack = [layers.Masking(), layers.Dense(5, "tanh"), *(make() for make in more)]
        return ks.Sequential([*stack, layers.Dense(2)], seed=1)

    return {"model": model, "x": SERIES, "y": STEPS, "loss": loss, **options}


def rmse(y_true, y_pred):
    """Not the mean of the rmse of parts of a batch."""
    return np.sqrt(np.mean((y_true - y_pred) ** 2))


def rmse_of_steps(y_true, y_pred):
    return np.sqrt(np.mean((y_true - y_pred) ** 2, axis=-1))


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
    "masked norm": masked("mse", layers.BatchNormalization),
    "masked and weighted": masked("mae", sample_weight=WEIGHTS),
    "masked by weights": masked(losses.MeanSquaredError(reduction="mean_with_sample_weight")),
    "masked sum": masked(losses.Huber(reduction="sum")),
    "masked rmse": masked(rmse_of_steps),
}


PLAIN = dense()


def run(count, model=PLAIN, loss="categorical_crossentropy", x=X, y=ONE_HOT, **options):
    """Train on `count` threads; return the history, evaluation, weights and outputs."""
    ks.config.set_num_threads(count)
    model = model()
    plain, weighted = ["accuracy"], ["accuracy"]
    if y is not LABELS:
        plain, weighted = [Furthest(), "mae", "accuracy"], [Furthest(), "mse"]
    factor = options.pop("loss_weights", None)
    model.compile(ks.optimizers.SGD(0.1), loss, factor, plain, weighted)
    given = {key: value for key, value in options.items() if key != "class_weight"}
    history = model.fit(x, y, batch_size=25, verbose=0, validation_data=(x, y), **options).history
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
OF_VALUES = ["MeanAbsoluteError", "RootMeanSquaredError", "LogCoshError", "CosineSimilarity"]
OF_VALUES += ["R2Score", "PearsonCorrelation", "KLDivergence"]
OF_CLASSES = ["CategoricalAccuracy", "OneHotMeanIoU", "AUC", "Precision", "Recall", "F1Score"]
METRICS = [
    *((name, VALUES, None, "mse") for name in OF_VALUES),
    *((name, ONE_HOT, "softmax", "mse") for name in OF_CLASSES),
    *((name, ONE_HOT, "sigmoid", "mse") for name in ("BinaryAccuracy", "TruePositives")),
    *((name, LABELS, "softmax", SPARSE) for name in ("SparseCategoricalAccuracy", "Recall")),
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


# --- the same bits ---------------------------------------------------------------------------


def noisy(**options):
    model = ks.Sequential(
        [
            layers.Dense(16, "relu"),
            layers.Dropout(0.4),
            layers.BatchNormalization(),
            layers.GaussianNoise(0.1),
            layers.Dropout(0.5, noise_shape=(1, 16)),
            layers.Dense(4, "softmax"),
        ],
        seed=5,
        **options,
    )
    return model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])


def trained(model, epochs=1):
    model.fit(X, ONE_HOT, batch_size=25, epochs=epochs, verbose=0)
    return b"".join(array.tobytes() for array in model.get_weights())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_same_number_of_threads_gives_the_same_bits(count):
    ks.config.set_num_threads(count)
    ballast = []  # so that memory lies elsewhere each time
    first = trained(noisy())
    for i in range(20):
        ballast.append(np.empty(997 * i + 1, np.uint8))
        assert trained(noisy()) == first


def in_threads(functions):
    """Run all functions at once and return their results."""
    results = [None] * len(functions)
    start = threading.Barrier(len(functions))

    def work(i):
        start.wait()
        try:
            results[i] = functions[i]()
        except BaseException as error:
            results[i] = error

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(functions))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
    return results


@pytest.mark.parametrize("count", [1, 3])
def test_eight_threads_predict_the_same_bits_as_one(count):
    ks.config.set_num_threads(count)
    model = noisy()
    trained(model)
    alone = [model.predict(X[i:], batch_size=7 + i, verbose=0) for i in range(8)]

    def predict(i):
        return lambda: [model.predict(X[i:], batch_size=7 + i, verbose=0) for _ in range(5)]

    for expected, got in zip(alone, in_threads([predict(i) for i in range(8)]), strict=True):
        assert all(np.array_equal(expected, y) for y in got)


@pytest.mark.parametrize("count", [1, 3])
def test_two_fits_at_once_are_as_one_after_the_other(count):
    ks.config.set_num_threads(count)
    models = [noisy(name=f"m{i}") for i in range(4)]
    for model in models:
        model.build((None, 10))
    expected = trained(models[0], 4)
    assert trained(models[1], 4) == expected
    got = in_threads([lambda model=model: trained(model, 4) for model in models[2:]])
    assert got == [expected, expected]


# --- calls from anywhere ---------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_a_fit_inside_a_callback_of_a_fit(count):
    ks.config.set_num_threads(count)
    expected = trained(noisy())
    inner = []

    class Inner(ks.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            other = noisy()
            twin = ks.models.clone_model(self.model)
            twin.compile("sgd", "categorical_crossentropy")
            twin.fit(X, ONE_HOT, verbose=0)
            inner.append(trained(other))

    model = noisy()
    model.fit(X, ONE_HOT, batch_size=25, callbacks=[Inner()], verbose=0)
    assert inner == [expected] * 3
    assert b"".join(array.tobytes() for array in model.get_weights()) == expected


def test_a_prediction_inside_a_loss_a_metric_and_a_layer_runs_inline():
    ks.config.set_num_threads(3)
    judge = noisy()
    judge.build((None, 10))
    seen = []

    class Asking(layers.Layer):
        """Shards of it run in worker threads."""

        def forward(self, x, step):
            seen.append((threading.current_thread().name, judge.predict(x, verbose=0)))
            return x, lambda dy: dy

    def loss(y_true, y_pred):
        judge.predict(X, verbose=0)
        return np.mean((y_true - y_pred) ** 2, axis=-1)

    def metric(y_true, y_pred):
        return np.mean(judge.predict(X, verbose=0))

    model = ks.Sequential([Asking(), layers.Dense(4)], seed=0)
    model.compile("sgd", loss, metrics=[metric])
    model.fit(X, VALUES, batch_size=61, shuffle=False, verbose=0)
    training = [pair for pair in seen if len(pair[1]) in (20, 21)]
    assert len({name for name, _ in training}) == 3
    found = sorted((len(y), y.tobytes()) for _, y in training)
    parts = [judge.predict(X[part], verbose=0) for part in shards.split_rows(61, 3)]
    assert [size for size, _ in found] == [20, 20, 21]
    joined = np.concatenate([np.frombuffer(raw, "float32") for _, raw in found])
    assert np.allclose(np.sort(joined), np.sort(np.concatenate(parts).ravel()), atol=1e-6)


def test_fit_works_in_a_thread_that_is_not_the_main_one():
    ks.config.set_num_threads(2)
    expected = trained(noisy())
    before = signal.getsignal(signal.SIGINT)
    assert in_threads([lambda: trained(noisy())]) == [expected]
    assert signal.getsignal(signal.SIGINT) is before


# --- ends ------------------------------------------------------------------------------------


class Faulty(layers.Layer):
    """Raises in the shards that are listed."""

    broken = ()

    def forward(self, x, step):
        if step.training and step.shard in self.broken:
            raise ArithmeticError(f"shard {step.shard}")
        return x, lambda dy: dy


@pytest.mark.parametrize("broken", [(0,), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("where", [0, 2])
def test_a_shard_that_raises_ends_the_step_with_its_error(broken, where):
    ks.config.set_num_threads(3)
    stack = [layers.Dense(6), layers.BatchNormalization(), layers.Dense(4)]
    faulty = Faulty()
    stack.insert(where, faulty)
    model = ks.Sequential(stack, seed=0).compile("adam", "mse")
    model.train_on_batch(X, VALUES)
    before = model.get_weights()
    faulty.broken = broken
    with pytest.raises(ArithmeticError, match=f"shard {broken[0]}"):
        model.fit(X, VALUES, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not threads.gang._lock.locked()
    faulty.broken = ()
    model.fit(X, VALUES, verbose=0)
    assert int(model.optimizer.iterations) == 3


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("number", [2, 3])
def test_shared_functions_run_once_each_and_their_errors_are_raised(count, number):
    ks.config.set_num_threads(number)
    seen = []
    threads.gang.share([partial(seen.append, k) for k in range(count)])
    assert sorted(seen) == list(range(count))

    def fail():
        raise IndexError("of its own")

    with pytest.raises(IndexError, match="of its own"):
        threads.gang.share([partial(seen.append, 0)] * count + [fail])


def test_blas_is_held_while_computing_and_free_again_after():
    free = blas_threads()
    held = []
    look = ks.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs=None: held.append(blas_threads()),
        on_predict_batch_begin=lambda batch, logs=None: held.append(blas_threads()),
    )
    model = noisy()
    model.fit(X, ONE_HOT, verbose=0, callbacks=[look])
    assert blas_threads() == free
    model.predict(X, verbose=0, callbacks=[look])
    assert blas_threads() == free
    assert all(count == 1 for pools in held for count in pools)
    fail = ks.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs=None: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, ONE_HOT, verbose=0, callbacks=[fail])
    assert blas_threads() == free
    with pytest.raises(ValueError, match="expects inputs"):
        model.predict(X[:, :3], verbose=0)
    assert blas_threads() == free


def test_many_fits_leak_neither_threads_nor_models():
    ks.config.set_num_threads(3)
    trained(noisy())
    count = threading.active_count()
    gone = []
    for _ in range(5):
        model = noisy()
        trained(model)
        model.predict(X, verbose=0)
        assert model.program._training.nbytes == 0
        gone.append(weakref.ref(model))
        with pytest.raises(ValueError, match="y"):
            model.fit(X, ONE_HOT[:5], verbose=0)
    del model
    gc.collect()
    assert [ref() for ref in gone] == [None] * 5
    assert threading.active_count() == count


def test_memory_kept_for_predictions_is_bounded():
    model = ks.Sequential([layers.Dense(1000)])
    model.predict(np.ones((8, 4)), verbose=0)
    assert [0 < team.nbytes < 2**20 for team in model._spare_teams] == [True]
    model.predict(np.ones((8000, 4)), batch_size=8000, verbose=0)
    assert model._spare_teams == []


FORK = """
import os, sys
import numpy as np
import kerasish as ks
from kerasish.training import shards
shards.MIN_SHARD_FLOP = 1
ks.config.set_num_threads(3)
x, y = np.ones((30, 4)), np.ones((30, 1))

def model():
    made = ks.Sequential([ks.layers.Dense(8, "relu"), ks.layers.Dense(1)], seed=0)
    return made.compile("adam", "mse")

def child():
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            made = model()
            made.fit(x, y, epochs=2, verbose=0)
            assert made.predict(x, verbose=0).shape == (30, 1)
            old.fit(x, y, verbose=0)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0

old = model()
old.fit(x, y, verbose=0)
child()
hook = ks.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs=None: child())
model().fit(x, y, verbose=0, callbacks=[hook])
old.fit(x, y, verbose=0)
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_process_may_fork_after_and_within_a_fit():
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "done\n"


def test_a_hundred_runs_give_the_same_bits(monkeypatch):
    monkeypatch.setattr("kerasish.optimizers.plan.MIN_SHARED", 1)
    monkeypatch.setattr("kerasish.optimizers.plan.BLOCK", 16)  # so that threads share the weights
    ks.config.set_num_threads(2)
    bits = set()
    for _ in range(100):
        model = dense(lambda: layers.Dropout(0.3), lambda: layers.BatchNormalization())()
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(X, ONE_HOT, batch_size=20, epochs=1, verbose=0)
        bits.add(
            b"".join(w.tobytes() for w in model.get_weights()) + repr(history.history).encode()
        )
    assert len(bits) == 1
