"""Gradients of plain NumPy functions, against central differences in float64."""

import concurrent.futures
import sys
import threading

import numpy as np
import pytest

from kerasish import autodiff

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
INDEX = np.array([[0], [2], [1], [1]])

FUNCTIONS = {
    "sqrt mean square": lambda x: np.sqrt(np.mean(np.square(x - T), axis=-1)),
    "operators": lambda x: -x * T + T * x - 2.0 / (1 + x**2) + T @ x.T @ T,
    "maximum": lambda x: np.maximum(x, T),
    "minimum of a number": lambda x: np.minimum(0, x),
    "where": lambda x: np.where(x > 0, x, T * x),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "clip by name": lambda x: np.clip(x, min=-0.5, max=0.5),
    "clip method": lambda x: x.clip(-0.5, 0.5) * 2,
    "clip to a moving bound": lambda x: np.clip(T, x - 0.1, x + 0.1),
    "concatenate": lambda x: np.concatenate([x, T, 2 * x], axis=-1),
    "stack": lambda x: np.stack([x, x * x], axis=1),
    "vstack": lambda x: np.vstack([x, T]),
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "keyword argument": lambda x: np.mean(a=x, axis=0),
    "dtype": lambda x: np.sum(x, axis=1, dtype="float64"),
    "keepdims": lambda x: x - np.max(x, axis=1, keepdims=True),
    "amax": lambda x: np.amax(x, axis=1) - np.amin(x, axis=0).sum(),
    "std and var": lambda x: np.std(x, axis=0) + x.var(0),
    "norm": lambda x: np.linalg.norm(x, axis=-1),
    "inverse": lambda x: np.linalg.inv(x[:3]),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, T),
    "matmul": lambda x: np.matmul(T.T, x),
    "tensordot": lambda x: np.tensordot(x, T, axes=([1], [1])),
    "outer": lambda x: np.outer(x, T),
    "reduce": lambda x: np.add.reduce(x, axis=1),
    "exp and log": lambda x: np.log1p(np.exp(-x)) + np.logaddexp(x, T),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "tanh": lambda x: np.tanh(x) + np.abs(x) + np.sign(x),
    "cbrt and hypot": lambda x: np.cbrt(x) + np.hypot(x, T) + np.heaviside(x, 0.5),
    "take": lambda x: np.take(x, [0, 2], axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, INDEX, axis=1),
    "indices": lambda x: x[1:, [0, 0, 2]] + x[0, 0],
    "flip": lambda x: np.flip(x, 1) * T + np.flip(x) - np.roll(x, 1, axis=0),
    "average": lambda x: np.average(x, axis=1, weights=[1, 2, 3]) + np.average(x),
    "nansum": lambda x: np.nansum(x, axis=1) + np.nanmean(x),
    "ptp": lambda x: np.ptp(x, axis=1),
    "cumsum": lambda x: np.cumsum(x, axis=1) + np.tril(x[:3]).sum(),
    "shapes": lambda x: np.reshape(np.transpose(np.expand_dims(x, 1)), (3, 4)) @ T,
    "broadcast": lambda x: np.broadcast_to(x[:, :1], (4, 3)) * T + np.tile(x[:1], (4, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0) * np.ones_like(x[:1]),
    "rows in a loop": lambda x: np.stack([np.sum(row) for row in x]),
    "methods": lambda x: x.copy().dot(T.T).astype("float64").sum(axis=0),
}


def numeric(fn, x, dy, h=1e-6):
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        grad[i] = np.sum((fn(x + step) - fn(x - step)) * dy) / (2 * h)
    return grad


@pytest.mark.parametrize("name", FUNCTIONS)
def test_plain_numpy(name):
    fn = FUNCTIONS[name]
    value, backward = autodiff.vjp(fn, X)
    np.testing.assert_allclose(value, fn(X))
    dy = np.random.default_rng(1).normal(size=value.shape)
    np.testing.assert_allclose(backward(dy), numeric(fn, X, dy), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_has_the_dtype_of_the_argument(dtype):
    x = X.astype(dtype)
    value, backward = autodiff.vjp(lambda a: np.mean(a * T, axis=-1), x)  # T is float64
    gradient = backward(np.ones(4))
    assert gradient.dtype == dtype
    assert gradient.shape == x.shape
    assert type(value) is type(gradient) is np.ndarray


def test_several_and_nested_arguments():
    def fn(x, weights):
        return weights[0] @ x, weights[1]["bias"] * 2

    weights = [T.T.astype("float32"), {"bias": T, "unused": X}]
    (product, double), backward = autodiff.vjp(fn, X, weights, argnums=(1, 0))
    np.testing.assert_allclose(product, T.T @ X, rtol=1e-6)
    np.testing.assert_allclose(double, 2 * T)
    (kernel, rest), dx = backward((np.ones((3, 3)), X))
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel, np.ones((3, 3)) @ X.T, rtol=1e-5)
    np.testing.assert_allclose(rest["bias"], 2 * X)
    assert not rest["unused"].any()
    np.testing.assert_allclose(dx, weights[0].T @ np.ones((3, 3)), rtol=1e-6)


def test_an_output_that_is_an_input_of_another_output():
    def fn(x):
        y = x * x
        return y, np.sum(y), x

    _, backward = autodiff.vjp(fn, X)
    np.testing.assert_allclose(backward((T, 1.0, T)), 2 * X * (T + 1) + T)


def test_value_that_does_not_depend_on_the_argument():
    value, backward = autodiff.vjp(lambda x: T.mean(axis=-1), X)
    assert value.shape == (4,)
    assert not backward(np.ones(4)).any()
    assert autodiff.gradient(lambda x: 0.0, X).shape == X.shape


def test_integer_argument_has_zero_gradient():
    ids = np.array([0, 2])
    value, backward = autodiff.vjp(lambda i, table: table[i], ids, X, argnums=(0, 1))
    d_ids, d_table = backward(np.ones_like(value))
    assert not d_ids.any()
    np.testing.assert_array_equal(d_table.sum(axis=1), [3, 0, 3, 0])


def test_backward_can_be_called_again():
    _, backward = autodiff.vjp(np.square, X)
    np.testing.assert_array_equal(backward(T), backward(T))


def test_nested_differentiation():
    def slope(x):
        return autodiff.gradient(lambda a: np.sum(a**3), autodiff.untraced(x)) * x

    np.testing.assert_allclose(autodiff.gradient(lambda x: np.sum(slope(x)), X), 3 * X**2)


def test_through_uses_the_given_backward():
    calls = []

    def double(x):
        def backward(dy):
            calls.append(dy)
            return 2 * dy

        return 2 * x, backward

    gradient = autodiff.gradient(lambda x: np.sum(autodiff.through(double, x) ** 2), X)
    np.testing.assert_allclose(gradient, 8 * X)
    assert len(calls) == 1
    assert autodiff.through(double, X) is not X
    assert (
        autodiff.gradient(lambda x: np.sum(autodiff.through(lambda a: (a, None), x)), X).max() == 0
    )


def test_is_traced():
    seen = []
    autodiff.vjp(lambda x: (seen.append(autodiff.is_traced(x)), np.sum(x))[1], X)
    assert seen == [True]
    assert not autodiff.is_traced(X)
    assert not autodiff.is_traced(1.0)


def test_threads_do_not_mix():
    start = threading.Barrier(4)

    def work(seed):
        x = np.random.default_rng(seed).normal(size=(4, 3))
        start.wait()
        for _ in range(30):
            found = autodiff.gradient(lambda a: np.sum(np.exp(a) * T), x)
            np.testing.assert_allclose(found, np.exp(x) * T)
        return True

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_autograd_numpy_and_grad_still_work():
    anp = pytest.importorskip("autograd.numpy")
    from autograd import grad

    np.testing.assert_allclose(autodiff.gradient(lambda x: anp.sum(anp.sin(x)), X), np.cos(X))
    np.testing.assert_allclose(grad(lambda x: np.sum(np.sin(x)))(X), np.cos(X))


def returns_none(x):
    np.sum(x)


def returns_labels(x):
    return np.argmax(x, axis=-1)


def uses_median(x):
    return np.median(x, axis=-1)


def writes_into_out(x):
    return np.add(x, 1, out=np.zeros((4, 3)))


def assigns(x):
    x[0] = 0
    return x


def converts(x):
    return np.asarray(x) * 2


def needs_float(x):
    return np.sqrt(float(x.sum()))


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (returns_none, "returns_none must return an array of floats .* returned None"),
        (returns_labels, "returns_labels must return an array of floats .* int64 values"),
        (lambda x: "x", "must return an array of floats"),
        (uses_median, "uses_median uses numpy.median, whose gradient is not known"),
        (writes_into_out, "writes_into_out cannot be differentiated: the argument `out`"),
        (assigns, "assigns cannot be differentiated.*item assignment"),
        (converts, "converts cannot be differentiated: np.asarray"),
        (needs_float, "needs_float cannot be differentiated.*float"),
    ],
)
def test_what_cannot_be_differentiated(fn, message):
    with pytest.raises(TypeError, match=message):
        autodiff.vjp(fn, X)


def test_errors_of_the_function_itself_pass():
    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        autodiff.vjp(broken, X)
    autodiff.vjp(np.square, X)  # and leave nothing behind


def test_without_autograd(monkeypatch):
    monkeypatch.setattr(autodiff, "_engine", None)
    monkeypatch.setitem(sys.modules, "autograd", None)
    monkeypatch.setitem(sys.modules, "autograd.numpy", None)
    with pytest.raises(ImportError, match=r'pip install "kerasish\[autograd\]"'):
        autodiff.vjp(np.square, X)
