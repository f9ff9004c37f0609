# ruff: noqa: E501 - tables: one mistake a line
"""What `fit` says before the first epoch of data and losses that would spoil it silently."""

import warnings

import numpy as np
import pytest

import kerasish as ks
from kerasish.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    MaxPooling2D,
    Rescaling,
    Softmax,
)

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (60, 8, 8, 1), "uint8")
X = RNG.normal(size=(60, 3)).astype("float32")
Y = np.arange(60) % 3
ONE_HOT = ks.utils.to_categorical(Y)


def compiled(*layers, loss="sparse_categorical_crossentropy"):
    return ks.Sequential(list(layers), seed=0).compile("sgd", loss)


def told(model, x, y, **options):
    """What the first fit warns of; the second one says nothing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, y, verbose=0, **options)
    first = [str(w.message) for w in caught]
    assert all(w.filename == __file__ for w in caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y, verbose=0, **options)
    return first


def softmax(*before, units=3):
    return compiled(*before, Dense(units, activation="softmax"))


# --- pixels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uint8", "float32", "int64"])
@pytest.mark.parametrize(
    "layers",
    [
        [Conv2D(2, 3, name="first"), Flatten()],
        [Flatten(), Dense(4, name="first")],
        [MaxPooling2D(), Conv2D(2, 3, name="first"), Flatten()],
    ],
    ids=["convolution", "dense", "pooling"],
)
def test_unscaled_pixels_are_told_once(kind, layers):
    layers = [type(layer).from_config(layer.get_config()) for layer in layers]
    (text,) = told(softmax(*layers), PIXELS.astype(kind), Y)
    assert "whole numbers from 0 to 25" in text
    assert "'first', gets them so" in text
    assert "Divide by 255" in text
    assert "Rescaling(1 / 255)" in text


@pytest.mark.parametrize(
    ("x", "before"),
    [
        (PIXELS / 255, []),
        (PIXELS, [Rescaling(1 / 255)]),
        (PIXELS, [BatchNormalization()]),
        (PIXELS // 16, []),
        (PIXELS - 128.0, []),
        (PIXELS + 0.5, []),
        (PIXELS * 4.0, []),
        (PIXELS[:, :2, :2], []),
    ],
    ids=["scaled", "rescaling", "normal", "16 greys", "centred", "fractions", "large", "few"],
)
def test_other_numbers_are_not_taken_for_pixels(x, before):
    assert told(softmax(*before, Flatten(), Dense(4)), x, Y) == []


# --- classes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y, Y[:, None], ONE_HOT], ids=["(n,)", "(n, 1)", "one-hot"])
def test_sorted_classes_and_a_split_of_the_tail_are_told(y):
    loss = "categorical" if y.ndim == 2 and y.shape[1] == 3 else "sparse_categorical"
    model = compiled(Dense(3, activation="softmax"), loss=f"{loss}_crossentropy")
    order = np.argsort(Y, kind="stable")
    (text,) = told(model, X, y[order], validation_split=0.3)
    assert "classes 0, 1 are in the training data but not in the validation data" in text
    assert "validation_split takes the last rows as they are" in text
    (text,) = told(softmax(), X, Y[order], validation_split=0.4)
    assert "class 2 is in the validation data but not in the training data" in text


def test_classes_that_are_never_trained_are_told():
    (text,) = told(softmax(), X[:30], Y[:30] % 2, validation_data=(X, Y))
    assert "class 2 is in the validation data but not in the training data" in text
    assert "divided by kerasish.data.train_val_split" in text
    loader = ks.data.DataLoader(X[:30], Y[:30] % 2)
    (text,) = told(softmax(), loader, None, validation_data=ks.data.DataLoader(X, Y))
    assert "class 2 is in the validation data" in text


def test_both_classes_of_a_binary_loss_are_looked_for():
    model = compiled(Dense(1, activation="sigmoid"), loss="binary_crossentropy")
    (text,) = told(model, X, np.sort(Y > 0), validation_split=0.3)
    assert "class 0 is in the training data but not in the validation data" in text


@pytest.mark.parametrize(
    ("y", "options"),
    [
        (Y, {"validation_split": 0.3}),
        (Y, {"validation_data": (X[:2], Y[:2])}),  # too few to have all classes
        (np.where(np.arange(60) == 0, 2, Y % 2), {"validation_split": 0.2}),  # rare
    ],
    ids=["mixed", "small", "rare"],
)
def test_classes_that_may_be_missing_by_chance_are_not_told(y, options):
    assert told(softmax(), X, y, **options) == []


def test_several_labels_and_amounts_are_no_classes():
    tags = compiled(Dense(3, activation="sigmoid"), loss="binary_crossentropy")
    assert told(tags, X, np.sort(ONE_HOT, axis=0), validation_split=0.3) == []
    assert told(compiled(Dense(1), loss="mse"), X, np.sort(Y), validation_split=0.3) == []


# --- losses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "loss", "y", "message"),
    [
        ([Dense(3)], "sparse_categorical_crossentropy", Y, "expects probabilities, but the last layer ends in 'linear'. Use activation='softmax'"),
        ([Dense(3, activation="softplus")], "categorical_crossentropy", ONE_HOT, "ends in 'softplus'. Use activation='softmax'"),
        ([Dense(3), Activation("tanh")], "categorical_crossentropy", ONE_HOT, "ends in 'tanh'"),
        ([Dense(1)], "binary_crossentropy", Y > 0, "ends in 'linear'. Use activation='sigmoid'"),
        ([Dense(3, activation="softmax")], ks.losses.SparseCategoricalCrossentropy(True), Y, "has from_logits=True, but the last layer ends in softmax, which would be applied twice"),
        ([Dense(1, activation="sigmoid")], ks.losses.BinaryCrossentropy(True), Y > 0, "ends in sigmoid, which would be applied twice"),
        ([Dense(3, activation="softmax")], "binary_crossentropy", ONE_HOT, "binary_crossentropy judges each unit by itself"),
        ([Dense(3, activation="softmax")], "categorical_crossentropy", ONE_HOT + np.eye(3)[[0] * 60], "rows that sum to 1, one class for each sample, but one sums to 2"),
    ],
)  # fmt: skip
def test_a_loss_that_does_not_fit_is_told(layers, loss, y, message):
    layers = [type(layer).from_config(layer.get_config()) for layer in layers]
    (text,) = told(compiled(*layers, loss=loss), X, y)
    assert message in text


@pytest.mark.parametrize(
    ("layers", "loss", "y"),
    [
        ([Dense(3), Softmax()], "categorical_crossentropy", ONE_HOT),
        ([Dense(3)], ks.losses.CategoricalCrossentropy(from_logits=True), ONE_HOT),
        ([Dense(2, activation="softmax")], "binary_crossentropy", ONE_HOT[:, :2]),
        ([Dense(3, activation="sigmoid")], "binary_crossentropy", ONE_HOT),
        ([Dense(3)], "mse", ONE_HOT),
        ([Dense(3), ks.layers.Lambda(lambda x: x)], "categorical_crossentropy", ONE_HOT),
    ],
)
def test_losses_that_fit_or_cannot_be_judged_are_not_told(layers, loss, y):
    assert told(compiled(*layers, loss=loss), X, y) == []


def test_nothing_is_told_of_generators_and_inner_models_are_looked_into():
    inner = ks.Sequential([Flatten(), Dense(4, name="deep")])
    (text,) = told(softmax(inner), PIXELS, Y)
    assert "'deep', gets them so" in text

    def batches():
        while True:
            yield X, Y

    assert told(softmax(), batches(), None, steps_per_epoch=2) == []
