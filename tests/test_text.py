"""Text and sequences as arrays: the numbers of real Keras, windows, and what is refused."""

import json
import pathlib

import numpy as np
import pytest

import kerasish as ks
from kerasish.preprocessing import sequence, text
from kerasish.utils import pad_sequences, timeseries_dataset_from_array

GOLDEN = json.loads(pathlib.Path(__file__).with_name("golden").joinpath("text.json").read_text())
TEXTS = ["The cat sat on the mat.", "The dog, the Cat; the bird!", "", "a bird\tsat"]
SEQUENCES = [[1, 2, 3], [4], [], [5, 6, 7, 8, 9]]


@pytest.mark.parametrize("case", GOLDEN["tokenizers"], ids=lambda c: str(c["arguments"]))
def test_tokenizer_agrees_with_keras(case):
    tokenizer = text.Tokenizer(**case["arguments"])
    tokenizer.fit_on_texts(TEXTS)
    assert tokenizer.texts_to_sequences([*TEXTS, "cat zebra"]) == case["sequences"]
    assert tokenizer.sequences_to_texts(case["sequences"]) == case["texts"]
    for mode, matrix in case["matrices"].items():
        np.testing.assert_allclose(tokenizer.texts_to_matrix(TEXTS[:2], mode), matrix)
    config = tokenizer.get_config()
    assert list(config) == list(case["config"])
    for key, value in case["config"].items():
        same = json.loads(config[key]) == json.loads(value) if key in TABLES else None
        assert same or config[key] == value, key
    twin = text.tokenizer_from_json(tokenizer.to_json())
    assert twin.texts_to_sequences(TEXTS) == tokenizer.texts_to_sequences(TEXTS)
    assert np.array_equal(
        twin.texts_to_matrix(TEXTS, "tfidf"), tokenizer.texts_to_matrix(TEXTS, "tfidf")
    )


TABLES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def test_words():
    assert [text.text_to_word_sequence(t) for t in TEXTS] == GOLDEN["words"]
    assert text.one_hot("a b a", 10) == text.hashing_trick("a b a", 10, "md5")
    assert text.hashing_trick("a bb", 10, hash_function=len) == [2, 3]
    tokenizer = text.Tokenizer(analyzer=lambda t: t.split("-"))
    tokenizer.fit_on_texts(["x-y", ["X", "z"]])
    assert tokenizer.word_index == {"x": 1, "y": 2, "z": 3}
    counted = text.Tokenizer(num_words=5)
    counted.fit_on_sequences([[1, 2], [2, 7]])
    assert counted.sequences_to_matrix([[2, 2, 7]], "count").tolist() == [[0, 0, 2, 0, 0]]


@pytest.mark.parametrize("case", GOLDEN["pad"], ids=lambda c: str(c["arguments"]))
def test_padding_agrees_with_keras(case):
    padded = pad_sequences(SEQUENCES, **case["arguments"])
    assert padded.tolist() == case["result"]
    assert padded.dtype == case["arguments"].get("dtype", "int32")


def test_padding_of_vectors_and_words():
    padded = pad_sequences([np.ones((2, 3)), np.ones((1, 3))], dtype="float32", padding="post")
    assert padded.shape == (2, 2, 3)
    assert padded[1, 1].tolist() == [0, 0, 0]
    words = pad_sequences([["a"], ["b", "c"]], dtype=object, value="-")
    assert words.tolist() == [["-", "a"], ["b", "c"]]
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[], []]).shape == (2, 0)
    assert ks.preprocessing.sequence.pad_sequences is ks.utils.pad_sequences


@pytest.mark.parametrize("case", GOLDEN["windows"], ids=lambda c: str(c["arguments"]))
def test_windows_agree_with_keras(case):
    series = np.arange(20)
    batches = sequence.TimeseriesGenerator(series, series * 10, **case["arguments"])
    assert [[x.tolist(), y.tolist()] for x, y in batches] == case["batches"]
    assert json.loads(batches.to_json())["config"]["length"] == case["arguments"]["length"]


def test_windows_train_a_model():
    series = np.sin(np.arange(60, dtype="float32"))
    model = ks.Sequential([ks.layers.Dense(1, input_dim=5)])
    model.compile("sgd", "mse")
    windows = sequence.TimeseriesGenerator(series, series, 5, batch_size=10, shuffle=True)
    assert len(model.fit(windows, epochs=2, verbose=0).epoch) == 2
    data = timeseries_dataset_from_array(series[:-5], series[5:], 5, batch_size=8, shuffle=True)
    assert len(model.fit(data, epochs=2, verbose=0).epoch) == 2


def test_windows_of_an_array():
    data = np.arange(10)
    batches = timeseries_dataset_from_array(data, None, 3, 2, 2, batch_size=2)
    assert [x.tolist() for x in batches] == [[[0, 2, 4], [2, 4, 6]], [[4, 6, 8]]]
    part = timeseries_dataset_from_array(data, data * 10, 2, start_index=4, end_index=8)
    assert [[x.tolist(), y.tolist()] for x, y in part] == [[[[4, 5], [5, 6], [6, 7]], [40, 50, 60]]]
    one = timeseries_dataset_from_array(data, data, 9, batch_size=None)
    assert [(x.shape, int(y)) for x, y in one] == [((9,), 0), ((9,), 1)]
    options = {"shuffle": True, "seed": 3, "batch_size": 8}
    first, again = (timeseries_dataset_from_array(data, None, 3, **options) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    first.on_epoch_end()
    assert not np.array_equal(first[0], again[0])


def test_word_pairs():
    np.testing.assert_allclose(sequence.make_sampling_table(6), GOLDEN["table"])
    pairs, labels = sequence.skipgrams([1, 0, 2, 3], 4, window_size=1, seed=0)
    true = sorted(p for p, label in zip(pairs, labels, strict=True) if label == 1)
    assert true == [[2, 3], [3, 2]]
    assert len(pairs) == 4
    assert sequence.skipgrams([1, 2], 3, categorical=True, seed=1)[1].count([0, 1]) == 2
    assert sequence.skipgrams([1, 2], 3, sampling_table=[0, 0, 0], seed=1) == ([], [])


MISTAKES = [
    (lambda: pad_sequences(5), "must be iterable, with a length, but is 5"),
    (lambda: pad_sequences([1, 2]), r"element 0 is 1\. Put a single sequence into a list"),
    (lambda: pad_sequences([[1]], padding="left"), "`padding` must be 'pre' or 'post'"),
    (lambda: pad_sequences([[1]], truncating="x"), "`truncating` must be 'pre' or 'post'"),
    (lambda: pad_sequences([[1]], value="-"), "Pass dtype=object"),
    (
        lambda: pad_sequences([np.ones((1, 2)), np.ones((1, 3))]),
        r"elements of sequence 1 .* \(3,\)",
    ),
    (lambda: text.Tokenizer().sequences_to_matrix([[1]]), "give num_words, or call fit_on_texts"),
    (lambda: text.Tokenizer(3).sequences_to_matrix([[1]], "tfidf"), "call fit_on_texts before"),
    (lambda: text.Tokenizer(3).sequences_to_matrix([[1]], "cuont"), "Did you mean 'count'"),
    (lambda: text.tokenizer_from_json("{}"), "expects what Tokenizer.to_json"),
    (lambda: text.hashing_trick("a", 1), "`n` must be at least 2"),
    (lambda: text.hashing_trick("a", 9, "sha"), "must be 'md5' or a function"),
    (lambda: sequence.TimeseriesGenerator([1], [1, 2], 1), "data has 1 steps and targets 2"),
    (lambda: sequence.TimeseriesGenerator([1], [1], 2), "no part of the sequence would be left"),
    (lambda: timeseries_dataset_from_array([1, 2], None, 3), "no window of 3 steps"),
    (lambda: timeseries_dataset_from_array([1, 2], None, 0), "`sequence_length` must be higher"),
    (lambda: timeseries_dataset_from_array([1], None, 1, end_index=4), "must mark a part of the 1"),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES)
def test_mistakes(mistake, words):
    with pytest.raises(ValueError, match=words):
        mistake()


def test_mistakes_of_type():
    with pytest.raises(TypeError, match=r"expects a list of texts but got one text"):
        text.Tokenizer().fit_on_texts("a text")
    with pytest.raises(TypeError, match=r"expects texts, or lists of words, but got nan"):
        text.Tokenizer().fit_on_texts(["a", float("nan")])
    with pytest.raises(TypeError, match=r"'num_wods': 3.*Did you mean 'num_words'"):
        text.Tokenizer(num_wods=3)
