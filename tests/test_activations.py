"""Activations: values and gradients against real Keras, gradients against differences, errors."""

import copy
import pickle
import warnings

import numpy as np
import pytest

from kerasish import activations, autodiff, registry
from kerasish.activations import Activation, forward
from tests.golden import make_rank1

GOLDEN = make_rank1.load()
CASES = list(enumerate(make_rank1.ACTIVATIONS))
IDS = [f"{name}-{arguments}" for _, (name, arguments) in CASES]
# All public symbols of keras.activations 3.15; every one is supported.
SIGNATURES = """
    celu(x, alpha=1.0)
    deserialize(config, custom_objects=None)
    elu(x, alpha=1.0)
    exponential(x)
    gelu(x, approximate=False)
    get(identifier)
    glu(x, axis=-1)
    hard_shrink(x, threshold=0.5)
    hard_sigmoid(x)
    hard_silu(x)
    hard_swish(x)
    hard_tanh(x)
    leaky_relu(x, negative_slope=0.2)
    linear(x)
    log_sigmoid(x)
    log_softmax(x, axis=-1)
    mish(x)
    relu(x, negative_slope=0.0, max_value=None, threshold=0.0)
    relu6(x)
    selu(x)
    serialize(activation)
    sigmoid(x)
    silu(x)
    soft_shrink(x, threshold=0.5)
    softmax(x, axis=-1)
    softplus(x)
    softsign(x)
    sparse_plus(x)
    sparse_sigmoid(x)
    sparsemax(x, axis=-1)
    squareplus(x, b=4)
    swish(x)
    tanh(x)
    tanh_shrink(x)
    threshold(x, threshold, default_value)
"""
API = [line.strip() for line in SIGNATURES.strip().splitlines()]
ALL = sorted({f.__name__ for f in registry.known("activation").values() if type(f) is Activation})
REQUIRED = {"threshold": {"threshold": 0.3, "default_value": -1.0}}
SMOOTH = [*CASES, (None, ("sparsemax", {})), (None, ("sparsemax", {"axis": 1}))]


def close(a, b):
    assert np.shape(a) == np.shape(b)
    a, b = np.asarray(a), np.asarray(b)
    finite = np.isfinite(b)
    np.testing.assert_array_equal(a[~finite], b[~finite])
    largest = np.max(np.abs(b[finite]), initial=1)
    assert np.max(np.abs(a[finite] - b[finite]), initial=0) <= 1e-5 * largest


@pytest.mark.parametrize("line", API)
def test_public_symbol_has_keras_arguments_and_defaults(line):
    name, bracket, rest = line.partition("(")
    assert make_rank1.signature(getattr(activations, name)) == bracket + rest
    assert name in activations.__all__


def test_every_registered_activation_has_golden_numbers():
    assert set(ALL) - {name for name, _ in make_rank1.ACTIVATIONS} == {
        "sparsemax",
        "hard_sigmoid_keras2",  # of files before Keras 3: test_saving_old_files.py
    }


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
@pytest.mark.parametrize("kind", ["normal", "corners", "large"])
def test_value_and_gradient_are_those_of_keras(index, case, kind):
    name, arguments = case
    x, dy = make_rank1.inputs()[kind]
    fn = getattr(activations, name)
    y, backward = forward(fn, x, **arguments)
    close(y, GOLDEN[f"activation/{index}/{kind}/y"])
    close(backward(make_rank1.halved(dy, y.shape)), GOLDEN[f"activation/{index}/{kind}/dx"])
    np.testing.assert_array_equal(fn(x, **arguments), y)
    assert y.dtype == x.dtype


@pytest.mark.parametrize(("index", "case"), SMOOTH, ids=[*IDS, "sparsemax", "sparsemax-1"])
def test_gradient_is_the_limit_of_differences(index, case):
    name, arguments = case
    x = make_rank1.inputs()["normal"][0].astype("float64")
    fn = getattr(activations, name)
    y, backward = forward(fn, x, **arguments)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    before = dy.copy(), x.copy()
    dx = backward(dy)
    assert dx.dtype == np.float64
    assert not np.shares_memory(dx, dy)
    np.testing.assert_array_equal((dy, x), before) if y.shape == x.shape else None
    for at in np.ndindex(x.shape):
        nudged = np.zeros_like(x)
        nudged[at] = 1e-6
        up, down = fn(x + nudged, **arguments), fn(x - nudged, **arguments)
        assert abs(np.sum((up - down) * dy) / 2e-6 - dx[at]) < 1e-6 * max(1, abs(dx[at]))


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_sparsemax_is_the_nearest_probability_vector(axis):
    x = np.random.default_rng(2).standard_normal((6, 5, 4))
    p = activations.sparsemax(x, axis)
    np.testing.assert_allclose(p.sum(axis=axis), 1)
    assert np.min(p) == 0
    # Nearest: the residual is constant on the support and smaller off it (KKT conditions).
    residual = np.moveaxis(np.asarray(x - p), axis, -1).reshape(-1, x.shape[axis])
    for r, q in zip(residual, np.moveaxis(p, axis, -1).reshape(residual.shape), strict=True):
        assert np.ptp(r[q > 0]) < 1e-12
        assert np.all(r[q == 0] <= r[q > 0].max() + 1e-12)


@pytest.mark.parametrize("axis", [-1, 1, (0, 2), (1, 2), None])
def test_softmax_over_any_axes(axis):
    x = np.random.default_rng(3).standard_normal((3, 4, 5))
    p = activations.softmax(x, axis=axis)
    np.testing.assert_allclose(p.sum(axis=axis), 1)
    np.testing.assert_allclose(activations.log_softmax(x, axis=axis), np.log(p))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_inputs_raise_no_warning_and_stay_finite(name, dtype):
    big, fair = (80, 40) if name == "exponential" else (1e18, 100)
    x = np.array([-big, big, -fair, fair, -1e-30, 1e-30, 0, -0.0], dtype).reshape(2, 4)
    kw = REQUIRED.get(name, {})
    y, backward = forward(getattr(activations, name), x, **kw)
    assert np.isfinite(y).all()
    assert np.isfinite(backward(np.ones_like(y))).all()


@pytest.mark.parametrize("name", ALL)
def test_nan_and_infinity_pass_through(name):
    fn, kw = getattr(activations, name), REQUIRED.get(name, {})
    y, backward = forward(fn, np.full((2, 4), np.nan, "float32"), **kw)
    assert np.isnan(y).all()
    backward(np.ones_like(y))
    fn(np.array([[np.inf, 1, -np.inf, 0]]), **kw)  # no warning
    if name not in ("softmax", "log_softmax", "sparsemax", "glu", "gelu"):
        above = fn(np.inf, **kw)
        bounded = {"relu6": 6, "tanh": 1, "sigmoid": 1, "hard_tanh": 1, "hard_sigmoid": 1}
        bounded |= {"sparse_sigmoid": 1, "log_sigmoid": 0, "hard_sigmoid_keras2": 1}
        expected = np.nan if name == "softsign" else bounded.get(name, np.inf)
        np.testing.assert_equal(float(above), expected)


@pytest.mark.parametrize("name", ALL)
def test_output_goes_where_it_is_asked_for(name):
    fn, kw = getattr(activations, name), REQUIRED.get(name, {})
    x, dy = make_rank1.inputs()["normal"]
    y, backward = forward(fn, x, **kw)
    dx = backward(make_rank1.halved(dy, y.shape))
    out = np.full_like(y, 7)
    assert fn(x, out=out, **kw) is out
    np.testing.assert_array_equal(out, y)
    # In place: the result and the gradient are the same, whether or not x had to be kept.
    for keep in (True, False):
        z = x.copy()
        y2, backward2 = forward(fn, z, out=z, keep=keep, **kw)
        np.testing.assert_array_equal(y2, y)
        if keep:
            np.testing.assert_array_equal(backward2(make_rank1.halved(dy, y.shape)), dx)
        else:
            assert backward2 is None
    if fn.in_place and not fn.needs_x and not kw:
        z = x.copy()
        assert forward(fn, z, out=z)[0] is z
        np.testing.assert_array_equal(fn.backward(dy, None, y), dx)
    assert fn.needs_x or fn.in_place or name == "sparsemax"


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "elu", "softsign", "exponential"])
@pytest.mark.parametrize("stride", [2, 4, 5])
def test_in_place_on_strided_memory(name, stride):
    x = np.linspace(-2, 2, 9 * stride, dtype="float32")[::stride]
    expected = getattr(activations, name)(x.copy())
    getattr(activations, name)(x, out=x)
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("name", ALL)
def test_types(name):
    fn, kw = getattr(activations, name), REQUIRED.get(name, {})
    half = np.array([[1, 0, 2, 3]], "float16")
    assert fn(half, **kw).dtype == np.float16
    for x in ([[1, 0, 2, 3]], [[1.0, 0.0, 2.0, 3.0]], np.array([[1, 0, 2, 3]])):
        y = fn(x, **kw)
        assert y.dtype == np.float32
        assert type(y.numpy()) is np.ndarray
        np.testing.assert_array_equal(y, fn(half.astype("float32"), **kw))
    assert type(forward(fn, np.ones((2, 2)), **kw)[0]) is np.ndarray
    if name not in ("softmax", "log_softmax", "sparsemax", "glu"):
        assert fn(0.5, **kw).shape == ()
    assert fn(np.ones((0, 4), "float32"), **kw).size == 0
    views = np.arange(16, dtype="float32").reshape(4, 4)[::2, ::-1].T
    np.testing.assert_array_equal(fn(views, **kw), fn(views.copy(), **kw))


@pytest.mark.parametrize("name", ALL)
def test_copies_are_the_same_function(name):
    fn = getattr(activations, name)
    assert copy.deepcopy(fn) is fn
    assert pickle.loads(pickle.dumps(fn)) is fn
    assert repr(fn) == f"<activation {name}>"
    assert fn.__doc__


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_inside_a_function_of_the_user(index, case):
    name, arguments = case
    fn = getattr(activations, name)
    x = make_rank1.inputs()["normal"][0].astype("float64")
    y, backward = forward(lambda a: np.square(fn(a, **arguments)), x)
    own, own_backward = forward(fn, x, **arguments)
    np.testing.assert_allclose(y, own**2)
    np.testing.assert_allclose(backward(np.ones_like(y)), own_backward(2 * own), rtol=1e-9)


def test_a_plain_function_is_differentiated():
    x = np.linspace(-2, 2, 5, dtype="float32")
    y, backward = forward(lambda a: a * np.tanh(a), x)
    t = np.tanh(x)
    close(y, x * t)
    close(backward(np.ones_like(x)), t + x * (1 - t**2))
    assert y.dtype == backward(np.ones_like(x)).dtype == np.float32
    y, backward = forward(np.tanh, x, keep=False)
    assert backward is None
    close(y, t)
    close(autodiff.gradient(lambda a: np.sum(activations.relu(a, 0.5)), x), [0.5, 0.5, 0.5, 1, 1])


def test_arguments_by_position():
    np.testing.assert_array_equal(activations.relu([-2.0, 9.0], 0.5, 6.0), [-1, 6])
    relu = activations.relu
    x, y = np.array([-2.0, 9.0]), np.array([-1.0, 6.0])
    np.testing.assert_array_equal(relu.backward(np.ones(2), x, y, 0.5, 6.0), [0.5, 0])
    with pytest.raises(TypeError, match="relu got `negative_slope` twice"):
        relu([1.0], 0.5, negative_slope=0.5)
    with pytest.raises(TypeError, match=r"at most 1 positional arguments but got 2"):
        activations.tanh([1.0], 3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'alpha'"):
        activations.tanh([1.0], alpha=3)


def test_get():
    for name in ALL:
        fn = getattr(activations, name)
        assert activations.get(name) is activations.get(name.upper()) is fn
        assert activations.get(fn) is fn
        assert activations.serialize(fn) == name
        assert activations.deserialize(name) is fn
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.swish is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.get(np.tanh) is np.tanh
    as_keras_writes_functions = {"module": "builtins", "class_name": "function", "config": "relu"}
    assert activations.get(as_keras_writes_functions) is activations.relu
    assert activations.get({"class_name": "relu"}) is activations.relu


@pytest.mark.parametrize("wrong", ["rellu", 3, {"class_name": "rellu"}, [1]])
def test_unknown_names(wrong):
    with pytest.raises(ValueError, match="Could not interpret activation function identifier"):
        activations.get(wrong)
    if wrong == "rellu":
        with pytest.raises(ValueError, match="Did you mean 'relu'"):
            activations.get(wrong)


def test_bad_input():
    with pytest.raises(TypeError, match=r"relu expects an array of real numbers .* object"):
        activations.relu(np.array([None]))
    with pytest.raises(TypeError, match="got elements of type <U1"):
        activations.tanh("a")
    with pytest.raises(ValueError, match=r"axis -1, .* even size, but got shape \(2, 3\)"):
        activations.glu(np.ones((2, 3)))
    with pytest.raises(ValueError, match="`threshold` to be at least 0 but got -1"):
        activations.soft_shrink([1.0], threshold=-1)
    with pytest.raises(ValueError, match="`alpha`, which must not be 0"):
        activations.celu([1.0], alpha=0)
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        activations.threshold([1.0])
    with pytest.warns(UserWarning, match="softmax over axis -1, which has size 1, is 1 everywhere"):
        activations.softmax(np.ones((4, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        activations.softmax(np.ones((1, 4)))


def test_custom_activation_object():
    def cubed(x):
        return x**3

    fn = Activation(cubed)
    with pytest.raises(TypeError, match=r"cubed has no derivative.*@cubed\.derivative"):
        fn.backward(np.ones(2), np.ones(2), np.ones(2))
    fn.derivative(lambda dy, x, y: dy * 3 * x**2)
    y, backward = forward(fn, np.array([2.0]))
    assert (y[0], backward(np.ones(1))[0]) == (8, 12)


def test_custom_functions_are_saved_by_name():
    def doubled(x):
        return 2 * x

    registry.register(kind="activation", package="Tests")(doubled)
    config = activations.serialize(doubled)
    assert config["class_name"] == "function"
    assert config["config"] == config["registered_name"] == "Tests>doubled"
    assert activations.deserialize(config) is doubled
    assert activations.get("doubled") is doubled

    def triple(x):
        return 3 * x

    config = activations.serialize(triple)
    with pytest.raises(ValueError, match="Could not interpret activation function identifier"):
        activations.deserialize(config)
    assert activations.deserialize(config, custom_objects={"triple": triple}) is triple
    assert activations.deserialize("triple", {"triple": triple}) is triple
    with pytest.raises(ValueError, match="has no name and cannot be saved"):
        activations.serialize(lambda x: x)


class Shifted(registry.Configurable):
    """An activation that is a callable object."""

    registry_kind = "activation"

    def __init__(self, by=1.0):
        self.by = by

    def __call__(self, x):
        return x + self.by

    def get_config(self):
        return {"by": self.by}


def test_custom_classes_are_saved_with_their_arguments():
    registry.register(Shifted)
    assert activations.get(Shifted).by == 1.0
    config = activations.serialize(Shifted(3.0))
    assert config["config"] == {"by": 3.0}
    assert activations.deserialize(config).by == 3.0
    assert activations.get("Shifted")(1.0) == 2.0
    y, backward = forward(Shifted(3.0), np.ones(2))
    np.testing.assert_array_equal((y, backward(np.ones(2))), ([4, 4], [1, 1]))


def test_layers_in_the_place_of_activations():
    from kerasish import layers

    x = np.array([[-1.0, 2.0]], "float32")
    y, backward = forward(layers.LeakyReLU(0.25), x)
    np.testing.assert_array_equal(y, [[-0.25, 2]])
    np.testing.assert_array_equal(backward(np.ones_like(x)), [[0.25, 1]])
    assert forward(layers.LeakyReLU(0.25), x, keep=False)[1] is None
    with pytest.raises(ValueError, match="PReLU 'slopes' has weights and cannot be used as an act"):
        forward(layers.PReLU(name="slopes"), x)
    config = {
        "module": "keras.layers",
        "class_name": "LeakyReLU",
        "config": {"negative_slope": 0.5},
    }
    np.testing.assert_array_equal(activations.get(config)(x), [[-0.5, 2]])
