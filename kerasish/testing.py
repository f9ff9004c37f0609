"""Proofs for layers and losses, ours and users': `check_layer`, `check_loss`.

Both compare gradients with central differences in float64 and check what the framework relies
on: configs that rebuild the object, inputs that stay as they were, shapes as promised, and the
same result for a batch that is cut in two.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.layers.base import Layer
from kerasish.losses import Loss
from kerasish.step import Step

SMALL = 1e-6  # step of the central differences


def check_layer(
    layer: Layer,
    inputs: Any,
    *,
    mask: Any = None,
    tolerance: float = 1e-6,
    seed: int = 0,
    modes: tuple[bool, ...] = (False, True),
) -> None:
    """Prove that a layer's gradients are right and that it keeps the rules of `Layer`.

    Checked, on float64 copies of the layer, in inference and in training:

    - `get_config` is JSON and `from_config` builds a layer with the same config
    - gradients of the input and of every weight agree with central differences
    - without recording, `forward` gives the same output and no backward function
    - the output's shape is what `compute_output_shape` says
    - neither the input nor the incoming gradient is written to
    - applied twice in one step, the gradients of the weights add up
    - frozen, with no gradient asked for, the backward pass still runs
    - two shards give what one gives (layers that are `shardable` and not random)
    - float32 stays float32

    Parameters
    ----------
    layer : Layer
        Built or not; it is left as it is.
    inputs : ndarray or tuple of int
        A batch of at least two samples, or its shape, for normally distributed numbers.
    mask : ndarray, optional
        Mask of the inputs.
    tolerance : float
        Largest error of a gradient, relative to the largest true one if that is above 1.
    seed : int
        For weights, gradients and layers that draw random numbers.
    modes : tuple of bool
        Values of `training` to check.

    Raises
    ------
    AssertionError
        Naming the layer, the property that fails, and by how much.

    Examples
    --------
    >>> from kerasish.layers import Dense
    >>> check_layer(Dense(3, activation="tanh"), (4, 5))
    """
    rng = np.random.default_rng(seed)
    if isinstance(inputs, tuple):
        inputs = rng.standard_normal(inputs)
    x = np.asarray(inputs)
    x = x.astype("float64") if layer.casts_input else x
    label = type(layer).__name__
    config = layer.get_config()
    _check_config(layer, config)

    twin = _in_float64(layer, config, x.shape, rng)
    for training in modes:
        trial = _LayerTrial(twin, x, mask, training, rng, f"{label} (training={training})")
        trial.check_recording()
        trial.check_gradients(tolerance)
        trial.check_frozen()
        if not trial.is_random():
            trial.check_twice()
            if twin.shardable:
                trial.check_shards()

    single = type(layer).from_config(config)
    x32 = x.astype("float32") if x.dtype.kind == "f" else x
    step = Step(recording=True, batch_size=len(x))
    step.mask = None if mask is None else np.asarray(mask, bool)
    single.ensure_built((None, *x.shape[1:]))
    y, backward = single.apply(x32, step)
    assert y.dtype == np.float32, f"{label}: float32 inputs give an output of type {y.dtype}."
    dx = backward(np.ones_like(y)) if backward else None
    assert dx is None or dx.dtype == np.float32, f"{label}: dLoss/dx is {dx.dtype}, not float32."


def _check_config(layer: Layer, config: dict[str, Any]) -> None:
    label = type(layer).__name__
    json.dumps(config)  # TypeError if it is not JSON
    again = type(layer).from_config(config).get_config()
    assert again == config, f"{label}: from_config(config) has the config {again}, not {config}."


def _in_float64(layer: Layer, config: Any, shape: tuple[int, ...], rng: Any) -> Layer:
    """A copy with generic float64 weights, so that no gradient is zero by chance."""
    twin = type(layer).from_config({**config, "dtype": "float64"})
    for part in twin.walk():
        part.dtype = "float64"
    twin.ensure_built((None, *shape[1:]), rng)
    twin.compute_output_shape(shape)  # builds layers inside it that wait for their first call
    for weight in twin.weights:
        if weight.value.dtype == np.float32:
            weight.value = weight.value.astype("float64")
    if layer.built:
        twin.set_weights(layer.get_weights())
    for weight in twin.weights:
        if weight.trainable and weight.value.dtype.kind == "f":
            weight.assign(weight.value + 0.3 * rng.standard_normal(weight.shape))
    return twin


class _LayerTrial:
    """A layer, a batch, and a random direction in which its output is summed to a loss."""

    def __init__(
        self, layer: Layer, x: np.ndarray, mask: Any, training: bool, rng: Any, label: str
    ) -> None:
        self.layer, self.training, self.label = layer, training, label
        self.x = x.copy()
        self.x.flags.writeable = False
        self.mask = None if mask is None else np.asarray(mask, bool)
        self.learnt = layer.trainable_weights
        self.y = self.run(self.step(recording=False))[0]
        self.dy = rng.standard_normal(self.y.shape)
        self.dy.flags.writeable = False

    def step(self, recording: bool = True, **options: Any) -> Step:
        step = Step(
            training=self.training,
            recording=recording,
            **{"batch_size": len(self.x), "seed": 5, "counter": 1, **options},
        )
        if recording:
            step.grads = {w: np.zeros_like(w.value) for w in self.learnt}
        return step

    def run(self, step: Step, x: np.ndarray | None = None) -> tuple[np.ndarray, Any]:
        x = self.x if x is None else x
        step.mask = None if self.mask is None else self.mask[step.rows]
        return self.layer.apply(x, step)

    def loss(self) -> float:
        step = self.step(recording=False)
        y, _ = self.run(step)
        return float(np.sum(y * self.dy) + sum(step.losses))

    def check_recording(self) -> None:
        self.layer.compute_output_shape(self.x.shape)
        for promised in (
            self.layer.compute_output_shape(self.x.shape),
            self.layer.compute_output_shape((None, *self.x.shape[1:])),
        ):
            free = [n in (None, m) for n, m in zip(promised, self.y.shape, strict=False)]
            assert len(promised) == self.y.ndim == sum(free), (
                f"{self.label}: compute_output_shape says {promised}, the output has the shape "
                f"{self.y.shape}."
            )
        assert self.run(self.step(recording=False))[1] is None, (
            f"{self.label}: forward returns a backward function though step.recording is False."
        )
        y, backward = self.run(self.step())
        assert callable(backward), f"{self.label}: forward returns no backward function."
        _compare(f"{self.label}: the output when recording", y, self.y, 1e-12)

    def check_gradients(self, tolerance: float) -> None:
        step = self.step()
        _, backward = self.run(step)
        dx = backward(self.dy)
        if self.x.dtype.kind == "f":
            shape = getattr(dx, "shape", None)
            assert shape == self.x.shape, (
                f"{self.label}: backward returned an array of shape {shape} for an input of shape "
                f"{self.x.shape}."
            )
            expected = _differences(self.loss, self.x)
            _compare(f"{self.label}: dLoss/dx", dx, expected, tolerance)
        for weight in self.learnt:
            expected = _differences(self.loss, weight.value)
            _compare(
                f"{self.label}: gradient of {weight.name}", step.grads[weight], expected, tolerance
            )

    def check_frozen(self) -> None:
        step = self.step()
        step.grads = {}
        step.no_dx = frozenset([self.layer])
        _, backward = self.run(step)
        backward(self.dy)

    def check_twice(self) -> None:
        once, twice = self.step(), self.step()
        for step, times in (once, 1), (twice, 2):
            backwards = [self.run(step)[1] for _ in range(times)]
            for backward in backwards[::-1]:
                backward(self.dy)
        for weight in self.learnt:
            _compare(
                f"{self.label}: gradient of {weight.name} when the layer is used twice",
                twice.grads[weight],
                2 * once.grads[weight],
                1e-9,
            )

    def is_random(self) -> bool:
        other = self.step(recording=False, seed=6, counter=2)
        return not np.array_equal(self.run(other)[0], self.y)

    def check_shards(self) -> None:
        """Two threads with half the batch each, exchanging as in training."""
        whole = self.step()
        _, backward = self.run(whole)
        dx = backward(self.dy)
        cut = (len(self.x) + 1) // 2

        def shard(rows: slice, number: int, exchange: Any) -> Any:
            step = self.step(rows=rows, shard=number, exchange=exchange)
            y, back = self.run(step, self.x[rows])
            return y, back(self.dy[rows]), step

        parts = in_shards(shard, [slice(0, cut), slice(cut, len(self.x))])
        ys, dxs, steps = zip(*parts, strict=True)
        name = f"{self.label} in two shards"
        _compare(f"{name}: output", np.concatenate(ys), self.y, 1e-9)
        if dx is not None:
            _compare(f"{name}: dLoss/dx", np.concatenate(dxs), dx, 1e-9)
        for weight in self.learnt:
            total = sum(step.grads[weight] for step in steps)
            _compare(f"{name}: gradient of {weight.name}", total, whole.grads[weight], 1e-9)
        losses = [sum(step.losses) for step in steps]
        _compare(f"{name}: added losses", np.array(sum(losses)), np.array(sum(whole.losses)), 1e-9)
        for (weight, value, rows), (_, expected, _) in zip(
            steps[0].updates, whole.updates, strict=True
        ):
            if rows is None:
                _compare(f"{name}: new value of {weight.name}", value, expected, 1e-9)


def in_shards(run: Callable[[slice, int, Any], Any], parts: list[slice]) -> list[Any]:
    """Run ``run(rows, shard, exchange)`` for all parts in threads, as a training step does."""
    barrier = threading.Barrier(len(parts), timeout=30)
    values: list[Any] = [None] * len(parts)
    results: list[Any] = [None] * len(parts)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        def exchange(value: Any, combine: Callable[[list[Any]], Any]) -> Any:
            values[number] = value
            barrier.wait()
            combined = combine(list(values))
            barrier.wait()
            return combined

        try:
            results[number] = run(parts[number], number, exchange)
        except threading.BrokenBarrierError:
            pass
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def check_loss(
    loss: Loss,
    y_true: Any,
    y_pred: Any,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
    wraps_function: bool = False,
) -> None:
    """Prove that a loss's gradient is right and that it keeps the rules of `Loss`.

    Checked: the config round trip (not with ``wraps_function=True``, for losses made of a
    function); the gradient against central differences in float64; that nothing is written to
    the arguments; that ``loss(...)`` is the mean of what `forward` gives if the reduction says
    so; that an `additive` loss gives the same values for a batch cut in two; and that float32
    stays float32.

    Parameters
    ----------
    loss : Loss
        A built-in or custom loss.
    y_true, y_pred : array
        Targets and predictions of at least two samples, away from points where the loss has no
        derivative.
    tolerance : float
        Largest error of the gradient, relative to the largest true one if that is above 1.
    seed : int
        For the weights of the samples.

    Raises
    ------
    AssertionError
        Naming the loss, the property that fails, and by how much.

    Examples
    --------
    >>> from kerasish.losses import MeanSquaredError
    >>> check_loss(MeanSquaredError(), np.array([[1.0], [2.0]]), np.array([[1.5], [1.0]]))
    """
    label = type(loss).__name__
    if not wraps_function:
        config = loss.get_config()
        json.dumps(config)
        again = type(loss).from_config(config).get_config()
        assert again == config, f"{label}: from_config(config) has the config {again}."

    y_true, y_pred = np.array(y_true), np.array(y_pred, "float64")
    if y_true.dtype.kind == "f":
        y_true = y_true.astype("float64")
    y_true.flags.writeable = y_pred.flags.writeable = False
    values, backward = loss.forward(y_true, y_pred)
    values = np.asarray(values)
    weights = np.random.default_rng(seed).uniform(0.5, 2, values.shape)
    gradient = backward(weights)
    assert gradient.shape == y_pred.shape, (
        f"{label}: the gradient has the shape {gradient.shape}, y_pred {y_pred.shape}."
    )
    expected = _differences(
        lambda: float(np.sum(np.asarray(loss.forward(y_true, y_pred)[0]) * weights)), y_pred
    )
    _compare(f"{label}: dLoss/dy_pred", gradient, expected, tolerance)

    if loss.reduction in ("sum", "sum_over_batch_size"):
        reduce = np.sum if loss.reduction == "sum" else np.mean
        whole = np.asarray(loss(y_true, y_pred))
        _compare(f"{label}: the reduced loss", whole, np.asarray(reduce(values)), 1e-5)
    if loss.additive:
        cut = (len(y_pred) + 1) // 2
        halves = [slice(0, cut), slice(cut, None)]
        parts = [np.asarray(loss.forward(y_true[rows], y_pred[rows])[0]) for rows in halves]
        _compare(f"{label}: values of the batch in two parts", np.concatenate(parts), values, 1e-9)
    if y_true.dtype.kind == "f":
        y_true = y_true.astype("float32")
    single, backward = loss.forward(y_true, y_pred.astype("float32"))
    assert np.asarray(single).dtype == np.float32, f"{label}: float32 gives {single.dtype}."
    gradient = backward(np.ones_like(single))
    assert gradient.dtype == np.float32, f"{label}: the gradient is {gradient.dtype}, not float32."


def _differences(value: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """d value / d array by central differences, changing `array` in place and back."""
    gradient = np.zeros(array.shape)
    read_only = not array.flags.writeable
    array.flags.writeable = True
    try:
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + SMALL
            above = value()
            array[index] = before - SMALL
            below = value()
            array[index] = before
            gradient[index] = (above - below) / (2 * SMALL)
    finally:
        array.flags.writeable = not read_only
    return gradient


def _compare(what: str, found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert found.shape == expected.shape, (
        f"{what} has the shape {found.shape}, expected {expected.shape}."
    )
    if not expected.size:
        return
    error = np.abs(found - expected)
    scale = max(1.0, float(np.abs(expected).max()))
    worst = np.unravel_index(
        int(np.nanargmax(error)) if not np.isnan(error).all() else 0, error.shape
    )
    assert np.all(error <= tolerance * scale), (
        f"{what} is off by {error[worst]:.3g} at {tuple(int(i) for i in worst)}: found "
        f"{found[worst]:.8g}, expected {expected[worst]:.8g}."
    )
