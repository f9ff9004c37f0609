"""`check_layer` and `check_loss` accept what is right and name what is wrong."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.layers import Dense, Layer
from kerasish.losses import Loss, MeanSquaredError
from kerasish.testing import check_layer, check_loss, in_shards

pytest.importorskip("autograd")


class Scaled(Layer):
    """A layer with its own backward pass, right or, by `fault`, wrong in one point."""

    fault = None
    supports_masking = True

    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        self.average = self.add_weight((), "zeros", trainable=False, name="average")

    def forward(self, x, step):
        fault, factor = self.fault, self.factor.value
        if fault == "writes to its input":
            x *= 1
        y = x * factor
        if step.training:
            y = y - (x.mean() if fault == "shards" else 0)
        if fault == "float64":
            y = y.astype("float64")
        if fault == "losses":
            step.add_loss(np.sum(x**2))

        def backward(dy):
            if fault == "writes to dy":
                dy *= 2
            if fault == "overwrites" and step.wants(self.factor):
                step.grads[self.factor][...] = (dy * x).sum(0)
            else:
                step.add_grad(self.factor, dy * x * (1.001 if fault == "weights" else 1))
            if fault == "shape":
                return dy[0]
            return dy * factor * (1.001 if fault == "inputs" else 1)

        return y, backward if step.recording or fault == "records" else None

    def compute_output_shape(self, input_shape):
        return (*input_shape, 1) if self.fault == "output shape" else input_shape

    def get_config(self):
        config = super().get_config()
        return {**config, "name": config["name"] + "x"} if self.fault == "config" else config


def faulty(fault):
    return type("Faulty", (Scaled,), {"fault": fault})(name="f")


def test_a_right_layer_passes():
    check_layer(faulty(None), (4, 3))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("inputs", "Faulty .training=False.: dLoss/dx is off by"),
        ("weights", "Faulty .training=False.: gradient of factor is off by"),
        ("overwrites", "gradient of factor when the layer is used twice is off by"),
        ("losses", "dLoss/dx is off by"),
        ("shape", r"backward returned an array of shape \(3,\) for an input of shape"),
        ("records", "returns a backward function though step.recording is False"),
        ("output shape", r"compute_output_shape says \(4, 3, 1\), the output has the shape"),
        ("config", "from_config.config. has the config"),
        ("float64", "float32 inputs give an output of type float64"),
    ],
)
def test_a_wrong_layer_is_named(fault, message):
    with pytest.raises(AssertionError, match=message):
        check_layer(faulty(fault), (4, 3))


def test_dependence_between_shards_is_found():
    class Centred(Layer):
        def forward(self, x, step):
            y = x - x.mean()
            return y, (lambda dy: dy - dy.mean()) if step.recording else None

    with pytest.raises(AssertionError, match="in two shards: output is off by"):
        check_layer(Centred(), (4, 3))
    Centred.shardable = False
    check_layer(Centred(), (4, 3))


@pytest.mark.parametrize("fault", ["writes to its input", "writes to dy"])
def test_writing_to_arguments_is_found(fault):
    with pytest.raises(ValueError, match="read-only"):
        check_layer(faulty(fault), (4, 3))


def test_layers_by_call():
    class Gated(Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], 2), name="kernel")

        def call(self, inputs, training=False):
            y = np.tanh(inputs @ self.kernel)
            self.add_loss(0.1 * np.sum(y**2))
            return y * 2 if training else y

    class Block(Layer):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense = Dense(units, activation="tanh")

        def call(self, inputs):
            return inputs[:, : self.units] + self.dense(inputs)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    check_layer(Gated(), (4, 3))
    check_layer(Block(), (4, 3))


def test_the_layer_is_left_as_it_is():
    layer = Dense(2)
    check_layer(layer, (3, 4))
    assert not layer.built
    layer(np.ones((1, 4)))
    before = layer.get_weights()
    check_layer(layer, np.random.default_rng(0).standard_normal((3, 4)))
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_exchange_in_shards():
    found = in_shards(lambda rows, i, exchange: exchange(i, tuple), [slice(0, 1)] * 3)
    assert found == [(0, 1, 2)] * 3
    with pytest.raises(ZeroDivisionError):
        in_shards(lambda rows, i, exchange: exchange(1 / i, sum), [slice(0, 1)] * 3)


class Squared(Loss):
    """A loss with its own backward pass; `wrong` is the factor of the gradient."""

    wrong = 1.0
    additive = True

    def forward(self, y_true, y_pred):
        d = y_pred - y_true
        return np.mean(d**2, axis=-1), lambda dl: self.wrong * dl[..., None] * d * (2 / d.shape[-1])


def test_check_loss():
    rng = np.random.default_rng(0)
    y, p = rng.standard_normal((4, 3)).astype("float32"), rng.standard_normal((4, 3))
    check_loss(MeanSquaredError(), y, p)
    check_loss(MeanSquaredError(reduction="sum"), y, p)
    check_loss(MeanSquaredError(reduction=None), y, p)
    check_loss(Squared(), y, p)
    with pytest.raises(AssertionError, match="Wrong: dLoss/dy_pred is off by"):
        check_loss(type("Wrong", (Squared,), {"wrong": 1.01})(), y, p)

    class Mixing(Squared):
        def forward(self, y_true, y_pred):
            values, backward = super().forward(y_true, y_pred)
            return values - values.mean(), lambda dl: backward(dl - dl.mean())

    with pytest.raises(AssertionError, match="Mixing: values of the batch in two parts"):
        check_loss(Mixing(), y, p)


def test_custom_losses():
    class RootMean(Loss):
        def call(self, y_true, y_pred):
            return np.sqrt(np.mean((y_true - y_pred) ** 2, axis=-1))

    check_loss(RootMean(), np.zeros((3, 2)), np.arange(6.0).reshape(3, 2) + 1)


def test_models_can_be_checked_as_layers():
    model = pytest.importorskip("kerasish.models").Sequential(
        [layers.Dense(3, activation="tanh"), layers.BatchNormalization(), layers.Dense(2)]
    )
    check_layer(model, (5, 4))
