"""Recurrent layers behind an embedding work on the distinct words: the same numbers, less work."""

import numpy as np
import pytest

from kerasish import Sequential, config, layers
from kerasish.kernels import Lookup, tables
from kerasish.layers.wrapper import Wrapper
from kerasish.step import Step

WORDS, STEPS, ROWS = 7, 9, 12
RNG = np.random.default_rng(0)
X = RNG.integers(0, WORDS, (ROWS, STEPS))
Y = RNG.standard_normal((ROWS, 1))


class Doubled(Wrapper):
    """Reads its input twice: once through the layer."""

    def compute_output_shape(self, input_shape):
        return input_shape

    def forward(self, x, step):
        y, backward = self.layer.apply(x, step)
        return x + y, lambda dy: dy + backward(dy)


def lstm(**options):
    return layers.LSTM(5, **options)


EMBEDDINGS = {
    "plain": {},
    "masked": {"mask_zero": True},
    "frozen": {"trainable": False},
    "penalised": {"embeddings_regularizer": "l2"},
}
TAKING = {
    "simple": lambda: [layers.SimpleRNN(5)],
    "lstm": lambda: [lstm()],
    "gru": lambda: [layers.GRU(5)],
    "reset before": lambda: [layers.GRU(5, reset_after=False)],
    "no bias": lambda: [lstm(use_bias=False)],
    "backwards": lambda: [lstm(go_backwards=True, return_sequences=True), lstm()],
    "state dropped": lambda: [lstm(recurrent_dropout=0.4, seed=1)],
    "cell": lambda: [layers.RNN(layers.LSTMCell(5))],
    "both ways": lambda: [layers.Bidirectional(lstm(return_sequences=True)), lstm()],
    "two kinds": lambda: [
        layers.Bidirectional(lstm(), backward_layer=layers.GRU(3, go_backwards=True))
    ],
}
WHOLE = {
    "input dropped": lambda: [lstm(dropout=0.4, seed=1)],
    "one of two dropped": lambda: [
        layers.Bidirectional(
            lstm(dropout=0.4, seed=1), backward_layer=layers.GRU(3, go_backwards=True)
        )
    ],
    "between": lambda: [layers.Activation("tanh"), lstm()],
    "read twice": lambda: [Doubled(lstm(return_sequences=True)), lstm()],
    "stacked": lambda: [layers.RNN([layers.LSTMCell(5), layers.GRUCell(4)])],
    "in a model": lambda: [Sequential([lstm()])],
}


@pytest.fixture
def taken(monkeypatch):
    """Let any size be worth it; counts what is taken."""
    calls, take = [], Lookup.take

    def counted(*args):
        done = take(*args)
        calls.append(done)
        return done

    monkeypatch.setattr(Lookup, "take", counted)
    monkeypatch.setattr(tables, "MIN_FLOP", 1)
    config.set_floatx("float64")
    yield calls
    config.set_floatx("float32")


def trained(embedding, make):
    table = layers.Embedding(WORDS, 5, **embedding)
    model = Sequential([table, *make(), layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return [model.predict(X, verbose=0), *model.get_weights()]


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def without_rows(monkeypatch, *args):
    with monkeypatch.context() as patch:
        patch.setattr(tables, "MOST_DISTINCT", -1)
        return trained(*args)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("kind", TAKING)
def test_distinct_rows_give_the_same_numbers(kind, embedding, taken, monkeypatch):
    arguments = EMBEDDINGS[embedding], TAKING[kind]
    expected = without_rows(monkeypatch, *arguments)
    assert not any(taken)
    taken.clear()
    assert_same(trained(*arguments), expected)
    assert taken
    assert all(taken)


@pytest.mark.filterwarnings("ignore:.*does not support masks")
@pytest.mark.parametrize("kind", WHOLE)
def test_where_each_place_counts_all_are_taken(kind, taken, monkeypatch):
    expected = without_rows(monkeypatch, {}, WHOLE[kind])
    taken.clear()
    found = trained({}, WHOLE[kind])
    training = [done for done in taken if done]
    assert_same(found, expected)
    assert not training or "dropped" in kind  # without training nothing is dropped


@pytest.mark.parametrize("penalty", ["activity", "model"])
def test_penalties_of_the_output_see_each_place(penalty, taken, monkeypatch):
    options = {"activity_regularizer": "l2"} if penalty == "activity" else {}
    expected = without_rows(monkeypatch, options, TAKING["lstm"])
    taken.clear()
    assert_same(trained(options, TAKING["lstm"]), expected)
    assert any(taken) == (penalty != "activity")


def test_many_distinct_rows_or_little_work_are_not_worth_it(monkeypatch):
    table, step = np.ones((40, 3), "float32"), Step()
    few, many = np.zeros((4, 5), int), np.arange(20).reshape(4, 5)
    assert not Lookup(None, table, few, table).take(8, step)
    monkeypatch.setattr(tables, "MIN_FLOP", 1)
    assert not Lookup(None, table, many, table).take(8, step)
    assert Lookup(None, table, few, table).take(8, step)


def test_numbers_and_places_of_a_lookup(monkeypatch):
    monkeypatch.setattr(tables, "MIN_FLOP", 1)
    table = RNG.standard_normal((9, 2))
    indices = np.array([[3, 3, 8, 0], [8, 3, 3, 3]])
    lookup = Lookup("maker", table, indices, table[indices])
    assert lookup.take(4, Step())
    assert sorted(lookup.numbers) == [0, 3, 8]
    np.testing.assert_array_equal(lookup.rows[lookup.places], table[indices])
