"""Every row of the contract table in float32, on kernels and on plain NumPy, against float64."""

import importlib.util

import numpy as np
import pytest

from kerasish import layers, testing
from kerasish.kernels import compiled
from kerasish.step import Step
from tests.test_layers import TABLE, row_id

needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="needs numba")


def passes(layer, x, mask, training, counter=1):
    """Output, dLoss/dx and gradients of a layer, for the same random dLoss/dy in any type."""
    learnt = layer.trainable_weights
    step = Step(training=training, recording=True, batch_size=len(x), seed=5, counter=counter)
    step.grads = {w: np.zeros_like(w.value) for w in learnt}
    step.mask = None if mask is None else np.asarray(mask, bool)
    y, backward = layer.apply(x, step)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)
    dx = backward(dy)
    return [y, np.zeros(1, y.dtype) if dx is None else dx, *(step.grads[w] for w in learnt)]


@pytest.mark.parametrize(
    "mode", ["0", pytest.param("1", marks=needs_numba)], ids=["numpy", "compiled"]
)
@pytest.mark.parametrize("row", TABLE, ids=row_id)
def test_float32_agrees_with_float64(row, mode):
    name, arguments, inputs, options = row
    rng = np.random.default_rng(0)
    x = rng.standard_normal(inputs) if isinstance(inputs, tuple) else np.asarray(inputs)
    layer = getattr(layers, name)(**arguments)
    config = layer.get_config()
    double = testing._in_float64(layer, config, x.shape, rng)
    single = type(layer).from_config(config)
    single.ensure_built((None, *x.shape[1:]))
    single.compute_output_shape(x.shape)
    single.set_weights(double.get_weights())
    mask = options.get("mask")
    exact_x, x = (x.astype(d) if layer.casts_input else x for d in ("float64", "float32"))
    with compiled.forced(mode), np.errstate(all="ignore"):
        for training in options.get("modes", (False, True)):
            exact = passes(double, exact_x, mask, training)
            other = passes(double, exact_x, mask, training, counter=2)
            if not np.array_equal(exact[0], other[0], equal_nan=True):
                continue  # random
            for a, b in zip(passes(single, x, mask, training), exact, strict=True):
                assert a.dtype == np.float32 or not layer.casts_input
                error = np.abs(a - b).max(initial=0)
                assert error <= 1e-5 * max(1, np.abs(b).max(initial=0))
