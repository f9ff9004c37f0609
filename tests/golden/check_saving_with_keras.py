"""Exchange files with real Keras in both directions: every layer, optimizer, loss and metric.

Each model is saved by kerasish and loaded by Keras, and the other way round, as ``.keras``,
``.h5``, ``.weights.h5`` and JSON; predictions, weights, optimizer variables and the numbers of
further training must agree. Run by hand, with Keras 3.15 and torch, JAX or TensorFlow installed:

    KERAS_BACKEND=torch PYTHONPATH=. python tests/golden/check_saving_with_keras.py [word ...]

With words, only cases whose names hold one of them are run; ``--part 2/8`` runs the second of
eight parts; ``--drawn 100 --seed 5`` takes a hundred random models instead. Prints how many of
each kind were checked, and what was left out for what reason. Ends with 1 if anything differs.
"""

import argparse
import collections
import pathlib
import sys
import tempfile
import traceback
import warnings

import absl.logging
import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import kerasish as ks
from kerasish import registry
from tests.golden import random_models
from tests.test_layers import ON_TENSORFLOW, TABLE, row_id

warnings.simplefilter("ignore")
absl.logging.set_verbosity("error")
BACKEND = keras.backend.backend()
FOLDER = pathlib.Path(tempfile.mkdtemp())
RANDOM = ("Dropout", "Noise", "Rand", "Mix", "Pipeline", "Solarization", "Histogram")
# What Keras 3.15 itself does not do: where (a backend, a format, "fit", or "" for everywhere),
# a part of the case's name, and the reason.
REASONS = [
    ("", "layer InputLayer", "is a part of every other case"),
    ("", "layer Lambda", "its function goes into files by name only, and Keras writes bytecode"),
    ("", "layer Wrapper", "does nothing by itself; its subclasses are checked"),
    ("", "AlphaDropout(rate=0.4,noise_shape=(4, 1))", "fails to copy the config to save it"),
    ("", "layer Equalization", "fails in a Sequential that is built: 'part of a cycle'"),
    ("", "RMSNormalization(axis=[-1, 1])", "fails for axes that are not the last ones"),
    ("", "layer RandomCrop", "does not crop in predict, and then refuses the shape"),
    ("", "metric ConfusionMatrix", "is not Keras's"),
    ("", "metric LossFunctionWrapper", "is a wrapper of Keras's losses, not a metric by itself"),
    ("", "metric MeanMetricWrapper", "stands behind every metric that is a function"),
    ("", "metric Metric", "is the base of all others"),
    ("", "metric Mean", "takes values, not targets and predictions"),
    ("", "metric Sum", "takes values, not targets and predictions"),
    ("", "metric MeanTensor", "is not in Keras 3"),
    (".h5", "StackedRNNCells", "gives two of its variables the same name"),
    (".h5", "Softmax(axis=[1, 2])", "drops the axes if they are several"),
    (".h5", "UnitNormalization(axis=[1, -1])", "drops the axes if they are several"),
    (".h5", "LayerNormalization(axis=[-1, 1]", "drops the axes if they are several"),
    (".h5", "Normalization adapted {'axis': None}", "takes None for the last axis"),
    (".h5", "Adafactor", "gives two of its variables the same name"),
    (".h5", "Lamb", "finds no class of this name"),
    (".h5", "CategoricalGeneralizedCrossEntropy", "finds no class of this name"),
    (".h5", "Lookup adapted", "loses what adapt has found"),
    (".h5", "TextVectorization adapted", "loses what adapt has found"),
    (
        "jax fit",
        "SpectralNormalization",
        "drops what a forward pass assigns to a weight that learns",
    ),
    ("torch", "interpolation=bicubic", "weighs the border otherwise"),
    ("torch", "interpolation=lanczos", "has no such interpolation"),
    ("torch", "StackedRNNCells", "mixes up variables of the same name"),
    ("torch", "AveragePooling2D(pool_size=(3, 2),strides=2,padding=same)", "counts padding"),
    ("torch", "LayerNormalization(axis=1,scale=False)", "fails for axes that are not the last"),
    ("torch", "ScheduleFreeAdamW", "overwrites a value before its last use"),
    ("torch", "ContrastLimited", "gives other numbers there than on JAX, by 0.17"),
    ("tensorflow", "interpolation=bicubic", "reads its weights from a table of 1,024 entries"),
    ("tensorflow", "ScheduleFreeAdamW", "overwrites a value before its last use"),
    *(("torch", f"layer {name}", "needs TensorFlow") for name in ON_TENSORFLOW),
    *(("jax", f"layer {name}", "needs TensorFlow") for name in ON_TENSORFLOW),
    *(("fit", part, "draws other random numbers in training") for part in ("dropout", *RANDOM)),
]
left_out = collections.defaultdict(set)


def excused(name, where):
    """Whether Keras does not do a case, there or anywhere."""
    for place, part, reason in REASONS:
        is_whole = part.startswith(("layer ", "metric ")) and place in ("", "torch", "jax")
        start = part if "(" in part else f"{part}("
        fits = f"{name}(".startswith((start, f"{part} ")) if is_whole else part in name
        if place == where and fits:
            left_out[place or "everywhere", part, reason].add(name)
            return True
    return False


STEPS = 3
rng = np.random.default_rng(0)


def near(found, expected, what, tolerance=1e-5):
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, f"{what}: shapes {found.shape} and {expected.shape}"
    lost = np.isnan(expected)  # a loss that has no value has none in both
    assert np.array_equal(np.isnan(found), lost), f"{what}: {np.isnan(found).sum()} NaN"
    error = np.abs(found - expected)[~lost].max(initial=0)
    limit = tolerance * max(1, np.abs(expected)[~lost].max(initial=0))
    assert error <= limit, f"{what}: {error:.2e} apart, {limit:.2e} allowed"


def fed(x):
    """Texts as Keras takes them."""
    if x.dtype.kind not in "US":
        return x
    import tensorflow

    return tensorflow.constant(x)


def train(model, x, y):
    """A few steps on the same batches; what the model says of them."""
    logs = []
    for _ in range(STEPS):
        given = x if isinstance(model, ks.Sequential) else fed(x)
        result = model.train_on_batch(given, y, return_dict=True)
        logs.append({key: np.asarray(value) for key, value in result.items()})
    return logs


def compare(ours, theirs, x, what):
    own = sorted(w.path.partition("/")[2] for w in ours.weights)
    assert len(own) == len(theirs.weights), f"{what}: {len(own)} weights, {len(theirs.weights)}"
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        near(a, b, f"{what}: weights")
    near(ours.predict(x, verbose=0), theirs.predict(fed(x), verbose=0), f"{what}: predictions")


def compare_optimizers(ours, theirs, what):
    own, other = ours.optimizer.variables, theirs.optimizer.variables
    assert len(own) == len(other), f"{what}: {len(own)} variables, Keras {len(other)}"
    for a, b in zip(own, other, strict=True):
        near(a, keras.ops.convert_to_numpy(b), f"{what}: optimizer variable {b.path}")


def compare_training(ours, theirs, x, y, what, by_name=True):
    a, b = train(ours, x, y), train(theirs, x, y)
    if not by_name:  # Keras renames metrics of HDF5 models
        a, b = ([nameless(logs) for logs in run] for run in (a, b))
    for one, other in zip(a, b, strict=True):
        assert set(one) == set(other), f"{what}: {sorted(one)} and {sorted(other)}"
        for key, value in one.items():
            near(value, other[key], f"{what}: training, {key}")
    compare(ours, theirs, x, f"{what} and training")


def nameless(logs):
    rest = sorted((v for k, v in logs.items() if k != "loss"), key=lambda v: float(np.sum(v)))
    return {"loss": logs["loss"], **dict(enumerate(rest))}


def exchange(name, ours, x, y, trains=True, knows_all=True):
    """Save by both, load by both."""
    both = not excused(name, ".h5")
    for ending in (".keras", ".h5") if both else (".keras",):
        path = FOLDER / f"ours{ending}"
        ours.save(path)
        theirs = keras.models.load_model(path)
        what = f"{name}: {ending} from kerasish"
        compare(ours, theirs, x, what)
        if not ours.compiled:
            continue
        if ending == ".h5":  # Keras loses the optimizer's state of HDF5 models, and then fails
            theirs.optimizer = type(theirs.optimizer).from_config(theirs.optimizer.get_config())
            theirs.optimizer.build(theirs.trainable_variables)
            for a, b in zip(theirs.optimizer.variables, ours.optimizer.variables, strict=True):
                a.assign(np.asarray(b))
        compare_optimizers(ours, theirs, what)
        if trains:
            twin = ks.models.load_model(path)
            compare_training(twin, theirs, x, y, what, by_name=knows_all and ending == ".keras")
    exchange_weights(name, ours, x)
    theirs = keras.models.load_model(FOLDER / "ours.keras")
    exchange_json(name, ours, theirs, x)
    if ours.compiled and trains:
        train(theirs, x, y)
    for ending in (".keras", ".weights.h5", ".h5"):  # .h5 last: saving it damages Keras's model
        if ending == ".h5" and not both:
            continue
        path = FOLDER / f"theirs{ending}"
        what = f"{name}: {ending} from Keras"
        if ending == ".weights.h5":
            theirs.save_weights(path)
            twin = ks.models.load_model(FOLDER / "theirs.keras")
            twin.set_weights([0 * w for w in twin.get_weights()])
            twin.load_weights(path)
        else:
            try:
                theirs.save(path)
            except TypeError as error:
                if "cannot pickle" not in str(error):
                    raise
                reason = "cannot save again what it has read lists of numbers for"
                left_out["from Keras", "", reason].add(name)
                return
            twin = ks.models.load_model(path)
        compare(twin, theirs, x, what)
        if ours.compiled:
            compare_optimizers(twin, theirs, what)
            if trains and ending == ".h5":
                compare_training(twin, theirs, x, y, what, by_name=False)
            elif trains and ending == ".keras":
                again = keras.models.load_model(path)
                compare_training(twin, again, x, y, what, by_name=knows_all)


def exchange_weights(name, ours, x):
    """Weights from kerasish, in both layouts."""
    for ending in (".weights.h5", ".h5"):
        path = FOLDER / f"ours_weights{ending}"
        ours.save_weights(path)
        theirs = keras.models.load_model(FOLDER / "ours.keras")
        theirs.set_weights([0 * w for w in theirs.get_weights()])
        theirs.load_weights(path)
        compare(ours, theirs, x, f"{name}: weights as {ending} from kerasish")


def exchange_json(name, ours, theirs, x):
    """Architectures as JSON, in both directions."""
    if name.startswith("Normalization"):  # Keras needs more than set_weights there
        return
    copy = keras.models.model_from_json(ours.to_json())
    copy.set_weights(ours.get_weights())
    compare(ours, copy, x, f"{name}: JSON from kerasish")
    if "adapted" in name:  # Keras leaves out what was found
        return
    try:
        text = theirs.to_json()
    except TypeError as error:
        if "cannot pickle" not in str(error):
            raise
        return
    twin = ks.models.model_from_json(text)
    twin.set_weights(theirs.get_weights())
    compare(twin, theirs, x, f"{name}: JSON from Keras")


def inputs(shape, layer):
    if layer == "Embedding":
        return rng.integers(0, 2, shape)
    return rng.standard_normal(shape).astype("float32")


COUNT = {"output_mode": "count"}


def layer_cases():
    for row in TABLE:

        def run(row=row):
            name, arguments, shape, _ = row
            layer = getattr(ks.layers, name)(**arguments)
            if isinstance(shape, tuple):
                x = inputs((4, *shape[1:]), name)
            else:  # the input itself
                x = np.resize(np.asarray(shape), (4, *np.shape(shape)[1:]))
            if name == "Normalization" and arguments.get("mean") is None:
                layer.adapt(x)
            with_layer(row_id(row), layer, x)

        yield f"layer {row_id(row)}", run
    words = np.array([["a cat"], ["the cat, a dog"], ["zebra"], ["the the dog"]])
    letters, numbers = np.array(list("abcabdeabbzy")).reshape(4, 3), rng.integers(0, 6, (4, 3))
    for data, cls, options in (
        (words, "TextVectorization", {"output_sequence_length": 4}),
        (words, "TextVectorization", {"output_mode": "multi_hot", "ngrams": 2}),
        (words, "TextVectorization", {"output_mode": "count", "split": "character"}),
        (words, "TextVectorization", {"output_mode": "tf_idf", "standardize": "lower"}),
        (letters, "StringLookup", {"mask_token": "a"}),
        (letters, "StringLookup", {"num_oov_indices": 3, "max_tokens": 6}),
        (letters, "StringLookup", {"output_mode": "multi_hot"}),
        (letters, "StringLookup", {"output_mode": "one_hot"}),
        (letters, "StringLookup", {"output_mode": "tf_idf"}),
        (
            letters,
            "StringLookup",
            {"output_mode": "count", "max_tokens": 9, "pad_to_max_tokens": True},
        ),
        (numbers, "IntegerLookup", {}),
        (numbers, "IntegerLookup", {"output_mode": "count", "num_oov_indices": 2}),
        (numbers, "IntegerLookup", {"output_mode": "tf_idf", "mask_token": 0}),
        (numbers * 0.5, "Discretization", {"num_bins": 3}),
        (numbers * 0.5, "Discretization", {"num_bins": 3, "output_mode": "multi_hot"}),
        (numbers * 0.5, "Normalization", {"axis": None}),
    ):

        def run(data=data, cls=cls, options=options):
            layer = getattr(ks.layers, cls)(**options)
            layer.adapt(data)
            with_layer(f"{cls} adapted {options}", layer, data)

        yield f"layer {cls} adapted {options}", run


def with_layer(name, layer, x):
    """Exchange a model of this layer and a Dense one."""
    dtype = "string" if x.dtype.kind in "US" else None
    if x.dtype.kind == "i" and type(layer).__name__ in ON_TENSORFLOW:
        dtype = "int64"
    model = ks.Sequential([ks.layers.Input(x.shape[1:], dtype=dtype), layer], name="m")
    if type(layer).__name__ in (*ON_TENSORFLOW, "Discretization") and layer.output_mode == "int":
        model.add(ks.layers.Embedding(12, 2))
    if len(model.output_shape) > 2:
        model.add(ks.layers.Flatten())
    model.add(ks.layers.Dense(2))
    for weight in model.weights:
        if weight.name in ("bias", "beta", "moving_mean"):
            weight.assign(rng.uniform(-0.3, 0.3, weight.shape))
    trains = not (excused(name, "fit") or excused(name, f"{BACKEND} fit"))
    model.compile(ks.optimizers.SGD(0.01, momentum=0.9), "mse", ["mae"])
    y = rng.standard_normal((4, 2)).astype("float32")
    if trains:
        model.train_on_batch(x, y)
    exchange(name, model, x, y, trains)


def small(optimizer="sgd", loss="mse", metrics=None, units=3, head="softmax", **options):
    model = ks.Sequential(
        [ks.layers.Input((4,)), ks.layers.Dense(5, "tanh"), ks.layers.Dense(units, head)], name="m"
    )
    return model.compile(optimizer, loss, metrics=metrics, **options)


X = rng.standard_normal((6, 4)).astype("float32")
LABELS = np.array([0, 1, 2, 2, 1, 0])
HOT = np.eye(3, dtype="float32")[LABELS]
OPTIONS = {
    "Adam": [{"amsgrad": True}, {"use_ema": True, "gradient_accumulation_steps": 2}],
    "SGD": [{"momentum": 0.9, "nesterov": True}, {"use_ema": True}, {"clipnorm": 0.1}],
    "RMSprop": [{"centered": True, "momentum": 0.5}],
    "Ftrl": [{"l1_regularization_strength": 0.1}],
    "AdamW": [{"weight_decay": 0.1, "global_clipnorm": 1.0}],
}


def optimizer_cases():
    found = {c for c in registry.known("optimizer").values() if isinstance(c, type)}
    for cls in sorted(found, key=lambda c: c.__name__):
        if cls.__name__ in ("Optimizer", "MultiOptimizer"):  # the base; see below
            continue
        for options in [{}, *OPTIONS.get(cls.__name__, [])]:

            def run(cls=cls, options=options):
                model = small(cls(**options), "categorical_crossentropy", ["accuracy"])
                train(model, X, HOT)
                exchange(cls.__name__, model, X, HOT)

            yield f"optimizer {cls.__name__} {options}", run

    def several():
        chosen = ks.optimizers.OptimizerMap(
            ks.optimizers.SGD(0.1, momentum=0.9), {".*bias": ks.optimizers.Adam(0.01)}
        )
        model = small(ks.optimizers.MultiOptimizer(chosen), "categorical_crossentropy")
        train(model, X, HOT)
        exchange("MultiOptimizer", model, X, HOT)

    yield "optimizer MultiOptimizer", several
    schedules = ks.optimizers.schedules
    for schedule in (
        schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True),
        schedules.InverseTimeDecay(0.1, 2, 0.5),
        schedules.PolynomialDecay(0.1, 4),
        schedules.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01]),
        schedules.CosineDecay(0.1, 5, warmup_target=0.2, warmup_steps=2),
        schedules.CosineDecayRestarts(0.1, 3),
    ):

        def run(schedule=schedule):
            model = small(ks.optimizers.Adam(schedule), "mse")
            train(model, X, HOT)
            exchange(type(schedule).__name__, model, X, HOT)

        yield f"schedule {type(schedule).__name__}", run


SPARSE = ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", "ctc", "CTC")


def head_for(name):
    """What a model ends in; TensorFlow takes a softmax's logits for a binary loss's own."""
    is_binary = any(part in name.lower() for part in ("binary", "bce"))
    return ("linear" if "from_logits=True" in name else "sigmoid") if is_binary else "softmax"


def loss_cases():
    for name in registry.known("loss"):
        if name.lower() in ("ctc", "ce", "crossentropy", "loss", "lossfunctionwrapper"):
            continue
        if "generalized" in name.lower():  # needs an argument: see below
            continue
        found = ks.losses.get(name)

        def run(name=name, found=found):
            sparse = "sparse" in name.lower()
            y = LABELS if sparse or "circle" in name.lower() else HOT
            for loss in (name, found):
                model = small("sgd", loss, ["mae"] if y is HOT else None, head=head_for(name))
                train(model, X, y)
                exchange(f"loss {loss}", model, X, y)

        yield f"loss {name}", run
    for loss in (
        ks.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        ks.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum"),
        ks.losses.CosineSimilarity(axis=-1),
        ks.losses.Tversky(alpha=0.3),
        ks.losses.CategoricalGeneralizedCrossEntropy(q=0.4),
    ):

        def run(loss=loss):
            model = small("sgd", loss, loss_weights=0.5, head=head_for(f"{loss}"))
            y = LABELS if "Generalized" in type(loss).__name__ else HOT
            train(model, X, y)
            exchange(f"loss {loss}", model, X, y)

        yield f"loss {loss}", run


NEEDS = {
    "SensitivityAtSpecificity": [0.5],
    "SpecificityAtSensitivity": [0.5],
    "PrecisionAtRecall": [0.5],
    "RecallAtPrecision": [0.5],
    "IoU": [3, [1]],
    "MeanIoU": [3],
    "OneHotIoU": [3, [0]],
    "OneHotMeanIoU": [3],
    "SparseTopKCategoricalAccuracy": [2],
    "TopKCategoricalAccuracy": [2],
}
NAMES = ("huber", "rmse", "logcosh", "KLD", "MSE", "Mean_Squared_Error", "AUC", "Acc")


def metric_cases():
    for name, found in sorted(registry.known("metric").items()):
        is_class = isinstance(found, type)
        cls = found.__name__ if is_class else None

        def run(name=name, found=found, is_class=is_class, cls=cls):
            sparse = "sparse" in (cls or name).lower() or cls in ("IoU", "MeanIoU")
            y, loss, units, head = HOT, "categorical_crossentropy", 3, "softmax"
            if sparse:
                y, loss = LABELS, "sparse_categorical_crossentropy"
            if cls == "BinaryIoU":
                y, loss, units, head = HOT[:, :1], "binary_crossentropy", 1, "sigmoid"
            if cls == "BinaryCrossentropy":
                loss, head = "binary_crossentropy", "sigmoid"
            kinds = [name] if cls not in NEEDS else []
            kinds += [found(*NEEDS.get(cls, []))] if is_class else [found]
            if cls in ("IoU", "MeanIoU"):
                kinds = [found(*NEEDS[cls], sparse_y_pred=False)]
            for metric in kinds:
                model = small("sgd", loss, [metric], units, head)
                train(model, X, y)
                exchange(f"metric {metric}", model, X, y, knows_all=name != "Accuracy")

        yield f"metric {cls or name}" + (f" ({name})" if cls not in (None, name) else ""), run
    for name in NAMES:

        def run(name=name):
            model = small("sgd", "categorical_crossentropy", [name])
            train(model, X, HOT)
            exchange(f"metric {name}", model, X, HOT, knows_all=False)

        yield f"metric called {name}", run
    for metrics in (
        ["accuracy", "acc"],
        [ks.metrics.AUC(curve="PR", num_thresholds=50), "categorical_crossentropy"],
        [ks.metrics.Precision(thresholds=[0.3, 0.6]), ks.metrics.Recall(class_id=1)],
        [ks.metrics.F1Score(average="macro"), ks.metrics.FBetaScore(beta=2.0)],
        [ks.metrics.Precision(average="macro"), ks.metrics.ConfusionMatrix(3), "mse"],
    ):

        def run(metrics=metrics):
            model = small("sgd", "categorical_crossentropy", metrics)
            train(model, X, HOT)
            ours_only = any(getattr(m, "average", None) == "macro" for m in metrics[:1]) and (
                len(metrics) == 3
            )
            exchange(f"metrics {metrics}", model, X, HOT, trains=not ours_only)

        yield f"metrics {metrics}", run


def model_cases():
    L = ks.layers

    def nested():
        model = ks.Sequential(
            [
                L.Input((8, 8, 1)),
                ks.Sequential(
                    [L.Conv2D(3, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D()],
                    name="body",
                ),
                ks.Sequential([L.Flatten(), ks.Sequential([L.Dense(6, "elu")], name="deep")]),
                L.Dense(3, "softmax"),
            ],
            name="nested",
        )
        return model, (8, 8, 1)

    def frozen():
        model, shape = nested()
        model.layers[0].trainable = False
        return model, shape

    def frozen_norm():
        model, shape = nested()
        model.layers[0].layers[1].trainable = False
        return model, shape

    def regularized():
        return ks.Sequential(
            [
                L.Input((5,)),
                L.Dense(4, "selu", kernel_regularizer=ks.regularizers.L1L2(0.01, 0.02)),
                L.Dense(
                    3,
                    activity_regularizer="l2",
                    kernel_constraint=ks.constraints.MaxNorm(1.0),
                    kernel_initializer=ks.initializers.VarianceScaling(2.0, "fan_out"),
                ),
            ],
            name="r",
        ), (5,)

    for make in (nested, frozen, frozen_norm, regularized):

        def run(make=make):
            model, shape = make()
            x = rng.standard_normal((6, *shape)).astype("float32")
            y = np.eye(3, dtype="float32")[LABELS]
            model.compile("adam", "categorical_crossentropy", ["accuracy"])
            train(model, x, y)
            exchange(make.__name__, model, x, y)

        yield f"model {make.__name__}", run
    for seed in range(20):
        yield f"random model {seed}", lambda seed=seed: random_model(seed)


def random_model(seed):
    draw = np.random.default_rng(seed)
    L = ks.layers

    def one():
        units = int(draw.integers(2, 6))  # normalised over one, nothing is left
        kinds = [
            lambda: L.Dense(units, str(draw.choice(["relu", "tanh", "gelu", "softsign"]))),
            lambda: L.Dense(units, use_bias=False, kernel_regularizer="l2"),
            lambda: L.BatchNormalization(momentum=0.8),
            lambda: L.LayerNormalization(),
            lambda: L.LeakyReLU(0.1),
            lambda: L.PReLU(),
            lambda: L.Rescaling(0.5, 0.1),
            lambda: L.Dropout(0.0),
        ]
        return kinds[draw.integers(len(kinds))]()

    layers = [one() for _ in range(draw.integers(1, 7))]
    if len(layers) > 3:
        layers[1:3] = [ks.Sequential(layers[1:3])]
    for layer in layers:
        layer.trainable = bool(draw.random() < 0.8)
    model = ks.Sequential([L.Input((4,)), *layers, L.Dense(3, "softmax")], name=f"model{seed}")
    optimizers = ["adam", "sgd", "rmsprop", "nadam", "adamax", "adagrad", "adadelta", "adamw"]
    model.compile(str(draw.choice(optimizers)), "categorical_crossentropy", ["accuracy", "mse"])
    train(model, X, HOT)
    exchange(f"random model {seed}", model, X, HOT)


def drawn_cases(first, count):
    """Models as of `random_models.py`: tables, sequences, images, tokens, half trained."""
    for seed in range(first, first + count):

        def run(seed=seed):
            stack, frozen, compiled, x, y, fit = random_models.case(seed)
            model = ks.Sequential([ks.Input(x.shape[1:], dtype=str(x.dtype))], seed=seed)
            for layer in stack:
                model.add(random_models.make(*layer))
            for place in frozen:
                model.layers[place].trainable = False
            random_models.train(ks, model, compiled, x, y, fit)
            exchange(f"drawn model {seed}", model, x, y)

        yield f"drawn model {seed}", run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="parts of the names of cases")
    parser.add_argument("--drawn", type=int, help="so many random models instead of all cases")
    parser.add_argument("--seed", type=int, default=0, help="of the first of them")
    parser.add_argument("--part", default="1/1", help="which part of how many, such as 2/8")
    chosen = parser.parse_args()
    words, (part, parts) = chosen.words, map(int, chosen.part.split("/"))
    checked, failed = collections.Counter(), collections.Counter()
    number, kinds = 0, [layer_cases, optimizer_cases, loss_cases, metric_cases, model_cases]
    if chosen.drawn:
        kinds = [lambda: drawn_cases(chosen.seed, chosen.drawn)]
    for cases in kinds:
        for name, run in cases():
            number += 1
            if number % parts != part % parts:
                continue
            if words and not any(word in name for word in words):
                continue
            if excused(name, "") or excused(name, BACKEND):
                continue
            kind = name.partition(" ")[0]
            checked[kind] += 1
            try:
                run()
            except Exception as error:
                failed[kind] += 1
                print(f"FAILED {name}: {type(error).__name__}: {str(error)[:500]}")
                if words:
                    traceback.print_exc()
    print(f"Keras {keras.__version__} on {BACKEND}:")
    for kind, count in checked.items():
        print(f"  {kind}: {count - failed[kind]} of {count} cases agree")
    print("Left out, for Keras")
    for (where, part, reason), names in sorted(left_out.items()):
        print(f"  {where:12} {part or len(names)}: {reason} ({len(names)} cases)")
    return 1 if failed or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
