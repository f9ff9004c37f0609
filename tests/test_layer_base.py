"""The base class: users' own layers, building, shapes, sublayers, weights."""

import numpy as np
import pytest

from kerasish import layers, registry
from kerasish.layers import Dense, Layer
from kerasish.step import Arena, Step, commit
from kerasish.testing import check_layer


class Split(Layer):
    """Keras's way of writing a layer."""

    def __init__(self, parts=2, **kwargs):
        super().__init__(**kwargs)
        self.parts = parts

    def build(self, input_shape):
        size = input_shape[-1] // self.parts
        self.kernels = [self.add_weight((size, 2), name=f"k{i}") for i in range(self.parts)]
        self.by_name = {"bias": self.add_weight((2,), "zeros", name="bias")}

    def call(self, inputs):
        parts = np.split(inputs, self.parts, axis=-1)
        return (
            sum(np.tanh(x @ k) for x, k in zip(parts, self.kernels, strict=True))
            + (self.by_name["bias"])
        )

    def get_config(self):
        return {**super().get_config(), "parts": self.parts}


def test_a_layer_by_call():
    pytest.importorskip("autograd")
    layer = Split(name="s")
    assert layer(np.ones((3, 4))).shape == (3, 2)
    assert [w.path for w in layer.weights] == ["s/k0", "s/k1", "s/bias"]
    assert layer.compute_output_shape((None, 4)) == (None, 2)
    assert not layer.shardable
    check_layer(layer, (3, 4))
    assert Split.from_config(layer.get_config()).parts == 2
    with pytest.raises(TypeError, match="Unrecognized keyword arguments passed to"):
        Split(foo=1)


def test_registered_layers_are_found_by_name():
    @registry.register(package="mine")
    class Twice(Layer):
        def forward(self, x, step):
            return 2 * x, (lambda dy: 2 * dy) if step.recording else None

    config = layers.serialize(Twice())
    assert config["registered_name"] == "mine>Twice"
    assert isinstance(layers.deserialize(config), Twice)
    check_layer(Twice(), (2, 3))


def test_a_layer_that_does_nothing_is_named():
    with pytest.raises(TypeError, match=r"Empty defines neither forward\(x, step\) nor call"):
        type("Empty", (Layer,), {})()(np.ones((2, 3)))


def test_output_shape_by_trial():
    class Pairs(Layer):
        def forward(self, x, step):
            return x[:, ::2, None], None

    assert Pairs().compute_output_shape((None, 5)) == (None, 3, 1)
    assert Pairs().compute_output_shape((7, 5)) == (7, 3, 1)


def test_sublayers():
    class Block(Layer):
        def __init__(self):
            super().__init__(name="block")
            self.first = Dense(2)
            self.rest = [Dense(3), Dense(1, use_bias=False)]

        def call(self, x):
            for layer in [self.first, *self.rest]:
                x = layer(x)
            return x

    block = Block()
    assert block(np.ones((4, 5))).shape == (4, 1)
    assert len(block.weights) == 5
    assert [layer.units for layer in block.sublayers] == [2, 3, 1]
    block.trainable = False
    assert not block.rest[1].trainable
    assert block.trainable_weights == []
    assert len(block.non_trainable_weights) == 5


def test_weights_without_a_size():
    class Wide(Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[1],), name="kernel")

    with pytest.raises(ValueError, match=r"cannot make the weight 'kernel' of shape \(None,\)"):
        Wide().ensure_built((None, None))


def test_an_initializer_of_the_user_need_not_know_rng():
    layer = Dense(2, kernel_initializer=lambda shape, dtype=None: np.full(shape, 2.0))
    assert layer(np.ones((1, 3))).tolist() == [[6.0, 6.0]]


def test_names_count_up():
    registry.clear_names()
    assert [Dense(1).name, Dense(1).name, layers.ReLU().name] == ["dense", "dense_1", "re_lu"]
    assert repr(Dense(1, name="d")) == "<Dense name=d, built=False>"
    with pytest.raises(AttributeError, match="Dense 'd' has no input shape yet"):
        _ = Dense(1, name="d").input_shape


def test_dtype_policies():
    policy = {"class_name": "DTypePolicy", "config": {"name": "float64"}}
    assert Dense(1, dtype=policy).dtype == "float64"
    assert Dense(1, dtype="mixed_float16").dtype == "float32"


# --- the step -----------------------------------------------------------------------------------


def test_arena_hands_memory_out_again():
    arena = Arena()
    first = arena.take((4, 3), np.float32)
    second = arena.take((2,), np.float64)
    assert not np.shares_memory(first, second)
    arena.restart()
    assert arena.take((4, 3), np.float32) is first
    assert arena.take((1,), np.float64).shape == (1,)
    arena.restart()
    assert arena.take((100,), np.float32).shape == (100,)


def test_gradients_accumulate_and_frozen_weights_are_skipped():
    layer = Dense(2)
    layer.ensure_built((None, 3))
    step = Step(recording=True, batch_size=4)
    step.grads = {layer.kernel: np.full((3, 2), np.nan, "float32")}
    x, dy = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    step.add_grad(layer.kernel, x, dy)
    step.add_grad(layer.kernel, x, dy)
    step.add_grad(layer.bias, dy)
    assert step.grads[layer.kernel].tolist() == [[8.0, 8.0]] * 3
    assert list(step.grads) == [layer.kernel]


def test_updates_wait_for_commit():
    layer = layers.BatchNormalization()
    layer.ensure_built((None, 2))
    mean = layer.moving_mean
    steps = [Step(batch_size=2, shard=i) for i in range(2)]
    for step in steps:
        step.update(mean, np.array([1.0, 2.0]))
        assert step.read(mean).tolist() == [1.0, 2.0]
    assert mean.value.tolist() == [0.0, 0.0]
    commit(steps)
    assert mean.value.tolist() == [1.0, 2.0]
    steps = [Step(batch_size=2, shard=i) for i in range(2)]
    for i, step in enumerate(steps):
        step.update(mean, np.array([5.0 + i]), slice(i, i + 1))
    commit(steps)
    assert mean.value.tolist() == [5.0, 6.0]


def test_a_restarted_step_forgets():
    step = Step(training=True, batch_size=2, arena=Arena())
    step.add_loss(1.0)
    step.mask = np.ones(2, bool)
    before = step.rng.random(3)
    step.restart(3, slice(0, 3), counter=1)
    assert (step.losses, step.mask, step.updates) == ([], None, [])
    assert not np.array_equal(step.rng.random(3), before)
    step.restart(3, slice(0, 3), counter=0)
    assert np.array_equal(step.rng.random(3), before)


class EverySecond(Layer):
    """Takes every second step, and its mask with it."""

    def call(self, inputs):
        return inputs[:, ::2]

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[:, ::2]


def test_the_mask_that_a_users_layer_computes_goes_on():
    pytest.importorskip("autograd")
    assert EverySecond.supports_masking
    mask = np.array([[True, True, False, True]])
    for recording in (False, True):
        step = Step(recording=recording, batch_size=1)
        step.mask = mask
        EverySecond().apply(np.ones((1, 4, 2), "float32"), step)
        assert step.mask.tolist() == [[True, False]]
