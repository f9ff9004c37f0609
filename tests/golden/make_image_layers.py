"""Write image_layers.npz: outputs and gradients of image layers, computed by real Keras.

Run from the root of the repository in an environment with Keras 3.15 and jax:
``KERAS_BACKEND=jax python tests/golden/make_image_layers.py``
"""

import pathlib

import jax
import keras
import numpy as np
from image_layer_cases import CASES

FILE = pathlib.Path(__file__).with_name("image_layers.npz")


def record(number, cls, arguments, shape):
    rng = np.random.default_rng(number)
    layer = getattr(keras.layers, cls)(**arguments)
    layer.build(shape)
    weights = [rng.standard_normal(w.shape).astype("float32") / 2 for w in layer.get_weights()]
    layer.set_weights(weights)
    found = {f"weight_{i}": w for i, w in enumerate(weights)}
    found["x"] = rng.standard_normal(shape).astype("float32")
    learnt = [w.value for w in layer.trainable_variables]
    kept = [w.value for w in layer.non_trainable_variables]

    def run(x, learnt):
        return layer.stateless_call(learnt, kept, x)[0]

    y, pull = jax.vjp(run, found["x"], learnt)
    found["y"] = np.asarray(y)
    found["dy"] = rng.standard_normal(found["y"].shape).astype("float32")
    dx, gradients = pull(found["dy"])
    found["dx"] = np.asarray(dx)
    found.update({f"gradient_{i}": np.asarray(g) for i, g in enumerate(gradients)})
    return {f"{number}/{key}": value for key, value in found.items()}


if __name__ == "__main__":
    arrays = {}
    for number, case in enumerate(CASES):
        arrays.update(record(number, *case))
    np.savez_compressed(FILE, **arrays)
    print(len(arrays), "arrays,", FILE.stat().st_size, "bytes")
