"""The same seed gives the same bits, whatever else is asked of a model between its steps."""

import copy
import hashlib
import itertools
import json
import pickle
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers
from kerasish.kernels import compiled, tables
from kerasish.training import shards

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 8)).astype("float32")
Y = RNG.integers(0, 3, 60)

TRAINING = """
import hashlib, json, pickle
import numpy as np
np.random.seed(3)
state = pickle.dumps(np.random.get_state())
import kerasish as ks
from kerasish import layers
assert pickle.dumps(np.random.get_state()) == state
from kerasish.training import shards

shards.MIN_SHARD_FLOP = 1
rng = np.random.default_rng(0)
x, y = rng.standard_normal((90, 8)).astype("float32"), rng.integers(0, 3, 90)
ks.set_random_seed(11)
results = []
for count in (1, 1, 2, 3):
    ks.config.set_num_threads(count)
    model = ks.Sequential([
        layers.Dense(16, "relu"), layers.Dropout(0.3), layers.BatchNormalization(),
        layers.GaussianNoise(0.2), layers.AlphaDropout(0.1), layers.GaussianDropout(0.1, seed=4),
        layers.Dense(3, "softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, validation_split=0.2, verbose=0).history
    digest = hashlib.sha256(b"".join(a.tobytes() for a in model.get_weights())).hexdigest()
    results.append([history, digest, np.asarray(model(x[:2], training=True)).tolist()])
print(json.dumps(results))
"""


def test_two_processes_with_the_same_seed_agree_in_every_bit():
    command = [sys.executable, "-c", TRAINING]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    one, other = (json.loads(process.communicate(timeout=60)[0]) for process in both)
    assert one == other
    assert one[0] != one[1]  # a model made later has a seed of its own
    assert set(one[0][0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def digest(model):
    return hashlib.sha256(b"".join(a.tobytes() for a in model.get_weights())).hexdigest()


def made(**options):
    model = ks.Sequential(
        [
            layers.Dense(8, "relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Dense(3, "softmax"),
        ],
        seed=3,
        **options,
    )
    scores = ["accuracy", ks.metrics.Recall(average="macro", name="recall")]
    return model.compile("adam", "sparse_categorical_crossentropy", metrics=scores)


def fitted(callbacks=(), **options):
    model = made()
    history = model.fit(
        X,
        Y,
        epochs=2,
        validation_split=0.2,
        callbacks=list(callbacks),
        verbose=0,
        **options,
    ).history
    return history, digest(model)


def test_numpys_global_random_numbers_are_neither_read_nor_advanced():
    def state():
        return pickle.dumps(np.random.get_state())

    np.random.seed(1)
    before = state()
    one = fitted()
    model = made()
    model.fit(X, Y, verbose=0)
    model(X, training=True)
    layers.Dropout(0.5)(X, training=True)
    assert state() == before
    np.random.seed(2)
    assert fitted() == one


# --- what hooks may do -----------------------------------------------------------------------


def _saved_and_loaded(model):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("m.keras", "m.h5"):
            model.save(f"{folder}/{name}")
            ks.models.load_model(f"{folder}/{name}").train_on_batch(X, Y)
        model.save_weights(f"{folder}/w.weights.h5")
        model.load_weights(f"{folder}/w.weights.h5")


OTHER = ks.Sequential([layers.Dense(3), layers.Dropout(0.5)], seed=1).compile("adam", "mse")
ACTIONS = {
    "predict": lambda model: model.predict(X, verbose=0),
    "predict_on_batch": lambda model: model.predict_on_batch(X),
    "evaluate": lambda model: model.evaluate(X, Y, batch_size=7, verbose=0),
    "test_on_batch": lambda model: model.test_on_batch(X, Y),
    "call": lambda model: model(X),
    "get_weights": lambda model: [w.fill(0) for w in model.get_weights()],
    "set_weights": lambda model: model.set_weights(model.get_weights()),
    "summary": lambda model: model.summary(print_fn=str),
    "deepcopy": lambda model: copy.deepcopy(model),
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "train a copy": lambda model: copy.deepcopy(model).train_on_batch(X, Y),
    "to_json": lambda model: ks.models.model_from_json(model.to_json()).predict(X, verbose=0),
    "clone": lambda model: ks.models.clone_model(model),
    "share": lambda model: ks.Sequential(model.layers[:2]).predict(X, verbose=0),
    "nest": lambda model: ks.Sequential([model, layers.Dense(1)]).predict(X, verbose=0),
    "train another": lambda model: OTHER.train_on_batch(X, X[:, :3]),
    "fit another": lambda model: OTHER.fit(X, X[:, :3], verbose=0),
    "save": lambda model: _saved_and_loaded(model),
    "a layer alone": lambda model: layers.Dropout(0.5)(X, training=True),
}


class AtEveryHook(ks.callbacks.Callback):
    def __init__(self, action):
        super().__init__()
        self.action, self.busy, self.seen = action, False, set()

    def _act(self, hook):
        if not self.busy:  # the action may call hooks itself
            self.busy = True
            self.action(self.model)
            self.busy = False
            self.seen.add(hook)

    def __getstate__(self):
        return {**super().__getstate__(), "action": None}


def _hook(name):
    return lambda self, *args, **kwargs: self._act(name)


HOOKS = [
    *(f"on_{kind}_{end}" for kind in ("train", "test", "epoch") for end in ("begin", "end")),
    *(f"on_{kind}_batch_{end}" for kind in ("train", "test") for end in ("begin", "end")),
]
for _name in HOOKS:
    setattr(AtEveryHook, _name, _hook(_name))


@pytest.fixture(scope="module")
def undisturbed():
    return fitted()


@pytest.mark.parametrize("name", ACTIONS)
def test_what_a_hook_asks_of_a_model_changes_no_bit_of_its_training(name, undisturbed):
    hooks = AtEveryHook(ACTIONS[name])
    assert fitted([hooks]) == undisturbed
    assert hooks.seen == set(HOOKS)


def test_the_same_holds_in_shards(monkeypatch):
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    before = ks.config.num_threads()
    ks.config.set_num_threads(3)
    try:
        plain = fitted()
        for name in ("predict", "evaluate", "deepcopy", "fit another"):
            assert fitted([AtEveryHook(ACTIONS[name])]) == plain
    finally:
        ks.config.set_num_threads(before)


# --- random numbers in a model ---------------------------------------------------------------


def test_monte_carlo_dropout_differs_by_call_and_repeats_by_seed():
    def draws(model):
        return [np.asarray(model(X, training=True)) for _ in range(3)]

    one, other = made(), made()
    first, again = draws(one), draws(other)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    np.testing.assert_array_equal(one(X), one(X))
    mean = np.mean([one(X, training=True) for _ in range(400)], axis=0)
    assert np.all(np.isfinite(mean))


def test_every_epoch_has_an_order_and_a_noise_of_its_own():
    seen = []

    class Noting(layers.Layer):
        def forward(self, x, step):
            if step.training:
                seen.append(np.array(x))
            return x, lambda dy: dy

    model = ks.Sequential([Noting(), layers.Dropout(0.5), layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    for _ in range(2):  # a second fit does not begin again
        model.fit(X, X[:, :1], epochs=2, batch_size=60, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(seen))
    assert all(np.array_equal(np.sort(a, axis=0), np.sort(X, axis=0)) for a in seen)


# --- two compiles over shared weights --------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Reference:
    """Generator and judge of one hidden layer each, in float64 by hand, learning by momentum."""

    def __init__(self, generator, judge):
        self.g = [w.astype("float64") for w in generator.get_weights()]
        self.d = [w.astype("float64") for w in judge.get_weights()]
        self.speed = {"judge": [0 * w for w in self.d], "gan": [0 * w for w in self.g]}

    @staticmethod
    def forward(weights, x):
        a, b, c, d = weights
        hidden = np.tanh(x @ a + b)
        return hidden, hidden @ c + d

    @staticmethod
    def backward(weights, x, hidden, dz):
        a, _, c, _ = weights
        dh = (dz @ c.T) * (1 - hidden**2)
        return [x.T @ dh, dh.sum(0), hidden.T @ dz, dz.sum(0)], dh @ a.T

    def move(self, name, weights, gradients):
        for v, w, g in zip(self.speed[name], weights, gradients, strict=True):
            v *= 0.9
            v -= 0.1 * g
            w += v

    def train_judge(self, x, y):
        hidden, z = self.forward(self.d, x)
        self.move("judge", self.d, self.backward(self.d, x, hidden, (sigmoid(z) - y) / len(x))[0])

    def train_generator(self, noise, y):
        hidden, fake = self.forward(self.g, noise)
        judged, z = self.forward(self.d, fake)
        _, dfake = self.backward(self.d, fake, judged, (sigmoid(z) - y) / len(noise))
        self.move("gan", self.g, self.backward(self.g, noise, hidden, dfake)[0])


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("built_first", [True, False])
def test_a_gan_trains_as_one_made_by_hand(count, built_first, monkeypatch):
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    before = ks.config.num_threads()
    ks.config.set_num_threads(count)
    first = {"input_shape": (4,)} if built_first else {}
    generator = ks.Sequential([layers.Dense(5, "tanh", **first), layers.Dense(8)], seed=1)
    first = {"input_shape": (8,)} if built_first else {}
    judge = ks.Sequential([layers.Dense(6, "tanh", **first), layers.Dense(1, "sigmoid")], seed=2)
    judge.compile(ks.optimizers.SGD(0.1, momentum=0.9), "binary_crossentropy")
    judge.trainable = False
    gan = ks.Sequential([generator, judge])
    gan.compile(ks.optimizers.SGD(0.1, momentum=0.9), "binary_crossentropy")
    if not built_first:
        gan.build((None, 4))
    try:
        reference = Reference(generator, judge)
        rng = np.random.default_rng(5)
        for step in range(4):
            noise, real = rng.standard_normal((12, 4)), rng.standard_normal((12, 8))
            fake = generator.predict(noise, verbose=0)
            x = np.concatenate([real, fake]).astype("float32")
            y = np.repeat([[1.0], [0.0]], 12, axis=0)
            judge.train_on_batch(x, y)
            gan.train_on_batch(noise, np.ones((12, 1)))
            reference.train_judge(x.astype("float64"), y)
            reference.train_generator(noise, np.ones((12, 1)))
            if step == 1:  # the weights move to another home; both compiles go on
                ks.Sequential([generator, layers.Dense(3)]).predict(noise, verbose=0)
            for model, expected in ((generator, reference.g), (judge, reference.d)):
                for ours, theirs in zip(model.get_weights(), expected, strict=True):
                    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    finally:
        ks.config.set_num_threads(before)


RECURRENT = {
    "lstm": lambda: [layers.LSTM(8, dropout=0.2, recurrent_dropout=0.3)],
    "gru": lambda: [layers.GRU(8, return_sequences=True), layers.GRU(8, reset_after=False)],
    "both ways": lambda: [layers.Bidirectional(layers.LSTM(8)), layers.Dropout(0.3)],
    "simple": lambda: [layers.SimpleRNN(8, activation="relu", recurrent_dropout=0.2)],
    "cells": lambda: [layers.RNN([layers.GRUCell(6), layers.LSTMCell(5, dropout=0.2)])],
}


@pytest.mark.parametrize("kernels", ["0", "auto"])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_fits_repeat_to_the_bit(name, kernels, monkeypatch):
    """With masks, dropout and tables whose rows are looked up once, in one shard and in more."""
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    monkeypatch.setattr(tables, "MIN_FLOP", 1)
    monkeypatch.setattr(compiled, "MIN_ELEMENTS", 1)
    words = np.random.default_rng(0).integers(0, 9, (24, 7))
    words[3] = 0
    threads = ks.config.num_threads()

    def digest(count, seed):
        ks.config.set_num_threads(count)
        table = layers.Embedding(9, 6, mask_zero=True)
        model = ks.Sequential([table, *RECURRENT[name](), layers.Dense(3)], seed=seed)
        loss = ks.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        model.fit(words, Y[:24], batch_size=10, epochs=2, verbose=0)
        bits = b"".join(a.tobytes() for a in model.get_weights())
        return hashlib.sha256(bits + model.predict(words, verbose=0).tobytes()).hexdigest()

    try:
        with compiled.forced(kernels):
            for count in 1, 3:
                assert len({digest(count, 5) for _ in range(3)}) == 1
            assert digest(3, 5) != digest(3, 6)
    finally:
        ks.config.set_num_threads(threads)
