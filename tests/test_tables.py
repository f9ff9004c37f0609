"""Gradients of tables, of which a step writes few rows."""

import numpy as np
import pytest

from kerasish import Sequential, config, layers, optimizers
from kerasish.kernels import compiled, move_rows
from kerasish.step import Step
from kerasish.store import Runs, Weight
from kerasish.training import program, shards, tables

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 30, (24, 5)), RNG.standard_normal((24, 1)).astype("float32")


@pytest.fixture(autouse=True)
def two_shards(monkeypatch):
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    before = config.num_threads()
    config.set_num_threads(2)
    yield
    config.set_num_threads(before)


def trained(optimizer, **options):
    """Bits of a model with a table between other weights, and its history."""
    table = layers.Embedding(30, 4, **options)
    net = [table, layers.Dense(3, "tanh"), layers.GlobalAveragePooling1D(), layers.Dense(1)]
    model = Sequential(net, seed=0)
    model.compile(optimizer(), "mse")
    history = model.fit(X, Y, batch_size=8, epochs=3, verbose=0).history
    return [a.tobytes() for a in model.get_weights()], history


OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(0.1),
    "clipped": lambda: optimizers.Adam(0.1, global_clipnorm=0.1),
    "accumulated": lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2),
    "by weight": lambda: optimizers.Muon(0.1),
    "two": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.Adam(0.1), {".*bias": optimizers.SGD(0.1)})
    ),
}


@pytest.mark.parametrize("options", [{}, {"embeddings_regularizer": "l2"}], ids=["plain", "l2"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_moved_rows_give_the_same_bits(kind, options, monkeypatch):
    found = trained(OPTIMIZERS[kind], **options)
    monkeypatch.setattr(program.tables, "move", lambda *args: [])
    assert trained(OPTIMIZERS[kind], **options) == found


@pytest.mark.parametrize("mode", ["0", "1"])
def test_rows_that_come_twice_are_moved_once(mode):
    if mode == "1":
        pytest.importorskip("numba")
    with compiled.forced(mode):
        table, source = np.ones((2, 4, 3), "float32")
        source[2] = 0
        move_rows(table, source, np.array([3, 0, 3]))
        np.testing.assert_array_equal(table[:, 0], [2, 1, 1, 2])
        np.testing.assert_array_equal(source[:, 0], [0, 1, 0, 0])


@pytest.mark.parametrize("bad", [None, np.nan, np.inf])
def test_the_square_of_a_gradient_is_that_of_its_rows(bad):
    a, table, b = (Weight(np.zeros(shape, "float32")) for shape in (3, (6, 2), (2, 2)))
    runs, step = Runs([a, table, b]), Step(recording=True)
    gradient = np.arange(19, dtype="float32")
    step.grads = {w: runs.view(gradient, w) for w in runs.weights}
    step.rows_of(table, np.array([[4, 1]]))
    step.grads[table][4] = 7, 1 if bad is None else bad
    found, expected = tables.square(step, gradient, runs), np.dot(gradient, gradient)
    assert np.isfinite(found) == (bad is None)
    if bad is None:
        assert found == pytest.approx(expected)
