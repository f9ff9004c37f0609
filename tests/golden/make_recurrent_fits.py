"""Write recurrent_fits.npz: histories, weights and predictions of trainings by real Keras.

Run from the root of the repository with Keras 3.15, once on JAX or torch and once on TensorFlow,
for the stateful ones: torch cannot train them, and JAX forgets their states.
``KERAS_BACKEND=jax python tests/golden/make_recurrent_fits.py``
"""

import json
import pathlib

import keras
import numpy as np
from recurrent_cases import FITS, fit_data, make

FILE = pathlib.Path(__file__).with_name("recurrent_fits.npz")


def record(name, layers, kind, fit):
    keras.utils.set_random_seed(0)
    x, y = fit_data(kind, np)
    batch = fit["batch_size"] if name == "stateful" else None
    first = keras.Input(batch_shape=(batch, *x.shape[1:]), dtype=x.dtype.name)
    model = keras.Sequential([first, *(make(keras.layers, layer) for layer in layers)])
    before = model.get_weights()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, shuffle=False, verbose=0, **fit).history
    found = {f"before_{i}": w for i, w in enumerate(before)}
    found.update({f"after_{i}": w for i, w in enumerate(model.get_weights())})
    found["prediction"] = model.predict(x, batch_size=fit["batch_size"], verbose=0)
    found["history"] = np.array(json.dumps(history))
    return {f"{name}/{key}": value for key, value in found.items()}


if __name__ == "__main__":
    arrays = {}
    if FILE.exists():
        with np.load(FILE) as file:
            arrays = dict(file)
    for name, case in FITS.items():
        if (name == "stateful") == (keras.backend.backend() == "tensorflow"):
            arrays.update(record(name, *case))
    np.savez_compressed(FILE, **arrays)
    print(len(arrays), "arrays,", FILE.stat().st_size, "bytes")
