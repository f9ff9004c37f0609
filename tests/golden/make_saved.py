"""Make the files of saved/: models by real Keras, and what they predict and go on to learn.

Run with Keras 3.15 and torch 2.13 installed:
KERAS_BACKEND=torch python tests/golden/make_saved.py
"""

from pathlib import Path

import absl.logging
import keras
import numpy as np
from keras import layers, optimizers

absl.logging.set_verbosity("error")
FOLDER = Path(__file__).with_name("saved")
FOLDER.mkdir(exist_ok=True)
rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 12)
HOT = np.eye(3, dtype="float32")[LABELS]
TABLE = rng.standard_normal((12, 5)).astype("float32")
IMAGES = rng.standard_normal((12, 6, 6, 2)).astype("float32")
WORDS = rng.integers(0, 9, (12, 5))
STEPS = 3

CASES = {
    "mlp": {
        "layers": [
            layers.Dense(4, "relu", kernel_regularizer="l2", trainable=False),
            layers.BatchNormalization(),
            layers.Dense(4, "gelu", kernel_constraint=keras.constraints.MaxNorm(0.9)),
            layers.LayerNormalization(),
            layers.PReLU(),
            layers.Dense(3, "softmax", activity_regularizer="l1"),
        ],
        "x": TABLE,
        "y": LABELS,
        "optimizer": optimizers.Adam(0.01, amsgrad=True),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    },
    "cnn": {
        "layers": [
            layers.Conv2D(3, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(2),
            layers.Dropout(0.0),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, "softmax"),
        ],
        "x": IMAGES,
        "y": HOT,
        "optimizer": optimizers.AdamW(0.01, use_ema=True, clipnorm=1.0),
        "loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        "metrics": ["acc", keras.metrics.AUC(name="area", num_thresholds=20)],
        "weighted_metrics": ["mse"],
    },
    "nested": {
        "layers": [
            keras.Sequential(
                [layers.Dense(4, "elu"), layers.BatchNormalization()], name="body", trainable=False
            ),
            keras.Sequential(
                [layers.Dense(4), layers.BatchNormalization(momentum=0.8), layers.ReLU()]
            ),
            layers.Dense(2),
        ],
        "x": TABLE,
        "y": TABLE[:, :2],
        "optimizer": optimizers.RMSprop(0.01, centered=True, momentum=0.5),
        "loss": "mean_squared_error",
        "loss_weights": [0.5],
        "metrics": ["mae", keras.metrics.RootMeanSquaredError()],
    },
    "rnn": {
        "layers": [
            layers.Embedding(9, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3, "tanh")),
            layers.GRU(3),
            layers.Dense(1, "sigmoid"),
        ],
        "x": WORDS,
        "y": (LABELS > 0).astype("float32")[:, None],
        "optimizer": optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        "loss": "binary_crossentropy",
        "metrics": ["accuracy", keras.metrics.Precision()],
    },
    "schedule": {
        "layers": [layers.Dense(4, "tanh"), layers.Dense(2)],
        "x": TABLE,
        "y": TABLE[:, :2],
        "optimizer": optimizers.Nadam(
            optimizers.schedules.CosineDecay(0.05, 20), gradient_accumulation_steps=2
        ),
        "loss": "mean_squared_error",
    },
}


def make(name, layers, x, y, **compiled):
    keras.utils.set_random_seed(1)
    inputs = keras.Input(x.shape[1:], dtype=str(x.dtype).replace("int64", "int32"))
    model = keras.Sequential([inputs, *layers], name=name)
    model.compile(**compiled)
    for _ in range(STEPS):
        model.train_on_batch(x, y)
    model.save(FOLDER / f"{name}.keras")
    model.save_weights(FOLDER / f"{name}.weights.h5")
    state = model.optimizer.variables
    found = {"x": x, "y": y, "predictions": model.predict(x, verbose=0)}
    found |= {f"optimizer{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(state)}
    weights = [w.copy() for w in model.get_weights()]
    found |= {f"before{i}": w for i, w in enumerate(weights)}
    logs = [model.train_on_batch(x, y, return_dict=True) for _ in range(STEPS)]
    for key in logs[0]:
        found[f"log {key}"] = np.array([step[key] for step in logs])
    found |= {f"after{i}": w.copy() for i, w in enumerate(model.get_weights())}
    # Keras damages a model whose optimizer it saves as HDF5: last, from the file.
    keras.models.load_model(FOLDER / f"{name}.keras").save(FOLDER / f"{name}.h5")
    np.savez_compressed(FOLDER / f"{name}.npz", **found)


for name, case in CASES.items():
    make(name, **case)
