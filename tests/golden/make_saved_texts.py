"""Make the files of saved/texts/, whose vocabularies Keras keeps apart, and predictions.

Run with Keras 3.15 and TensorFlow installed:
KERAS_BACKEND=tensorflow python tests/golden/make_saved_texts.py
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

FOLDER = Path(__file__).with_name("saved") / "texts"
TEXTS = np.array(["The cat sat", "a dog, an ant", "the end: caf\u00e9 of the cat", "zebra"])
NUMBERS = np.array([[3, 5], [9, 5], [9, 77], [0, 3]])
LETTERS = np.array([["b", "a"], ["b", "c d"], ["zz", ""], ["a", "a"]])


def words():
    first = layers.TextVectorization(output_sequence_length=4)
    first.adapt(TEXTS)
    rest = [layers.Embedding(first.vocabulary_size(), 2, mask_zero=True), layers.LSTM(2)]
    return "string", TEXTS[:, None], [first, *rest]


def weighed_words():
    first = layers.TextVectorization(output_mode="tf_idf", ngrams=2)
    first.adapt(TEXTS)
    return "string", TEXTS[:, None], [first]


def lookups():
    first = layers.IntegerLookup(output_mode="multi_hot", num_oov_indices=2, mask_token=0)
    first.adapt(NUMBERS)
    return "int64", NUMBERS, [first]


def letters():
    first = layers.StringLookup(mask_token="")
    first.adapt(LETTERS)
    return "string", LETTERS, [first, layers.Embedding(6, 2), layers.Flatten()]


for make in (words, weighed_words, lookups, letters):
    keras.utils.set_random_seed(0)
    dtype, x, parts = make()
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=dtype), *parts, layers.Dense(2)])
    model.compile("adam", "mse")
    y = np.arange(2.0 * len(x)).reshape(-1, 2)
    model.fit(tf.constant(x), y, epochs=2, batch_size=len(x), verbose=0)
    model.save(FOLDER / f"{make.__name__}.keras")
    predicted = model.predict(tf.constant(x), verbose=0)
    losses = model.fit(tf.constant(x), y, epochs=2, batch_size=len(x), verbose=0).history["loss"]
    inputs = x if x.dtype.kind == "i" else np.char.encode(x, "utf-8")
    np.savez(FOLDER / f"{make.__name__}.npz", x=inputs, y=y, predicted=predicted, losses=losses)
