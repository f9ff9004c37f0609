"""Compare random models with real Keras: outputs, History, evaluation and weights after training.

Builds random stacks of layers with kerasish, hands their JSON and weights to Keras, trains both on
the same batches and reports every difference above the tolerance. Run it where Keras 3.15 and
torch are installed:

    KERAS_BACKEND=torch python -m tests.golden.random_models --count 200 --seed 0 [--shards 2]

Prints one line for each model that differs (with the command that repeats it) and exits 1.
"""

import argparse
import json
import os
import sys
import traceback
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

import kerasish as ks

TOLERANCE = 3e-5
ACTIVATIONS = [
    *["linear", "relu", "tanh", "sigmoid", "elu", "selu", "softplus", "softsign", "gelu", "silu"],
    *["mish", "leaky_relu", "hard_sigmoid", "hard_silu", "relu6", "celu", "exponential"],
    *["log_sigmoid", "hard_tanh", "soft_shrink", "squareplus", "tanh_shrink", "sparse_plus"],
    *["softmax", "log_softmax"],
]
REGULARIZERS = [None, None, None, "l1", "l2", "l1l2"]
CONSTRAINTS = [
    None,
    None,
    None,
    {"class_name": "MaxNorm", "config": {"max_value": 0.9, "axis": 0}},
    {"class_name": "UnitNorm", "config": {"axis": 0}},
    "non_neg",
]


class Draw:
    """Random choices of one model."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, *options):
        return options[self.rng.integers(len(options))]

    def chance(self, p):
        return self.rng.random() < p

    def int(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def activation(self):
        return self.one(*ACTIVATIONS)

    def dense_like(self):
        """Arguments that layers with a kernel and a bias share."""
        args = {"activation": self.activation(), "use_bias": self.chance(0.8)}
        if self.chance(0.3):
            args["kernel_regularizer"] = self.one(*REGULARIZERS)
            args["bias_regularizer"] = self.one(*REGULARIZERS)
        if self.chance(0.15):
            args["activity_regularizer"] = self.one(*REGULARIZERS)
        if self.chance(0.15):
            args["kernel_constraint"] = self.one(*CONSTRAINTS[:5])
        return args


def elementwise(d, shape):
    """A layer that keeps any shape."""
    name = d.one(
        *["Activation", "BatchNormalization", "LayerNormalization", "ReLU", "LeakyReLU", "ELU"],
        *["PReLU", "Rescaling", "Identity", "ActivityRegularization", "UnitNormalization"],
        "RMSNormalization",
    )
    args = {
        "Activation": lambda: {"activation": d.activation()},
        "BatchNormalization": lambda: {
            "momentum": d.one(0.9, 0.99),
            "scale": d.chance(0.8),
            "center": d.chance(0.8),
            "epsilon": d.one(1e-3, 1e-2),
        },
        "LayerNormalization": lambda: {"epsilon": d.one(1e-3, 1e-2), "center": d.chance(0.8)},
        "ReLU": lambda: {"max_value": d.one(None, 1.5), "negative_slope": d.one(0.0, 0.1)},
        "LeakyReLU": lambda: {"negative_slope": d.one(0.1, 0.3)},
        "ELU": lambda: {"alpha": d.one(0.5, 1.0)},
        "Rescaling": lambda: {"scale": 0.7, "offset": 0.1},
        "ActivityRegularization": lambda: {"l1": 0.01, "l2": 0.01},
    }.get(name, dict)()
    return name, args


def table_layer(d, shape):
    name = d.one("Dense", "Dense", "Dense", "elementwise")
    if name == "elementwise":
        return elementwise(d, shape)
    return "Dense", {"units": d.int(1, 9), **d.dense_like()}


def sequence_layer(d, shape):
    steps = shape[1]
    options = ["Conv1D", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "Dense", "elementwise"]
    options += ["TimeDistributed", "SeparableConv1D", "DepthwiseConv1D", "UpSampling1D"]
    options += ["ZeroPadding1D", "Permute", "Conv1DTranspose"]
    if steps >= 4:
        options += ["MaxPooling1D", "AveragePooling1D", "Cropping1D"]
    name = d.one(*options)
    if name == "elementwise":
        return elementwise(d, shape)
    if name == "Dense":
        return name, {"units": d.int(1, 6), **d.dense_like()}
    if name in ("LSTM", "GRU", "SimpleRNN", "Bidirectional"):
        args = {"units": d.int(1, 5), "return_sequences": d.chance(0.6)}
        args["activation"] = d.one("tanh", "relu", "sigmoid", "elu")
        if name == "GRU":
            args["reset_after"] = d.chance(0.6)
        if name in ("LSTM", "GRU"):
            args["recurrent_activation"] = d.one("sigmoid", "hard_sigmoid", "tanh")
        args["go_backwards"] = d.chance(0.2) and name != "Bidirectional"
        args["use_bias"] = d.chance(0.8)
        if name == "Bidirectional":
            kind = d.one("LSTM", "GRU", "SimpleRNN")
            inner = {"class_name": kind, "config": {**args, "name": f"inner_{d.int(0, 10**9)}"}}
            return name, {"layer": inner, "merge_mode": d.one("concat", "sum", "mul", "ave")}
        return name, args
    if name == "TimeDistributed":
        config = {"units": d.int(1, 4), "activation": d.activation(), "name": "inner"}
        return name, {"layer": {"class_name": "Dense", "config": config}}
    if name == "Permute":
        return name, {"dims": [2, 1]}
    if name == "UpSampling1D":
        return name, {"size": 2}
    if name == "ZeroPadding1D":
        return name, {"padding": d.int(1, 2)}
    if name == "Cropping1D":
        return name, {"cropping": 1}
    if "Pooling" in name:
        return name, {"pool_size": 2, "padding": "valid", "strides": d.one(None, 1, 2)}
    return name, conv_args(d, name, shape[1:-1], shape[-1])


def image_layer(d, shape):
    small = min(shape[1:-1])
    options = ["Conv2D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"]
    options += ["elementwise", "Dense", "UpSampling2D", "ZeroPadding2D", "GroupNormalization"]
    if small >= 4:
        options += ["MaxPooling2D", "AveragePooling2D", "Cropping2D"]
    name = d.one(*options)
    if name == "elementwise":
        return elementwise(d, shape)
    if name == "Dense":
        return name, {"units": d.int(1, 4), **d.dense_like()}
    if name == "UpSampling2D":
        if max(shape[1:-1]) > 12:
            return "Identity", {}
        return name, {"size": d.one(2, [1, 2])}
    if name == "ZeroPadding2D":
        return name, {"padding": d.one(1, [[0, 1], [1, 0]])}
    if name == "GroupNormalization":
        return name, {"groups": d.one(1, -1)}
    if name == "Cropping2D":
        return name, {"cropping": 1}
    if "Pooling" in name:
        strides = d.one(None, 1, 2)
        size = d.one(2, 3, [2, 1])
        padding = "valid" if name.startswith("Average") else d.one("valid", "same")
        return name, {"pool_size": size, "padding": padding, "strides": strides}
    return name, conv_args(d, name, shape[1:-1], shape[-1])


def conv_args(d, name, spatial, channels):
    rank = len(spatial)
    size = min(d.int(1, 4), min(spatial))
    args = {"kernel_size": size, "padding": d.one("valid", "same"), "activation": d.activation()}
    args["use_bias"] = d.chance(0.8)
    if "Transpose" in name:
        if max(spatial) > 10:
            args["strides"] = 1
        else:
            args["strides"] = d.one(1, 1, 2)
    elif d.chance(0.3):
        args["strides"] = 2
    elif d.chance(0.3) and (size - 1) * 2 + 1 <= min(spatial):
        args["dilation_rate"] = 2
    if name.startswith("Depthwise"):
        args["depth_multiplier"] = d.int(1, 2)
    else:
        args["filters"] = d.int(1, 3) * (channels if channels <= 3 else 1)
        if name == f"Conv{rank}D" and args["filters"] % channels == 0 and d.chance(0.3):
            args["groups"] = channels
    if name.startswith("Separable"):
        args["depth_multiplier"] = d.int(1, 2)
    if name == "Conv1D" and d.chance(0.3):
        args["padding"] = "causal"
    return args


LAYERS = {2: table_layer, 3: sequence_layer, 4: image_layer}


def random_layers(d, shape):
    """A list of layer configs that ends in (N, features)."""
    layers = []
    rank = len(shape)
    if d.tokens:
        mask = d.chance(0.5)
        d.masked = mask
        layers.append(
            ("Embedding", {"input_dim": 12, "output_dim": d.int(1, 5), "mask_zero": mask})
        )
        shape = (*shape, layers[0][1]["output_dim"])
        rank = 3
        if mask:  # layers that carry a mask on
            for _ in range(d.int(0, 1)):
                layers.append(
                    ("LSTM", {"units": d.int(1, 4), "return_sequences": True})
                    if d.chance(0.5)
                    else (
                        "TimeDistributed",
                        {"layer": {"class_name": "Dense", "config": {"units": 3}}},
                    )
                )
            layers.append((d.one("LSTM", "GRU", "SimpleRNN"), {"units": d.int(1, 4)}))
            return layers
    for _ in range(d.int(1, 4)):
        name, args = LAYERS[rank](d, shape)
        if name == "ActivityRegularization" and d.chance(0.7):
            continue
        layer = make(name, args)
        out = layer.compute_output_shape((None, *shape[1:]))
        if np.prod([n or 1 for n in out]) > 3000:
            continue
        layers.append((name, args))
        shape, rank = out, len(out)
        if rank == 2:
            break
    if rank == 3 and d.chance(0.5):
        layers.append((d.one("GlobalAveragePooling1D", "GlobalMaxPooling1D"), {}))
    elif rank == 4 and d.chance(0.5):
        layers.append((d.one("GlobalAveragePooling2D", "GlobalMaxPooling2D"), {}))
    elif rank > 2:
        layers.append(("Flatten", {}))
    return layers


def make(name, args):
    config = dict(args.items())
    return ks.layers.deserialize({"class_name": name, "config": config})


TASKS = {
    "classes": ("softmax", ["sparse_categorical_crossentropy"]),
    "onehot": (
        "softmax",
        ["categorical_crossentropy", "kl_divergence", "categorical_focal_crossentropy"],
    ),
    "binary": (
        "sigmoid",
        ["binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge", "dice"],
    ),
    "multi": ("sigmoid", ["binary_crossentropy", "mse"]),
    "regression": (
        "linear tanh softplus",
        ["mse", "mae", "huber", "log_cosh", "mape", "cosine_similarity", "poisson", "msle"],
    ),
}
METRICS = {
    "classes": ["accuracy", "sparse_top_k_categorical_accuracy", "sparse_categorical_crossentropy"],
    "onehot": ["accuracy", "categorical_accuracy", "Precision", "Recall", "F1Score", "AUC", "kld"],
    "binary": ["accuracy", "Precision", "Recall", "AUC", "binary_accuracy", "mae"],
    "multi": ["accuracy", "binary_accuracy", "AUC", "mse", "Precision"],
    "regression": [
        "mae",
        "mse",
        "RootMeanSquaredError",
        "R2Score",
        "cosine_similarity",
        "MeanSquaredError",
    ],
}


def optimizer(d):
    kind = d.one("SGD", "SGD", "SGD", "RMSprop", "Adam", "Adagrad", "AdamW", "Nadam", "Adamax")
    config = {"learning_rate": d.one(0.01, 0.05)}
    if kind == "SGD":
        config["momentum"] = d.one(0.0, 0.9)
        config["nesterov"] = d.chance(0.3)
    else:
        config["learning_rate"] = 0.01
        if kind not in ("SGD",):
            config["epsilon"] = 0.01  # where a gradient is near zero, its sign is rounding
    if d.chance(0.2):
        config[d.one("clipnorm", "global_clipnorm", "clipvalue")] = 0.5
    if d.chance(0.15):
        config["weight_decay"] = 0.01
    if d.chance(0.1):
        config["use_ema"] = True
    if d.chance(0.1):
        config["gradient_accumulation_steps"] = 2
    if d.chance(0.2):
        config["learning_rate"] = {
            "class_name": "ExponentialDecay",
            "config": {"initial_learning_rate": 0.05, "decay_steps": 3, "decay_rate": 0.8},
        }
    return {"class_name": kind, "config": config}


def case(seed):
    """Everything about one comparison, drawn from its seed."""
    d = Draw(seed)
    family = d.one("table", "sequence", "image", "tokens")
    d.tokens, d.masked = family == "tokens", False
    n = d.int(9, 30)
    shape = {
        "table": (None, d.int(1, 8)),
        "sequence": (None, d.int(4, 8), d.int(1, 4)),
        "image": (None, d.int(4, 9), d.int(4, 9), d.int(1, 3)),
        "tokens": (None, d.int(3, 7)),
    }[family]
    layers = random_layers(d, shape)
    task = d.one(*TASKS)
    heads, loss_names = TASKS[task]
    units = {"classes": d.int(2, 4), "onehot": d.int(2, 4), "binary": 1}.get(task, d.int(1, 3))
    layers.append(("Dense", {"units": units, "activation": d.one(*heads.split())}))
    rng = d.rng
    if family == "tokens":
        x = rng.integers(0 if d.masked else 1, 12, (n, *shape[1:])).astype("int32")
        x[:, 0] = np.maximum(x[:, 0], 1)
    else:
        x = rng.standard_normal((n, *shape[1:])).astype("float32")
    y = {
        "classes": lambda: rng.integers(0, units, n),
        "onehot": lambda: np.eye(units, dtype="float32")[rng.integers(0, units, n)],
        "binary": lambda: rng.integers(0, 2, (n, 1)).astype("float32"),
        "multi": lambda: rng.integers(0, 2, (n, units)).astype("float32"),
        "regression": lambda: rng.uniform(0.2, 2, (n, units)).astype("float32"),
    }[task]()
    metrics = list(dict.fromkeys(d.one(*METRICS[task]) for _ in range(d.int(0, 3))))
    if units < 3 and task == "classes":
        metrics = [m for m in metrics if "top_k" not in m]
    fit = {"epochs": 2, "batch_size": d.int(4, n), "shuffle": False, "verbose": 0}
    if d.chance(0.4):
        fit["validation_split"] = 0.3
    if d.chance(0.2):
        fit["sample_weight"] = rng.uniform(0.2, 2, n).astype("float32")
    elif task in ("classes", "onehot", "binary") and d.chance(0.2):
        fit["class_weight"] = {i: float(rng.uniform(0.5, 2)) for i in range(max(units, 2))}
    frozen = [i for i in range(len(layers)) if d.chance(0.08)]
    compiled = {
        "optimizer": optimizer(d),
        "loss": d.one(*loss_names),
        "metrics": metrics,
        "weighted_metrics": [d.one(*METRICS[task])] if d.chance(0.2) else None,
    }
    return layers, frozen, compiled, x, y, fit


def listed(module, names):
    """Metric objects where a class is named, strings as they are."""
    if names is None:
        return None
    return [getattr(module.metrics, n)() if n[0].isupper() else n for n in names]


def train(module, model, compiled, x, y, fit):
    opt = module.optimizers.deserialize(json.loads(json.dumps(compiled["optimizer"])))
    model.compile(
        optimizer=opt,
        loss=compiled["loss"],
        metrics=listed(module, compiled["metrics"]),
        weighted_metrics=listed(module, compiled["weighted_metrics"]),
    )
    start = np.asarray(model.predict(x, verbose=0))
    history = model.fit(x, y, **fit).history
    # The names of metric objects carry a counter of the process: compare by position.
    values = {"predict before": start, "predict after": np.asarray(model.predict(x, verbose=0))}
    for i, (_, value) in enumerate(sorted(by_plain_name(history).items())):
        values[f"history {i} {_}"] = np.asarray(value, "float64")
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    for i, (_, value) in enumerate(sorted(by_plain_name(results).items())):
        values[f"evaluate {i} {_}"] = np.asarray(value, "float64")
    for i, weight in enumerate(model.get_weights()):
        values[f"weight {i}"] = np.asarray(weight)
    return values


def by_plain_name(logs):
    plain = {}
    for key, value in logs.items():
        parts = key.split("_")
        name = "_".join(parts[:-1]) if parts[-1].isdigit() else key
        while name in plain:
            name += "+"
        plain[name] = value
    return plain


def compare(seed):
    """Return None, or what differs; raise what either side raises."""
    layers, frozen, compiled, x, y, fit = case(seed)
    model = ks.Sequential([ks.Input(x.shape[1:], dtype=str(x.dtype))], seed=seed)
    for name, args in layers:
        model.add(make(name, args))
    for i in frozen:
        model.layers[i].trainable = False
    rng = np.random.default_rng(seed + 1)
    for weight in model.weights:
        if weight.ndim == 1 and weight.trainable:
            weight.assign(weight.value + rng.uniform(-0.3, 0.3, weight.shape))
    twin = keras.models.model_from_json(model.to_json())
    twin.set_weights(model.get_weights())
    try:
        theirs = train(keras, twin, compiled, x, y, fit)
    except Exception as error:
        return "keras raised", repr(error)[:200]
    ours = train(ks, model, compiled, x, y, fit)
    if not all(np.isfinite(v).all() for v in theirs.values()):
        return "keras not finite", ""
    if set(ours) != set(theirs):
        return "DIFFERENT KEYS", f"{sorted(set(ours) ^ set(theirs))}"
    for key, value in theirs.items():
        if value.shape != ours[key].shape:
            return "DIFFERENT SHAPE", f"{key}: {ours[key].shape} {value.shape}"
        gap = np.abs(ours[key].astype("float64") - value).max(initial=0)
        if not gap <= TOLERANCE * max(1, np.abs(value).max(initial=0)):
            return "DIFFERENT", f"{key}: {gap:.2e} of {np.abs(value).max():.2e}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first model's seed")
    parser.add_argument("--shards", type=int, default=1, help="cut every batch into so many")
    parser.add_argument("--verbose", action="store_true", help="print tracebacks and models")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.shards > 1:
        from kerasish.training import program, shards

        ks.config.set_num_threads(args.shards)
        program.shard_count = shards.shard_count = lambda flops, rows, ok: (
            min(args.shards, rows) if ok else 1
        )
    same, skipped, bad = 0, 0, 0
    for seed in range(args.seed, args.seed + args.count):
        try:
            found = compare(seed)
        except Exception as error:
            if args.verbose:
                traceback.print_exc()
            found = "RAISED", repr(error)[:300]
        if found is None:
            same += 1
            continue
        what, detail = found
        if what.startswith("keras"):
            skipped += 1
            if args.verbose:
                print(f"seed {seed}: {what} {detail}")
            continue
        bad += 1
        print(f"seed {seed}: {what} {detail}", flush=True)
        if args.verbose:
            layers, frozen, compiled, _, _, fit = case(seed)
            print("  ", layers, frozen, compiled, dict(fit.items()))
    print(f"{same} agree, {bad} differ, {skipped} cannot be compared")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
