"""The fast lane of small models: which way a step goes must not change a bit."""

import copy
import functools

import numpy as np
import pytest

from kerasish import Sequential, callbacks, layers, losses, metrics, optimizers
from kerasish.kernels import compiled
from kerasish.training.lane import Lane, Lanes

FEATURES, CLASSES, ROWS = 6, 3, 44


def dense(*last, hidden="relu", **options):
    return lambda: [layers.Dense(8, activation=hidden, **options), layers.Dense(*last)]


softmax = dense(CLASSES, "softmax")

MODELS = {
    "relu, softmax": softmax,
    "tanh": dense(CLASSES, "softmax", hidden="tanh"),
    "gelu": dense(CLASSES, "softmax", hidden="gelu"),
    "no bias": dense(CLASSES, "softmax", use_bias=False),
    "softmax inside": dense(CLASSES, "softmax", hidden="softmax"),
    "three": lambda: [layers.Dense(7, activation="elu"), *softmax()],
    "softmax apart": lambda: [layers.Dense(CLASSES), layers.Activation("softmax")],
    "dropout": lambda: [layers.Dense(8, activation="relu"), layers.Dropout(0.3), *softmax()],
    "normalised": lambda: [
        layers.Dense(8, use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.LayerNormalization(),
        *softmax(),
    ],
    "leaky": lambda: [layers.Dense(8), layers.LeakyReLU(), layers.PReLU(), *softmax()],
    "noise": lambda: [layers.GaussianNoise(0.1), *softmax()],
    "nested": lambda: [Sequential([layers.Dense(5, activation="selu")]), *softmax()],
    "frozen": lambda: [layers.Dense(5, trainable=False), layers.Dropout(0.5), *softmax()],
    "images": lambda: [layers.Reshape((2, 3)), layers.Flatten(), *softmax()],
}
HEADS = {
    "sparse": (softmax, "sparse_categorical_crossentropy", "labels"),
    "sparse, column": (softmax, "sparse_categorical_crossentropy", "column"),
    "sparse, logits": (
        dense(CLASSES),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        "labels",
    ),
    "sparse, ignored": (softmax, losses.SparseCategoricalCrossentropy(ignore_class=1), "labels"),
    "categorical": (softmax, "categorical_crossentropy", "one-hot"),
    "smoothed": (softmax, losses.CategoricalCrossentropy(label_smoothing=0.1), "one-hot"),
    "binary": (dense(1, "sigmoid"), "binary_crossentropy", "binary"),
    "mse": (dense(1), "mse", "numbers"),
    "mse, flat": (dense(1), "mse", "flat"),
    "mae": (dense(1), "mae", "numbers"),
    "huber": (dense(1, "tanh"), losses.Huber(reduction="sum"), "numbers"),
    "own": (dense(1), lambda y, p: np.mean((y - p) ** 4, axis=-1), "numbers"),
}
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True, clipnorm=0.1),
    "adamw": lambda: optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=3),
    "accumulating": lambda: optimizers.Nadam(0.01, gradient_accumulation_steps=3),
    "lion": lambda: optimizers.Lion(0.001),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)),
}
SEEN_WHOLE = functools.partial(metrics.AUC, name="auc")
METRICS = {
    "none": [],
    "accuracy": ["accuracy"],
    "several": ["accuracy", "mae", SEEN_WHOLE],
    "own": [lambda y, p: np.abs(p).mean(axis=-1)],
}
WITHOUT_LANE = {"own"}  # users' losses see the batch as a whole


def data(kind="labels", dtype="float32"):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((ROWS, FEATURES)).astype(dtype)
    labels = rng.integers(0, CLASSES, ROWS)
    y = {
        "labels": labels,
        "column": labels[:, None].astype("int32"),
        "one-hot": np.eye(CLASSES, dtype="float32")[labels],
        "binary": (labels[:, None] > 0).astype("float32"),
        "numbers": rng.standard_normal((ROWS, 1)).astype(dtype),
        "flat": rng.standard_normal(ROWS),
    }[kind]
    return x, y


def make(stack=softmax, loss=None, optimizer="adam", metrics=("accuracy",), dtype=None):
    model = Sequential([layers.Input((FEATURES,)), *stack()], seed=1, dtype=dtype)
    made = [m() if m is SEEN_WHOLE else m for m in metrics]
    loss = copy.copy(loss) or "sparse_categorical_crossentropy"
    model.compile(OPTIMIZERS[optimizer](), loss, metrics=made)
    return model


def train(model, x, y, **options):
    """Everything that a fit leaves behind, with validation and a last batch that is short."""
    history = model.fit(
        x, y, batch_size=16, epochs=3, validation_data=(x[:20], y[:20]), verbose=0, **options
    )
    evaluated = model.evaluate(x, y, batch_size=10, return_dict=True, verbose=0)
    slots = [array for _, array, _ in model.program.state.variables]
    return [*model.get_weights(), *slots, *map(np.array, history.history.values()), evaluated]


@pytest.fixture
def lanes(monkeypatch):
    """How many steps went by a lane; `lanes.closed` closes them."""

    class Counted:
        trained = tested = 0
        closed = False

    def counting(name, way):
        def call(self, *args):
            setattr(Counted, name, getattr(Counted, name) + 1)
            return way(self, *args)

        return call

    find = Lanes.find
    monkeypatch.setattr(Lane, "train", counting("trained", Lane.train))
    monkeypatch.setattr(Lane, "test", counting("tested", Lane.test))
    monkeypatch.setattr(
        Lanes, "find", lambda self, *args: None if Counted.closed else find(self, *args)
    )
    return Counted


def check_same(lanes, make_model, run, used=True):
    """`run` the same model with and without lanes and compare every bit."""
    by_lane = run(make_model())
    assert (lanes.trained > 0) == used, lanes.trained
    lanes.closed, before = True, lanes.trained
    by_program = run(make_model())
    assert lanes.trained == before
    for a, b in zip(by_lane, by_program, strict=True):
        if isinstance(a, dict):
            assert a == b
        else:
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_layers(lanes, name):
    check_same(lanes, lambda: make(MODELS[name]), lambda m: train(m, *data()))
    assert lanes.trained == 9 - 2  # each shape comes by the long way once
    assert lanes.tested > 0


@pytest.mark.parametrize("name", HEADS)
def test_losses(lanes, name):
    stack, loss, kind = HEADS[name]
    used = name not in WITHOUT_LANE
    check_same(lanes, lambda: make(stack, loss), lambda m: train(m, *data(kind)), used)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(lanes, name):
    check_same(lanes, lambda: make(optimizer=name), lambda m: train(m, *data()))


@pytest.mark.parametrize("name", METRICS)
def test_metrics(lanes, name):
    stack = dense(1, "sigmoid")
    loss = losses.BinaryCrossentropy()
    made = METRICS[name]
    check_same(lanes, lambda: make(stack, loss, metrics=made), lambda m: train(m, *data("binary")))


def test_float64(lanes):
    x, y = data(dtype="float64")

    def stack():
        return [
            layers.Dense(8, activation="relu", dtype="float64"),
            layers.Dense(CLASSES, activation="softmax", dtype="float64"),
        ]

    check_same(lanes, lambda: make(stack, dtype="float64"), lambda m: train(m, x, y))


@pytest.mark.parametrize("kind", ["weights", "penalty", "activity", "subclass", "twice", "masked"])
def test_what_has_no_lane_goes_its_own_way(lanes, kind):
    class Mine(layers.Dense):
        pass

    same = layers.Dense(8, activation="tanh")
    stack = {
        "penalty": dense(CLASSES, "softmax", kernel_regularizer="l2"),
        "activity": dense(CLASSES, "softmax", activity_regularizer="l2"),
        "subclass": lambda: [Mine(8), *softmax()],
        "twice": lambda: [same, same, *softmax()],
        "masked": lambda: [layers.Reshape((2, 3)), layers.Masking(), layers.LSTM(3), *softmax()],
    }.get(kind, softmax)
    options = {"class_weight": {0: 2.0, 1: 1.0, 2: 1.0}} if kind == "weights" else {}
    if kind == "twice":
        model = Sequential([layers.Dense(8), *stack()], seed=1)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(*data(), epochs=3, verbose=0)
    else:
        train(make(stack), *data(), **options)
    assert lanes.trained == 0


def test_compiled_kernels_have_no_lane(lanes):
    pytest.importorskip("numba")
    with compiled.forced("1"):
        train(make(), *data())
    assert lanes.trained == 0


def test_a_layer_that_is_changed_between_batches(lanes):
    class Change(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                dropout, last = self.model.layers[1:3]
                dropout.rate = 0.6
                last.activation = layers.Dense(1, activation="tanh").activation

    def run(model):
        return train(model, *data(), callbacks=[Change()])

    check_same(lanes, lambda: make(MODELS["dropout"]), run)


def test_weights_that_move_to_another_store(lanes):
    def run(model):
        x, y = data()
        for i in range(8):
            model.train_on_batch(x[:16], y[:16])
            if i == 4:
                Sequential(model.layers[:1]).build((None, FEATURES))
        return model.get_weights()

    check_same(lanes, make, run)


def test_batches_by_hand(lanes):
    def run(model):
        x, y = data()
        found = [np.array(model.train_on_batch(x[:n], y[:n])) for n in (5, 9, 5, 9, 1, 5, 1, 1)]
        found += [np.array(model.test_on_batch(x[:n], y[:n])) for n in (5, 5, 5)]
        return [*found, *model.get_weights()]

    check_same(lanes, make, run)
    assert lanes.tested == 2


def test_many_shapes_of_batches(lanes):
    model = make()
    x, y = data()
    for _ in range(2):
        for rows in range(1, 40):
            model.train_on_batch(x[:rows], y[:rows])
    assert len(model.program._lanes._found) <= 16


def test_a_number_that_is_not_finite_ends_the_fit_before_the_weights_change(lanes):
    x, y = data()
    model = make()
    model.fit(x[:16], y[:16], batch_size=16, epochs=3, verbose=0)
    for _ in range(3):
        model.train_on_batch(x[:16], y[:16])
    model.set_weights([10 * w for w in model.get_weights()])
    x[40] = 3e38
    before, steps = model.get_weights(), int(model.optimizer.iterations)
    with pytest.warns(UserWarning, match=r"epoch 1, batch 2: the output of Dense .* is not finite"):
        history = model.fit(x[:42], y[:42], batch_size=14, shuffle=False, epochs=3, verbose=0)
    assert np.isnan(history.history["loss"]).all()
    assert int(model.optimizer.iterations) == steps + 2
    assert lanes.trained > 2
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert not all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_labels_that_do_not_exist_are_refused(lanes):
    x, y = data()
    model = make()
    for _ in range(3):
        model.train_on_batch(x, y)
    before = model.get_weights()
    with pytest.raises(ValueError, match="3"):
        model.train_on_batch(x, np.where(np.arange(ROWS) == 7, 3, y))
    assert lanes.trained > 0
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_predictions_shown_to_observers_own_their_memory(lanes):
    x, y = data()
    seen = []
    model = make()
    model.program.observers.append(lambda x, y, p: seen.append(p))
    model.evaluate(x, y, batch_size=11, verbose=0)
    assert lanes.tested
    np.testing.assert_array_equal(np.concatenate(seen), model.predict(x, batch_size=11, verbose=0))


def test_the_memory_of_lanes_is_released_after_fit(lanes):
    model = make()
    train(model, *data())
    assert not model.program._lanes._found
