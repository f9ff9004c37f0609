# ruff: noqa: E501 - tables: one mistake a line, with the words that are told
"""Mistakes: each is refused with who, what was expected, what came and how to mend it.

After an input was refused the model is what it was: same weights, and a correct fit works.
"""

import re
import warnings

import numpy as np
import pytest

import kerasish as ks

L = ks.layers
Dense = L.Dense
RNG = np.random.default_rng(0)
ROWS = 40
X = RNG.standard_normal((ROWS, 5)).astype("float32")
LABELS = np.arange(ROWS) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
AMOUNTS = RNG.standard_normal(ROWS).astype("float32")
IMAGES = RNG.standard_normal((ROWS, 4, 4)).astype("float32")
HOLES = X.copy()
HOLES[7, 2] = np.nan
SPARSE, CATEGORICAL, BINARY = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
)


def network(units=3, activation="softmax", loss=SPARSE, built=True, optimizer="sgd", **options):
    model = ks.Sequential(
        [
            Dense(4, activation="relu", name="hidden"),
            L.BatchNormalization(name="norm"),
            Dense(units, activation=activation, name="out"),
        ],
        name="net",
        seed=0,
    )
    if built:
        model.build((None, 5))
    return model.compile(optimizer, loss, **options)


def regression(units=1, loss="mse", **options):
    return network(units, None, loss, **options)


def fit(model=None, x=X, y=LABELS, **options):
    return (model or network()).fit(x, y, **{"verbose": 0, **options})


def plain(**options):
    return ks.Sequential([Dense(3, name="a")], name="net", **options)


def table(*rows):
    """Parametrize by (id, mistake, words of the message, exception)."""
    cases = [pytest.param(*row[1:], *[ValueError] * (4 - len(row)), id=row[0]) for row in rows]
    return pytest.mark.parametrize(("mistake", "words", "error"), cases)


# --- data that do not fit the model -------------------------------------------------------------

FITS = [
    # the shape of x
    ("features", {"x": X[:, :4]}, r"Dense 'hidden' \(layer 0\) expects inputs of shape \(N, 5\) but got \(N, 4\)\. Pass 5 features"),
    ("images to Dense", {"x": IMAGES}, r"Dense 'hidden' .* shape \(N, 5\) but got \(N, 4, 4\)\. Add Flatten\(\)"),
    ("an axis of 1 too many", {"x": X[:, None]}, r"got \(N, 1, 5\)\. Add Flatten\(\).* x\.reshape\(-1, 5\)"),
    ("a column too few axes", {"x": X[:, 0]}, r"Dense 'hidden' .*\(N, 5\) but got \(N,\)"),
    ("no features", {"x": X[:, :0]}, r"\(N, 5\) but got \(N, 0\)"),
    ("a generator's features", {"x": "generator of 4 features", "y": None}, r"Dense 'hidden' .*\(N, 5\) but got \(N, 4\)"),
    # sizes
    ("lengths", {"y": LABELS[:39]}, r"fit: Data cardinality is ambiguous.*'x' sizes: 40, 'y' sizes: 39"),
    ("weights' length", {"sample_weight": np.ones(3)}, r"'y' sizes: 40, 'sample_weight' sizes: 3"),
    ("weights' shape", {"sample_weight": np.ones((ROWS, 2))}, r"`sample_weight` of shape \(32, 2\) does not fit losses of shape \(32,\)"),
    ("empty", {"x": X[:0], "y": LABELS[:0]}, r"fit: `x` is empty \(0 rows\).*Check the filter"),
    ("empty lists", {"x": [], "y": []}, r"`x` is empty"),
    ("empty generator", {"x": "generator of nothing", "y": None}, r"`x` is a generator that gave no batch"),
    # types
    ("objects", {"x": X.astype(object)}, r"fit: `x` must hold numbers but its dtype is object.*astype\('float32'\)"),
    ("text", {"x": X.astype(str)}, r"`x` must hold numbers but its dtype is <U"),
    ("a file's name", {"x": "data.csv"}, r"Unrecognized data type for `x`: str\. Load the file"),
    ("a function", {"x": lambda: X, "y": None}, r"It is a function: call it"),
    ("a set", {"x": {1, 2}}, r"A set has no order"),
    ("nothing", {"x": None, "y": None}, r"data type for `x`: NoneType\. Pass the data as the first"),
    ("a number", {"x": 3}, r"`x` must be an array of rows but got a single number"),
    ("ragged", {"x": [[1.0, 2.0], [1.0]], "y": [0, 1]}, r"`x` is a ragged list: row 0 has length 2 but row 1 has length 1.*pad_sequences"),
    ("complex", {"x": X * 1j}, r"dtype is complex64.*real and imaginary"),
    ("x and y as one", {"x": (X, LABELS), "y": None}, r"list of 2 arrays.*If they are \(x, y\), write fit\(x, y\)"),
    ("text labels", {"y": ["cat", "dog"] * 20}, r"`y` must hold numbers but its dtype is <U3\. .*np\.unique\(a, return_inverse=True\)"),
    ("object labels", {"y": LABELS.astype(object)}, r"`y` must hold numbers but its dtype is object"),
    ("None among labels", {"y": [None] * ROWS}, r"`y` must hold numbers"),
    ("two targets", {"y": [LABELS, LABELS]}, r"`y` is a list of 2 arrays.*one output"),
    ("named targets", {"y": {"a": LABELS, "b": LABELS}}, r"`y` is a dict of 2 arrays \('a', 'b'\)"),
    ("a number as y", {"y": 3}, r"`y` must be an array of rows but got a single number"),
    ("no y", {"y": None}, r"`y` is missing: the loss 'sparse_categorical_crossentropy'.*Pass fit\(x, y\)"),
    ("y beside a generator", {"x": "generator of pairs"}, r"`x` as a generator, `y` should not be passed"),
    ("a generator without y", {"x": "generator of x", "y": None}, r"must yield tuples.*Write `yield x, y`"),
    # labels
    ("one-hot with sparse", {"y": ONE_HOT}, r"sparse_categorical_crossentropy expects integer labels of shape \(40,\), but got .*\(40, 3\), which look one-hot\. Use loss='categorical_crossentropy'"),
    ("labels from 1", {"y": LABELS + 1}, r"got the label 3, but the predictions have 3 classes \(labels 0 to 2\)\. Labels count from 0: subtract 1"),
    ("labels far off", {"y": LABELS + 5}, r"got the label \d, .*Give the last layer more units"),
    ("negative labels", {"y": LABELS - 1}, r"got the label -1.*ignore_class=-1"),
    ("NaN as a label", {"y": HOLES[:, 2] * 0}, r"got the label nan.*Drop the rows"),
    ("amounts as labels", {"y": LABELS + 0.5}, r"expects whole numbers as labels but got \d\.5.*loss='mse'"),
    ("a late bad label", {"y": np.r_[LABELS[:-1], 9], "batch_size": 8, "shuffle": False}, r"got the label 9"),
    ("labels of rank 3", {"y": np.zeros((ROWS, 3, 1))}, r"expects integer labels of shape \(40,\).* got targets of shape \(40, 3, 1\)"),
    # validation
    ("validation features", {"validation_data": (X[:, :4], LABELS)}, r"fit: `validation_data`: Dense 'hidden' .*\(N, 5\) but got \(N, 4\)"),
    ("validation labels", {"validation_data": (X, LABELS + 1)}, r"`validation_data`: sparse_categorical_crossentropy got the label 3"),
    ("validation lengths", {"validation_data": (X, LABELS[:5])}, r"'x of validation_data' sizes: 40, 'y of validation_data' sizes: 5"),
    ("validation without y", {"validation_data": X}, r"`validation_data`: `y` is missing.*Pass \(x, y\)"),
    ("validation with y None", {"validation_data": (X, None)}, r"`validation_data`: `y` is missing"),
    ("validation empty", {"validation_data": (X[:0], LABELS[:0])}, r"`x of validation_data` is empty"),
    ("validation of 4 parts", {"validation_data": (X, LABELS, AMOUNTS, X)}, r"`validation_data` must be \(x, y\) or .* has 4 parts"),
    ("validation True", {"validation_data": True}, r"`validation_data` must be .* but got True\. Pass \(x, y\)"),
    ("validation as a share", {"validation_data": 0.2}, r"but got 0\.2\. Pass validation_split=0\.2"),
    ("validation as text", {"validation_data": "test"}, r"`validation_data` must be .* but got 'test'"),
    ("labels in the split", {"y": np.r_[LABELS[:-1], 9], "validation_split": 0.2}, r"`validation_data`: .* got the label 9"),
    ("split takes all", {"validation_split": 0.999}, r"not sufficient for validation_split=0\.999: 0 rows would be left to train on"),
    ("split of one row", {"x": X[:1], "y": LABELS[:1], "validation_split": 0.5}, r"not sufficient for validation_split"),
    ("split 1", {"validation_split": 1.0}, r"`validation_split` must lie between 0 and 1 but got 1\.0.*such as 0\.2"),
    ("split negative", {"validation_split": -0.1}, r"`validation_split` must lie between 0 and 1"),
    ("split text", {"validation_split": "a"}, r"`validation_split` must be a number between 0 and 1 but got 'a'"),
    ("split of a generator", {"x": "generator of pairs", "y": None, "validation_split": 0.5}, r"only supported for arrays.*Pass `validation_data`"),
    # the other arguments
    *[(f"epochs {v!r}", {"epochs": v}, rf"`epochs` must be a whole number .* but is {re.escape(repr(v))}") for v in (-1, 1.5, "3", None, True)],
    ("initial_epoch", {"initial_epoch": -1}, r"`initial_epoch` must be a whole number"),
    *[(f"batch_size {v!r}", {"batch_size": v}, rf"`batch_size` must be .* but got {re.escape(repr(v))}") for v in (0, -1, 1.5, "3", True)],
    *[(f"verbose {v!r}", {"verbose": v}, rf"`verbose` must be 'auto', 0 .* but got {re.escape(repr(v))}") for v in (-1, "yes", None, "2", 1.5)],
    *[(f"shuffle {v!r}", {"shuffle": v}, r"`shuffle` must be True, False or 'batch' but got") for v in ("yes", [1])],
    *[(f"validation_freq {v!r}", {"validation_freq": v, "validation_split": 0.2}, r"`validation_freq` must be a whole number from 1 on, or a list of epochs") for v in (0, -1, 1.5, "a", None, [0], ["a"], True)],
    ("validation_batch_size", {"validation_batch_size": 0, "validation_split": 0.2}, r"`validation_batch_size` must be at least 1 but got 0"),
    ("validation_steps", {"validation_steps": 0, "validation_split": 0.2}, r"`validation_steps` must be at least 1"),
    ("steps_per_epoch", {"steps_per_epoch": 1.5}, r"`steps_per_epoch` must be a whole number or None but got 1\.5"),
    ("class_weight list", {"class_weight": [1, 2]}, r"`class_weight` must be a dict .* Pass dict\(enumerate\(class_weight\)\)"),
    ("class_weight text", {"class_weight": "balanced"}, r"`class_weight` must be a dict .*np\.bincount\(y\)"),
    ("class_weight by name", {"class_weight": {"a": 1}}, r"`class_weight` must map class numbers .*'a': 1"),
    ("class_weight negative", {"class_weight": {0: -1}}, r"`class_weight` of class 0 must be finite and at least 0"),
    ("class_weight twice", {"class_weight": {0: 1.0}, "sample_weight": AMOUNTS}, r"cannot pass `class_weight` and `sample_weight` at the same time"),
    ("class_weight without y", {"y": None, "class_weight": {0: 1.0}}, r"`class_weight` needs the classes in y"),
    ("unknown argument", {"epoch": 3}, r"Unrecognized keyword arguments passed to fit\(\): \{'epoch': 3\}\. Did you mean 'epochs'"),
    ("unknown array", {"val_data": (X, X)}, r"\{'val_data': a tuple of 2 items\}\. Did you mean 'validation_data'"),
    # callbacks
    ("callback class", {"callbacks": [ks.callbacks.EarlyStopping]}, r"`callbacks` must hold instances .* make an instance of it, EarlyStopping\(\)"),
    ("callback function", {"callbacks": [lambda epoch, logs: None]}, r"Wrap the function: LambdaCallback"),
    ("callback name", {"callbacks": "EarlyStopping"}, r"got 'EarlyStopping'\. Pass the object"),
    ("callback None", {"callbacks": [None]}, r"got None\. Leave it out"),
    ("callback layer", {"callbacks": [L.ReLU()]}, r"`callbacks` must hold instances of Callback but got <ReLU"),
    ("unknown monitor", {"validation_split": 0.2, "epochs": 1, "callbacks": [ks.callbacks.EarlyStopping("val_los")]}, r"monitor='val_los'.* Did you mean 'val_loss'"),
]  # fmt: skip


def source(text):
    """The generators named in the table; each test makes its own."""
    return {
        "generator of 4 features": lambda: ((X[:8, :4], LABELS[:8]) for _ in range(3)),
        "generator of nothing": lambda: iter([]),
        "generator of pairs": lambda: ((X[:8], LABELS[:8]) for _ in range(3)),
        "generator of x": lambda: (X[:8] for _ in range(3)),
    }.get(text, lambda: text)()


@pytest.mark.parametrize(
    ("options", "words"), [row[1:] for row in FITS], ids=[row[0] for row in FITS]
)
def test_fit_refuses_and_the_model_stays_usable(options, words):
    model = network(metrics=["accuracy"])
    before = model.get_weights()
    options = dict(options)
    if isinstance(options.get("x"), str):
        options["x"] = source(options["x"])
    with pytest.raises((ValueError, TypeError), match=words):
        fit(model, **options)
    if "monitor" not in words:  # that one is known after the first epoch only
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    history = fit(model, epochs=2)
    assert len(history.history["accuracy"]) == 2
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_refused_fit_leaves_no_trace():
    """The fit that follows gives the same bits as one without the mistake before it."""
    model, other = network(), network()
    with pytest.raises(ValueError, match="got the label 3"):
        fit(model, y=LABELS + 1)
    assert fit(model, epochs=2).history == fit(other, epochs=2).history


@pytest.mark.parametrize(
    ("make", "y", "words"),
    [
        (lambda: network(loss=CATEGORICAL), LABELS, r"expects one-hot targets of shape \(40, 3\), but got .*\(40,\) and dtype int64, which look like integer labels\. Use loss='sparse_categorical_crossentropy'.*to_categorical\(y, 3\)"),
        (lambda: network(loss=CATEGORICAL), LABELS[:, None], r"shape \(40, 1\).* look like integer labels"),
        (lambda: network(loss=CATEGORICAL), np.eye(4)[LABELS], r"got targets of shape \(40, 4\)\. Give the last layer 4 units"),
        (lambda: network(1, None, CATEGORICAL), LABELS % 2, r"one class is no choice\. Use loss='binary_crossentropy'"),
        (lambda: network(1, "sigmoid", SPARSE), LABELS % 2, r"the predictions have 1 class .*Use loss='binary_crossentropy'"),
        (lambda: network(1, "sigmoid", BINARY), LABELS, r"binary_crossentropy expects targets from 0 to 1 but got values from 0 to 2.*loss='sparse_categorical_crossentropy'"),
        (lambda: network(1, "sigmoid", BINARY), LABELS % 2 * 2 - 1, r"from -1 to 1\. Write the classes as 0 and 1"),
        (lambda: network(1, "sigmoid", BINARY), LABELS % 2 + 1, r"from 1 to 2\. Subtract 1"),
        (lambda: network(1, "sigmoid", BINARY), np.eye(2)[LABELS % 2], r"shape \(40, 1\), but got targets of shape \(40, 2\)\. Give the last layer 2 units"),
        (regression, ONE_HOT, r"mse expects targets of the predictions' shape \(40, 1\), but got targets of shape \(40, 3\)\. Give the last layer 3 units"),
        (regression, np.zeros((ROWS, ROWS)), r"\(40, 1\), but got targets of shape \(40, 40\)"),
        (lambda: regression(3), AMOUNTS, r"\(40, 3\), but got targets of shape \(40,\)\. Give the last layer 1 unit"),
        (lambda: regression(3), AMOUNTS[:, None], r"\(40, 3\), but got targets of shape \(40, 1\)\. Give the last layer 1 unit,"),
        (lambda: regression(loss="mae"), ONE_HOT, r"mae expects targets"),
        (lambda: regression(loss="huber"), ONE_HOT, r"huber expects targets"),
    ],
)  # fmt: skip
def test_targets_that_the_loss_cannot_take(make, y, words):
    model = make()
    before = model.get_weights()
    for call in (
        lambda: fit(model, y=y),
        lambda: model.evaluate(X, y, verbose=0),
        lambda: fit(model, y=y, validation_split=0.5, batch_size=7),
    ):
        with pytest.raises(ValueError, match=words.replace(r"\(40", r"\((40|20)")):
            call()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_images_into_an_unbuilt_dense_model():
    for y in (LABELS, ONE_HOT):
        with pytest.raises(ValueError, match=r"predictions of shape \(40, 4, 3\).*put Flatten\(\)"):
            fit(network(built=False), IMAGES, y)
    with pytest.raises(ValueError, match=r"shape \(40, 4, 1\), but got .*\(40,\).*Flatten\(\)"):
        fit(regression(built=False), IMAGES, AMOUNTS)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh", BINARY, "poisson", "hinge"])
def test_a_missing_axis_of_1_is_aligned_and_nothing_else_is(loss):
    y = (LABELS % 2).astype("float32")
    results = {}
    for name, target in {"(n,)": y, "(n, 1)": y[:, None]}.items():
        model = network(1, "sigmoid", loss, metrics=["mae"])
        history = fit(model, y=target, epochs=2)
        results[name] = (history.history, model.evaluate(X, target, verbose=0))
    assert results["(n,)"] == results["(n, 1)"]
    with pytest.raises(ValueError, match=r"\(40, 1\), but got targets of shape \(40, 40\)"):
        fit(network(1, "sigmoid", loss), y=np.tile(y, (ROWS, 1)))


def test_the_value_of_an_aligned_loss_is_not_broadcast():
    model = regression()
    expected = np.mean((model.predict(X, verbose=0)[:, 0] - AMOUNTS) ** 2)
    assert model.evaluate(X, AMOUNTS, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_binary_targets_that_are_no_classes_get_a_warning():
    with pytest.warns(UserWarning, match=r"targets from 0 to 1 but got values from -.*loss='mse'"):
        fit(network(1, "sigmoid", BINARY), y=AMOUNTS)


# --- NaN ----------------------------------------------------------------------------------------


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught]


def test_nan_in_x_is_told_once_and_not_learnt():
    model = network()
    before = model.get_weights()
    told, stopped = warned(lambda: fit(model, HOLES, epochs=3, batch_size=8, shuffle=False))
    assert re.match(
        r"fit: `x` contains NaN, first at row 7 \(position \(7, 2\)\).*nan_to_num", told
    )
    assert re.match(r"fit stopped in epoch 1, batch 0: the input data", stopped)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    fit(model)


def test_nan_elsewhere():
    holes = HOLES[:, 2]
    assert (
        "`x of validation_data` contains NaN"
        in warned(lambda: fit(validation_data=(HOLES, LABELS)))[0]
    )
    assert (
        "evaluate: `x` contains NaN"
        in warned(lambda: network().evaluate(HOLES, LABELS, verbose=0))[0]
    )
    told = warned(lambda: fit(regression(), y=holes, shuffle=False))
    assert "the target in row 7 of the batch is not finite" in told[0]
    told = warned(lambda: network().train_on_batch(HOLES, LABELS))
    assert told[0].startswith("train_on_batch: `x` contains NaN")
    assert network().predict(HOLES, verbose=0).shape == (ROWS, 3)  # nothing is learnt there


# --- single calls -------------------------------------------------------------------------------


@table(
    ("predict", lambda: network().predict(X[:, :4], verbose=0), r"'hidden' \(layer 0\) .*\(N, 5\) but got \(N, 4\)"),
    ("evaluate", lambda: network().evaluate(X[:, :4], LABELS, verbose=0), r"\(N, 5\) but got \(N, 4\)"),
    ("call", lambda: network()(X[:, :4]), r"\(N, 5\) but got \(N, 4\)"),
    ("train_on_batch", lambda: network().train_on_batch(X[:, :4], LABELS), r"\(N, 5\) but got \(N, 4\)"),
    ("test_on_batch", lambda: network().test_on_batch(X[:, :4], LABELS), r"\(N, 5\) but got \(N, 4\)"),
    ("predict_on_batch", lambda: network().predict_on_batch(X[:, :4]), r"\(N, 5\) but got \(N, 4\)"),
    ("one sample", lambda: network().predict(X[0], verbose=0), r"\(N, 5\) but got \(5,\)\. This is one sample without its batch axis: pass x\[None\]"),
    ("one sample called", lambda: network()(X[0]), r"pass x\[None\]"),
    ("one image", lambda: ks.Sequential([L.Input((4, 4)), L.Flatten()]).predict(IMAGES[0]), r"Flatten .*\(N, 4, 4\) but got \(4, 4\)\. This is one sample"),
    ("later batch", lambda: network().predict(((X[:8, : 5 - i],) for i in range(3)), verbose=0), r"\(N, 5\) but got \(N, 4\)"),
    ("other size", lambda: network().evaluate(X, LABELS + 1, verbose=0), r"got the label 3"),
    ("evaluate no y", lambda: network().evaluate(X, verbose=0), r"`y` is missing.*Pass evaluate\(x, y\)"),
    ("train_on_batch no y", lambda: network().train_on_batch(X), r"`y` is missing.*train_on_batch\(x, y\)"),
    ("test_on_batch no y", lambda: network().test_on_batch(X), r"`y` is missing"),
    ("train_on_batch sizes", lambda: network().train_on_batch(X, LABELS[:3]), r"train_on_batch: Data cardinality.*'x' sizes: 40, 'y' sizes: 3"),
    ("train_on_batch labels", lambda: network().train_on_batch(X, LABELS + 1), r"got the label 3"),
    ("train_on_batch empty", lambda: network().train_on_batch(X[:0], LABELS[:0]), r"train_on_batch: `x` is empty"),
    ("predict empty", lambda: network().predict(X[:0], verbose=0), r"predict: `x` is empty"),
    ("predict None", lambda: network().predict(None, verbose=0), r"predict: Unrecognized data type for `x`: NoneType"),
    ("predict a pair", lambda: network().predict((X, LABELS), verbose=0), r"If they are \(x, y\), write predict\(x\)"),
    ("predict targets", lambda: network().predict(X, LABELS), r"predict takes no targets, but got an array of shape \(40,\).*evaluate\(x, y\)", TypeError),
    ("predict y=", lambda: network().predict(X, y=LABELS), r"passed to predict\(\): \{'y': an array of shape \(40,\)\}", TypeError),
    ("predict number", lambda: network().predict(1.0, verbose=0), r"predict: `x` must be an array of rows"),
    ("predict objects", lambda: network().predict(X.astype(object)), r"`x` must hold numbers"),
    ("predict verbose", lambda: network().predict(X, verbose="no"), r"predict: `verbose` must be"),
    ("evaluate verbose", lambda: network().evaluate(X, LABELS, verbose=-1), r"evaluate: `verbose` must be"),
    ("evaluate batch_size", lambda: network().evaluate(X, LABELS, 0), r"evaluate: `batch_size` must be at least 1"),
    ("call objects", lambda: network()(X.astype(object)), r"Dense 'hidden' .* numbers but got elements of type object", TypeError),
    ("call None", lambda: network()(None), r"Dense 'hidden' .* numbers but got None", TypeError),
    ("call text", lambda: Dense(3, name="d")("abc"), r"Dense 'd' expects an array of numbers but got 'abc'", TypeError),
    ("call ragged", lambda: Dense(3, name="d")([[1, 2], [3]]), r"Dense 'd' .* got \[\[1, 2\], \[3\]\].*rows of one length", TypeError),
    ("call one row", lambda: Dense(3, name="d")(X[0]), r"Dense 'd' expects inputs of shape \(N, features\) but got \(N,\)\. Give each sample one axis"),
    ("layer on a layer", lambda: Dense(3)(Dense(2)), r"called on the layer .* itself\. Call it on data", TypeError),
    ("layer on two symbols", lambda: Dense(3)([ks.Input((3,)), ks.Input((2,))]), r"called on 2 symbols: graphs of layers that branch or join", TypeError),
    ("symbol of another shape", lambda: ks.Sequential([Dense(2, input_dim=4, name="d")])(ks.Input((5,))), r"Dense 'd' .*\(N, 4\) but got \(N, 5\)"),
    ("sum of symbols", lambda: Dense(3)(ks.Input((3,))) + 1, r"no numbers to compute with.*Lambda", TypeError),
    ("model of arrays", lambda: ks.Model(X, LABELS), r"Model: `inputs` must be an Input\(\.\.\.\) .* but got array of shape", TypeError),
    ("model of two outputs", lambda: ks.Model(ks.Input((3,)), [1, 2]), r"Model: `outputs` has 2 entries, but graphs"),
    ("model of two graphs", lambda: ks.Model(ks.Input((3,)), Dense(2)(ks.Input((3,)))), r"the graph is not connected"),
    ("model without ends", lambda: ks.Model(), r"Model needs `inputs` and `outputs`", TypeError),
)  # fmt: skip
def test_single_calls(mistake, words, error):
    with pytest.raises(error, match=words):
        mistake()


# --- names --------------------------------------------------------------------------------------


@table(
    ("loss", lambda: network(loss="msee"), r"loss identifier: 'msee'\. Did you mean 'mse'"),
    ("long loss", lambda: network(loss="sparse_categorical_crossentrop"), r"Did you mean 'sparse_categorical_crossentropy'"),
    ("loss config", lambda: network(loss={"class_name": "Hubr"}), r"loss identifier: 'Hubr'\. Did you mean 'huber'"),
    ("loss number", lambda: network(loss=3), r"loss identifier: 3\. Known names: "),
    ("optimizer", lambda: network(optimizer="addam"), r"optimizer identifier: 'addam'\. Did you mean 'adam'"),
    ("optimizer number", lambda: network(optimizer=3), r"optimizer identifier: 3"),
    ("metric", lambda: network(metrics=["acuracy"]), r"metric identifier: 'acuracy'\. Did you mean 'Accuracy'"),
    ("metric alone", lambda: network(metrics="accurcy"), r"metric identifier: 'accurcy'"),
    ("second metric", lambda: network(metrics=["accuracy", "precison"]), r"Did you mean 'Precision'"),
    ("metric number", lambda: network(metrics=[3]), r"metric identifier: 3"),
    ("metric layer", lambda: network(metrics=[Dense(3)]), r"`metrics` must hold metrics, such as 'accuracy', but got <Dense.*a layer"),
    ("swapped", lambda: plain().compile("mse", "adam"), r"compile: `optimizer` must be an optimizer but got 'mse', which is a loss\. Pass it as loss="),
    ("loss an optimizer", lambda: plain().compile(loss=ks.optimizers.Adam()), r"`loss` must be a loss but got .*which is an optimizer"),
    ("loss a metric", lambda: plain().compile("adam", "accuracy"), r"`loss` must be a loss but got 'accuracy', which is a metric\. Pass it as metrics="),
    ("optimizer a layer", lambda: plain().compile(Dense(3), "mse"), r"`optimizer` must be an optimizer but got <Dense.*which is a layer"),
    ("optimizer a class", lambda: plain().compile(Dense, "mse"), r"`optimizer` must be an optimizer"),
    ("two losses", lambda: network(loss=["mse", "mae"]), r"`loss` has 2 entries but a Sequential has one output"),
    ("loss_weights", lambda: network(loss_weights="a"), r"`loss_weights` must be a number but is 'a'", TypeError),
    ("activation", lambda: Dense(3, activation="rellu"), r"activation function identifier: 'rellu'\. Did you mean 'relu'"),
    ("activation layer", lambda: L.Activation("softmaxx"), r"Did you mean 'softmax'"),
    ("activation number", lambda: Dense(3, activation=3), r"activation function identifier: 3"),
    ("initializer", lambda: Dense(3, kernel_initializer="he_norml"), r"initializer identifier: 'he_norml'\. Did you mean 'HeNormal'"),
    ("initializer number", lambda: Dense(3, bias_initializer=0), r"initializer identifier: 0"),
    ("regularizer", lambda: Dense(3, kernel_regularizer="l1_l3"), r"regularizer identifier: 'l1_l3'\. Did you mean 'l1_l2'"),
    ("regularizer number", lambda: Dense(3, kernel_regularizer=0.01), r"regularizer identifier: 0\.01.*L2"),
    ("constraint", lambda: Dense(3, kernel_constraint="maxnrm"), r"constraint identifier: 'maxnrm'\. Did you mean 'MaxNorm'"),
    ("layer", lambda: ks.Sequential([{"class_name": "Dens", "units": 3}]), r"layer identifier: 'Dens'\. Did you mean 'Dense'"),
    ("layer without a name", lambda: ks.Sequential([{"units": 3}]), r"layer config must be a dict with a 'class_name'", TypeError),
    ("layer's arguments", lambda: ks.Sequential([{"class_name": "Dense", "unit": 3}]), r"passed to Dense: \{'unit': 3\}\. Did you mean 'units'", TypeError),
    ("layer's config", lambda: ks.Sequential([{"class_name": "Dense", "config": [3]}]), r"'config' of Dense must be a dict", TypeError),
    ("name in kerasish", lambda: ks.Sequental, r"no attribute 'Sequental'\. Did you mean 'Sequential'", AttributeError),
    ("JSON", lambda: ks.models.model_from_json("{"), r"model_from_json expects the JSON text of a model but got '\{'"),
    ("config", lambda: ks.Sequential.from_config(3), r"from_config expects the dict of get_config\(\) but got 3", TypeError),
    ("clone", lambda: ks.models.clone_model(3), r"clone_model expects a Sequential but got 3"),
)  # fmt: skip
def test_names(mistake, words, error):
    with pytest.raises(error, match=words):
        mistake()


def test_a_refused_compile_keeps_the_one_before():
    model = network()
    with pytest.raises(ValueError, match="Did you mean 'mse'"):
        model.compile("adam", "msee")
    assert model.loss == SPARSE
    fit(model)


# --- arguments ----------------------------------------------------------------------------------


@table(
    ("Dense unit", lambda: Dense(unit=3), r"passed to Dense: \{'unit': 3\}\. Did you mean 'units'\? Dense takes: units, activation", TypeError),
    ("Dense activaton", lambda: Dense(3, activaton="relu"), r"Did you mean 'activation'", TypeError),
    ("Dense nothing", lambda: Dense(), r"Dense needs the argument `units`", TypeError),
    ("Dense twice", lambda: Dense(3, units=3), r"Dense got `units` twice", TypeError),
    ("Dense many", lambda: Dense(*range(1, 17)), r"Dense takes at most 11 positional arguments", TypeError),
    ("Dropout", lambda: L.Dropout(rat=0.5), r"passed to Dropout.* Did you mean 'rate'", TypeError),
    ("Layer", lambda: L.Layer(nam="a"), r"passed to Layer.* Did you mean 'name'", TypeError),
    ("Sequential", lambda: ks.Sequential(layer=[]), r"passed to Sequential.* Did you mean 'layers'", TypeError),
    ("Adam", lambda: ks.optimizers.Adam(learning_rat=0.1), r"passed to Adam.* Did you mean 'learning_rate'", TypeError),
    ("SGD", lambda: ks.optimizers.SGD(momentun=0.9), r"Did you mean 'momentum'", TypeError),
    ("schedule", lambda: ks.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9, staircse=True), r"Did you mean 'staircase'", TypeError),
    ("loss", lambda: ks.losses.BinaryCrossentropy(from_logit=True), r"Did you mean 'from_logits'", TypeError),
    ("metric", lambda: ks.metrics.Precision(treshold=0.5), r"Did you mean 'thresholds'", TypeError),
    ("callback", lambda: ks.callbacks.EarlyStopping(patiance=3), r"Did you mean 'patience'", TypeError),
    ("hook", lambda: ks.callbacks.LambdaCallback(on_epoch_en=print), r"Did you mean 'on_epoch_end'", TypeError),
    ("initializer", lambda: ks.initializers.RandomNormal(std=1), r"Did you mean 'stddev'", TypeError),
    ("regularizer", lambda: ks.regularizers.L2(l3=1), r"passed to L2: \{'l3': 1\}.* L2 takes: l2", TypeError),
    ("constraint", lambda: ks.constraints.MaxNorm(max=3), r"MaxNorm takes: max_value, axis", TypeError),
    ("compile", lambda: plain().compile(optimiser="sgd"), r"passed to compile\(\): .* Did you mean 'optimizer'", TypeError),
    ("evaluate", lambda: network().evaluate(X, LABELS, batchsize=3), r"passed to evaluate\(\): .* Did you mean 'batch_size'", TypeError),
    ("predict", lambda: network().predict(X, batchsize=3), r"passed to predict\(\): .* Did you mean 'batch_size'", TypeError),
    ("train_on_batch", lambda: network().train_on_batch(X, LABELS, batch_size=3), r"passed to train_on_batch\(\): \{'batch_size': 3\}.* takes: x, y", TypeError),
    ("test_on_batch", lambda: network().test_on_batch(X, LABELS, returndict=True), r"Did you mean 'return_dict'", TypeError),
    ("predict_on_batch", lambda: network().predict_on_batch(X, batch_size=3), r"predict_on_batch\(\) takes: x", TypeError),
    ("summary", lambda: network().summary(line_lenght=3), r"passed to summary\(\): .* Did you mean 'line_length'", TypeError),
    *[(f"units {u!r}", lambda u=u: Dense(u), rf"Dense: `units` must be a positive whole number but is {re.escape(repr(u))}") for u in (0, -3, 2.5, "3", None, True, (3,))],
    *[(f"rate {r!r}", lambda r=r: L.Dropout(r), rf"Dropout: `rate` must be a number from 0 to 1 but is {re.escape(repr(r))}") for r in (-0.1, 1.5, "a", None, True)],
    ("rate in percent", lambda: L.Dropout(50), r"but is 50\. For 50 % write 0\.5"),
    ("GaussianDropout", lambda: L.GaussianDropout(-1.0), r"GaussianDropout: `rate` must be a number from 0 to 1"),
    ("AlphaDropout", lambda: L.AlphaDropout(2.0), r"AlphaDropout: `rate` must be a number from 0 to 1"),
    *[(f"learning rate {r!r}", lambda r=r: ks.optimizers.Adam(r), r"Adam expects .*learning_rate .* but got") for r in (-0.1, "0.1", None, [0.1], True, float("nan"), float("inf"))],
    ("learning rate set", lambda: setattr(ks.optimizers.SGD(), "learning_rate", -1), r"SGD expects a learning_rate that is finite and not negative, but got -1"),
    ("momentum", lambda: ks.optimizers.SGD(momentum=2), r"SGD expects momentum to be in \[0, 1\], but got 2"),
    ("momentum text", lambda: ks.optimizers.SGD(momentum="a"), r"SGD expects momentum to be a number, but got 'a'"),
    ("beta", lambda: ks.optimizers.Adam(beta_1=1.5), r"Adam expects beta_1 to be in \[0, 1\), but got 1\.5"),
    ("clipnorm", lambda: ks.optimizers.Adam(clipnorm=-1), r"clipnorm to be not negative, but got -1"),
    ("clipnorm text", lambda: ks.optimizers.Adam(clipnorm="a"), r"clipnorm to be a number, but got 'a'"),
    ("weight_decay text", lambda: ks.optimizers.AdamW(weight_decay="a"), r"weight_decay to be a number, but got 'a'"),
    ("monitor", lambda: ks.callbacks.EarlyStopping(3), r"`monitor` must be a name from the logs, such as 'val_loss', but got 3", TypeError),
    ("layer name", lambda: Dense(1, name="a/b"), r"`name` must be a text without '/' but is 'a/b'"),
    ("layer name number", lambda: Dense(1, name=3), r"`name` must be a text"),
    ("trainable", lambda: Dense(1, trainable="no"), r"`trainable` must be True or False but is 'no'", TypeError),
    ("dtype", lambda: Dense(1, dtype="flot"), r"`dtype` must be 'float32' or 'float64' but is 'flot'"),
    ("input shape", lambda: ks.Input((3.5,)), r"`shape` must be a tuple of positive whole numbers .* but is \(3\.5,\)"),
    ("input nothing", lambda: ks.Input(), r"you must pass a `shape`, such as \(784,\)"),
    ("seed", lambda: ks.Sequential(seed="a"), r"`seed` must be a whole number from 0 on but is 'a'"),
    ("random seed", lambda: ks.set_random_seed(-1), r"set_random_seed expects a whole number"),
)  # fmt: skip
def test_arguments(mistake, words, error):
    with pytest.raises(error, match=words):
        mistake()


# --- the order of things ------------------------------------------------------------------------

BEFORE_COMPILE = (
    r"You must call `compile\(\)` before using the model\. Sequential 'net' has no loss"
)


@table(
    ("fit", lambda: plain().fit(X, ONE_HOT), BEFORE_COMPILE),
    ("evaluate", lambda: plain().evaluate(X, ONE_HOT), BEFORE_COMPILE),
    ("train_on_batch", lambda: plain().train_on_batch(X, ONE_HOT), BEFORE_COMPILE),
    ("test_on_batch", lambda: plain().test_on_batch(X, ONE_HOT), BEFORE_COMPILE),
    ("fit without loss", lambda: plain().compile("sgd").fit(X, ONE_HOT), r"fit: No loss to compute\. Provide a `loss` argument in `compile\(\)`"),
    ("batch without loss", lambda: plain().compile("sgd").train_on_batch(X, ONE_HOT), r"train_on_batch: No loss to compute"),
    ("without optimizer", lambda: plain().compile(None, "mse").fit(X, ONE_HOT), r"compiled with optimizer=None.*Provide an `optimizer`"),
    ("empty fit", lambda: fit(ks.Sequential(name="e").compile("sgd", "mse")), r"Sequential 'e' has no layers\. Add some first"),
    ("empty evaluate", lambda: ks.Sequential(name="e").compile("sgd", "mse").evaluate(X, X), r"'e' has no layers"),
    ("empty predict", lambda: ks.Sequential(name="e").predict(X), r"'e' has no layers"),
    ("empty batch", lambda: ks.Sequential(name="e").predict_on_batch(X), r"'e' has no layers"),
    ("empty call", lambda: ks.Sequential(name="e")(X), r"'e' has no layers"),
    ("empty build", lambda: ks.Sequential(name="e").build((None, 3)), r"'e' has no layers"),
    ("input alone", lambda: ks.Sequential([ks.Input((5,))], name="e").predict(X), r"'e' has no layers"),
    ("empty pop", lambda: ks.Sequential(name="e").pop(), r"'e' has no layer to pop"),
    ("empty get_layer", lambda: ks.Sequential(name="e").get_layer("a"), r"No such layer: a"),
    ("no features", lambda: fit(network(built=False), X[:, :0]), r"'net' expects at least one feature a sample but got x of shape \(32, 0\)"),
    ("build", lambda: plain().build(), r"build: the input shape of Sequential 'net' is not known\. Pass build\(input_shape=\(None, \.\.\.\)\)"),
    ("build text", lambda: plain().build("a"), r"build: `input_shape` must be a tuple"),
    ("build without batch", lambda: plain().build((3,)), r"`input_shape` begins with the batch axis but is \(3,\)\. .*build\(\(None, 3\)\)"),
    ("build number", lambda: plain().build(3), r"build\(\(None, 3\)\)"),
    ("build unknown", lambda: plain().build((None, None)), r"Dense 'a' .*\(N, any\)\. The number of features has to be known"),
    ("output_shape", lambda: plain().output_shape, r"'net' has no output shape yet: it is not built\. Give it data", AttributeError),
    ("input_shape", lambda: plain().input_shape, r"'net' has no input shape yet: it is not built", AttributeError),
    ("a layer's shape", lambda: Dense(3, name="d").output_shape, r"Dense 'd' has no input shape yet", AttributeError),
    ("a layer's kernel", lambda: Dense(3, name="d").kernel, r"Dense 'd' has no attribute 'kernel'\. It is not built yet: call build", AttributeError),
    ("attribute", lambda: network().weigths, r"Sequential 'net' has no attribute 'weigths'", AttributeError),
    ("set_weights early", lambda: plain().set_weights([X]), r"'net' has no weights yet, as it is not built, but set_weights got 1\. Call build"),
    ("set_weights count", lambda: network().set_weights([X]), r"'net' has 8 weights but set_weights got 1\. Expected shapes"),
    ("set_weights shape", lambda: network().layers[0].set_weights([X, np.zeros(4)]), r"'net/hidden/kernel' has shape \(5, 4\) but set_weights got \(40, 5\)"),
    ("set_weights None", lambda: network().set_weights(None), r"set_weights expects a list of arrays, as get_weights\(\) gives it, but got None", TypeError),
    ("set_weights number", lambda: network().set_weights(3), r"set_weights expects a list of arrays", TypeError),
    ("set_weights text", lambda: network().set_weights(["a"] * 8), r"set_weights expects arrays of numbers but got 'a'", TypeError),
    ("set_weights ragged", lambda: network().set_weights([[[1, 2], [3]]] * 8), r"arrays of numbers but got \[\[1, 2\], \[3\]\]", TypeError),
    ("weights=", lambda: Dense(3, name="d", weights=[X])(X), r"Dense 'd' has 2 weights but set_weights got 1"),
    ("assign", lambda: network().layers[0].kernel.assign(np.zeros(3)), r"'net/hidden/kernel' has shape \(5, 4\) but got an array of shape \(3,\)"),
    ("get_layer", lambda: network().get_layer("hiden"), r"No such layer: hiden\. Did you mean 'hidden'\? Existing layers are: \['hidden'"),
    ("get_layer index", lambda: network().get_layer(index=5), r"index 5 is out of range: 'net' has 3 layers"),
    ("get_layer nothing", lambda: network().get_layer(), r"Pass name= or index="),
    ("get_layer number", lambda: network().get_layer(0), r"got name=0\. Write .*get_layer\(index=0\)", TypeError),
    ("get_layer text index", lambda: network().get_layer(index="a"), r"got index='a'", TypeError),
    ("get_layer both", lambda: network().get_layer("hidden", 0), r"a name or an index but got both"),
)  # fmt: skip
def test_order(mistake, words, error):
    with pytest.raises(error, match=words):
        mistake()


def test_what_works_before_compile_and_before_build(capsys):
    model = plain()
    assert model.get_weights() == []
    assert model.count_params() == 0
    model.set_weights([])
    model.summary()
    assert "unbuilt" in capsys.readouterr().out
    assert model.predict(X, verbose=0).shape == (ROWS, 3)
    assert not hasattr(Dense(3), "kernel")
    ks.Sequential().summary()


# --- the list of layers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", [lambda item: ks.Sequential([item]), lambda item: plain().add(item)]
)
@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Dense, r"got the class Dense itself\. Make a layer of it: Dense\(\.\.\.\)"),
        (np.tanh, r"expects layers .* A function goes into Lambda\(function\) or Activation"),
        (ks.activations.relu, r"A function goes into Lambda\(function\) or Activation"),
        ("relu", r"got 'relu'\. Write Activation\('relu'\)"),
        ("dense", r"got 'dense'\. Write Dense\(\.\.\.\)"),
        (None, r"got None\. Leave it out"),
        (3, r"expects layers or config dicts but got 3"),
        ([Dense(3)], r"Lists cannot be nested: unpack it"),
        (ks.losses.MeanSquaredError(), r"Pass it to compile\(loss=\.\.\.\)"),
        (ks.optimizers.Adam(), r"Pass it to compile\(optimizer=\.\.\.\)"),
        (np.zeros(3), r"got an array of shape \(3,\)\. Data are passed to fit\(\)"),
    ],
)
def test_what_is_no_layer(how, item, words):
    with pytest.raises(TypeError, match=words):
        how(item)


@table(
    ("no brackets", lambda: ks.Sequential(Dense(3), Dense(4)), r"Sequential expects a list of layers but got <Dense.* Sequential\(\[layer, layer\]\)", TypeError),
    ("same names", lambda: ks.Sequential([Dense(1, name="a"), Dense(2, name="a")]), r"should have unique names\. Name 'a' .*Give one of them another name="),
    ("same name added", lambda: plain().add(L.ReLU(name="a")), r"unique names\. Name 'a' is already .* in 'net'"),
    ("input second", lambda: ks.Sequential([Dense(3), ks.Input((3,))]), r"Input\(\.\.\.\) can only stand first"),
    ("unknown features", lambda: ks.Sequential([ks.Input((None,)), Dense(3)]), r"\(N, any\)\. The number of features has to be known"),
    ("another input shape", lambda: fit(ks.Sequential([ks.Input((4,)), Dense(3, name="d")]).compile("sgd", "mse")), r"Dense 'd' .*\(N, 4\) but got \(N, 5\)"),
    ("reshape", lambda: ks.Sequential([L.Reshape((7,), name="r")]).predict(X), r"Reshape 'r' .* 5 elements, which do not fit target_shape=\(7,\)"),
    ("Lambda of text", lambda: L.Lambda("x"), r"`function` must be a function of arrays but is 'x'", TypeError),
)  # fmt: skip
def test_lists_of_layers(mistake, words, error):
    with pytest.raises(error, match=words):
        mistake()


def test_a_model_is_no_layer_of_itself():
    model = plain()
    outer = ks.Sequential([model], name="outer")
    for target, item in (model, model), (model, outer):
        with pytest.raises(ValueError, match=r"'net' cannot be a layer of itself"):
            target.add(item)
    assert len(model.layers) == 1


def test_a_failed_build_can_be_tried_again():
    """Nothing of it stays: neither in the layers before the one that failed, nor inside it."""

    class Picky(L.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(1,), name="w")
            if input_shape[-1] != 4:
                raise ValueError("only 4 will do")

        def forward(self, x, step):
            return x, lambda dy: dy

    flat = L.Flatten()
    model = ks.Sequential([flat, Dense(4), L.BatchNormalization(), Picky(), Dense(2)], seed=0)
    other = ks.Sequential([L.Flatten(), Dense(2)], seed=0)
    model._sublayers[1] = Dense(7)
    with pytest.raises(ValueError, match="only 4 will do"):
        model.predict(IMAGES, verbose=0)
    assert [layer.built for layer in model.layers] == [False] * 5
    model._sublayers[1] = Dense(4)
    assert model.predict(X, verbose=0).shape == (ROWS, 2)
    assert len(model.layers[3].weights) == 1
    assert other.predict(X, verbose=0).shape == (ROWS, 2)


# --- what users write ---------------------------------------------------------------------------


class NoCall(L.Layer):
    pass


class DropsBatch(L.Layer):
    def call(self, x):
        return x[0]


class ReturnsNone(L.Layer):
    def call(self, x):
        pass


class NoBackward(L.Layer):
    def forward(self, x, step):
        return x


class Raises(L.Layer):
    def call(self, x):
        raise KeyError("boom")


class NoWeight(L.Layer):
    def call(self, x):
        return x @ self.w


class NoGradient(L.Layer):
    def call(self, x):
        return np.asarray([[float(value) for value in row] for row in x])


@pytest.mark.parametrize(
    ("layer", "words", "error"),
    [
        (NoCall, r"NoCall defines neither forward\(x, step\) nor call\(inputs\)\. Define one", TypeError),
        (DropsBatch, r"DropsBatch 'mine' \(layer 1\) must keep the samples apart: .* returned shape \(5,\)", ValueError),
        (ReturnsNone, r"`call` of ReturnsNone 'mine' .* must return an array of numbers but returned None", TypeError),
        (NoBackward, r"NoBackward 'mine' .*: forward\(x, step\) must return \(y, backward\)", TypeError),
        (Raises, r"boom", KeyError),
        (NoWeight, r"NoWeight 'mine' .* has no attribute 'w'", AttributeError),
        (NoGradient, r"`call` of NoGradient 'mine' .* cannot be differentiated", TypeError),
    ],
)  # fmt: skip
def test_custom_layers(layer, words, error):
    model = ks.Sequential([Dense(5), layer(name="mine"), Dense(3)], seed=0).compile("sgd", "mse")
    with pytest.raises(error, match=words) as caught:
        fit(model, y=ONE_HOT)
    if error in (KeyError, AttributeError):
        assert "Raised in `call`" in caught.value.__notes__[0]
        assert "'mine' (layer 1)" in caught.value.__notes__[0]


def test_lambdas():
    for function, words in (
        (
            lambda x: None,
            r"`call` of Lambda 'f' .* must return an array of numbers but returned None",
        ),
        (lambda x: x.sum(), r"Lambda 'f' .* must keep the samples apart: .* returned shape \(\)"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            ks.Sequential([L.Lambda(function, name="f")]).predict(X, verbose=0)


def one_argument(y_true):
    return y_true


def nothing(y_true, y_pred):
    return None


def three_values(y_true, y_pred):
    return np.sum(y_pred) * np.ones(3)


def a_python_float(y_true, y_pred):
    return float(np.sum(y_pred))


def some_text(y_true, y_pred):
    return "text"


def raising(y_true, y_pred):
    raise KeyError("boom")


@pytest.mark.parametrize(
    ("loss", "words", "error"),
    [
        (nothing, r"The loss 'nothing' must return an array of floats .* returned None", TypeError),
        (some_text, r"The loss 'some_text' must return an array of floats", TypeError),
        (three_values, r"The loss 'three_values' must return one value for each of the 32 samples, or a single number, but returned shape \(3,\)\. Reduce the last axis", ValueError),
        (a_python_float, r"The loss 'a_python_float' cannot be differentiated.*use NumPy functions", TypeError),
        (one_argument, r"takes 1 positional argument but 2 were given", TypeError),
        (raising, r"boom", KeyError),
    ],
)  # fmt: skip
def test_custom_losses(loss, words, error):
    model = regression(loss=loss)
    before = model.get_weights()
    with pytest.raises(error, match=words) as caught:
        fit(model, y=AMOUNTS)
    if error is not ValueError:  # that one is ours, and has the name in it
        assert f"Raised by the loss '{loss.__name__}'" in caught.value.__notes__[0]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    fit(model.compile("sgd", "mse"), y=AMOUNTS)


def test_a_loss_class_without_a_formula():
    class Empty(ks.losses.Loss):
        pass

    with pytest.raises(
        TypeError, match=r"Empty defines neither call\(y_true, y_pred\) nor forward"
    ):
        fit(regression(loss=Empty()), y=AMOUNTS)


def test_a_loss_that_does_not_see_the_predictions():
    def detached(y_true, y_pred):
        return np.ones(len(y_true))

    with pytest.warns(UserWarning, match=r"The loss 'detached' does not depend on y_pred"):
        fit(regression(loss=detached), y=AMOUNTS)
    fit(regression(loss=lambda y_true, y_pred: np.zeros(len(y_true))), y=AMOUNTS)  # an idiom


@pytest.mark.parametrize(
    ("metric", "words", "error"),
    [
        (raising, "boom", KeyError),
        (nothing, r"nothing: a metric's function must return numbers, one for each sample", TypeError),
        (some_text, r"some_text: a metric's function must return numbers", TypeError),
        (one_argument, r"takes 1 positional argument but 2 were given", TypeError),
        (type("Empty", (ks.metrics.Metric,), {})(), r"Empty must define update_state", TypeError),
        ("precision", r"Precision expects .*y_true of shape \(32,\) and y_pred of shape \(32, 3\)", ValueError),
        ("mse", r"mean_squared_error expects targets of the predictions' shape", ValueError),
    ],
)  # fmt: skip
def test_metrics(metric, words, error):
    model = network(metrics=[metric])
    before = model.get_weights()
    with pytest.raises(error, match=words) as caught:
        fit(model)
    assert any("Raised by the metric" in note for note in caught.value.__notes__)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    fit(model.compile("sgd", SPARSE))


# --- callbacks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (lambda: ks.callbacks.EarlyStopping(), r"EarlyStopping: .*`val_loss` is not available\. Available metrics are: loss\. Pass validation_data"),
        (lambda: ks.callbacks.EarlyStopping("accurac", mode="max"), r"`accurac` is not available\. Available metrics are: .*accuracy"),
    ],
)  # fmt: skip
def test_a_monitor_that_does_not_come(callback, words):
    options = {"metrics": ["accuracy"]} if "accuracy" in words else {}
    with pytest.warns(UserWarning, match=words):
        fit(network(**options), callbacks=[callback()])


def test_a_monitor_that_a_callback_may_bring_is_no_mistake():
    class Adds(ks.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch:
                logs["mine"] = 1.0

    stop = ks.callbacks.EarlyStopping("mine", mode="max", patience=5)
    assert len(fit(epochs=3, callbacks=[Adds(), stop]).epoch) == 3


def test_mode_of_a_monitor():
    with pytest.warns(
        UserWarning, match=r"mode 'mni' is unknown, falling back to 'auto'\. Did you mean 'min'"
    ):
        ks.callbacks.EarlyStopping("loss", mode="mni")
