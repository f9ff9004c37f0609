"""Layers for categories and texts, held to what real Keras gives on TensorFlow."""

import json
import pathlib

import numpy as np
import pytest

from kerasish import Sequential, layers, models
from kerasish.layers.hashes import farmhash64, siphash64
from kerasish.layers.text_vectorization import TextVectorization
from kerasish.utils import custom_object_scope

CASES = json.loads(
    (pathlib.Path(__file__).parent / "golden" / "text_layers.json").read_text("utf-8")
)
IDS = [f"{case['layer']}-{i}" for i, case in enumerate(CASES)]
FILMS = ["the cat sat", "the dog", "a cat and a dog"]


def made(case):
    layer = getattr(layers, case["layer"])(**case["arguments"], name="layer")
    if case["adapt"] is not None:
        layer.adapt(case["adapt"])
    return layer


def assert_same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max(initial=0) <= 1e-5 * max(1, np.abs(expected).max(initial=0))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_agrees_with_keras(case):
    layer = made(case)
    assert_same(layer(case["input"]), case["output"])
    if "vocabulary" in case:
        assert layer.get_vocabulary() == case["vocabulary"]
        assert layer.vocabulary_size() == len(case["vocabulary"])
        special = len(case["vocabulary"]) - len(layer.get_vocabulary(False))
        assert layer.get_vocabulary(False) == case["vocabulary"][special:]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_config_holds_what_was_learnt(case):
    layer = made(case)
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()
    assert_same(again(case["input"]), case["output"])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_config_is_that_of_keras(case):
    config = json.loads(json.dumps(made(case).get_config()))
    expected = case["config"]
    assert list(config) == list(expected)
    # Keras keeps what was learnt in a file of its own, and writes the weights as they were given.
    apart = {"vocabulary", "idf_weights", "vocabulary_size", "ngrams"}
    if case["adapt"] is not None:
        apart.add("bin_boundaries")
    for key in set(config) - apart:
        assert config[key] == expected[key], key
    if case["adapt"] is not None and "bin_boundaries" in config:
        assert_same(config["bin_boundaries"], expected["bin_boundaries"])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_layers_read_the_configs_of_keras(case):
    layer = layers.deserialize({"class_name": case["layer"], "config": case["config"]})
    if case["adapt"] is not None and case["layer"] != "Discretization":
        layer.adapt(case["adapt"])
    assert_same(layer(case["input"]), case["output"])


def test_hashes_of_all_lengths_are_stable():
    found = [farmhash64(b"a" * n) for n in (0, 8, 65, 200)]
    assert found[0] == 0x9AE16A3B2F90404F
    assert farmhash64(b"test" * 8) == -4196240717365766262 % 2**64
    assert farmhash64(b"test" * 64) == 3500507768004279527
    # the vector of the paper's appendix: key 00 01 ... 0f, message 00 01 ... 0e
    key = [int.from_bytes(bytes(range(i, i + 8)), "little") for i in (0, 8)]
    assert siphash64(bytes(range(15)), *key) == 0xA129CA6149BE45E5


# --- texts in every form --------------------------------------------------------------------------


def test_texts_may_be_lists_arrays_bytes_or_one():
    layer = TextVectorization(vocabulary=["cat", "dog"])
    expected = [[2, 3], [3, 0]]
    texts = ["cat dog", "dog"]
    for given in (texts, np.array(texts), np.array(texts, object), np.array(texts, "S")):
        assert layer(given).tolist() == expected
        assert layer(np.reshape(np.asarray(given), (2, 1))).tolist() == expected
    assert layer("cat dog").tolist() == [2, 3]
    assert layer([]).shape == (0, 0)


def test_encoding_of_bytes():
    layer = layers.StringLookup(vocabulary=["é"], encoding="latin-1")
    assert layer([b"\xe9", b"e"]).tolist() == [1, 0]


def test_adapt_takes_batches_and_forgets():
    layer = layers.StringLookup()
    layer.adapt(["x", "x", "y"])
    layer.adapt((batch, 0) for batch in (["a", "b"], ["a"], ["c"]))
    assert layer.get_vocabulary() == ["[UNK]", "a", "c", "b"]
    layer.adapt(iter([["a"], ["b"]]), steps=1)
    assert layer.get_vocabulary() == ["[UNK]", "a"]
    texts = TextVectorization()
    texts.adapt(iter([FILMS[:2], FILMS[2:]]))
    whole = TextVectorization()
    whole.adapt(FILMS)
    assert texts.get_vocabulary() == whole.get_vocabulary()


def test_vocabulary_in_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("cat\ndog\n", "utf-8")
    layer = TextVectorization(vocabulary=str(path))
    assert layer.get_vocabulary() == ["", "[UNK]", "cat", "dog"]
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.txt"):
        TextVectorization(vocabulary=tmp_path / "missing.txt")
    path.write_text("7\n-3\n")
    assert layers.IntegerLookup(vocabulary=path)([-3, 7, 1]).tolist() == [2, 1, 0]
    with pytest.raises(ValueError, match="no file is opened because a config says so"):
        TextVectorization.from_config({"vocabulary": str(path)})


def test_lookup_and_back():
    layer = layers.StringLookup(vocabulary=["a", "b"])
    back = layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert back(layer([["a", "b", "z"]])).tolist() == [["a", "b", "[UNK]"]]
    assert back([99, -1]).tolist() == ["[UNK]", "[UNK]"]


def shout(texts):
    return np.char.upper(texts)


def at_commas(texts):
    return [text.split(",") for text in texts]


def test_functions_are_found_again_by_name():
    layer = TextVectorization(standardize=shout, split=at_commas, vocabulary=["A B", "C"])
    assert layer(["a b,c", "d"]).tolist() == [[2, 3], [1, 0]]
    config = json.loads(json.dumps(layer.get_config()))
    with custom_object_scope({"shout": shout, "at_commas": at_commas}):
        assert TextVectorization.from_config(config)(["c"]).tolist() == [[3]]
    with pytest.raises(ValueError, match=r"TextVectorization .* needs its function 'shout'"):
        TextVectorization.from_config(config)
    short = TextVectorization(standardize=lambda texts: texts[:1], vocabulary=["a"])
    with pytest.raises(ValueError, match="must return an array of the shape it got"):
        short(["a", "b"])


def test_count_weights():
    layer = layers.CategoryEncoding(4, "count")
    weights = [[0.1, 0.2], [0.1, 0.1]]
    assert_same(layer([[0, 1], [0, 0]], count_weights=weights), [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0]])
    with pytest.raises(ValueError, match="must have the shape of the inputs"):
        layer([[0, 1]], count_weights=[1.0])
    with pytest.raises(ValueError, match="go with output_mode='count'"):
        layers.CategoryEncoding(4)([[0, 1]], count_weights=[[1.0, 1.0]])


# --- in models ------------------------------------------------------------------------------------


def test_texts_are_turned_into_numbers_before_fit():
    vectorize = TextVectorization(output_sequence_length=5)
    vectorize.adapt(FILMS)
    x, y = vectorize(FILMS), np.array([0, 1, 1])
    model = Sequential(
        [
            layers.Embedding(vectorize.vocabulary_size(), 4, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    assert np.isfinite(model.fit(x, y, epochs=1, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    "first",
    [
        layers.IntegerLookup(vocabulary=[5, 9], output_mode="multi_hot"),
        layers.CategoryEncoding(10, "count"),
        layers.Discretization([2.0, 6.0], output_mode="multi_hot"),
        layers.Hashing(4, output_mode="count"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_saved_model_keeps_what_its_layers_know(first, tmp_path):
    x = np.array([[5, 9], [9, 9], [1, 0]])
    model = Sequential([layers.Input((2,), dtype="int32"), first, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, np.ones((3, 1)), epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


PETS = ["the cat sat", "a dog ran fast", "the end", "Dog!"] * 3


def text_model(**options):
    vectorize = TextVectorization(output_sequence_length=4)
    vectorize.adapt(PETS)
    parts = [layers.Embedding(vectorize.vocabulary_size(), 3), layers.Flatten(), layers.Dense(1)]
    model = Sequential([layers.Input((1,), dtype="string"), vectorize, *parts], **options)
    return model.compile("adam", "mse")


def text_batches():
    while True:
        yield np.array(PETS[:6]), np.arange(6.0)


@pytest.mark.parametrize(
    "kind",
    [
        list,
        np.array,
        lambda texts: np.array(texts)[:, None],
        lambda texts: np.array(texts, object),
        lambda texts: np.char.encode(np.array(texts)),
        lambda texts: pytest.importorskip("pandas").Series(texts),
        lambda texts: pytest.importorskip("pandas").DataFrame({"text": texts}),
    ],
    ids=["list", "array", "column", "objects", "bytes", "Series", "DataFrame"],
)
def test_models_that_begin_with_a_layer_for_texts_take_texts(kind):
    model, y, numbers = text_model(seed=0), np.arange(12.0), text_model(seed=0)
    before = model.fit(kind(PETS), y, epochs=2, validation_split=0.25, verbose=0).history
    assert before == numbers.fit(PETS, y, epochs=2, validation_split=0.25, verbose=0).history
    found = model.predict(kind(PETS), verbose=0)
    inner = Sequential(model.layers[1:])
    assert np.array_equal(found, inner.predict(model.layers[0](PETS), verbose=0))
    assert np.array_equal(model(kind(PETS)), found)
    assert np.isfinite(model.evaluate(kind(PETS), y, verbose=0))


class Half(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, inputs):
        return inputs * self.scale * 0.5


# (layers behind a lookup of [["a", "c"], ["x", "b"]], i.e. [[1, 3], [0, 2]]; what comes of it)
BEHIND = [
    ([layers.Rescaling(0.5)], [[0.5, 1.5], [0, 1]]),
    ([layers.Dense(1, kernel_initializer="ones")], [[4.0], [2]]),
    ([layers.Reshape((2, 1)), layers.GlobalAveragePooling1D()], [[2.0], [1]]),
    ([layers.Flatten(), layers.Identity(), layers.RepeatVector(1)], [[[1, 3]], [[0, 2]]]),
    ([Half()], [[0.5, 1.5], [0, 1]]),
    ([Sequential([layers.Permute((1,)), Half()])], [[0.5, 1.5], [0, 1]]),
    (
        [layers.Reshape((2, 1)), layers.TimeDistributed(layers.Embedding(4, 1, "ones"))],
        np.ones((2, 2, 1, 1)).tolist(),
    ),
]


@pytest.mark.parametrize(("rest", "expected"), BEHIND, ids=range(len(BEHIND)))
def test_layers_behind_whole_numbers_compute_in_floats(rest, expected):
    model = Sequential([layers.StringLookup(vocabulary=["a", "b", "c"]), *rest])
    y = model.predict(np.array([["a", "c"], ["x", "b"]]), verbose=0)
    assert y.tolist() == expected
    assert y.dtype == ("int64" if isinstance(np.ravel(expected)[0], np.integer) else "float32")


def test_a_layer_of_ones_own_learns_behind_whole_numbers():
    model = Sequential([layers.StringLookup(vocabulary=["a", "b"]), Half(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.array([["a"], ["b"]]), np.array([[1.0], [2.0]])
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
    assert model.layers[1].scale.numpy() != 1


def test_outputs_of_several_lengths_make_no_array():
    model = Sequential([layers.TextVectorization(vocabulary=["a", "b"])])
    with pytest.raises(ValueError, match=r"shape \(N, 2,\) and .* \(N, 1,\).*predict_on_batch"):
        model.predict(np.array(["a b", "b"]), batch_size=1, verbose=0)


def test_models_take_texts_batch_by_batch():
    model = text_model()
    history = model.fit(text_batches(), steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.predict_on_batch(np.array(["a cat"])).shape == (1, 1)


def test_the_input_of_texts_is_described_as_such():
    model = Sequential([TextVectorization(vocabulary=["a"]), layers.Embedding(3, 2)])
    model.build((None, 1))
    assert model.get_config()["layers"][0]["config"]["dtype"] == "string"
    assert text_model().get_config()["layers"][0]["config"]["dtype"] == "string"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2], "expects texts but got numbers"),
        (["a", None], r"expects texts but got None at \(1, 0\)"),
        ("a text", r"predict: .* `x`: str. .*for one text, \[text\]"),
        ([["a", "b"]], r"expects inputs of shape \(N, 1\) but got \(N, 2\)"),
    ],
)
def test_models_for_texts_refuse(data, message):
    with pytest.raises((TypeError, ValueError), match=message):
        text_model().predict(data, verbose=0)


def test_other_models_say_how_to_prepare_texts():
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"let the model begin with layers\.TextVectorization"):
        model.fit(np.array([["a"], ["b"]]), np.zeros(2), verbose=0)


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "arguments", "message"),
    [
        ("CategoryEncoding", {}, "needs `num_tokens`"),
        ("CategoryEncoding", {"num_tokens": 0}, "`num_tokens` must be a positive whole number"),
        ("CategoryEncoding", {"num_tokens": 3, "output_mode": "int"}, "`output_mode` must be one"),
        ("CategoryEncoding", {"num_tokens": 3, "sparse": True}, "does not take sparse=True"),
        ("Discretization", {}, "either `bin_boundaries` or `num_bins`"),
        ("Discretization", {"bin_boundaries": [2, 1]}, "must be in ascending order"),
        ("Discretization", {"num_bins": 3, "epsilon": 0}, "`epsilon` must lie between 0 and 1"),
        ("Hashing", {"num_bins": 0}, "`num_bins` must be a positive whole number"),
        ("Hashing", {"num_bins": 3, "salt": "x"}, "`salt` must be a whole number, or a list of 2"),
        ("Hashing", {"num_bins": 3, "output_mode": "onehot"}, "Did you mean 'one_hot'"),
        ("StringLookup", {"max_tokens": 1}, "`max_tokens` must be greater than 1"),
        ("StringLookup", {"num_oov_indices": -1}, "`num_oov_indices` must be 0 or more"),
        ("StringLookup", {"pad_to_max_tokens": True}, "needs `max_tokens`"),
        ("StringLookup", {"invert": True, "output_mode": "count"}, "invert=True goes with"),
        ("StringLookup", {"vocabulary": []}, "`vocabulary` is empty"),
        ("StringLookup", {"vocabulary": ["a", "a"]}, "more than once"),
        ("StringLookup", {"vocabulary": ["a", ""], "mask_token": ""}, "stands inside `vocabulary`"),
        ("StringLookup", {"vocabulary": ["a", "b"], "max_tokens": 2}, "more than max_tokens=2"),
        ("StringLookup", {"vocabulary": ["a"], "output_mode": "tf_idf"}, "`idf_weights` go with"),
        ("StringLookup", {"vocabulary": ["a"], "idf_weights": [1.0]}, "`idf_weights` go with"),
        ("StringLookup", {"idf_weights": [1.0], "output_mode": "tf_idf"}, "need a `vocabulary`"),
        ("IntegerLookup", {"vocabulary_dtype": "int32"}, "must be 'int64'"),
        ("IntegerLookup", {"oov_method": "md5"}, "must be 'floormod' or 'farmhash'"),
        ("IntegerLookup", {"salt": 3}, "`salt` goes with oov_method='farmhash'"),
        ("TextVectorization", {"standardize": "lowr"}, "Did you mean 'lower'"),
        ("TextVectorization", {"split": "words"}, "`split` must be one of"),
        ("TextVectorization", {"ngrams": 0}, "`ngrams` must be a positive whole number"),
        ("TextVectorization", {"ragged": True}, "does not take ragged=True"),
        (
            "TextVectorization",
            {"output_mode": "count", "output_sequence_length": 3},
            "`output_sequence_length` goes with output_mode='int'",
        ),
    ],
)
def test_bad_arguments(layer, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, layer)(**arguments)


def test_weights_must_fit_the_vocabulary():
    layer = layers.StringLookup(output_mode="tf_idf")
    with pytest.raises(ValueError, match="one number for each of the 2 tokens"):
        layer.set_vocabulary(["a", "b"], [1.0])
    with pytest.raises(TypeError, match="must hold texts but token 1 is 3"):
        layer.set_vocabulary(["a", 3], [1.0, 2.0])
    assert layer.get_vocabulary() == ["[UNK]"]


@pytest.mark.parametrize("mode", ["int", "count", "tf_idf"])
def test_use_before_adapt(mode):
    with pytest.raises(ValueError, match=r"has no vocabulary yet. Call adapt\(data\) first"):
        layers.StringLookup(output_mode=mode)(["a"])
    with pytest.raises(ValueError, match="has no vocabulary yet"):
        TextVectorization(output_mode=mode)(["a"])


def test_what_is_given_is_not_learnt():
    with pytest.raises(ValueError, match="was given its vocabulary: it cannot adapt"):
        layers.StringLookup(vocabulary=["a"]).adapt(["b"])
    with pytest.raises(ValueError, match="was given its bin_boundaries"):
        layers.Discretization([1.0]).adapt([2.0])
    with pytest.raises(ValueError, match="has no boundaries yet"):
        layers.Discretization(num_bins=3)([1.0])


def test_unknown_tokens_without_a_number():
    layer = layers.StringLookup(vocabulary=["a"], num_oov_indices=0)
    with pytest.raises(ValueError, match=r"\['x', 'y'\] are not in the vocabulary"):
        layer(["a", "x", "y", "x"])
    with pytest.raises(ValueError, match=r"expects whole numbers from 0 to 2 but got 3.* at"):
        layers.CategoryEncoding(3)([[1, 3]])


def test_inputs_of_another_type():
    with pytest.raises(TypeError, match=r"expects texts but got elements of type .* IntegerLookup"):
        layers.StringLookup(vocabulary=["a"])([1, 2])
    with pytest.raises(TypeError, match="expects an array of numbers"):
        layers.IntegerLookup(vocabulary=[1])(["a"])
    with pytest.raises(ValueError, match="expects whole numbers but got fractions"):
        layers.IntegerLookup(vocabulary=[1])([1.5])
    with pytest.raises(TypeError, match=r"expects texts but got None at \(1,\)"):
        TextVectorization(vocabulary=["a"])(["a", None])
    with pytest.raises(TypeError, match=r"expects texts but got nan at \(1,\)"):
        TextVectorization(vocabulary=["a"])(["a", float("nan")])
    with pytest.raises(TypeError, match="expects texts but got numbers"):
        TextVectorization(vocabulary=["a"])([1.0])
    with pytest.raises(ValueError, match=r"expects inputs of shape \(N,\) or \(N, 1\)"):
        TextVectorization(vocabulary=["a"])([["a", "b"]])
    with pytest.raises(TypeError, match="rows of one length"):
        layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]])


def test_bad_data_to_adapt():
    layer = TextVectorization()
    with pytest.raises(TypeError, match=r"Write \[text\] for one text"):
        layer.adapt("one text")
    with pytest.raises(ValueError, match="found no tokens"):
        layer.adapt(["", "!"])
    with pytest.raises(ValueError, match="leaves no room"):
        TextVectorization(max_tokens=2).adapt(["a"])
    with pytest.raises(ValueError, match="adapt got no data"):
        layers.Discretization(num_bins=2).adapt(iter([]))
