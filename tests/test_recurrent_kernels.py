"""Compiled recurrences against their NumPy definitions in float64."""

import importlib.util

import numpy as np
import pytest

from kerasish import activations, layers
from kerasish.kernels import compiled, recurrent, sequences
from kerasish.kernels.recurrent import Product
from kerasish.step import Step

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="the kernels need numba"
)
GATES = {"simple": 1, "lstm": 4, "gru": 3, "gru_before": 3}
SHAPES = [(5, 6, 16), (4, 7, 20), (2, 15, 16), (3, 3, 32), (1, 1, 5)]  # steps, rows, units


@pytest.fixture(autouse=True)
def kernels():
    with compiled.forced("1"):
        yield


def activate(fn):
    return lambda z: activations.forward(fn, z, out=z)


def doubles(*arrays):
    return [a.astype("float64") for a in arrays]


def agree(found, expected):
    scale = max(1, np.abs(expected).max(initial=0))
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.abs(found - expected).max(initial=0) <= 2e-6 * scale


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", GATES)
def test_kernels_do_what_is_defined(kind, shape, whole, masked):
    check(kind, shape, whole, masked)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("units", [16, 20])
@pytest.mark.parametrize("kind", GATES)
def test_kernels_drop_states_gate_by_gate(kind, units, masked):
    check(kind, (4, 7, units), True, masked, dropped=True)


@pytest.mark.parametrize("name", sequences.KINDS)
@pytest.mark.parametrize("kind", GATES)
def test_kernels_know_other_activations(kind, name):
    check(kind, (3, 5, 20), False, True, names=(name, "sigmoid"))
    if kind != "simple":
        check(kind, (3, 5, 20), True, False, names=("tanh", name))


def check(kind, shape, whole, masked, dropped=False, names=("tanh", "sigmoid")):
    """Compare a kernel with its definition, forward and backward."""
    steps, rows, units = shape
    rng = np.random.default_rng(sum(shape))

    def normal(*shape):
        return rng.standard_normal(shape).astype("float32")

    x, kernel = normal(steps, rows, GATES[kind] * units), normal(units, GATES[kind] * units) / 4
    states = [np.zeros((rows, units), "float32") for _ in range(1 + (kind == "lstm"))]
    dstates = [normal(rows, units) for _ in states]
    keep = rng.random((steps, rows)) < 0.6 if masked else None
    dy = normal(steps, rows, units) if whole else normal(rows, units)
    if keep is not None:  # as `RNN` sees to it: before a first step there is no output
        seen = np.logical_or.accumulate(keep)[..., None]
        dy = dy * (seen if whole else seen[-1])
    bias = normal(3 * units)
    tail = [activate(getattr(activations, name)) for name in names][: 1 + (kind != "simple")]
    extra = [bias] if kind == "gru" else []
    masks = None
    if dropped:
        masks = (rng.random((GATES[kind], rows, units)) < 0.7).astype("float32") / 0.7
    wide = doubles(kernel, *([] if masks is None else [masks]))
    products = [Product(*wide)]
    if kind == "gru_before":
        products = products[0].columns(2 * units)
    given = *doubles(*extra), doubles(*states), keep, whole
    defined = getattr(recurrent, kind)(*doubles(x), *products, *given, *tail)
    kinds = tuple(sequences.KINDS[name] for name in names)
    given = *extra, states, keep, whole, Step(), kinds
    found = getattr(sequences, kind)(x.copy(), Product(kernel, masks), *given)
    agree(found.output, defined.output)
    for a, b in zip(found.states, defined.states, strict=True):
        agree(a, b)
    dx, dkernel, first, *dbias = found.backward(dy, dstates)
    expected = defined.backward(*doubles(dy), doubles(*dstates))
    agree(dx, expected[0])
    agree(dkernel, expected[1])
    for a, b in zip([*first, *dbias], [*expected[2], *expected[3:]], strict=True):
        agree(a, b)


@pytest.mark.parametrize("turned", [False, True])
def test_gradients_of_any_layout(turned):
    """dLoss/dy may lie sample by sample or step by step, or be padded or read-only."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 3, 64)).astype("float32")
    kernel = rng.standard_normal((16, 64)).astype("float32") / 4
    zeros = [np.zeros((3, 16), "float32")] * 2
    dy = rng.standard_normal((3, 4, 16) if turned else (4, 3, 16)).astype("float32")
    dy.flags.writeable = False
    given = dy.swapaxes(0, 1) if turned else dy
    results = [
        sequences.lstm(x.copy(), Product(kernel), zeros, None, True, Step()).backward(d)[1]
        for d in (given, given[:, ::1].copy(), np.asfortranarray(given))
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_extreme_inputs():
    """The gates saturate without overflow; NaN stays, and in its own sample."""
    x = np.zeros((3, 4, 64), "float32")
    x[:, 0], x[:, 1], x[0, 2, 5] = 1e30, -np.inf, np.nan
    kernel, zeros = np.zeros((16, 64), "float32"), [np.zeros((4, 16), "float32")] * 2
    y = sequences.lstm(x, Product(kernel), zeros, None, True, Step()).output
    assert np.isfinite(y[:, [0, 1, 3]]).all()
    assert np.isnan(y[:, 2, 5]).all()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_layers_take_the_kernels(name, monkeypatch):
    kind = {"SimpleRNN": "simple"}.get(name, name.lower())
    calls, kernel = [], getattr(sequences, kind)
    monkeypatch.setattr(sequences, kind, lambda *a: calls.append(1) or kernel(*a))
    x = np.ones((2, 3, 4))
    getattr(layers, name)(5)(x)
    assert calls == [1]
    getattr(layers, name)(5, activation="relu")(x)
    getattr(layers, name)(5, recurrent_dropout=0.5)(x, training=True)
    assert calls == [1, 1, 1]
    getattr(layers, name)(5, activation="gelu")(x)
    getattr(layers, name)(5, dtype="float64")(x)
    with compiled.forced("0"):
        getattr(layers, name)(5)(x)
    assert calls == [1, 1, 1]
