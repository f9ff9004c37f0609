"""Exported files predict what the model does, with NumPy alone; what cannot be is refused."""

import functools
import importlib.util
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import kerasish as ks
from kerasish import activations, layers, registry
from kerasish.export import CannotExportError, Script, rule
from kerasish.export.functions import activations as formulas
from kerasish.export.script import rules
from tests.test_layers import TABLE

# What is refused, as (class, part of its arguments) -> part of the message.
REFUSED = {
    ("Lambda", ""): "its function is a lambda",
    ("SimpleRNNCell", ""): "is the step of a recurrent layer",
    ("LSTMCell", ""): "is the step of a recurrent layer",
    ("GRUCell", ""): "is the step of a recurrent layer",
    ("StackedRNNCells", ""): "is the step of a recurrent layer",
    ("Softmax", "'axis': 0"): "mixes the samples of a batch",
    ("UnitNormalization", "'axis': 0"): "mixes the samples of a batch",
}


def reason(name, arguments):
    found = [why for (cls, part), why in REFUSED.items() if cls == name and part in str(arguments)]
    return found[0] if found else None


def exported(model, folder, name="predictor"):
    """The module that the model becomes."""
    path = folder / f"{name}.py"
    model.export(path)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shaken(model, seed=0):
    """The model with weights of which none is what it began with."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.value.dtype.kind == "f":
            values = rng.normal(0.1, 0.6, weight.shape)
            weight.assign(np.abs(values) + 0.1 if "variance" in weight.name else values)
    return model


def assert_agrees(module, model, x, **options):
    y, expected = module.predict(x, **options), model.predict(x, verbose=0)
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6 * max(1, abs(expected).max()))


def model_of(name, arguments, shape):
    layer = getattr(layers, name)(**arguments)
    stack = [layer] if name != "InputLayer" else [layer, layers.Identity()]
    model = ks.Sequential(stack, seed=0)
    model.build((None, *shape[1:]))
    return shaken(model)


def inputs(shape, rows=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (rows, *shape[1:])).astype("float32")


# The table has inputs in the place of their shape where they cannot be any numbers.
CASES = [
    pytest.param(name, arguments, given, options.get("mask"), id=f"{name}-{i}")
    for i, (name, arguments, given, options) in enumerate(TABLE)
]


@pytest.mark.filterwarnings("ignore:.*channels_first", "ignore:.*softmax over axis")
@pytest.mark.parametrize(("name", "arguments", "given", "mask"), CASES)
def test_every_layer_agrees_or_is_refused_with_a_reason(name, arguments, given, mask, tmp_path):
    shape = given if isinstance(given, tuple) else given.shape
    model = model_of(name, arguments, shape)
    why = reason(name, arguments)
    if why is not None:
        with pytest.raises(CannotExportError, match=why):
            model.export(tmp_path / "predictor.py")
        assert not list(tmp_path.iterdir())
        return
    x = inputs(shape, len(mask or range(4))) if shape is given else given
    assert_agrees(exported(model, tmp_path), model, x, batch_size=2)
    if mask is not None and len(shape) == 3:
        x[~np.array(mask, bool)] = 9
        model = ks.Sequential([layers.Masking(9.0, input_shape=shape[1:]), *model.layers])
        assert_agrees(exported(model, tmp_path), model, x)


def test_every_registered_layer_has_a_rule_or_a_reason():
    ours = {c for c in registry.known("layer").values() if c.__module__.startswith("kerasish.")}
    without = {c.__name__ for c in ours if c not in rules and not hasattr(c, "flat_layers")}
    assert without == set()


@pytest.mark.parametrize(
    "name", sorted({a.__name__ for a in registry.known("activation").values()} - {"threshold"})
)
def test_every_activation_agrees(name, tmp_path):
    fn = getattr(activations, name)
    x = np.concatenate([np.linspace(-8, 8, 202), [-30, 30, 0, 1, -1, 6]]).reshape(2, -1)
    for dtype in ("float32", "float64"):
        values = x.astype(dtype)
        own = values if name == "linear" else getattr(formulas, name)(values)
        expected = np.asarray(fn(values))
        assert own.dtype == expected.dtype
        np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-6)
    model = ks.Sequential([layers.Dense(4, activation=fn, input_shape=(3,))], seed=0)
    assert_agrees(exported(model, tmp_path), model, inputs((1, 3)))


# --- whole models ---------------------------------------------------------------------------------


def image_model():
    stack = [
        layers.Rescaling(1 / 255, input_shape=(12, 12, 3)),
        layers.Conv2D(6, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(),
        layers.SeparableConv2D(8, 3, activation="gelu"),
        layers.BatchNormalization(),
        ks.Sequential([layers.GlobalAveragePooling2D(), layers.Dropout(0.5)]),
        layers.Dense(5, activation=layers.LeakyReLU(0.1)),
        layers.Dense(3, layers.Softmax()),
    ]
    return shaken(ks.Sequential(stack, seed=1))


def test_a_whole_model_agrees_for_every_batch_size(tmp_path):
    model = image_model()
    x = np.random.default_rng(0).uniform(0, 255, (9, 12, 12, 3))
    module = exported(model, tmp_path)
    for batch_size in (1, 4, 100):
        assert_agrees(module, model, x, batch_size=batch_size)


def test_a_mask_goes_through_the_layers_that_know_masks(tmp_path):
    stack = [
        layers.Masking(0.0, input_shape=(4, 3)),
        layers.Dense(5, "tanh"),
        layers.Dropout(0.2),
        layers.GlobalAveragePooling1D(),
    ]
    model = shaken(ks.Sequential(stack))
    x = inputs((1, 4, 3))
    x[0, 2:] = x[1] = 0
    assert_agrees(exported(model, tmp_path), model, x)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_recurrent_layers_skip_what_an_embedding_masks(sequences, zeros, go_backwards, tmp_path):
    cells = [layers.LSTMCell(3), layers.GRUCell(2, reset_after=False), layers.SimpleRNNCell(2)]
    stack = [
        layers.Embedding(7, 4, mask_zero=True),
        layers.GRU(3, return_sequences=True),
        layers.RNN(
            cells,
            return_sequences=sequences,
            zero_output_for_mask=zeros,
            go_backwards=go_backwards,
        ),
        layers.Dense(2),
    ]
    model = ks.Sequential(stack, seed=0)
    model.build((None, 5))
    x = np.array([[1, 2, 3, 0, 0], [0, 0, 4, 5, 6], [0, 0, 0, 0, 0], [1, 0, 2, 0, 3]])
    module = exported(shaken(model), tmp_path)
    assert_agrees(module, model, x)
    assert_agrees(module, model, x.astype("float64"))
    with pytest.raises(ValueError, match="whole numbers from 0 to 6"):
        module.predict(x + 3)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_both_directions_and_layers_at_every_step(merge, tmp_path):
    stack = [
        layers.Embedding(9, 4, mask_zero=True),
        layers.TimeDistributed(layers.Bidirectional(layers.LSTM(3), merge)),
        layers.TimeDistributed(layers.Dense(3, "relu")),
        layers.Bidirectional(layers.GRU(2, return_sequences=True), merge),
        layers.Bidirectional(layers.SimpleRNN(2)),
    ]
    model = ks.Sequential(stack, seed=0)
    model.build((None, 4, 5))  # documents of sentences of words
    x = np.random.default_rng(0).integers(0, 9, (3, 4, 5)) * (np.arange(5) < 4)
    x[0, 2:] = x[1, :2] = 0
    assert_agrees(exported(shaken(model), tmp_path), model, x)


def test_an_inner_layer_that_cannot_be_is_named(tmp_path):
    class Mine(layers.LSTM):
        pass

    with registry.custom_object_scope({"Mine": Mine}):
        model = ks.Sequential([layers.Bidirectional(Mine(2))])
    model.build((None, 3, 2))
    with pytest.raises(CannotExportError, match=r"'forward_mine.*it is a Mine. Use LSTM"):
        model.export(tmp_path / "a.py")


def test_a_stateful_layer_is_refused(tmp_path):
    model = ks.Sequential([layers.LSTM(2, stateful=True, batch_input_shape=(2, 3, 1))])
    with pytest.raises(CannotExportError, match="it is stateful, so that a prediction depends"):
        model.export(tmp_path / "a.py")


def test_a_layer_used_twice_keeps_one_set_of_weights(tmp_path):
    shared = layers.Dense(4, "relu")
    model = ks.Sequential([layers.Dense(4, input_shape=(4,)), shared, shared], name="twice")
    module = exported(model, tmp_path)
    assert len(module.weights()) == 4
    assert_agrees(module, model, inputs((1, 4)))


def test_float64_stays_float64(tmp_path):
    model = ks.Sequential([layers.Dense(3, input_shape=(2,), dtype="float64")], dtype="float64")
    assert_agrees(exported(model, tmp_path), model, inputs((1, 2)))


def test_an_empty_array_gives_an_empty_array(tmp_path):
    assert exported(image_model(), tmp_path).predict(np.zeros((0, 12, 12, 3))).shape == (0, 3)


# --- texts and tokens -----------------------------------------------------------------------------

TEXTS = [
    "The cat sat, THE cat",
    "a dog; an ant\tand\u00a0caf\u00e9 \u00c9CLAIR",
    "",
    "cat \U0001f600 zebra!",
    "  a  ",
]
WORDS = ["cat", "a", "the", "dog", "caf\u00e9", "the cat", "ant", "c", "sat", "sat,", "THE"]
GRID = [["b", "a"], ["zz", ""], ["caf\u00e9", "a\nb"], ["b", "a"]]
IDF = list(np.linspace(0.5, 2, len(WORDS)))


def shout(x):
    """In capitals, as a user would have it."""
    return np.char.upper(x)


def at_commas(x):
    return [text.split(SEPARATOR) for text in x.tolist()]


SEPARATOR = ","
VECTORIZED = [
    {},
    {"output_sequence_length": 3},
    {"standardize": None, "ngrams": 2},
    {"standardize": "lower", "split": "character", "output_sequence_length": 6},
    {"standardize": "strip_punctuation", "ngrams": (2, 3), "output_mode": "multi_hot"},
    {"output_mode": "count", "max_tokens": 20, "pad_to_max_tokens": True},
    {"output_mode": "tf_idf", "idf_weights": IDF, "ngrams": (1, 2)},
    {"output_mode": "one_hot"},
    {"split": None},
    {"standardize": shout, "split": at_commas},
]
# (layer, arguments, inputs)
TOKENS = [
    *[("TextVectorization", {"vocabulary": WORDS, **options}, TEXTS) for options in VECTORIZED],
    ("StringLookup", {"vocabulary": ["a", "b", "a\nb", "\ud800"]}, [*GRID, ["b", "\ud800"]]),
    ("StringLookup", {"vocabulary": ["b"], "num_oov_indices": 3, "mask_token": ""}, GRID),
    ("StringLookup", {"vocabulary": ["b"], "num_oov_indices": 3, "salt": [3, 5]}, GRID[:3]),
    ("StringLookup", {"vocabulary": ["a", "b"], "output_mode": "multi_hot"}, GRID),
    (
        "StringLookup",
        {"vocabulary": ["a"], "output_mode": "count", "mask_token": "b", "num_oov_indices": 2},
        GRID[:3],
    ),
    (
        "StringLookup",
        {"vocabulary": ["a", "b"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0]},
        GRID,
    ),
    ("StringLookup", {"vocabulary": ["a", "caf\u00e9"], "invert": True}, [[0, 1], [2, 9], [-1, 2]]),
    ("IntegerLookup", {"vocabulary": [7, -3, 2**40]}, [[7, 2**40], [8, -3]]),
    (
        "IntegerLookup",
        {"vocabulary": [7], "num_oov_indices": 3, "mask_token": 0},
        [[7, 0], [8, -9]],
    ),
    (
        "IntegerLookup",
        {"vocabulary": [7], "num_oov_indices": 3, "oov_method": "farmhash", "salt": 4},
        [[7, 0], [8, -9]],
    ),
    ("IntegerLookup", {"vocabulary": [7, 9], "output_mode": "one_hot"}, [[7], [8], [9]]),
    ("IntegerLookup", {"vocabulary": [7, 9], "invert": True}, [[1, 0], [2, 5]]),
    ("Hashing", {"num_bins": 10**9}, [["a" * n, "x"] for n in (1, 5, 9, 20, 40, 70, 200)]),
    ("Hashing", {"num_bins": 5, "mask_value": "", "salt": 7}, GRID[:3]),
    ("Hashing", {"num_bins": 6, "mask_value": 2, "output_mode": "count"}, [[1, 2], [2, 99]]),
    ("Hashing", {"num_bins": 1, "mask_value": 2}, [[1, 2], [2, 99]]),
    ("Hashing", {"num_bins": 50}, [[1.5, -2.5], [2.0, 99.0]]),
    ("Discretization", {"bin_boundaries": [-1.0, 0.1, 0.1, 3.0]}, [[-1.0, 0.1], [np.nan, np.inf]]),
    ("Discretization", {"bin_boundaries": [2, 4], "output_mode": "count"}, [[1, 4], [5, 9]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, [[1, 1, 3], [0, 2, 2]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[1, 3], [0, 2]]),
]


@pytest.mark.parametrize(
    ("name", "arguments", "x"),
    [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(TOKENS)],
)
def test_layers_of_texts_and_tokens(name, arguments, x, tmp_path):
    model = ks.Sequential([getattr(layers, name)(**arguments)])
    module = exported(model_for(model, x), tmp_path)
    y, expected = module.predict(x), np.asarray(model.predict(np.array(x), verbose=0))
    assert y.dtype.kind == expected.dtype.kind
    assert np.array_equal(y, expected) or np.allclose(y, expected, rtol=0, atol=1e-6)
    assert np.array_equal(module.predict(np.array(x)), y)
    if np.array(x).dtype.kind == "U" and "\ud800" not in "".join(np.ravel(x)):
        assert np.array_equal(module.predict(np.char.encode(x, "utf-8")), y)
    assert len(module.predict(np.array(x)[:0])) == 0


def model_for(model, x):
    """The model, built for inputs like `x`."""
    model.predict(np.array(x)[:1], verbose=0)
    return model


@pytest.mark.parametrize("output_mode", ["int", "tf_idf"])
def test_what_adapt_has_found_goes_along(output_mode, tmp_path):
    first = layers.TextVectorization(output_mode=output_mode)
    first.adapt(TEXTS)
    rest = [layers.Embedding(20, 3, mask_zero=True), layers.GRU(4)] if output_mode == "int" else []
    model = ks.Sequential([first, *rest, layers.Dense(2, "softmax")], seed=0)
    module = exported(shaken(model_for(model, TEXTS)), tmp_path)
    for x in (TEXTS, np.array(TEXTS), np.array(TEXTS, object)[:, None]):
        y, expected = module.predict(x), model.predict(np.asarray(x), verbose=0)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6)
    assert module.predict(TEXTS[:1]).shape == (1, 2)


@pytest.mark.parametrize(
    "rest",
    [
        [layers.Flatten(), layers.Embedding(9, 2)],
        [layers.Rescaling(0.3)],
        [layers.Dense(3)],
        [layers.Reshape((2, 1)), layers.GlobalAveragePooling1D()],
        [layers.Reshape((2, 1)), layers.LSTM(2)],
        [layers.BatchNormalization(), layers.Softmax()],
        [layers.StringLookup(vocabulary=["b", "a"], invert=True)],
        [layers.CategoryEncoding(9), layers.Dense(2)],
        [layers.Hashing(10**8), layers.Reshape((1, 2)), layers.Hashing(50), layers.Dropout(0.1)],
        [ks.Sequential([layers.Identity(), layers.Embedding(9, 2)])],
    ],
    ids=lambda rest: rest[0].name,
)
def test_what_comes_behind_numbers_of_tokens(rest, tmp_path):
    model = ks.Sequential([layers.StringLookup(vocabulary=["b", "a", "c"]), *rest], seed=0)
    x = [["a", "b"], ["zz", "c"], ["c", "c"]]
    module = exported(shaken(model_for(model, x)), tmp_path)
    y, expected = module.predict(x), model.predict(np.array(x), verbose=0)
    assert y.dtype == expected.dtype
    if y.dtype.kind == "U":
        assert y.tolist() == expected.tolist()
    else:
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6)


def test_bad_texts_and_tokens_are_named(tmp_path):
    model = ks.Sequential([layers.StringLookup(vocabulary=["b"], num_oov_indices=0)])
    module = exported(model_for(model, [["b", "b"]]), tmp_path)
    with pytest.raises(ValueError, match="'q' is not in the vocabulary"):
        module.predict([["b", "q"]])
    with pytest.raises(TypeError, match="x must hold texts but holds 3, a int"):
        module.predict([["b", 3]])
    with pytest.raises(TypeError, match="x must hold texts but holds None, a NoneType"):
        module.predict(np.array([["b", None]]))
    with pytest.raises(ValueError, match=r"must have the shape \(N, 2\) but has \(1, 3\)"):
        module.predict([["b", "b", "b"]])
    model = ks.Sequential([layers.CategoryEncoding(3)])
    module = exported(model_for(model, [[1, 2]]), tmp_path, "other")
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        module.predict([[1, 3]])
    model = ks.Sequential([layers.IntegerLookup(vocabulary=[1])])
    module = exported(model_for(model, [[1, 2]]), tmp_path, "third")
    with pytest.raises(ValueError, match="Whole numbers are expected but there are fractions"):
        module.predict([[1, 0.5]])


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (layers.StringLookup(name="s"), [["a"]], "'s' .* cannot be exported: it has no vocabulary"),
        (layers.TextVectorization(name="t"), [["a"]], "'t' .* it has no vocabulary yet. Call adap"),
        (layers.Discretization(num_bins=3, name="d"), [[1.0]], "'d' .* it has no boundaries yet"),
    ],
    ids=["lookup", "vectorization", "discretization"],
)
def test_a_layer_that_has_not_adapted_is_refused(layer, x, message, tmp_path):
    model = ks.Sequential([layer])
    model.build(np.shape(x))
    with pytest.raises(CannotExportError, match=message):
        model.export(tmp_path / "a.py")


# --- the file -------------------------------------------------------------------------------------


def test_the_file_holds_what_is_used_and_explains_itself(tmp_path):
    model = ks.Sequential([layers.Dense(4, "relu", input_shape=(3,))], name="small")
    module = exported(model, tmp_path, "small")
    text = (tmp_path / "small.py").read_text()
    assert "Input:  x of shape (N, 3), float32" in module.__doc__
    assert "Output: an array of shape (N, 4), float32" in module.__doc__
    assert "python small.py x.npy" in module.__doc__
    assert "kerasish" not in text.replace(module.__doc__, "")
    assert "def dense(" in text
    assert "def relu(" in text
    assert "softmax" not in text
    assert "itertools" not in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with an exported model, inputs, and what the model says of them."""
    folder = tmp_path_factory.mktemp("served")
    model = image_model()
    model.export(folder / "predictor.py")
    x = np.random.default_rng(0).uniform(0, 255, (4, 12, 12, 3))
    np.save(folder / "x.npy", x)
    return folder, model.predict(x, verbose=0)


def command(folder, *arguments, stdin=None):
    # -I and an empty folder: nothing but what is installed can be imported, and a module that is
    # called kerasish fails.
    (folder / "kerasish.py").write_text("raise ImportError('kerasish is not there')")
    return subprocess.run(
        [sys.executable, "-W", "error", "predictor.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        input=stdin,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )


def test_the_command_line_needs_numpy_only(served):
    folder, expected = served
    done = command(folder, "x.npy", "--out", "y.npy", "--batch-size", "3")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(folder / "y.npy"), expected, atol=1e-6)
    done = command(folder, "x.npy")
    rows = [[float(n) for n in line.split()] for line in done.stdout.splitlines()]
    np.testing.assert_allclose(rows, expected, atol=1e-6)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A folder with an exported model of texts, and what it says of three of them."""
    folder = tmp_path_factory.mktemp("reader")
    first = layers.TextVectorization(vocabulary=WORDS)
    model = ks.Sequential([first, layers.Embedding(20, 3), layers.LSTM(3)], name="words", seed=0)
    model = model_for(model, TEXTS)
    model.export(folder / "predictor.py")
    x = ["The cat\tsat", "", "caf\u00e9"]
    (folder / "x.txt").write_bytes("\ufeff{}\r\n{}\r\n{}\r\n".format(*x).encode())
    np.save(folder / "x.npy", np.array(x))
    return folder, "\n".join(x), model.predict(np.array(x), verbose=0)


def test_texts_come_from_files_and_stdin(reader):
    folder, lines, expected = reader
    text = (folder / "predictor.py").read_text()
    assert "python predictor.py x.txt --out y.npy" in text
    assert "farmhash" not in text
    assert max(map(len, text.splitlines())) <= 100
    for source, stdin in ("x.txt", None), ("x.npy", None), ("-", lines):
        done = command(folder, source, stdin=stdin)
        assert done.returncode == 0, done.stderr
        rows = [[float(n) for n in line.split()] for line in done.stdout.splitlines()]
        np.testing.assert_allclose(rows, expected, atol=1e-6)


def test_columns_of_texts_stand_between_tabs(tmp_path):
    model = ks.Sequential([layers.StringLookup(vocabulary=["a", "caf\u00e9"])])
    model_for(model, [["a", "b"]]).export(tmp_path / "predictor.py")
    done = command(tmp_path, "-", stdin="a\tb\ncaf\u00e9\ta b\n")
    assert done.stdout.splitlines() == ["1 0", "2 0"]
    assert command(tmp_path, "-", stdin="").stdout == ""
    done = command(tmp_path, "-", stdin="a\tb\nc\n")
    assert "error: Line 2 of - has 1 texts, with tabs between, and not 2." in done.stderr
    (tmp_path / "x.txt").write_bytes(b"a\t\xff")
    assert "x.txt is no text in UTF-8" in command(tmp_path, "x.txt").stderr


def test_texts_and_whole_numbers_are_printed_as_such(tmp_path):
    model = ks.Sequential([layers.IntegerLookup(vocabulary=[2**40], invert=True)])
    model_for(model, [[0, 1]]).export(tmp_path / "predictor.py")
    np.save(tmp_path / "x.npy", [[1, 0]])
    assert command(tmp_path, "x.npy").stdout == f"{2**40} -1\n"
    model = ks.Sequential([layers.StringLookup(vocabulary=["b c"], invert=True)])
    model_for(model, [[0, 1]]).export(tmp_path / "predictor.py")
    assert command(tmp_path, "x.npy").stdout == "b c\t[UNK]\n"
    assert "(N, 2), texts" in (tmp_path / "predictor.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npy"], "No such file"),
        (["predictor.npz"], "predictor.npz holds several arrays"),
        (["predictor.py"], "predictor.py: error: .*pickle"),
        (["x.npy", "--batch-size", "0"], "batch size must be at least 1 but is 0"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, message, served):
    done = command(served[0], *arguments)
    assert done.returncode != 0
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.stderr


def test_wrong_inputs_are_named(tmp_path):
    module = exported(image_model(), tmp_path)
    with pytest.raises(ValueError, match=r"shape \(N, 12, 12, 3\) but has \(5, 12, 12\)\."):
        module.predict(np.zeros((5, 12, 12)))
    with pytest.raises(ValueError, match=r"but has \(12, 12, 3\)\. Pass one sample as x\[None\]"):
        module.predict(np.zeros((12, 12, 3)))


def test_weights_of_another_file_are_refused(tmp_path):
    module = exported(image_model(), tmp_path)
    with open(tmp_path / "predictor.npz", "r+b") as file:
        file.seek(200)
        file.write(b"\0\1\2")
    with pytest.raises(ValueError, match="is damaged, or belongs to another predictor"):
        module.predict(np.zeros((1, 12, 12, 3)))
    (tmp_path / "predictor.npz").unlink()
    with pytest.raises(FileNotFoundError, match="The weights are missing: there is no file"):
        module.predict(np.zeros((1, 12, 12, 3)))


# --- rules of one's own ---------------------------------------------------------------------------


class Cubed(layers.Layer):
    def forward(self, x, step):
        return x**3, lambda dy: dy * 3 * x**2


def cubed(x, factor):
    """The third power, times `factor`."""
    return factor * x**3


def test_a_users_layer_is_refused_until_it_has_a_rule(tmp_path):
    model = ks.Sequential([Cubed(name="mine", input_shape=(3,))])
    with pytest.raises(CannotExportError, match=r"Cubed 'mine' .* knows no NumPy function for a C"):
        model.export(tmp_path / "predictor.py")
    assert not list(tmp_path.iterdir())

    @rule(Cubed)
    def _(layer, script):
        script.call(cubed, np.ones(3, "float32"))

    try:
        assert_agrees(exported(model, tmp_path), model, inputs((1, 3)))
    finally:
        del rules[Cubed]


def test_a_subclass_is_not_taken_for_its_parent(tmp_path):
    class Mine(layers.Dense):
        pass

    with pytest.raises(CannotExportError, match="knows no NumPy function for a Mine"):
        ks.Sequential([Mine(2, input_shape=(3,))]).export(tmp_path / "predictor.py")


def test_a_lambda_as_activation_is_refused(tmp_path):
    model = ks.Sequential([layers.Dense(2, activation=lambda x: x**2, input_shape=(3,))])
    with pytest.raises(CannotExportError, match=r"Dense .*: its function is a lambda, or uses"):
        model.export(tmp_path / "predictor.py")


FACTOR = 3.0


def scaled(x, by=FACTOR):
    """Of a user's module, with a constant of it and another function."""
    return halved(x) * by + math.pi


def halved(x: np.ndarray) -> np.ndarray:
    return np.float64(0.5) * x


def dense(x):
    return x


def decorated(function):
    @functools.wraps(function)
    def wrapped(x):
        return function(x)

    return wrapped


@decorated
def changed(x):
    return x


def kept(function):
    return function


@kept
def registered(x, mask=None, training=True, power=1):
    return (x**power if mask is None else x * mask[..., None]) + training


def with_ks(x):
    return ks.ops.relu(x)


def without(x):
    return nowhere(x)  # noqa: F821


def test_functions_of_ones_own_go_along(tmp_path):
    stack = [
        layers.Dense(3, activation=scaled, input_shape=(4,)),
        layers.Lambda(scaled),
        layers.Lambda(registered, arguments={"power": 2}),
        layers.Dense(2, activation=halved),
    ]
    model = ks.Sequential(stack, seed=0)
    module = exported(model, tmp_path)
    assert_agrees(module, model, inputs((1, 4)))
    text = (tmp_path / "predictor.py").read_text()
    assert "FACTOR = 3.0" in text
    assert "import math" in text
    assert "@kept" not in text
    model = ks.Sequential([layers.Masking(input_shape=(3, 2)), layers.Lambda(registered)])
    x = inputs((1, 3, 2))
    x[:, 1] = 0
    assert_agrees(exported(model, tmp_path, "masked"), model, x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, "its function is a lambda, or uses variables"),
        (changed, "a decorator has changed changed"),
        (with_ks, "with_ks uses ks, which is not a module of NumPy or Python"),
        (without, "without uses nowhere, which is nowhere defined"),
        (dense, "there is something else in the file that is called dense"),
        (eval("lambda x: x"), "its function is a lambda"),
    ],
)
def test_functions_that_cannot_stand_alone(function, message, tmp_path):
    layer = layers.Lambda(function, output_shape=lambda shape: shape, name="f")
    model = ks.Sequential([layers.Dense(2, input_shape=(3,)), layer])
    with pytest.raises(CannotExportError, match=rf"Lambda 'f' \(layer 1\) cannot .*: {message}"):
        model.export(tmp_path / "predictor.py")
    assert not list(tmp_path.iterdir())


def test_a_lambda_with_a_mask_is_refused(tmp_path):
    model = ks.Sequential([layers.Lambda(halved, mask=np.ones((1, 3)), input_shape=(3,))])
    with pytest.raises(CannotExportError, match=r"it makes a mask\. Write a layer, and a rule"):
        model.export(tmp_path / "predictor.py")


def test_a_script_refuses_what_it_cannot_write():
    with pytest.raises(TypeError, match="An exported file cannot hold <object"):
        Script("float32").call(cubed, object())


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("model",), ValueError, r"'model' does not end in \.py\. Write model\.export\('predictor"),
        (("my-model.py",), ValueError, "'my-model.py' could not be imported"),
        ((3,), TypeError, "expects the path of a file but got 3"),
        (("a.py", "onnx"), ValueError, "the format 'onnx', ONNX, is not written by kerasish"),
        (("a.py", "tf_saved_model"), ValueError, "a SavedModel, of TensorFlow, is not written"),
        (("a.py", "json"), ValueError, "the format 'json' is not written by kerasish"),
        (("no/such/folder/a.py",), OSError, "Cannot write .* there is no folder"),
    ],
)
def test_wrong_arguments(arguments, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        image_model().export(*arguments)
    assert not list(tmp_path.iterdir())


def test_a_model_without_weights_is_refused(tmp_path):
    with pytest.raises(ValueError, match="export: Sequential 'bare' is not built"):
        ks.Sequential([layers.Dense(2)], name="bare").export(tmp_path / "a.py")


def test_verbose_says_what_was_written(tmp_path, capsys):
    image_model().export(tmp_path / "a.py", verbose=True)
    assert capsys.readouterr().out.count(str(tmp_path)) == 2
