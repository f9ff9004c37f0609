"""Write image_layers.npz: outputs and gradients of image layers, computed by real Keras.

Run from the root of the repository in an environment with Keras 3.15 and torch:
``KERAS_BACKEND=torch python tests/golden/make_image_layers.py``
"""

import pathlib

import keras
import numpy as np
import torch
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
    x = torch.tensor(found["x"], requires_grad=True)
    y = layer(x)
    found["y"] = y.detach().numpy()
    found["dy"] = rng.standard_normal(found["y"].shape).astype("float32")
    torch.sum(y * torch.tensor(found["dy"])).backward()
    found["dx"] = x.grad.numpy()
    for i, weight in enumerate(layer.trainable_weights):
        found[f"gradient_{i}"] = weight.value.grad.numpy()
    return {f"{number}/{key}": value for key, value in found.items()}


if __name__ == "__main__":
    arrays = {}
    for number, case in enumerate(CASES):
        arrays.update(record(number, *case))
    np.savez_compressed(FILE, **arrays)
    print(len(arrays), "arrays,", FILE.stat().st_size, "bytes")
