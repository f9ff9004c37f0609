"""Make the metrics' golden files: KERAS_BACKEND=torch python tests/golden/make_metrics.py

metrics_surface.json lists what ``keras.metrics`` exports: the arguments with their defaults, and of
a class the configuration, the direction and the state.

metrics.npz holds results. Every case is a metric, its arguments and a kind of data. The data is cut
into uneven batches; the result over all of them is kept, without sample weights and with them.
"""

from __future__ import annotations

import inspect
import itertools
import json
import sys
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("metrics.npz")
SURFACE = Path(__file__).with_name("metrics_surface.json")
BATCHES = (0, 7, 17, 18, 23)
ROWS = BATCHES[-1]


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def make_data():
    """Targets and predictions by kind, all with 23 rows, and sample weights."""
    r = np.random.default_rng(20240611)

    def f32(x):
        return np.asarray(x, np.float32)

    labels = r.integers(0, 4, ROWS)
    scores = f32(r.normal(size=(ROWS, 4)) + 1.2 * np.eye(4)[labels])
    steps = r.integers(0, 4, (ROWS, 5))
    step_scores = f32(r.normal(size=(ROWS, 5, 4)) + np.eye(4)[steps])
    binary = r.integers(0, 2, (ROWS, 1))
    chance = f32(np.clip(r.random((ROWS, 1)) * 0.7 + 0.3 * binary, 0, 1))
    many = r.integers(0, 2, (ROWS, 3))
    many_chance = f32(np.clip(r.random((ROWS, 3)) * 0.7 + 0.3 * many, 0, 1))
    real = f32(r.normal(size=(ROWS, 3)))
    close = f32(real + 0.4 * r.normal(size=(ROWS, 3)))
    ids = r.integers(0, 4, (ROWS, 6))
    guesses = np.where(r.random((ROWS, 6)) < 0.6, ids, r.integers(0, 4, (ROWS, 6)))
    return {
        "sparse": (labels, f32(softmax(scores))),
        "column": (labels[:, None], f32(softmax(scores))),
        "onehot": (f32(np.eye(4)[labels]), f32(softmax(scores))),
        "logits": (f32(np.eye(4)[labels]), scores),
        "sparse_logits": (labels, scores),
        "steps": (steps, f32(softmax(step_scores))),
        "onehot_steps": (f32(np.eye(4)[steps]), f32(softmax(step_scores))),
        "binary": (binary, chance),
        "flat": (binary[:, 0], chance[:, 0]),
        "flat_column": (binary[:, 0], chance),
        "coarse": (binary, np.round(chance, 1)),
        "edges": (binary, np.round(chance)),
        "binary_logits": (binary, f32(np.log(chance + 0.01) - np.log(1.01 - chance))),
        "many": (many, many_chance),
        "many_logits": (many, f32(np.log(many_chance + 0.01) - np.log(1.01 - many_chance))),
        "real": (real, close),
        "real_column": (real[:, :1], close[:, :1]),
        "positive": (np.abs(real) + f32(0.2), np.abs(close) + f32(0.2)),
        "sides": (f32(2 * many - 1), close),
        "zero_one": (f32(many), close),
        "shares": (f32(softmax(real)), f32(softmax(close))),
        "exact": (labels, guesses[:, 0] % 4),
        "ids": (ids, guesses),
        "out_of_range": (np.where(ids == 3, 255, ids), guesses),
        "sorted_ids": (labels, np.argsort(-scores, -1)[:, :3]),
    }


def make_weights():
    """One weight a row, and one a step; the whole ones are for IoU, which takes no others."""
    r = np.random.default_rng(7)
    return {
        "row": np.round(r.random(ROWS) * 2, 2).astype(np.float32),
        "step": np.round(r.random((ROWS, 5)) * 2, 2).astype(np.float32),
        "whole": r.integers(0, 3, (ROWS, 6)),
    }


LOSSLIKE = [
    ("MeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("RootMeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "real_column"),
    ("LogCoshError", {}, "real"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {"axis": 1}, "real"),
    ("PearsonCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "real"),
    ("R2Score", {}, "real"),
    ("R2Score", {"class_aggregation": None}, "real"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "real"),
    ("R2Score", {"num_regressors": 2}, "real"),
    ("R2Score", {}, "real_column"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary_logits"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "many"),
    ("CategoricalCrossentropy", {}, "onehot"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "logits"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {}, "column"),
    ("SparseCategoricalCrossentropy", {}, "steps"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "sparse_logits"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, "sparse"),
    ("KLDivergence", {}, "shares"),
    ("Poisson", {}, "positive"),
    ("Hinge", {}, "sides"),
    ("SquaredHinge", {}, "zero_one"),
    ("CategoricalHinge", {}, "onehot"),
]
ACCURACIES = [
    ("Accuracy", {}, "exact"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {}, "flat"),
    ("BinaryAccuracy", {}, "flat_column"),
    ("BinaryAccuracy", {"threshold": 0.7}, "coarse"),
    ("BinaryAccuracy", {}, "many"),
    ("CategoricalAccuracy", {}, "onehot"),
    ("CategoricalAccuracy", {}, "onehot_steps"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("SparseCategoricalAccuracy", {}, "column"),
    ("SparseCategoricalAccuracy", {}, "steps"),
    ("TopKCategoricalAccuracy", {"k": 2}, "onehot"),
    ("TopKCategoricalAccuracy", {"k": 2}, "onehot_steps"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, "steps"),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "sorted_ids"),
]
COUNTS = [
    (name, kwargs, kind)
    for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
    for kwargs, kind in (
        ({}, "binary"),
        ({"thresholds": [0.2, 0.9, 0.5]}, "coarse"),
        ({"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, "coarse"),
        ({"thresholds": 0.4}, "many"),
        ({}, "flat_column"),
    )
]
RATES = [
    (name, kwargs, kind)
    for name in ("Precision", "Recall")
    for kwargs, kind in (
        ({}, "binary"),
        ({}, "flat"),
        ({}, "many"),
        ({}, "onehot"),
        ({}, "onehot_steps"),
        ({"thresholds": [0.1, 0.6, 0.3]}, "many"),
        ({"thresholds": [0.0, 0.5, 1.0]}, "coarse"),
        ({"top_k": 2}, "onehot"),
        ({"top_k": 2, "thresholds": 0.3}, "onehot"),
        ({"class_id": 1}, "onehot"),
        ({"class_id": 2, "top_k": 2}, "onehot"),
    )
]
TRADE_OFFS = [
    (name, {bound: value, **more}, kind)
    for name, bound in (
        ("SensitivityAtSpecificity", "specificity"),
        ("SpecificityAtSensitivity", "sensitivity"),
        ("PrecisionAtRecall", "recall"),
        ("RecallAtPrecision", "precision"),
    )
    for value, more, kind in (
        (0.5, {}, "binary"),
        (0.8, {"num_thresholds": 11}, "coarse"),
        (0.3, {"num_thresholds": 1}, "many"),
        (0.6, {"class_id": 1}, "onehot"),
    )
]
AREAS = [
    ("AUC", {"curve": curve, "summation_method": method}, kind)
    for curve in ("ROC", "PR", "PRGAIN")
    for method in ("interpolation", "minoring", "majoring")
    for kind in ("binary", "coarse", "onehot")
] + [
    ("AUC", {}, "edges"),
    ("AUC", {}, "flat"),
    ("AUC", {"curve": "PR"}, "edges"),
    ("AUC", {"num_thresholds": 7}, "binary"),
    ("AUC", {"thresholds": [0.7, 0.2, 0.55]}, "many"),
    ("AUC", {"thresholds": [0.25, 0.5, 0.75]}, "coarse"),
    ("AUC", {"from_logits": True}, "binary_logits"),
    ("AUC", {"multi_label": True}, "many"),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR"}, "many"),
    ("AUC", {"multi_label": True, "label_weights": [0.2, 1.0, 3.0]}, "many"),
    ("AUC", {"multi_label": True, "thresholds": [0.3, 0.6]}, "many"),
    ("AUC", {"multi_label": True, "from_logits": True, "curve": "PRGAIN"}, "many_logits"),
    ("AUC", {"label_weights": [0.2, 1.0, 3.0]}, "many"),
    ("AUC", {"label_weights": [0.2, 1.0, 3.0], "thresholds": [0.3, 0.6]}, "many"),
]
F_SCORES = [
    (name, {"average": average, **more}, kind)
    for name, more in (
        ("F1Score", {}),
        ("FBetaScore", {"beta": 0.5}),
        ("FBetaScore", {"beta": 2.0}),
    )
    for average in (None, "micro", "macro", "weighted")
    for kind in ("onehot", "many")
] + [
    ("F1Score", {"threshold": 0.5}, "binary"),
    ("F1Score", {"threshold": 0.6, "average": "micro"}, "many"),
    ("F1Score", {"threshold": 0.4, "average": "weighted"}, "onehot"),
]
OVERLAPS = [
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, "ids"),
    ("IoU", {"num_classes": 4, "target_class_ids": [1], "ignore_class": 255}, "out_of_range"),
    ("MeanIoU", {"num_classes": 4}, "ids"),
    ("MeanIoU", {"num_classes": 6, "ignore_class": 1}, "ids"),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False}, "sparse"),
    ("BinaryIoU", {}, "binary"),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.7}, "many"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [0, 3]}, "onehot"),
    ("OneHotMeanIoU", {"num_classes": 4}, "onehot_steps"),
]
CASES = LOSSLIKE + ACCURACIES + COUNTS + RATES + TRADE_OFFS + AREAS + F_SCORES + OVERLAPS
VALUES = ["Mean", "Sum"]
FUNCTIONS = [
    ("binary_accuracy", "binary"),
    ("categorical_accuracy", "onehot_steps"),
    ("sparse_categorical_accuracy", "column"),
    ("sparse_categorical_accuracy", "steps"),
    ("top_k_categorical_accuracy", "onehot"),
    ("sparse_top_k_categorical_accuracy", "steps"),
    ("pearson_correlation", "real"),
    ("concordance_correlation", "real"),
]
EXTRA = {"top_k_categorical_accuracy": {"k": 2}, "sparse_top_k_categorical_accuracy": {"k": 2}}


def case_id(case):
    name, kwargs, kind = case
    return "-".join([name, *(f"{k}={v}" for k, v in kwargs.items()), kind])


def weight_kind(name, kind):
    """Which weights a case is run with: IoU takes whole ones, time steps have their own."""
    if name.endswith("IoU"):
        return "whole" if kind in ("ids", "out_of_range") else None
    mean_type = name in {n for n, *_ in LOSSLIKE + ACCURACIES}
    if kind == "onehot_steps" and not mean_type:
        return None  # Keras has no way to weight these by row or step
    return "step" if kind in ("steps", "onehot_steps") else "row"


def over_batches(metric, y_true, y_pred, weight=None):
    """The result after all batches."""
    for start, stop in itertools.pairwise(BATCHES):
        part = slice(start, stop)
        metric.update_state(
            y_true[part], y_pred[part], sample_weight=None if weight is None else weight[part]
        )
    return np.asarray(metric.result(), np.float64)


REQUIRED = {
    "num_classes": 3,
    "target_class_ids": [0, 1],
    "specificity": 0.5,
    "sensitivity": 0.5,
    "recall": 0.5,
    "precision": 0.5,
}


def surface(keras):
    """What ``keras.metrics`` exports, as JSON."""
    found = {}
    for name in sorted(n for n in dir(keras.metrics) if not n.startswith("_")):
        obj = getattr(keras.metrics, name)
        parameters = inspect.signature(obj).parameters.values()
        entry = {"arguments": {p.name: repr(p.default) for p in parameters}}
        entry["arguments"] = {
            k: v.replace("<class 'inspect._empty'>", "-") for k, v in entry["arguments"].items()
        }
        if isinstance(obj, type):
            keras.utils.clear_session()
            needed = {p.name for p in parameters if p.default is p.empty}
            given = {k: v for k, v in REQUIRED.items() if k in needed}
            if "fn" in needed:
                given["fn"] = keras.metrics.mean_squared_error
            metric = obj(**given)
            entry["config"] = metric.get_config()
            entry["direction"] = getattr(metric, "_direction", None)
            entry["state"] = [[v.name, list(v.shape)] for v in metric.variables]
            if name != "Metric":
                entry["serialized"] = keras.metrics.serialize(metric)
        found[name] = entry
    return found


def main():
    import keras

    SURFACE.write_text(json.dumps(surface(keras), indent=1) + "\n")
    data, weights = make_data(), make_weights()
    out = {}
    for kind, (y_true, y_pred) in data.items():
        out[f"data/{kind}/y_true"], out[f"data/{kind}/y_pred"] = y_true, y_pred
    for kind, weight in weights.items():
        out[f"weights/{kind}"] = weight
    for case in CASES:
        name, kwargs, kind = case
        cls = getattr(keras.metrics, name)
        out[f"plain/{case_id(case)}"] = over_batches(cls(**kwargs), *data[kind])
        which = weight_kind(name, kind)
        if which:
            weighted = over_batches(cls(**kwargs), *data[kind], weights[which])
            out[f"weighted/{case_id(case)}"] = weighted
    for name in VALUES:
        for shape, weight in (("flat", "row"), ("steps", "row"), ("steps", "step")):
            values = data[shape][1] if shape == "flat" else data[shape][1][..., 0]
            for given in (None, weights[weight]):
                metric = getattr(keras.metrics, name)()
                for start, stop in itertools.pairwise(BATCHES):
                    part = slice(start, stop)
                    metric.update_state(values[part], None if given is None else given[part])
                key = f"values/{name}-{shape}-{weight}-{given is not None}"
                out[key] = np.asarray(metric.result(), np.float64)
    for name, kind in FUNCTIONS:
        value = getattr(keras.metrics, name)(*data[kind], **EXTRA.get(name, {}))
        out[f"functions/{name}-{kind}"] = np.asarray(value)
    np.savez_compressed(PATH, **out)
    print(f"{len(out)} arrays, {PATH.stat().st_size / 1000:.0f} kB, Keras {keras.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
