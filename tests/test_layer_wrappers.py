"""Bidirectional and TimeDistributed: models, masks, states, copies and errors."""

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.step import Step


def near(a, b):
    return np.abs(np.asarray(a) - np.asarray(b)).max() < 1e-5


# --- Bidirectional ------------------------------------------------------------------------------


def test_backward_layer_reads_the_reverse():
    x = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")
    both = layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode="concat")
    y = both(x)
    assert near(y[..., :5], both.forward_layer(x))
    reverse = layers.LSTM(5, return_sequences=True)
    reverse.build(x.shape)
    reverse.set_weights(both.backward_layer.get_weights())
    assert near(y[..., 5:], reverse(x[:, ::-1])[:, ::-1])


def test_names_paths_and_weights_of_bidirectional():
    layer = layers.Bidirectional(layers.GRU(2, name="g"), name="b")
    model = Sequential([layers.Input((3, 1)), layer], name="m")
    assert [w.path for w in model.weights][::3] == [
        "m/b/forward_g/gru_cell/kernel",
        "m/b/backward_g/gru_cell/kernel",
    ]
    given = [np.full(w.shape, i) for i, w in enumerate(model.weights)]
    twin = layers.Bidirectional(layers.GRU(2), weights=given)
    twin(np.zeros((1, 3, 1)))
    assert [w.max() for w in twin.get_weights()] == [0, 1, 2, 3, 4, 5]


def test_both_directions_learn():
    x = np.random.default_rng(0).integers(1, 20, (256, 6))
    y = ((x[:, 0] + x[:, -1]) % 2).astype("int32")  # needs either end
    net = [layers.Embedding(20, 8), layers.Bidirectional(layers.LSTM(16))]
    model = Sequential([*net, layers.Dense(1, activation="sigmoid")], seed=1)
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(x, y, epochs=20, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.95


def test_several_outputs_of_bidirectional():
    x = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")
    apart = layers.Bidirectional(layers.GRU(5), merge_mode=None)
    ahead, behind = apart(x)
    joined = layers.Bidirectional(layers.GRU(5, return_state=True))
    joined.build(x.shape)
    joined.set_weights(apart.get_weights())
    y, *states = joined(x)
    assert near(y, np.concatenate([ahead, behind], axis=-1))
    assert near(states[0], ahead)
    assert near(states[1], behind)
    later, *_ = joined(x, initial_state=states)
    assert not near(later, y)
    with pytest.raises(ValueError, match="Bidirectional 'b' returns several arrays"):
        Sequential([layers.Bidirectional(layers.GRU(5), merge_mode=None, name="b")])


def test_states_of_both_directions():
    both = layers.Bidirectional(layers.LSTM(3, stateful=True))
    model = Sequential([layers.Input(batch_shape=(2, 4, 1)), both])
    x = np.ones((2, 4, 1))
    first, second = model.predict(x, verbose=0), model.predict(x, verbose=0)
    assert not near(first[:, :3], second[:, :3])
    assert not near(first[:, 3:], second[:, 3:])
    model.reset_states()
    assert near(model.predict(x, verbose=0), first)
    both.reset_states()
    assert near(model.predict(x, verbose=0), first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": layers.Dense(3)}, "`layer` must be a recurrent layer, such as LSTM.32., but"),
        ({"merge_mode": "max"}, "`merge_mode` must be one of 'sum', 'mul', 'ave', 'concat', None"),
        (
            {"layer": layers.GRU(3, go_backwards=True)},
            "must have different `go_backwards`, but",
        ),
        ({"backward_layer": layers.GRU(3)}, "Give backward_layer go_backwards=True"),
        (
            {"backward_layer": layers.GRU(3, go_backwards=True, return_sequences=True)},
            "must have the same `return_sequences`, but it is False and True",
        ),
    ],
)
def test_bad_arguments_of_bidirectional(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.Bidirectional(**{"layer": layers.LSTM(3), **arguments})


# --- TimeDistributed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: layers.Dense(3, activation="softmax"), (2, 3, 4)),
        (lambda: layers.Conv2D(2, 2), (2, 3, 4, 5, 1)),
        (lambda: layers.Flatten(), (2, 3, 4, 2)),
        (lambda: layers.LSTM(3), (2, 3, 4, 2)),
        (lambda: layers.Lambda(lambda x: x**2), (2, 3, 4)),
        (lambda: layers.TimeDistributed(layers.Dense(2)), (2, 3, 4, 2)),
        (lambda: Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)]), (2, 3, 4)),
        (lambda: layers.BatchNormalization(), (2, 3, 4)),
    ],
)
def test_each_step_gets_the_layer(layer, shape):
    layer = layer()
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    y = layers.TimeDistributed(layer)(x)
    for t in range(shape[1]):
        assert near(y[:, t], layer(x[:, t]))


def test_a_layer_that_mixes_samples_sees_one_step_at_a_time():
    x = np.arange(12.0).reshape(4, 3, 1)
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))
    y = layer(x, training=True)
    assert np.abs(y.mean(axis=0)).max() < 1e-6
    mean = 0.0
    for t in range(3):
        mean = 0.5 * mean + 0.5 * x[:, t].mean()
    assert near(layer.layer.moving_mean, [mean])


def test_words_of_sentences():
    """A mask of words ends in the layer that reads them; later ones skip empty sentences."""
    x = np.array([[[1, 2, 0], [0, 0, 0]], [[3, 0, 0], [1, 4, 2]]])
    words = [layers.Embedding(5, 4, mask_zero=True), layers.TimeDistributed(layers.GRU(3))]
    model = Sequential([layers.Input((2, 3)), *words, layers.GRU(2)])
    assert model.predict(x, verbose=0).shape == (2, 2)
    step = Step(batch_size=2)
    y = x
    for layer in words:
        y, _ = layer.apply(y, step)
    assert step.mask.tolist() == [[True, False], [True, True]]
    assert not y[0, 1].any()


def test_embedding_inside_time_distributed_keeps_whole_numbers():
    layer = layers.TimeDistributed(layers.Embedding(200_000_000, 1, embeddings_initializer="zeros"))
    assert layer.casts_input is False
    model = Sequential([layers.TimeDistributed(layers.Embedding(5, 2)), layers.Flatten()])
    assert model.predict(np.ones((2, 3, 4), int), verbose=0).shape == (2, 24)


def test_paths_of_time_distributed():
    layer = layers.TimeDistributed(layers.Dense(2, name="d"), name="t")
    model = Sequential([layers.Input((3, 1)), layer], name="m")
    assert [w.path for w in model.weights] == ["m/t/d/kernel", "m/t/d/bias"]


def test_what_time_distributed_refuses():
    with pytest.raises(ValueError, match=r"TimeDistributed 't' expects inputs of shape \(N, steps"):
        layers.TimeDistributed(layers.Dense(2), name="t")(np.ones((2, 3)))
    with pytest.raises(ValueError, match="got sequences of length 0"):
        layers.TimeDistributed(layers.Dense(2))(np.ones((2, 0, 3)))
    with pytest.raises(ValueError, match="TimeDistributed holds a layer but got 3"):
        layers.TimeDistributed(3)
    with pytest.raises(ValueError, match="LSTM 'l' returns several arrays"):
        layers.TimeDistributed(layers.LSTM(2, return_state=True, name="l"))(np.ones((2, 3, 4, 1)))
    layer = layers.TimeDistributed(layers.Dense(2, name="d"))
    layer(np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match=r"Dense 'd' expects inputs of shape \(N, 3\) but got"):
        layer(np.ones((2, 5, 4)))
