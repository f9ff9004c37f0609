"""Write losses.npz: values and gradients of every loss, made by real Keras 3.15.

    KERAS_BACKEND=torch python tests/golden/make_losses.py

A case is (class, arguments, kind of inputs, shape of predictions, extras). Extras are
`weights` (shape), `mask` (shape) and `targets` (a shape to which the targets are reshaped).
"""

import json
import math
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent

REGRESSION = [
    "MeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "CosineSimilarity",
    "Huber",
    "LogCosh",
]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]

CASES = [(c, {}, "positive", shape, {}) for c in REGRESSION for shape in [(6, 3), (4, 3, 2)]]
CASES += [(c, {"reduction": None}, "positive", (5, 4), {}) for c in REGRESSION]
CASES += [(c, {}, "positive", (5, 1), {"targets": (5,)}) for c in REGRESSION]
CASES += [
    ("MeanSquaredError", {}, "positive", (5,), {"targets": (5, 1)}),
    ("MeanSquaredError", {}, "positive", (4, 3, 1), {"targets": (4, 3)}),
    ("MeanSquaredLogarithmicError", {}, "real", (6, 3), {}),
    ("CosineSimilarity", {"axis": 1, "reduction": None}, "real", (4, 3, 2), {}),
    ("Huber", {"delta": 0.3}, "real", (6, 3), {}),
    ("Huber", {"delta": 2.0}, "real", (6, 3), {}),
    ("KLDivergence", {}, "probabilities", (6, 4), {}),
    ("KLDivergence", {"reduction": "sum"}, "probabilities", (2, 3, 4), {}),
    ("Poisson", {}, "counts", (6, 3), {}),
    ("Hinge", {}, "signs", (6, 3), {}),
    ("Hinge", {}, "binary", (6, 3), {}),
    ("Hinge", {}, "real", (6, 3), {}),
    ("SquaredHinge", {}, "signs", (6, 3), {}),
    ("SquaredHinge", {}, "binary", (6, 3), {}),
    ("CategoricalHinge", {}, "one_hot", (6, 4), {}),
    ("CategoricalHinge", {"reduction": None}, "one_hot", (3, 2, 4), {}),
]
for name in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
    CASES += [
        (name, {}, "binary_p", (6, 3), {}),
        (name, {}, "binary_p", (6, 1), {"targets": (6,)}),
        (name, {"from_logits": True}, "binary", (6, 3), {}),
        (name, {"label_smoothing": 0.2}, "binary_p", (6, 3), {}),
        (name, {"from_logits": True, "label_smoothing": 0.1}, "binary", (6, 3), {}),
        (name, {"axis": 1, "reduction": None}, "binary_p", (3, 4, 2), {}),
    ]
CASES += [
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.7},
        "binary_p",
        (6, 3),
        {},
    ),
    ("BinaryFocalCrossentropy", {"gamma": 0.5}, "binary_p", (6, 3), {}),
    ("BinaryFocalCrossentropy", {"gamma": 0.0}, "binary_p", (6, 3), {}),
    ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 1.5}, "one_hot_p", (6, 4), {}),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4]}, "one_hot_p", (6, 4), {}),
    ("CategoricalFocalCrossentropy", {"gamma": 0.0}, "one_hot_p", (6, 4), {}),
]
for name in ("CategoricalCrossentropy", "CategoricalFocalCrossentropy"):
    CASES += [
        (name, {}, "one_hot_p", (6, 4), {}),
        (name, {}, "one_hot_unnormalised", (6, 4), {}),
        (name, {"from_logits": True}, "one_hot", (6, 4), {}),
        (name, {"label_smoothing": 0.2}, "one_hot_p", (6, 4), {}),
        (name, {"from_logits": True, "label_smoothing": 0.1}, "one_hot", (2, 3, 4), {}),
        (name, {"axis": 1, "reduction": None}, "one_hot_p", (3, 4, 4), {}),
        (name, {"axis": 1, "from_logits": True}, "one_hot", (3, 4, 4), {}),
    ]
name = "SparseCategoricalCrossentropy"
CASES += [
    (name, {}, "labels_p", (6, 4), {}),
    (name, {}, "labels_unnormalised", (6, 4), {}),
    (name, {}, "labels_p", (6, 4), {"targets": (6, 1)}),
    (name, {"from_logits": True}, "labels", (6, 4), {}),
    (name, {"from_logits": True}, "labels", (2, 3, 4), {"targets": (2, 3, 1)}),
    (name, {"ignore_class": 1}, "labels_p", (6, 4), {}),
    (name, {"ignore_class": 1, "from_logits": True}, "labels", (2, 5, 4), {}),
    (name, {"ignore_class": 2, "from_logits": True, "reduction": "sum"}, "labels", (2, 5, 4), {}),
    (name, {"ignore_class": 2, "from_logits": True}, "labels", (2, 5, 4), {"mask": (2, 5)}),
    (name, {"ignore_class": 2}, "labels_p", (6, 4), {"weights": (6,)}),
    (name, {"axis": 1, "reduction": None}, "labels_axis_1", (3, 4, 2), {}),
    (name, {"axis": 1, "from_logits": True}, "labels_axis_1", (3, 4, 2), {}),
    ("CategoricalGeneralizedCrossEntropy", {}, "labels_p", (6, 4), {}),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7, "reduction": None}, "labels_p", (6, 4), {}),
    ("Dice", {}, "binary_p", (3, 4, 2), {}),
    ("Dice", {"axis": (1, 2)}, "binary_p", (3, 4, 2), {}),
    ("Dice", {"axis": (1, 2), "reduction": None}, "binary_p", (3, 4, 2), {}),
    ("Dice", {"axis": -1}, "binary_p", (3, 4, 2), {}),
    ("Dice", {}, "binary_p", (3, 4), {"weights": (3,)}),
    ("Tversky", {}, "binary_p", (3, 4, 2), {}),
    ("Tversky", {"alpha": 0.2, "beta": 0.9}, "binary_p", (3, 4, 2), {}),
    ("Tversky", {"alpha": 0.2, "beta": 0.9, "axis": (1, 2)}, "binary_p", (3, 4, 2), {}),
    ("Circle", {}, "embeddings", (8, 3), {}),
    ("Circle", {"gamma": 5.0, "margin": 0.2}, "embeddings", (8, 3), {}),
    ("Circle", {"gamma": 5.0, "remove_diagonal": False}, "embeddings", (8, 3), {}),
    ("Circle", {"gamma": 5.0, "reduction": None}, "embeddings", (8, 3), {}),
    ("Circle", {"gamma": 5.0}, "embeddings", (8, 3), {"targets": (8, 1), "weights": (8,)}),
    ("CTC", {}, "sequences", (3, 9, 5), {}),
    ("CTC", {"reduction": None}, "sequences", (3, 12, 4), {}),
]
for reduction in REDUCTIONS:
    CASES += [
        ("MeanSquaredError", {"reduction": reduction}, "positive", (6, 3), {"weights": (6,)}),
        ("MeanSquaredError", {"reduction": reduction}, "positive", (6, 3), {"weights": (6, 1)}),
        ("MeanSquaredError", {"reduction": reduction}, "positive", (6, 4, 3), {"weights": (6, 4)}),
        ("MeanSquaredError", {"reduction": reduction}, "positive", (6, 4, 3), {"weights": (6, 1)}),
        ("MeanSquaredError", {"reduction": reduction}, "positive", (6, 4, 3), {"mask": (6, 4)}),
        ("MeanSquaredError", {"reduction": reduction}, "positive", (6, 3), {"mask": (6,)}),
        (
            "MeanAbsoluteError",
            {"reduction": reduction},
            "real",
            (6, 4, 3),
            {"mask": (6, 4), "weights": (6, 4)},
        ),
        (
            "SparseCategoricalCrossentropy",
            {"reduction": reduction, "ignore_class": 0, "from_logits": True},
            "labels",
            (3, 4, 5),
            {"mask": (3, 4), "weights": (3, 4)},
        ),
    ]


def inputs(index: int) -> dict[str, np.ndarray]:
    """Targets, predictions, weights and mask of a case, away from clips and corners."""
    _, _, kind, shape, extras = CASES[index]
    rng = np.random.default_rng(index)
    scores = rng.uniform(-2, 2, shape)
    p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    classes = shape[-1]
    labels = rng.integers(0, classes, shape[:-1])
    y, predictions = rng.uniform(-2, 2, shape), scores
    if kind == "positive":
        y, predictions = rng.uniform(0.5, 2, shape), rng.uniform(0.1, 3, shape)
    elif kind == "counts":
        y, predictions = rng.integers(0, 5, shape), rng.uniform(0.1, 3, shape)
    elif kind == "signs":
        y = 2 * rng.integers(0, 2, shape) - 1
    elif kind.startswith("binary"):
        y = rng.integers(0, 2, shape)
        predictions = rng.uniform(0.1, 0.9, shape) if kind == "binary_p" else scores
    elif kind == "probabilities":
        y, predictions = p, rng.permutation(p)
    elif kind.startswith("one_hot"):
        y = np.eye(classes)[labels]
        if kind != "one_hot":
            predictions = p if kind == "one_hot_p" else rng.uniform(0.2, 3, shape)
    elif kind.startswith("labels"):
        y = labels
        if kind == "labels_axis_1":
            p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            y = rng.integers(0, shape[1], (shape[0], *shape[2:]))
        if kind != "labels" and not CASES[index][1].get("from_logits"):
            predictions = rng.uniform(0.2, 3, shape) if "unnormalised" in kind else p
    elif kind == "embeddings":
        y = np.array([0, 0, 1, 1, 1, 2, 2, 3])
        predictions = scores / np.linalg.norm(scores, axis=-1, keepdims=True)
    elif kind == "sequences":
        y = np.array([[1, 2, 2, 3], [3, 1, 0, 0], [2, 0, 0, 0]])
    found = {"y_true": y.reshape(extras.get("targets", y.shape))}
    found["y_pred"] = predictions.astype("float32")
    if found["y_true"].dtype.kind == "f":
        found["y_true"] = found["y_true"].astype("float32")
    if "weights" in extras:
        found["weights"] = rng.uniform(0.2, 2, extras["weights"]).astype("float32")
    if "mask" in extras:
        found["mask"] = rng.random(extras["mask"]) < 0.6
    return found


def load() -> dict[str, np.ndarray]:
    """Read losses.npz: arrays by "<index>/y_true", y_pred, weights, mask, value and gradient."""
    with np.load(HERE / "losses.npz") as file:
        numbers, contents = file["numbers"], json.loads(str(file["contents"]))
    found, at = {}, 0
    for key, (dtype, shape) in contents.items():
        size = math.prod(shape)
        found[key] = numbers[at : at + size].reshape(shape).astype(dtype)
        at += size
    return found


def main() -> None:
    import keras
    import torch
    from keras.src import backend

    if keras.backend.backend() != "torch":
        sys.exit("Set KERAS_BACKEND=torch.")
    arrays = {}
    for index, (name, arguments, *_) in enumerate(CASES):
        given = inputs(index)
        y_pred = torch.tensor(given["y_pred"], requires_grad=True)
        mask = given.get("mask")
        passed = y_pred
        if mask is not None:
            passed = y_pred * 1.0
            backend.set_keras_mask(passed, torch.tensor(mask))
        loss = getattr(keras.losses, name)(**arguments)
        value = loss(given["y_true"], passed, given.get("weights"))
        value.sum().backward()
        for key, array in given.items():
            arrays[f"{index}/{key}"] = array
        arrays[f"{index}/value"] = value.detach().numpy()
        arrays[f"{index}/gradient"] = y_pred.grad.numpy()
    given = inputs(next(i for i, case in enumerate(CASES) if case[0] == "Circle"))
    refs = given["y_pred"][::-1][:5].copy()
    y_pred = torch.tensor(given["y_pred"], requires_grad=True)
    value = keras.losses.circle(
        torch.tensor(given["y_true"]), y_pred, np.arange(5) % 3, refs, False, 5.0, 0.2
    )
    arrays["circle/value"] = value.detach().numpy()
    # One long row of numbers and a table of contents: hundreds of members would be mostly headers.
    contents = {key: [array.dtype.name, array.shape] for key, array in arrays.items()}
    numbers = np.concatenate([np.ravel(array).astype("float32") for array in arrays.values()])
    np.savez_compressed(HERE / "losses.npz", contents=json.dumps(contents), numbers=numbers)


if __name__ == "__main__":
    main()
