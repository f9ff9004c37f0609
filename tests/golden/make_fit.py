"""Make fit.npz: histories and final weights of small trainings by real Keras.

Run with Keras 3.15 and torch 2.13 installed:
KERAS_BACKEND=torch python tests/golden/make_fit.py
"""

import json
from pathlib import Path

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(1)
X = rng.standard_normal((50, 6)).astype("float32")
LABELS = (X[:, 0] + 0.5 * X[:, 1] > 0).astype("int32") + (X[:, 2] > 0.6)
BINARY = (X @ rng.standard_normal(6) > 0).astype("float32")
TARGETS = (X @ rng.standard_normal((6, 2)) * 0.3).astype("float32")
WEIGHTS = rng.uniform(0.2, 2, 50).astype("float32")
SEQUENCES = rng.standard_normal((20, 5, 3)).astype("float32")
for i in range(20):
    SEQUENCES[i, 1 + i % 5 :] = 0
STEPS = rng.standard_normal((20, 5)).astype("float32")


def sgd(**options):
    return {"class_name": "SGD", "config": {"learning_rate": 0.05, **options}}


CASES = {
    "softmax": {
        "layers": [layers.Dense(8, "tanh"), layers.Dense(3, "softmax")],
        "x": X,
        "y": LABELS,
        "optimizer": sgd(),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "fit": {"epochs": 3, "batch_size": 16, "validation_split": 0.3},
    },
    "sigmoid_class_weight": {
        "layers": [layers.Dense(5, "elu"), layers.Dense(1, "sigmoid")],
        "x": X,
        "y": BINARY,
        "optimizer": sgd(momentum=0.9),
        "loss": "binary_crossentropy",
        "metrics": ["acc", "mae"],
        "weighted_metrics": ["acc"],
        "fit": {
            "epochs": 3,
            "batch_size": 16,
            "validation_split": 0.2,
            "class_weight": {0: 0.5, 1: 2.0},
        },
    },
    "regression_sample_weight": {
        "layers": [
            layers.Dense(7, "sigmoid", kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.BatchNormalization(momentum=0.8),
            layers.Dense(
                2,
                activity_regularizer=keras.regularizers.L1(0.01),
                bias_regularizer=keras.regularizers.L1L2(0.01, 0.02),
            ),
        ],
        "x": X,
        "y": TARGETS,
        "sample_weight": WEIGHTS,
        "optimizer": sgd(nesterov=True, momentum=0.5),
        "loss": "mse",
        "metrics": ["mae"],
        "weighted_metrics": ["mse"],
        "fit": {"epochs": 3, "batch_size": 16, "validation_split": 0.3},
    },
    "huber_validation_freq": {
        "layers": [layers.Dense(4, "softsign"), layers.LayerNormalization(), layers.Dense(2)],
        "x": X,
        "y": TARGETS,
        "optimizer": sgd(clipnorm=0.3),
        "loss": "huber",
        "metrics": ["cosine_similarity"],
        "fit": {"epochs": 4, "batch_size": 20, "validation_split": 0.3, "validation_freq": 2},
    },
    "masked": {
        "layers": [
            layers.Masking(),
            layers.Dense(4, "tanh"),
            layers.Dense(1),
            layers.Reshape((5,)),
        ],
        "x": SEQUENCES,
        "y": STEPS,
        "optimizer": sgd(),
        "loss": "mse",
        "metrics": ["mae"],
        "fit": {"epochs": 2, "batch_size": 8},
    },
    "masked_steps": {
        "layers": [layers.Masking(), layers.Dense(4, "tanh"), layers.Dense(1)],
        "x": SEQUENCES,
        "y": STEPS[..., None],
        "optimizer": sgd(),
        "loss": "mse",
        "metrics": ["mae"],
        "weighted_metrics": ["mse"],
        "fit": {"epochs": 2, "batch_size": 8},
    },
    "loss_weights_and_column_targets": {
        "layers": [layers.Dense(3, "relu"), layers.Dense(1)],
        "x": X,
        "y": BINARY,
        "optimizer": sgd(weight_decay=0.1),
        "loss": "mae",
        "loss_weights": [0.7],
        "metrics": ["mse"],
        "fit": {"epochs": 2, "batch_size": 16, "steps_per_epoch": 2},
    },
    "frozen_and_constrained": {
        "layers": [
            layers.Dense(4, "tanh", trainable=False),
            layers.BatchNormalization(trainable=False),
            layers.Dense(3, "softplus", kernel_constraint=keras.constraints.MaxNorm(0.8)),
            layers.Dense(2, "softmax"),
        ],
        "x": X,
        "y": np.eye(2, dtype="float32")[BINARY.astype(int)],
        "optimizer": sgd(use_ema=True),
        "loss": "categorical_crossentropy",
        "metrics": ["accuracy", "categorical_accuracy"],
        "fit": {"epochs": 2, "batch_size": 16},
    },
}

arrays, cases = {}, {}
for name, case in CASES.items():
    case = dict(case)
    keras.utils.set_random_seed(0)
    x, y, w = case.pop("x"), case.pop("y"), case.pop("sample_weight", None)
    model = keras.Sequential([keras.Input(x.shape[1:]), *case.pop("layers")], name=name)
    rng = np.random.default_rng(2)
    for weight in model.weights:  # biases away from zero, so that they count
        if weight.name in ("bias", "beta"):
            weight.assign(rng.uniform(-0.3, 0.3, weight.shape))
    initial = model.get_weights()
    fit = case.pop("fit")
    optimizer = keras.optimizers.deserialize(dict(case["optimizer"]))
    model.compile(**{**case, "optimizer": optimizer})
    kept = fit.copy()
    if "class_weight" in kept:
        kept["class_weight"] = list(kept["class_weight"].items())
    history = model.fit(x, y, sample_weight=w, shuffle=False, verbose=0, **fit).history
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    cases[name] = {
        "config": json.loads(model.to_json())["config"],
        "compile": case,
        "fit": kept,
        "history": history,
        "evaluate": results,
    }
    given = {"x": x, "y": y, "predictions": model.predict(x, verbose=0)}
    if w is not None:
        given["sample_weight"] = w
    for key, array in given.items():
        arrays[f"{name}/{key}"] = array
    for i, (before, after) in enumerate(zip(initial, model.get_weights(), strict=True)):
        arrays[f"{name}/before{i}"], arrays[f"{name}/after{i}"] = before, after

arrays["cases"] = np.array(json.dumps(cases))
np.savez_compressed(Path(__file__).with_name("fit.npz"), **arrays)
print({name: case["history"] for name, case in cases.items()})
