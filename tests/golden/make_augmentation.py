"""Write augmentation.npz: what real Keras's augmentation layers make of images.

Run from the root of the repository in an environment with Keras 3.15 and jax:
``KERAS_BACKEND=jax python tests/golden/make_augmentation.py``
"""

import pathlib

import jax.numpy as jnp
import keras
import numpy as np
from augmentation_cases import CASES

FILE = pathlib.Path(__file__).with_name("augmentation.npz")


def as_tensor(value):
    value = jnp.asarray(value)
    return value.astype("float32") if value.dtype.kind == "f" else value


def record(number, cls, arguments, shape, transformation=None, drawn=None):
    rng = np.random.default_rng(number)
    x = rng.uniform(0, 255, shape).astype("float32")
    layer = getattr(keras.layers, cls)(**arguments)
    if transformation is None:
        y = layer(x, training=True)
    else:
        given = transformation
        if isinstance(given, dict):
            given = {key: as_tensor(value) for key, value in given.items()}
        y = layer.transform_images(jnp.asarray(x), given, training=True)
    return {f"{number}/x": x, f"{number}/y": np.asarray(y)}


if __name__ == "__main__":
    arrays = {}
    for number, case in enumerate(CASES):
        arrays.update(record(number, *case))
    np.savez_compressed(FILE, **arrays)
    print(len(arrays), "arrays,", FILE.stat().st_size, "bytes")
