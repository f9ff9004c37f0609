"""Write layers.npz: outputs and gradients of layers, computed by real Keras.

Run from the root of the repository in an environment with Keras 3.15 and torch:
``KERAS_BACKEND=torch python tests/golden/make_layers.py``
"""

import inspect
import pathlib
import zlib

import keras
import numpy as np
import torch
from layer_cases import CASES

FOLDER = pathlib.Path(__file__).parent


def numbers(rng, shape):
    """Normal numbers in float32, none near the kinks of the activations."""
    x = rng.standard_normal(shape)
    for kink in (0.0, 0.3, 1.0):
        x = np.where(abs(x - kink) < 0.02, kink + 0.05, x)
    return x.astype("float32")


def record(name, cls, arguments, shape, options):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if cls == "Lambda":
        arguments = {"function": lambda x: x**2 + 3 * x}
    if "layer" in arguments:
        arguments = {**arguments, "layer": keras.layers.deserialize(arguments["layer"])}
    layer = getattr(keras.layers, cls)(**arguments)
    x = numbers(rng, shape)
    if cls == "Masking":
        x[0, 1] = x[2, 0] = x[3, 2, 1] = arguments["mask_value"]
    found = {"x": x}
    layer.build(shape)
    if "adapt" in options:
        found["data"] = 2 + 3 * rng.standard_normal(options["adapt"]).astype("float32")
        layer.adapt(found["data"])
    elif layer.weights:
        weights = [0.5 * numbers(rng, w.shape) for w in layer.get_weights()]
        if cls == "BatchNormalization":
            weights[-1] = abs(weights[-1]) + 0.5
        layer.set_weights(weights)
        found.update({f"weight_{i}": w for i, w in enumerate(weights)})
    tensor = torch.tensor(x, requires_grad=True)
    keywords = {}
    if "training" in inspect.signature(layer.call).parameters:
        keywords["training"] = options.get("training", False)
    if "mask" in options:
        found["mask"] = keywords["mask"] = rng.random(options["mask"]) < 0.7
        keywords["mask"] = torch.tensor(found["mask"])
    y = layer(tensor, **keywords)
    found["y"] = y.detach().numpy()
    found["dy"] = numbers(rng, found["y"].shape)
    loss = torch.sum(y * torch.tensor(found["dy"])) + sum(layer.losses)
    loss.backward()
    found["dx"] = tensor.grad.numpy()
    if layer.losses:
        found["loss"] = np.array([float(v.detach()) for v in layer.losses])
    for i, weight in enumerate(layer.trainable_weights):
        found[f"gradient_{i}"] = weight.value.grad.numpy()
    if cls == "SpectralNormalization":
        found["kernel_after"] = layer.kernel.numpy()
    for i, weight in enumerate(layer.non_trainable_weights):
        found[f"after_{i}"] = weight.numpy()
    if cls == "Masking":
        found["out_mask"] = np.asarray(layer.compute_mask(tensor).detach())
    return {f"{name}/{key}": value for key, value in found.items()}


if __name__ == "__main__":
    arrays = {}
    for case in CASES:
        arrays.update(record(*case))
    np.savez_compressed(FOLDER / "layers.npz", **arrays)
    print(len(arrays), "arrays,", (FOLDER / "layers.npz").stat().st_size, "bytes")
