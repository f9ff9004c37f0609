"""Recurrent layers: real Keras's numbers, states, masks, cells of users, and errors."""

import copy
import importlib.util
import json
import pathlib
import warnings

import numpy as np
import pytest

from kerasish import Sequential, layers, register
from kerasish.step import Step, commit
from kerasish.testing import check_layer

GOLDEN = pathlib.Path(__file__).parent / "golden"


# --- numbers of real Keras ----------------------------------------------------------------------


def _load_cases():
    spec = importlib.util.spec_from_file_location("cases", GOLDEN / "recurrent_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = _load_cases()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "recurrent.npz") as file:
        return dict(file)


def assert_near(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    error = np.abs(found - expected).max(initial=0)
    assert error <= 1e-5 * max(1, np.abs(expected).max(initial=0))


def run(layer, x, dy=None, mask=None, training=False):
    """Output, dLoss/dx, gradients and the mask that is passed on; `dy` defaults to ones."""
    layer.ensure_built((None, *x.shape[1:]))
    step = Step(recording=True, batch_size=len(x), training=training)
    step.grads = {w: np.full_like(w.value, np.nan) for w in layer.trainable_weights}
    step.mask = mask
    y, backward = layer.apply(x, step)
    dx = backward(np.ones_like(y) if dy is None else dy)
    commit([step])
    return y, dx, [step.grads[w] for w in layer.trainable_weights], step.mask


@pytest.mark.filterwarnings("ignore:.*channels_first")
@pytest.mark.parametrize(
    "number", range(len(CASES.CASES)), ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES.CASES)]
)
def test_agrees_with_keras(number, golden):
    name, arguments, shape, options = CASES.CASES[number]
    data = {k.partition("/")[2]: v for k, v in golden.items() if k.startswith(f"{number}/")}
    layer = CASES.make(layers, (name, arguments))
    layer.ensure_built((None, *shape[1:]))
    layer.set_weights([v for k, v in data.items() if k.startswith("weight")])
    y, dx, gradients, mask = run(
        layer, data["x"], data["dy"], data.get("mask"), "training" in options
    )
    assert_near(y, data["y"])
    if "dx" in data:
        assert_near(dx, data["dx"])
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *data["y"].shape[1:])
    assert np.array_equal(mask, data["out_mask"]) if "out_mask" in data else mask is None
    for i, gradient in enumerate(gradients):
        assert_near(gradient, data[f"gradient_{i}"])
    for i, weight in enumerate(layer.non_trainable_weights):
        assert_near(weight.value, data[f"after_{i}"])


@pytest.mark.parametrize("name", CASES.FITS)
def test_fit_is_the_same_as_keras(name):
    built, kind, fit = CASES.FITS[name]
    x, y = CASES.fit_data(kind, np)
    with np.load(GOLDEN / "recurrent_fits.npz") as file:
        data = {k.partition("/")[2]: v for k, v in file.items() if k.startswith(f"{name}/")}
    batch = fit["batch_size"] if name == "stateful" else None
    first = layers.Input(batch_shape=(batch, *x.shape[1:]), dtype=x.dtype.name)
    model = Sequential([first, *(CASES.make(layers, layer) for layer in built)])
    model.set_weights([data[f"before_{i}"] for i in range(len(model.weights))])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, shuffle=False, verbose=0, **fit).history
    for key, values in json.loads(str(data["history"])).items():
        assert_near(history[key], values)
    for i, weight in enumerate(model.weights):
        assert_near(weight.value, data[f"after_{i}"])
    assert_near(model.predict(x, batch_size=fit["batch_size"], verbose=0), data["prediction"])


# --- models -------------------------------------------------------------------------------------


def counting(rows=64, steps=6, words=20, seed=0):
    """Sequences of words, and whether the first is even: what a recurrence has to remember."""
    x = np.random.default_rng(seed).integers(1, words, (rows, steps))
    return x, (x[:, 0] % 2 == 0).astype("int32")


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_learns_to_remember(name):
    x, y = counting(256)
    recurrent = getattr(layers, name)(16)
    net = [layers.Embedding(20, 8), recurrent, layers.Dense(1, activation="sigmoid")]
    model = Sequential(net, seed=0)
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(x, y, epochs=12, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.95


def test_paths_are_those_of_keras():
    net = [layers.GRU(2, name="g", return_sequences=True)]
    cells = layers.StackedRNNCells(
        [layers.LSTMCell(2, name="c"), layers.GRUCell(2, name="d")], name="s"
    )
    net.append(layers.RNN(cells, name="r"))
    model = Sequential([layers.Input((3, 2)), *net], name="m")
    assert [w.path for w in model.weights][::3] == [
        "m/g/gru_cell/kernel",
        "m/r/s/c/kernel",
        "m/r/s/d/kernel",
    ]
    assert [w.name for w in model.weights[:3]] == ["kernel", "recurrent_kernel", "bias"]


def test_initial_weights():
    lstm = layers.LSTM(3)
    lstm(np.zeros((1, 2, 2)))
    kernel, recurrent, bias = lstm.get_weights()
    assert bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert_near(recurrent @ recurrent.T, np.eye(3))
    assert np.abs(kernel).max() <= np.sqrt(6 / 14)
    plain = layers.LSTM(3, unit_forget_bias=False, bias_initializer="ones")
    plain(np.zeros((1, 2, 2)))
    assert (plain.get_weights()[2] == 1).all()


def test_freezing_a_layer_freezes_its_cell():
    x, y = counting()
    net = [layers.Embedding(20, 4, trainable=False), layers.LSTM(4, trainable=False)]
    model = Sequential([*net, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.build_for(x)
    assert len(model.trainable_weights) == 2
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    for weight, value in zip(model.weights[:4], before[:4], strict=True):
        assert np.array_equal(weight.value, value)
    assert not np.array_equal(model.get_weights()[4], before[4])


def test_recurrent_seed_repeats_dropout():
    x = np.ones((2, 3, 4))
    layer = layers.GRU(8, dropout=0.5, recurrent_dropout=0.5, seed=1)
    layer(x)
    model = Sequential([layer], seed=3)
    runs = [model(x, training=True) for _ in range(2)]
    assert not np.array_equal(runs[0], runs[1])
    assert np.array_equal(model(x), model(x))


# --- masks --------------------------------------------------------------------------------------


def test_padding_changes_nothing():
    """With mask_zero a padded sequence gives what the sequence alone gives, at either end."""
    words = np.array([[3, 1, 2]])
    for cls in (layers.SimpleRNN, layers.LSTM, layers.GRU):
        model = Sequential([layers.Input((None,)), layers.Embedding(5, 4, mask_zero=True), cls(3)])
        alone = model.predict(words, verbose=0)
        for padding in ((0, 2), (2, 0)):
            assert_near(model.predict(np.pad(words, ((0, 0), padding)), verbose=0), alone)


def test_a_mask_that_masks_everything():
    """No step counts: the output is zero, nothing is learnt, and nothing is NaN."""
    x = np.zeros((4, 3), int)
    net = [layers.Embedding(5, 4, mask_zero=True), layers.LSTM(3, return_sequences=True)]
    model = Sequential([*net, layers.GRU(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.build_for(x)
    before = model.get_weights()
    history = model.fit(x, np.ones((4, 1)), verbose=0)
    assert history.history["loss"] == [1.0]  # Dense(0) is its bias, 0
    for weight, value in zip(model.weights[:-1], before[:-1], strict=True):
        assert np.array_equal(weight.value, value), weight.path
    layer, nothing = layers.LSTM(3, return_sequences=True), np.zeros((2, 3), bool)
    y, dx, gradients, _ = run(layer, np.ones((2, 3, 4), "float32"), mask=nothing)
    assert not y.any()
    assert not dx.any()
    assert not any(g.any() for g in gradients)


def test_masked_steps_may_hold_nan():
    x = np.ones((2, 3, 2), "float32")
    mask = np.array([[1, 1, 0], [1, 0, 0]], bool)
    layer = layers.LSTM(3)
    y, *_ = run(layer, x, mask=mask)
    x[~mask] = np.nan
    assert np.array_equal(run(layer, x, mask=mask)[0], y)


def test_mask_of_another_shape():
    with pytest.raises(ValueError, match=r"GRU 'g' got a mask of shape \(2, 4\) for sequences of"):
        layers.GRU(2, name="g")(np.ones((2, 3, 1)), mask=np.ones((2, 4)))


# --- states -------------------------------------------------------------------------------------


def stateful(batch=4, **arguments):
    layer = layers.LSTM(3, stateful=True, name="s", **arguments)
    return Sequential([layers.Input(batch_shape=(batch, 2, 1)), layer, layers.Dense(1)], seed=0)


def test_states_go_on_where_the_last_batch_ended():
    x = np.random.default_rng(0).standard_normal((4, 6, 1)).astype("float32")
    model = stateful()
    whole = Sequential([layers.Input((6, 1)), layers.LSTM(3), layers.Dense(1)])
    whole.set_weights(model.get_weights())
    parts = [model.predict(x[:, i : i + 2], verbose=0) for i in (0, 2, 4)]
    assert_near(parts[-1], whole.predict(x, verbose=0))
    model.reset_states()
    assert_near(model.predict(x[:, :2], verbose=0), parts[0])
    assert len(model.get_weights()) == 5
    assert [s.shape for s in model.layers[0].states] == [(4, 3), (4, 3)]


def test_states_are_each_samples_own():
    x = np.random.default_rng(0).standard_normal((4, 2, 1))
    model = stateful()
    first = model.predict(x, verbose=0)
    model.reset_states()
    model.predict(x[::-1], verbose=0)
    second = model.predict(x, verbose=0)
    model.reset_states()
    model.predict(x, verbose=0)
    third = model.predict(x, verbose=0)
    assert not np.allclose(second, third)
    assert not np.allclose(first, third)


def test_training_moves_the_states_and_an_aborted_step_does_not():
    x, y = np.ones((8, 2, 1)), np.ones((8, 1))
    model = stateful()
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    h = model.layers[0].states[0].numpy()
    assert h.any()
    model.layers[1].set_weights([np.full((3, 1), 3e38), [0]])
    with pytest.warns(UserWarning, match=r"is not finite"):
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    assert np.array_equal(model.layers[0].states[0].value, h)


def test_states_can_be_set_and_copied():
    model = stateful()
    layer = model.layers[0]
    layer.reset_state([np.ones((4, 3)), np.full((4, 3), 2.0)])
    assert (layer.states[1].value == 2).all()
    twin = copy.deepcopy(model)
    twin.reset_states()
    assert (layer.states[0].value == 1).all()
    assert not twin.layers[0].states[0].value.any()
    with pytest.raises(ValueError, match="has 2 states but reset_state got 1"):
        layer.reset_state([np.ones((4, 3))])
    with pytest.raises(ValueError, match=r"keeps no states\. Make it with stateful=True"):
        layers.LSTM(3).reset_state([np.ones((4, 3))])


def test_states_and_masks():
    """A step that is masked from the start shows zero, though there is a state."""
    layer = layers.GRU(2, stateful=True, return_sequences=True)
    x = np.ones((1, 2, 1))
    layer(x)
    assert layer.states[0].value.any()
    before = layer.states[0].numpy()
    y = layer(x, mask=[[False, False]])
    assert not y.any()
    assert np.array_equal(layer.states[0].value, before)
    given = layers.GRU(2, return_sequences=True)(x, [np.ones((1, 2))], mask=[[False, False]])
    assert not given.any()


def test_stateful_needs_a_batch_size():
    model = Sequential([layers.LSTM(3, stateful=True, name="s")])
    with pytest.raises(ValueError, match=r"'s' \(layer 0\) is stateful and needs a fixed batch"):
        model.predict(np.ones((4, 2, 1)), verbose=0)


def test_stateful_with_a_varying_batch():
    model = stateful()
    model.compile("sgd", "mse")
    x, y = np.ones((10, 2, 1)), np.ones((10, 1))
    message = "every batch must have the 4 samples that it was built for, but got 10 samples in"
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.predict(x, verbose=0)
    with pytest.raises(ValueError, match=r"but got one of 3\. Pass batch_size=4"):
        model.train_on_batch(x[:3], y[:3])
    model.fit(x, y, batch_size=4, steps_per_epoch=2, shuffle=False, verbose=0)


def test_states_returned_and_given():
    x = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")
    layer = layers.LSTM(5, return_state=True)
    whole, h, _ = layer(x)
    assert_near(whole, h)
    _, *states = layer(x[:, :2])
    later, *_ = layer(x[:, 2:], initial_state=states)
    assert_near(later, whole)
    with pytest.raises(ValueError, match=r"`initial_state` must be arrays of shapes \[\(2, 5\)"):
        layer(x, initial_state=[h])


# --- cells --------------------------------------------------------------------------------------


@register
class MinimalCell(layers.Layer):
    """The cell of Keras's documentation, in NumPy."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), "uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, self.units), "uniform", name="recurrent_kernel"
        )

    def call(self, inputs, states):
        h = np.matmul(inputs, self.kernel)
        output = h + np.matmul(states[0], self.recurrent_kernel)
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register
class DoubledCell(layers.LSTMCell):
    def call(self, inputs, states, training=False):
        output, states = super().call(inputs, states, training)
        return 2 * np.tanh(output), states


@register
class NestedCell(layers.Layer):
    state_size = (3, 2)
    output_size = 2

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = layers.GRUCell(3), MinimalCell(2)

    def call(self, inputs, states):
        y, (h,) = self.first(inputs, [states[0]])
        y, (g,) = self.second(y, [states[1]])
        return y, [h, g]


@pytest.mark.parametrize(
    "cell",
    [
        lambda: MinimalCell(2),
        lambda: [MinimalCell(2), layers.LSTMCell(2)],
        lambda: DoubledCell(2),
        NestedCell,
    ],
)
def test_cells_of_users(cell):
    pytest.importorskip("autograd")
    check_layer(layers.RNN(cell()), (2, 3, 2))
    check_layer(layers.RNN(cell(), return_sequences=True), (2, 3, 2), mask=[[1, 0, 1], [1, 1, 0]])


def test_a_cell_by_itself_is_one_step_of_its_layer():
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
    for cell in (layers.SimpleRNNCell(5), layers.LSTMCell(5), layers.GRUCell(5), MinimalCell(5)):
        layer, states = layers.RNN(cell), None
        for t in range(3):
            y, states = cell(x[:, t], states)
        assert_near(y, layer(x))
    stack = layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])
    y, states = stack(x[:, 0])
    assert [np.shape(s) for s in states[0]] == [(2, 3), (2, 3)]
    y, _ = stack(x[:, 1], states)
    assert_near(y, layers.RNN(stack)(x[:, :2]))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (lambda: layers.Dense(3, name="d"), "which has no `call` and no `state_size`"),
        (lambda: layers.LSTM(3), "a layer such as LSTM.units. needs no RNN around it"),
        (lambda: 3, "RNN 'r': a cell must be a layer with call.inputs, states. and `state_size`"),
        (list, "`cells` must be a list of cells"),
    ],
)
def test_what_is_no_cell(cell, message):
    with pytest.raises(ValueError, match=message):
        layers.RNN(cell(), name="r")


def test_cells_that_return_something_else():
    class Bad(layers.Layer):
        state_size = 2

        def call(self, inputs, states):
            return self.result(inputs)

    for result, error, message in [
        (lambda x: x, TypeError, r"must return \(output, new_states\) but returned"),
        (lambda x: (x, [x]), ValueError, "Correct `state_size`"),
        (lambda x: (x[:, :2], [x[:, :2], x[:, :2]]), ValueError, "Correct `state_size`"),
    ]:
        cell = Bad()
        cell.result = result
        with pytest.raises(error, match=message):
            layers.RNN(cell)(np.ones((2, 3, 4)))
    cell = Bad()
    cell.state_size = "two"
    with pytest.raises(ValueError, match="`state_size` must be a positive whole number"):
        layers.RNN(cell)


# --- embedding ----------------------------------------------------------------------------------


def test_embedding_takes_old_arguments():
    first = layers.Embedding(10, 4, input_length=7)
    assert Sequential([first]).output_shape == (None, 7, 4)
    model = Sequential([layers.Embedding(10, 4), layers.Flatten(), layers.Dense(1)])
    assert model.predict(np.ones((2, 7), int), verbose=0).shape == (2, 1)


def test_embedding_with_given_vectors():
    vectors = np.arange(6.0).reshape(3, 2)
    for given in (vectors, [vectors]):
        layer = layers.Embedding(3, 2, weights=given, trainable=False)
        assert layer(np.array([[2, 0]])).tolist() == [[[4, 5], [0, 1]]]
        assert not layer.trainable_weights
    with pytest.raises(ValueError, match=r"`weights` must be one array of shape \(3, 2\)"):
        layers.Embedding(3, 2, weights=vectors.T)


def test_embedding_takes_whole_floats():
    layer = layers.Embedding(5, 2)
    assert np.array_equal(layer(np.array([[1.0, 4.0]])), layer(np.array([[1, 4]])))
    assert layer(np.zeros((0, 3), int)).shape == (0, 3, 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (20, r"Embedding 'e' \(layer 0\): the index 20 in row 40, step 3 is outside the vocabul"),
        (99, "Set input_dim to 100 or more, or replace rare words"),
        (-1, "the index -1 in row 40, step 3 is outside the vocabulary of 20.*negative or scaled"),
        (0.5, "the index 0.5 in row 40, step 3 is no whole number; whole numbers from 0 to 19"),
        (np.nan, "the index nan in row 40, step 3 is no whole number"),
    ],
)
def test_index_outside_the_vocabulary(value, message):
    x, y = counting()
    if isinstance(value, float):
        x = x.astype(float)
    x[40, 3] = value
    model = Sequential([layers.Embedding(20, 4, name="e"), layers.LSTM(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.build_for(x)
    before = model.get_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the NaN
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.predict(x, verbose=0)
    for weight, array in zip(model.weights, before, strict=True):
        assert np.array_equal(weight.value, array)
    batches = ((x[i : i + 32], y[i : i + 32]) for i in (0, 32))
    with pytest.raises(ValueError, match=message.replace("row 40", "row 8")):
        model.fit(batches, verbose=0)


def test_rows_of_a_gradient_that_were_used_are_zero_again(monkeypatch):
    """A table's gradient is cleared where it was used: for one shard, two, and one again."""
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, 50, (n, 4)) for n in (8, 8, 3, 8, 8)]
    results = []
    for shards in (lambda *_: 1, lambda flops, rows, shardable: min(2, rows // 4) or 1):
        monkeypatch.setattr("kerasish.training.program.shard_count", shards)
        model = Sequential([layers.Embedding(50, 3), layers.Flatten(), layers.Dense(1)], seed=0)
        model.compile("adam", "mse")
        for x in batches:
            model.train_on_batch(x, np.ones((len(x), 1)))
        results.append(model.get_weights())
    for one, two in zip(*results, strict=True):
        assert_near(one, two)


# --- what is refused ----------------------------------------------------------------------------


def test_wrong_ranks():
    model = [layers.Input((5, 3)), layers.LSTM(4), layers.GRU(2, name="g")]
    with pytest.raises(ValueError, match=r"'g' \(layer 1\) .* got \(N, 4\).*return_sequences=True"):
        Sequential(model)
    with pytest.raises(ValueError, match=r"add the feature axis: x\[\.\.\., None\]"):
        layers.LSTM(4)(np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"\(N, steps, features\) but got \(N, 5, 3, 2\).*Time"):
        layers.LSTM(4)(np.ones((2, 5, 3, 2)))
    layer = layers.LSTM(4)
    layer(np.ones((2, 5, 3)))
    assert layer(np.ones((2, 9, 3))).shape == (2, 4)
    with pytest.raises(ValueError, match=r"inputs of shape \(N, any, 3\) but got \(N, 5, 2\)"):
        layer(np.ones((2, 5, 2)))
    with pytest.raises(ValueError, match="number of features has to be known"):
        layers.LSTM(4).build((None, 5, None))


def test_sequences_of_length_0():
    with pytest.raises(ValueError, match=r"LSTM 'l' needs at least one time step.*length 0"):
        layers.LSTM(2, name="l")(np.ones((2, 0, 3)))
    model = Sequential([layers.Input((None, 3)), layers.LSTM(2)])
    with pytest.raises(ValueError, match="needs at least one time step"):
        model.predict(np.ones((2, 0, 3)), verbose=0)


def test_return_state_in_a_model():
    with pytest.raises(ValueError, match=r"LSTM 'l' returns several arrays.*Set return_state="):
        Sequential([layers.LSTM(2, return_state=True, name="l")])
    with pytest.raises(ValueError, match="returns several arrays"):
        layers.LSTM(2, return_state=True)(layers.Input((3, 4)))
    with pytest.raises(ValueError, match="`initial_state` is for a layer that is called by itself"):
        layers.LSTM(2)(layers.Input((3, 4)), initial_state=[np.zeros((1, 2))])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "LSTM: `units` must be a positive whole number"),
        ({"dropout": 1.2}, "LSTM: `dropout` must be a number from 0 to 1"),
        ({"recurrent_dropout": -1}, "LSTM: `recurrent_dropout` must be a number from 0 to 1"),
        ({"activation": "tahn"}, "activation function identifier: 'tahn'"),
        ({"use_cudnn": "no"}, "`use_cudnn` must be 'auto', True or False"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.LSTM(**{"units": 2, **arguments})


def test_arguments_by_position():
    layer = layers.SimpleRNN(*[2, "relu", False, "ones", "zeros", "zeros", None, None, None, None])
    assert layer.use_bias is False
    config = json.loads(json.dumps(layers.serialize(layers.GRU(3, unroll=True, use_cudnn=False))))
    assert layers.deserialize(config).unroll is True


# --- ConvLSTM -----------------------------------------------------------------------------------


def test_states_of_conv_lstm():
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 5, 1)).astype("float32")
    layer = layers.ConvLSTM2D(2, 3, return_state=True)
    y, h, c = layer(x)
    assert y.shape == h.shape == c.shape == (2, 3, 3, 2)
    _, *states = layer(x[:, :2])
    assert_near(layer(x[:, 2:], initial_state=states)[0], y)
    net = [layers.Input(batch_shape=(2, 2, 5, 5, 1)), layers.ConvLSTM2D(2, 3, stateful=True)]
    model = Sequential(net)
    model.set_weights(layer.get_weights())
    model.predict(x[:, :2], verbose=0)
    assert_near(model.predict(x[:, 2:], verbose=0), y)


def test_conv_lstm_learns_where_something_moves():
    rng = np.random.default_rng(0)
    x, y = np.zeros((96, 3, 6, 6, 1), "float32"), np.arange(96) % 2
    for i in range(96):
        row, start = rng.integers(0, 6), rng.integers(1, 5)
        for t in range(3):
            x[i, t, row, (start + (t if y[i] else -t)) % 6] = 3
    net = [layers.ConvLSTM2D(4, 3, padding="same"), layers.GlobalMaxPooling2D()]
    model = Sequential([*net, layers.Dense(1, activation="sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    model.optimizer.learning_rate = 0.03
    model.fit(x, y, epochs=15, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.95


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": (3, 3, 3)}, "ConvLSTM2D 'c': `kernel_size` must be a positive whole numb"),
        ({"strides": 2, "dilation_rate": 2}, "`strides` > 1 together with `dilation_rate` > 1"),
        ({"padding": "causal"}, "`padding` must be 'valid' or 'same'"),
        ({"kernel_size": 9}, r"a kernel of \(9, 9\) is larger than its input of \(4, 4\)"),
        ({"filters": 0}, "`filters` must be a positive whole number"),
    ],
)
def test_bad_arguments_of_conv_lstm(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.ConvLSTM2D(**{"filters": 2, "kernel_size": 3, "name": "c", **arguments})(
            np.ones((1, 2, 4, 4, 1))
        )


def test_wrong_inputs_of_conv_lstm():
    with pytest.raises(ValueError, match=r"\(N, steps, height, width, channels\) but.*its axis: x"):
        layers.ConvLSTM2D(2, 3)(np.ones((2, 3, 4, 4)))
    with pytest.raises(ValueError, match="All sizes but the number of steps have to be known"):
        Sequential([layers.Input((None, None, 4, 1)), layers.ConvLSTM2D(2, 3)])


def test_sequences_of_any_length_train():
    x = np.random.default_rng(0).random((6, 4, 2)).astype("float32")
    model = Sequential([layers.LSTM(3, return_sequences=True, input_shape=(None, 2))])
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    for steps in (4, 3):
        history = model.fit(x[:, :steps], x[:, :steps, :1] > 0.5, verbose=0).history
        assert "accuracy" in history
    with pytest.raises(ValueError, match=r"targets of the predictions' shape \(6, 3, 1\)"):
        model.fit(x[:, :3], x[:, :3], verbose=0)
