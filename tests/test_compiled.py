"""Compiled kernels and their NumPy definitions: both against float64, and when which one runs."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import kerasish
from kerasish import activations, kernels, layers, losses, optimizers
from kerasish.kernels import compiled, heads, images
from kerasish.optimizers import OptimizerState
from kerasish.step import Step
from kerasish.store import Runs, Weight
from kerasish.training.judge import Judge
from kerasish.training.scores import Scores

ROOT = pathlib.Path(kerasish.__file__).parent.parent
HAS_NUMBA = importlib.util.find_spec("numba") is not None
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="needs numba")
PATHS = ["0", pytest.param("1", marks=needs_numba)]

RNG = np.random.default_rng(0)


@pytest.fixture(params=PATHS, ids=["numpy", "compiled"])
def path(request):
    """Each test runs once on plain NumPy and once on the kernels."""
    with compiled.forced(request.param):
        yield request.param


def normal(*shape):
    """Float32 numbers with a NaN and both infinities among them."""
    x = RNG.standard_normal(shape).astype("float32")
    for place, value in zip(range(0, x.size, 5), [np.nan, np.inf, -np.inf, 0], strict=False):
        x.flat[place] = value
    return x


def agree(found, expected, tolerance=1e-6):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


SHAPES = [(7, 5), (0, 3), (1, 1), (4, 3, 2, 17), (33, 64)]


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_bias_and_relu(path, shape, relu):
    x, bias = normal(*shape), RNG.standard_normal(shape[-1]).astype("float32")
    expected = x.astype("float64") + bias
    kernels.add_bias(x, bias, relu)
    agree(x, np.maximum(expected, 0) if relu else expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_backward_of_relu_with_the_sum_for_the_bias(path, shape):
    y, dy = np.maximum(normal(*shape), 0), RNG.standard_normal(shape).astype("float32")
    dy.flags.writeable = False
    dz, total = kernels.relu_backward(dy, y, Step(), True)
    expected = np.where(y <= 0, 0, dy.astype("float64"))
    agree(dz, expected)
    agree(total, expected.reshape(-1, shape[-1]).sum(0), 1e-5)


def test_backward_of_relu_takes_gradients_of_any_layout(path):
    y = np.maximum(RNG.standard_normal((4, 6)).astype("float32"), 0)
    dy = RNG.standard_normal((6, 4)).astype("float32").T
    dz, total = kernels.relu_backward(dy, y, Step())
    agree(dz, np.where(y > 0, dy, 0))
    assert total is None


# --- products of a Dense layer --------------------------------------------------------------------

# Rows, depth and units: blocks that end evenly and not, and more rows than kernels take.
PRODUCTS = [(4, 8, 64), (7, 9, 67), (33, 70, 100), (64, 33, 128), (130, 10, 72), (300, 12, 65)]


def dense_case(rows, depth, units, zeros, dtype):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((rows, depth)) * (rng.random((rows, depth)) >= zeros)
    x[:, 2] = 0
    kernel, bias = rng.standard_normal((depth, units)), rng.standard_normal(units)
    dz = rng.standard_normal((rows, units))
    return [a.astype("float32").astype(dtype) for a in (x, kernel, bias, dz)]


def dense_passes(x, kernel, bias, dz):
    """Output, gradient of the kernel and gradient of the input, by `kernels`."""
    step, gradient = Step(), np.empty_like(kernel)
    y = kernels.affine(x, kernel, bias, step, True)
    kernels.kernel_gradient(x, dz, gradient, step)
    return y, gradient, kernels.input_gradient(dz, kernel, step)


@pytest.mark.parametrize("zeros", [0, 0.5, 0.9])
@pytest.mark.parametrize("shape", PRODUCTS, ids=str)
def test_products_of_a_dense_layer(path, shape, zeros):
    x, kernel, bias, dz = dense_case(*shape, zeros, "float64")
    exact = np.maximum(x @ kernel + bias, 0), x.T @ dz, dz @ kernel.T
    for found, expected in zip(
        dense_passes(*dense_case(*shape, zeros, "float32")), exact, strict=True
    ):
        agree(found, expected, 1e-5)


NARROW = [(4, 64, 8), (33, 67, 10), (64, 130, 63), (130, 64, 10), (5, 8, 3)]


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("needs_dx", [True, False])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("shape", [*NARROW, *PRODUCTS], ids=str)
def test_backward_pass_of_a_dense_layer(path, shape, relu, needs_dx, has_bias):
    """Forward, too. The gradients of a layer that is used twice add up."""
    x, kernel, bias, dz = dense_case(*shape, 0.5, "float32")
    weights = Weight(kernel), Weight(bias) if has_bias else None
    step = Step(recording=True)
    step.grads = {w: np.full_like(w.value, 9) for w in weights if w is not None}
    exact = [a.astype("float64") for a in (x, kernel, bias * has_bias, dz)]
    for times in 1, 2:
        y = kernels.affine(x, kernel, bias if has_bias else None, step, relu)
        dx = kernels.affine_backward(dz, y if relu else None, x, *weights, step, needs_dx)
        z = exact[0] @ exact[1] + exact[2]
        agree(y, np.maximum(z, 0) if relu else z, 1e-5)
        gated = exact[3] * (y > 0) if relu else exact[3]
        found = [step.grads[w] for w in weights if w is not None]
        for gradient, expected in zip(found, (exact[0].T @ gated, gated.sum(0)), strict=False):
            agree(gradient, times * expected, 1e-5)
        assert (dx is not None) == needs_dx
        if needs_dx:
            agree(dx, gated @ exact[1].T, 1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["input", "kernel", "gradient"])
@pytest.mark.parametrize("shape", [(16, 12, 70), (16, 70, 12)], ids=str)
def test_products_skip_no_number_that_is_not_finite(path, shape, where, value):
    """In a column that is zero in every row, ``0 * inf`` still is NaN."""
    x, kernel, bias, dz = dense_case(*shape, 0.5, "float32")
    dz[:, 1] = 0
    place = {"input": x[1], "kernel": kernel[2], "gradient": dz[3]}[where]
    place[2] = value
    with np.errstate(invalid="ignore"):
        exact = np.maximum(x @ kernel + bias, 0), x.T @ dz, dz @ kernel.T
        found = dense_passes(x, kernel, bias, dz)
        weight, step = Weight(kernel), Step(recording=True)
        step.grads = {weight: np.empty_like(kernel)}
        dx = kernels.affine_backward(dz, None, x, weight, None, step, True)
    for mine, expected in zip(found, exact, strict=True):
        agree(mine, expected, 1e-5)
    agree(step.grads[weight], exact[1], 1e-5)
    agree(dx, exact[2], 1e-5)
    assert sum(not np.isfinite(mine).all() for mine in found) == 2


def test_rows_of_a_product_do_not_depend_on_those_beside_them(path):
    """So a shard's bits do not depend on who computes it."""
    x, kernel, bias, _ = dense_case(64, 40, 128, 0.5, "float32")
    whole = kernels.affine(x, kernel, bias, Step(), True)
    if path == "1":
        np.testing.assert_array_equal(
            kernels.affine(x[8:27], kernel, bias, Step(), True), whole[8:27]
        )
    again = kernels.affine(x, kernel, bias, Step(), True)
    np.testing.assert_array_equal(again, whole)


# --- the head of a classifier ---------------------------------------------------------------------


def head_case(path, training=True):
    """A part of a batch of 40 rows: probabilities, labels and everything a Judge gives."""
    z = RNG.standard_normal((17, 10)).astype("float32") * 4
    labels = RNG.integers(0, 10, 40)
    loss = losses.SparseCategoricalCrossentropy()
    judge = Judge(loss, 1.0, Scores(["accuracy"], None, loss), "softmax")
    judge.scores.resolve((40,), (40, 10))
    step = Step(recording=True, batch_size=40, rows=slice(3, 20))
    step.at_head = True
    layer = layers.Softmax()
    y = heads.softmax(z, step)
    assert (y is None) == (path == "0")
    y = layer.forward(z, step)[0] if y is None else y
    step.logits = z
    return judge, step, z, y, labels


def test_loss_and_accuracy_of_labels_in_one_pass(path):
    judge, step, z, y, labels = head_case(path)
    exact = np.exp(z.astype("float64"))
    exact /= exact.sum(1, keepdims=True)
    agree(y, exact)
    loss, dz, scores = judge(step, y, labels, None, step.rows)
    own = labels[3:20]
    assert loss == pytest.approx(-np.log(exact[np.arange(17), own]).sum() / 40, rel=1e-6)
    agree(dz, (exact - np.eye(10)[own]) / 40, 1e-7)
    assert scores == [((exact.argmax(1) == own).sum(), 17)]


def test_the_one_pass_leaves_what_it_cannot_do_to_the_loss(path):
    judge, step, z, y, labels = head_case(path)
    z[2] = 0
    z[2, labels[5]] = -200  # its probability is 0: only logits know the loss
    y[2] = np.exp(z[2].astype("float64")) / 9
    loss, dz, _ = judge(step, y, labels, None, step.rows)
    others = np.delete(np.arange(17), 2)
    rest = -np.log(y[others, labels[3:20][others]].astype("float64")).sum()
    assert loss == pytest.approx((rest + 200 + np.log(9)) / 40, rel=1e-6)
    assert np.isfinite(dz).all()
    labels[4] = 10
    with pytest.raises(ValueError, match="10"):
        judge(step, y, labels, None, step.rows)


def test_softmax_of_logits_that_are_not_finite(path):
    z = np.zeros((4, 9), "float32")
    z[0, 3], z[1, 0], z[2, 8] = np.nan, np.inf, -np.inf
    y = heads.softmax(z, Step(batch_size=8))
    if path == "1":
        with np.errstate(invalid="ignore"):
            agree(y, np.asarray(activations.softmax(z), "float64"))


@pytest.mark.parametrize("columns", [3, 8, 37])
@pytest.mark.parametrize("loss", [losses.MeanSquaredError(), losses.BinaryCrossentropy()])
def test_sigmoid_and_its_loss_in_one_pass(path, loss, columns):
    z = np.concatenate([RNG.standard_normal((6, columns)) * s for s in (0.1, 3, 60)])
    z, y = z.astype("float32"), RNG.random((40, columns))  # targets of another type
    judge = Judge(loss, 1.0, Scores(["mae"], None, loss), "sigmoid")
    judge.scores.resolve(y.shape, y.shape)
    step = Step(training=True, recording=True, batch_size=40, rows=slice(3, 21))
    step.at_head = True
    p, _ = layers.Dense(columns, "sigmoid").activate(np.array(z), step)
    exact = 1 / (1 + np.exp(-z.astype("float64")))
    np.testing.assert_allclose(p, exact, rtol=3e-7, atol=1e-37)
    own = y[3:21].astype("float32")
    assert (judge._at_head(step, p, own) is not None) == (path == "1")
    value, dz, scores = judge(step, p, y, None, step.rows)
    if isinstance(loss, losses.MeanSquaredError):
        expected, slope = (exact - own) ** 2, 2 * (exact - own) * exact * (1 - exact)
    else:
        expected = np.logaddexp(0, z.astype("float64")) - own * z
        slope = exact - own
    assert value == pytest.approx(expected.sum() / 40 / columns, rel=2e-6)
    agree(dz, slope / 40 / columns)
    assert scores[0][0] == pytest.approx(np.abs(exact - own).mean(1).sum(), rel=1e-5)
    weights = RNG.random(40).astype("float32")
    value, dz, _ = judge(step, p, y, weights, step.rows)
    assert value == pytest.approx((weights[3:21] @ expected).sum() / 40 / columns, rel=2e-6)
    agree(dz, weights[3:21, None] * slope / 40 / columns)


def test_sigmoid_of_what_is_not_finite(path):
    z = np.full((2, 9), 1.0, "float32")
    z[0, :6] = np.nan, np.inf, -np.inf, 200, -200, -88
    step = Step(batch_size=8)
    y = heads.sigmoid(z, step)
    assert (y is None) == (path == "0")
    if y is not None:
        assert np.isnan(y[0, 0])
        assert y[0, 1:5].tolist() == [1, 0, 1, 0]
        assert 0 <= y[0, 5] < 1e-37
        np.testing.assert_allclose(y[1], 1 / (1 + np.exp(-1)), rtol=2e-7)


# --- convolution ----------------------------------------------------------------------------------

# Sizes of the input, kernel, strides, dilation, padding, channels and filters.
CORRELATIONS = [
    ((13, 14), (3, 3), (1, 1), (1, 1), "same", 16, 24),  # Winograd's from here
    ((6, 15), (3, 3), (1, 1), (1, 1), "valid", 24, 16),
    ((8, 8), (3, 3), (1, 1), (1, 1), "same", 16, 16),
    ((9, 10), (3, 3), (1, 1), (1, 1), "same", 3, 16),  # from here sums in registers
    ((11, 9), (2, 3), (2, 1), (1, 1), "same", 2, 32),
    ((9, 11), (3, 2), (1, 1), (2, 3), "valid", 1, 16),
    ((17,), (3,), (2,), (1,), "same", 5, 16),
    ((9, 10), (3, 3), (1, 1), (1, 1), "same", 3, 8),  # from here windows are copied
    ((11, 10), (2, 3), (2, 1), (1, 1), "same", 3, 5),
    ((11, 10), (3, 2), (1, 1), (2, 3), "valid", 2, 4),
    ((5, 6), (1, 1), (1, 1), (1, 1), "valid", 7, 6),
    ((5, 6), (1, 1), (2, 2), (1, 1), "same", 7, 6),
    ((17,), (3,), (1,), (2,), "causal", 16, 16),
    ((12,), (4,), (3,), (1,), "same", 1, 2),
    ((4, 5, 6), (2, 2, 3), (1, 2, 1), (1, 1, 1), "same", 2, 3),
]


def correlated(case, count, dtype, relu=True):
    """Output and all gradients of one case, for the same numbers whatever the type."""
    spatial, size, strides, dilation, padding, channels, filters = case
    window = images.window_of(spatial, size, strides, dilation, padding)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((count, *spatial, channels)).astype(dtype)
    kernel = rng.standard_normal((*size, channels, filters)).astype(dtype)
    bias = rng.standard_normal(filters).astype(dtype)
    dy = rng.standard_normal((count, *window.outputs(spatial), filters)).astype(dtype)
    x.flags.writeable = dy.flags.writeable = False
    step = Step()
    y = images.correlate(x, kernel, window, 1, step, bias, relu)
    gate = y if relu else None
    return y, *images.gradients(x, kernel, dy, window, 1, step, gate)


@pytest.mark.parametrize("count", [3, 0, 1])
@pytest.mark.parametrize("case", CORRELATIONS, ids=str)
def test_correlation_and_its_gradients(path, case, count):
    for found, exact in zip(
        correlated(case, count, "float32"), correlated(case, count, "float64"), strict=True
    ):
        assert found.dtype == np.float32
        assert found.shape == exact.shape
        error = np.abs(found - exact).max(initial=0)
        assert error <= 3e-6 * max(1, np.abs(exact).max(initial=0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_where_it_belongs(path, value):
    """Winograd's tiles would spread it: then windows are multiplied after all."""
    x = RNG.standard_normal((2, 12, 12, 16)).astype("float32")
    kernel = RNG.standard_normal((3, 3, 16, 16)).astype("float32")
    dy = RNG.standard_normal((2, 12, 12, 16)).astype("float32")
    x[0, 5, 5, 3] = dy[1, 0, 0, 2] = value
    window = images.window_of((12, 12), (3, 3), (1, 1), padding="same")
    found, exact = [], []
    with np.errstate(all="ignore"):
        for numbers, dtype in (found, "float32"), (exact, "float64"):
            step, a, b, c = Step(), x.astype(dtype), kernel.astype(dtype), dy.astype(dtype)
            numbers += [images.correlate(a, b, window, 1, step)]
            numbers += images.gradients(a, b, c, window, 1, step)
    for single, double in zip(found, exact, strict=True):
        assert 0 < np.isfinite(double).sum() < double.size
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)


# --- pooling --------------------------------------------------------------------------------------

POOLINGS = [
    ((8, 8), (2, 2), (2, 2), "valid", 16),
    ((9, 7), (2, 2), (2, 2), "valid", 19),
    ((9, 7), (3, 2), (2, 1), "same", 19),
    ((9, 7), (3, 3), (1, 1), "same", 5),
    ((7, 9), (2, 2), (3, 3), "valid", 8),
    ((11,), (3,), (2,), "same", 9),
    ((4, 5, 6), (2, 2, 2), (2, 2, 2), "valid", 3),
]


@np.errstate(invalid="ignore")
@pytest.mark.parametrize("pool", [images.max_pool, images.average_pool])
@pytest.mark.parametrize("case", POOLINGS, ids=str)
def test_pooling_and_its_gradient(path, case, pool):
    spatial, size, strides, padding, channels = case
    x = np.round(RNG.standard_normal((3, *spatial, channels))).astype("float32")  # ties
    x[0].flat[::7], x[1].flat[::7], x[1].flat[3::7] = np.nan, np.inf, -np.inf
    window = images.window_of(spatial, size, strides, padding=padding)
    dy = RNG.standard_normal((3, *window.outputs(spatial), channels)).astype("float32")
    y, backward = pool(x, window, Step(recording=True))
    dx = backward(dy)
    with compiled.forced("0"):
        exact, exact_backward = pool(x.astype("float64"), window, Step(recording=True))
        exact_dx = exact_backward(dy.astype("float64"))
    agree(y, exact)
    agree(dx, exact_dx)
    assert pool(x, window, Step())[1] is None


# --- batch normalisation --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 5), (1000, 3), (513, 32), (3, 300), (1, 4)])
def test_passes_of_batch_normalisation(path, shape):
    x = (100 + RNG.standard_normal(shape)).astype("float32")  # the mean is far from 0
    dy = RNG.standard_normal(shape).astype("float32")
    one, two, three = RNG.standard_normal((3, shape[1])).astype("float32")
    step, exact, exact_dy = Step(), x.astype("float64"), dy.astype("float64")
    mean, variance, count = kernels.moments(x, step)
    assert count == len(x)
    agree(mean, exact.mean(0), 1e-6)
    agree(variance, exact.var(0), 3e-5)
    agree(kernels.normalise(x, mean, one, two, step), (exact - mean) * one + two, 1e-5)
    total, products = kernels.normalised_sums(dy, x, mean, one, step)
    agree(total, exact_dy.sum(0), 1e-5)
    agree(products, (exact_dy * (exact - mean)).sum(0) * one, 1e-4)
    dx = kernels.normalise_backward(dy, x, mean, one, two, three, step)
    agree(dx, one * exact_dy - two * (exact - mean) - three, 1e-5)


def test_moments_of_no_rows_and_of_what_is_not_finite(path):
    mean, variance, count = kernels.moments(np.zeros((0, 3), "float32"), Step())
    assert count == 0
    assert not mean.any()
    assert not variance.any()
    x = np.ones((40, 3), "float32")
    x[7, 1] = np.nan
    mean, variance, _ = kernels.moments(x, Step())
    assert np.isnan(mean).tolist() == np.isnan(variance).tolist() == [False, True, False]


# --- dropout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.25, 0.1, 0.999999])
def test_dropout_is_a_product_with_its_mask(path, rate):
    x, dy = normal(7, 33), RNG.standard_normal((7, 33)).astype("float32")
    mask = kernels.dropout_mask(x.shape, rate, np.random.Generator(np.random.Philox(3)), "float32")
    with np.errstate(invalid="ignore"):
        y, backward = kernels.dropout(
            x, rate, np.random.Generator(np.random.Philox(3)), Step(recording=True)
        )
        agree(y, x.astype("float64") * mask)
    agree(backward(dy), dy.astype("float64") * mask)


@pytest.mark.parametrize("rate", [0.25, 0.1])
def test_dropout_drops_as_much_as_it_should(rate):
    mask = kernels.dropout_mask((1000, 1000), rate, np.random.default_rng(0), "float32")
    assert abs((mask == 0).mean() - rate) < 4 * (rate * (1 - rate) / mask.size) ** 0.5
    assert mask.max() == np.float32(1 / (1 - rate))
    neighbours = (mask[:, 1:] == 0) & (mask[:, :-1] == 0)
    assert abs(neighbours.mean() - rate**2) < 2e-3


# --- which of the two runs ------------------------------------------------------------------------


def run(code, **env):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERASISH_COMPILED": "auto", **env},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_numba
def test_the_choice_depends_on_shape_and_type_only():
    with compiled.forced("auto"):
        assert compiled.chosen(compiled.MIN_ELEMENTS, np.dtype("float32"))
        assert not compiled.chosen(compiled.MIN_ELEMENTS - 1, np.dtype("float32"))
        assert not compiled.chosen(10**9, np.dtype("float64"))


def test_a_word_that_is_no_mode_is_refused():
    with (
        pytest.raises(ValueError, match="must be 'auto', '0' or '1' but is 'yes'"),
        compiled.forced("yes"),
    ):
        pass


def test_forcing_kernels_without_numba_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"kerasish\[fast\]"), compiled.forced("1"):
        pass


def test_a_family_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'colums'"):
        _ = compiled.colums


SMALL = """
import sys, numpy as np, kerasish as ks
model = ks.Sequential([ks.layers.Dense(64, "relu"), ks.layers.Dense(10, "softmax")], seed=0)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(np.zeros((64, 64), "f"), np.zeros(64), epochs=1, verbose=0)
print("numba" in sys.modules)
"""


def test_a_small_model_never_loads_numba():
    assert run(SMALL) == "False"


BIG = """
import numpy as np
from kerasish import activations, layers, losses, kernels, optimizers
from kerasish.kernels import compiled, heads, images
said = []
with compiled.announcing(lambda: said.append("compiling")):
    for _ in range(2):
        kernels.add_bias(np.zeros((1000, 64), "f"), np.zeros(64, "f"), True)
print(*said)
"""


@needs_numba
def test_the_first_process_says_that_it_compiles_and_the_second_does_not(tmp_path):
    env = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert run(BIG, **env) == "compiling"
    assert run(BIG, **env) == ""


@needs_numba
def test_code_is_kept_under_kerasish_home_where_the_package_cannot_be_written(tmp_path):
    package = tmp_path / "site" / "kerasish"
    shutil.copytree(ROOT / "kerasish", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "kernels" / "compiled" / "__pycache__").write_text("in the way of a folder")
    home = tmp_path / "home"
    env = {"PYTHONPATH": str(package.parent), "KERASISH_HOME": str(home), "NUMBA_CACHE_DIR": ""}
    code = f"import sys; sys.path.insert(0, {str(package.parent)!r})\n" + BIG
    assert run(code, **env) == "compiling"
    assert list((home / "compiled").rglob("*.nbi"))
    nowhere = home / "file"
    nowhere.write_text("no folder can be made under a file")
    assert run(code, **{**env, "KERASISH_HOME": str(nowhere)}) == "compiling"


# --- optimizers ---------------------------------------------------------------------------------

VARIANTS = [
    (name, options)
    for name, several in {
        "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}],
        "Adam": [{}, {"amsgrad": True}],
        "AdamW": [{}],
        "Adamax": [{}],
        "Nadam": [{}],
        "RMSprop": [{}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.9}],
        "Adagrad": [{}],
        "Adadelta": [{}],
        "Ftrl": [
            {},
            {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2, "beta": 0.1},
            {"l2_shrinkage_regularization_strength": 0.3},
        ],
        "Lion": [{}],
        "ScheduleFreeAdamW": [{}],
    }.items()
    for options in several
]


def stepped(name, options, mode, values, gradients, run=None):
    """Weights and slots after some steps on one of the two paths."""
    with compiled.forced(mode):
        weight = Weight(values)
        state = OptimizerState(getattr(optimizers, name)(0.05, **options), Runs([weight]))
        for gradient in gradients:
            state.apply(gradient, run)
        assert bool(state._plan(None).compiled) == (mode == "1")
        return weight.value, *state.packed


@needs_numba
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_compiled_optimizers_agree_with_their_definition(name, options):
    values = RNG.standard_normal(1500).astype("float32")
    gradients = list(RNG.standard_normal((5, 1500)).astype("float32"))
    gradients[1][7:10] = np.nan, np.inf, -np.inf
    gradients[2][11:13] = 0, 1e-30
    with np.errstate(all="ignore"):
        expected = stepped(name, options, "0", values, gradients)
        found = stepped(name, options, "1", values, gradients)
    for one, other in zip(found, expected, strict=True):
        largest = np.abs(other[np.isfinite(other)]).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * max(1, largest))


@needs_numba
@pytest.mark.parametrize("name", ["Adam", "SGD"])
def test_the_number_of_blocks_changes_no_bit_of_a_compiled_step(name, monkeypatch):
    values = RNG.standard_normal(5000).astype("float32")
    gradients = RNG.standard_normal((3, 5000)).astype("float32")
    expected = stepped(name, {}, "1", values, gradients)
    monkeypatch.setattr("kerasish.optimizers.plan.MIN_SHARED_COMPILED", 1)
    for longest in (1024, 2048):
        monkeypatch.setattr("kerasish.optimizers.plan.LONGEST", longest)
        found = stepped(name, {}, "1", values, gradients, lambda parts: [part() for part in parts])
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@needs_numba
def test_a_formula_of_ones_own_is_not_replaced_by_the_kernel_of_its_base():
    class Backwards(optimizers.SGD):
        def update(self, w, g, slots, s, scratch):
            w += s[0] * g

    with compiled.forced("1"):
        weight = Weight(np.zeros(2, "float32"))
        OptimizerState(Backwards(0.5), Runs([weight])).apply(np.ones(2, "float32"))
    np.testing.assert_array_equal(weight.value, [0.5, 0.5])


def test_parts_of_a_gradient_are_added_on_the_way(path):
    parts = RNG.standard_normal((3, 40)).astype("float32")
    whole = parts[0] + parts[1] + parts[2]
    for options in ({}, {"clipnorm": 0.1}, {"gradient_accumulation_steps": 2}):
        results = []
        for gradient, others in ((whole, ()), (parts[0].copy(), parts[1:])):
            weight = Weight(np.ones(40, "float32"))
            state = OptimizerState(optimizers.Adam(0.1, **options), Runs([weight]))
            state.apply(gradient, others=others)
            results.append(weight.value)
        np.testing.assert_array_equal(*results)
