"""Write recurrent.npz: outputs, masks and gradients of recurrent layers, computed by real Keras.

Run from the root of the repository in an environment with Keras 3.15 and torch:
``KERAS_BACKEND=torch python tests/golden/make_recurrent.py``
"""

import pathlib

import keras
import numpy as np
import torch
from recurrent_cases import CASES, make

FILE = pathlib.Path(__file__).with_name("recurrent.npz")


def record(number, name, arguments, shape, options):
    rng = np.random.default_rng(number)
    layer = make(keras.layers, (name, arguments))
    layer.build(shape)
    weights = [0.7 * rng.standard_normal(w.shape).astype("float32") for w in layer.get_weights()]
    layer.set_weights(weights)
    found = {f"weight_{i}": w for i, w in enumerate(weights)}
    keywords = {}
    if "tokens" in options:
        found["x"] = rng.integers(0, options["tokens"], shape).astype("int32")
        x = torch.tensor(found["x"])
    else:
        found["x"] = rng.standard_normal(shape).astype("float32")
        x = torch.tensor(found["x"], requires_grad=True)
    if "mask" in options:
        found["mask"] = rng.random(shape[:2]) < 0.6
        found["mask"][0, 0], found["mask"][-1] = False, False
        keywords["mask"] = torch.tensor(found["mask"])
    if "training" in options:
        keywords["training"] = True
    y = layer(x, **keywords)
    found["y"] = y.detach().numpy()
    found["dy"] = rng.standard_normal(found["y"].shape).astype("float32")
    (torch.sum(y * torch.tensor(found["dy"])) + sum(layer.losses)).backward()
    if x.requires_grad:
        found["dx"] = x.grad.numpy()
    for i, weight in enumerate(layer.trainable_weights):
        gradient = weight.value.grad
        found[f"gradient_{i}"] = np.zeros(weight.shape) if gradient is None else gradient.numpy()
    for i, weight in enumerate(layer.non_trainable_weights):
        found[f"after_{i}"] = weight.numpy()
    mask = layer.compute_mask(x, keywords.get("mask"))
    if mask is not None:
        found["out_mask"] = mask.numpy()
    return {f"{number}/{key}": value for key, value in found.items()}


if __name__ == "__main__":
    arrays = {}
    for number, case in enumerate(CASES):
        arrays.update(record(number, *case))
    np.savez_compressed(FILE, **arrays)
    print(len(arrays), "arrays,", FILE.stat().st_size, "bytes")
