"""Inputs, masks, functions, activations and moves of axes in particular."""

import json

import numpy as np
import pytest

from kerasish import activations, layers, registry
from kerasish.layers import Activation, Dense, Flatten, Input, InputLayer, Lambda, Masking, Softmax
from kerasish.step import Step

# --- inputs -------------------------------------------------------------------------------------


def test_input_shapes():
    assert Input((3,)).batch_shape == (None, 3)
    assert Input((3, None), batch_size=4).batch_shape == (4, 3, None)
    assert Input(batch_shape=(None, 8)).batch_shape == (None, 8)
    assert Input(()).batch_shape == (None,)
    assert Input(shape=[28, 28], name="image").name == "image"
    assert InputLayer(input_shape=(3,)).batch_shape == (None, 3)
    assert InputLayer(input_shape=(3,), batch_size=2).batch_shape == (2, 3)
    assert InputLayer(batch_input_shape=(None, 3), sparse=False).batch_shape == (None, 3)
    assert Input((3,), dtype="uint8").dtype == "uint8"


def test_bad_inputs():
    with pytest.raises(ValueError, match="you must pass a `shape`"):
        Input()
    with pytest.raises(ValueError, match="not both"):
        Input((3,), batch_shape=(None, 3))
    with pytest.raises(ValueError, match="dense arrays only"):
        Input((3,), sparse=True)
    with pytest.raises(ValueError, match="`shape` must be a tuple of positive whole numbers"):
        Input((3, -1))


# --- Dense --------------------------------------------------------------------------------------


def test_dense():
    layer = Dense(2, "relu", kernel_initializer="ones", bias_initializer="ones", name="d")
    assert layer(np.array([[1.0, 2.0], [-3.0, 0.0]])).tolist() == [[4.0, 4.0], [0.0, 0.0]]
    assert [w.path for w in layer.weights] == ["d/kernel", "d/bias"]
    assert layer.input_shape == (None, 2)
    assert layer.output_shape == (None, 2)
    assert layer.count_params() == 6
    assert Dense(2, use_bias=False).use_bias is False


def test_what_dense_refuses():
    with pytest.raises(ValueError, match="Dense does not take `lora_rank`"):
        Dense(2, lora_rank=4)
    with pytest.raises(ValueError, match="does not take `quantization_config`"):
        Dense(2, quantization_config={"mode": "int8"})
    with pytest.raises(ValueError, match=r"identifier: 'rellu'.* Did you mean 'relu'"):
        Dense(2, activation="rellu")


def test_regularizers_and_constraints_reach_the_weights():
    layer = Dense(2, kernel_regularizer="l2", bias_regularizer="l1", kernel_constraint="non_neg")
    layer(np.ones((1, 3)))
    assert layer.kernel.regularizer is layer.kernel_regularizer
    assert layer.kernel.constraint is layer.kernel_constraint
    assert layer.bias.constraint is None
    assert len(layer.losses) == 2


def test_heads():
    assert Dense(2, activation="softmax").head == "softmax"
    assert Dense(2, activation="sigmoid").head == "sigmoid"
    assert Activation("softmax").head == "softmax"
    assert Softmax().head == "softmax"
    for layer in (Dense(2), Softmax(axis=1), Flatten(), Softmax(activity_regularizer="l2")):
        assert layer.head is None


@pytest.mark.parametrize("layer", [Softmax(), Activation("softmax")], ids=["Softmax", "Activation"])
def test_at_the_head_logits_are_left_in_the_step(layer):
    x = np.array([[1.0, 2.0]], "float32")
    step = Step(recording=True, batch_size=1)
    step.at_head = True
    y, backward = layer.apply(x, step)
    assert step.logits is x
    assert not step.at_head
    assert np.allclose(y, np.exp(x) / np.exp(x).sum())
    dy = np.array([[0.3, -0.3]], "float32")
    assert np.array_equal(backward(dy), dy)


# --- masks --------------------------------------------------------------------------------------


def test_masking():
    x = np.array([[[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]], "float32")
    step = Step(batch_size=1)
    y, _ = Masking().apply(x, step)
    assert step.mask.tolist() == [[True, False, True]]
    assert np.array_equal(y, x)
    assert Masking(2.0).compute_mask(np.full((1, 2, 3), 2.0)).tolist() == [[False, False]]


def test_nan_is_not_a_mask():
    x = np.array([[[np.nan, np.nan], [1.0, 1.0]]], "float32")
    assert np.isnan(Masking()(x)).any()


def test_masks_pass_through_layers_that_keep_the_shape():
    mask = np.array([[True, False]])
    for layer in (Dense(3), layers.ReLU(), layers.Dropout(0.5), layers.LayerNormalization()):
        step = Step(batch_size=1)
        step.mask = mask
        layer.ensure_built((None, 2, 3))
        layer.apply(np.ones((1, 2, 3), "float32"), step)
        assert step.mask is mask


def test_softmax_masks():
    x = np.array([[1.0, 2.0, 5.0, 1.0], [1.0, 1.0, 1.0, 1.0]], "float32")
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool)
    y = Softmax()(x, mask=mask)
    assert np.allclose(y, [[0.268941, 0.731059, 0, 0], [0, 0, 0, 0]], atol=1e-6)
    assert (Softmax()(x, mask=np.array([1, 0, 1, 1]))[:, 1] == 0).all()
    steps = np.array([[True, False], [True, True]])  # time steps of (N, T, D)
    y = Softmax()(np.ones((2, 2, 4)), mask=steps)
    assert np.allclose(y, 0.25)
    with pytest.raises(ValueError, match="must not have more dimensions"):
        Softmax()(x, mask=np.ones((1, 2, 4)))
    with pytest.raises(ValueError, match="broadcastable"):
        Softmax()(x[:1], mask=mask)


# --- activations --------------------------------------------------------------------------------


def test_activation_layers():
    assert Activation(activations.tanh).activation is activations.tanh
    assert Activation("swish").get_config()["activation"] == "silu"
    assert layers.LeakyReLU(0.2).negative_slope == 0.2
    assert layers.ReLU(max_value=0)(np.array([-1.0, 2.0])).tolist() == [0.0, 0.0]
    assert layers.ReLU(6)(np.array([-1.0, 9.0])).tolist() == [0.0, 6.0]
    y = layers.ReLU(8, 0.0, 5)(np.array([6.0, 7.0, 0.0, 5.0, 10.0]))
    assert y.tolist() == [6.0, 7.0, 0.0, 0.0, 8.0]


def test_activation_of_a_function_of_the_user():
    pytest.importorskip("autograd")
    y, backward = Activation(lambda x: x * x).apply(
        np.array([[3.0]]), Step(recording=True, batch_size=1)
    )
    assert y.tolist() == [[9.0]]
    assert backward(np.ones((1, 1))).tolist() == [[6.0]]


def test_bad_slopes():
    with pytest.raises(ValueError, match="max_value of a ReLU layer cannot be None or negative"):
        layers.ReLU(max_value=-1)
    with pytest.raises(ValueError, match="negative_slope of a ReLU layer cannot be None"):
        layers.ReLU(negative_slope=None)
    with pytest.raises(ValueError, match="threshold of a ReLU layer cannot be None"):
        layers.ReLU(threshold=-0.5)
    with pytest.raises(ValueError, match="negative_slope of a LeakyReLU layer cannot be None"):
        layers.LeakyReLU(-1)


def test_prelu_shapes():
    layer = layers.PReLU(shared_axes=1)
    layer(np.ones((2, 4, 3)))
    assert layer.alpha.shape == (1, 3)
    assert layer.get_config()["shared_axes"] == [1]
    with pytest.raises(ValueError, match=r"PReLU .* expects inputs of shape with the axes \[4\]"):
        layers.PReLU(shared_axes=[4])(np.ones((2, 4, 3, 2)))


# --- reshaping ----------------------------------------------------------------------------------


def test_flatten_and_reshape_share_memory():
    x = np.ones((2, 3, 4), "float32")
    step = Step(batch_size=2)
    assert np.shares_memory(Flatten().apply(x, step)[0], x)
    assert np.shares_memory(layers.Reshape((12,)).apply(x, step)[0], x)
    assert Flatten().apply(x[:0], step)[0].shape == (0, 12)


def test_shapes_with_unknown_axes():
    assert Flatten().compute_output_shape((None, None, 3)) == (None, None)
    assert Flatten().compute_output_shape((None,)) == (None, 1)
    assert layers.Reshape((-1, 2)).compute_output_shape((None, None, 4)) == (None, None, 2)
    assert layers.Permute((2, 1)).compute_output_shape((None, None, 4)) == (None, 4, None)
    assert layers.RepeatVector(3).compute_output_shape((None, 4)) == (None, 3, 4)


def test_bad_shapes():
    with pytest.raises(ValueError, match=r"A sample has 6 elements, .* target_shape=\(4, -1\)"):
        layers.Reshape((4, -1))(np.ones((2, 6)))
    with pytest.raises(ValueError, match=r"Reshape 'r' expects inputs of shape with 4 elements"):
        layers.Reshape((4,), name="r")(np.ones((2, 6)))
    with pytest.raises(ValueError, match="`target_shape` must hold whole numbers"):
        layers.Reshape((-1, -1))
    with pytest.raises(ValueError, match="`dims` must name the axes 1 to 2 once each"):
        layers.Permute((0, 1))
    with pytest.raises(ValueError, match=r"`dims` names 2 axes"):
        layers.Permute((2, 1))(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"RepeatVector .* expects inputs of shape \(N, features"):
        layers.RepeatVector(2)(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="`n` must be a positive whole number"):
        layers.RepeatVector(0)
    with pytest.raises(ValueError, match="`data_format` must be"):
        Flatten(data_format="first")


# --- Lambda -------------------------------------------------------------------------------------


def double(x):
    return 2 * x


def test_lambda():
    layer = Lambda(double)
    assert layer(np.ones((1, 2))).tolist() == [[2.0, 2.0]]
    assert layer.compute_output_shape((None, 5)) == (None, 5)
    assert Lambda(lambda x: np.log(x).sum(-1)).compute_output_shape((None, 5)) == (None,)
    assert Lambda(double, output_shape=(7,)).compute_output_shape((None, 5)) == (None, 7)
    assert Lambda(double, output_shape=lambda s: s[:1]).compute_output_shape((3, 5)) == (3,)
    scaled = Lambda(lambda x, by, training: x * (by if training else 1), arguments={"by": 3})
    assert scaled(np.ones((1, 1)), training=True).item() == 3
    assert scaled(np.ones((1, 1))).item() == 1
    assert not layer.shardable
    with pytest.raises(TypeError, match="`function` must be a function of arrays"):
        Lambda("double")


def test_masks_of_lambda():
    mask = np.array([[True, False]])

    def run(layer):
        step = Step(batch_size=1)
        step.mask = mask
        y, _ = layer.apply(np.ones((1, 2, 3)), step)
        return y, step.mask

    assert run(Lambda(double, mask=lambda x, m: ~m))[1].tolist() == [[False, True]]
    assert run(Lambda(double, mask=mask))[1] is mask
    y, left = run(Lambda(lambda x, mask: x * mask[..., None]))
    assert y.sum() == 3
    assert left is None
    with pytest.warns(UserWarning, match="does not support masks"):
        assert run(Lambda(double))[1] is None


def test_lambda_is_never_loaded_from_code():
    layer = Lambda(double, name="twice")
    config = layer.get_config()
    assert Lambda.from_config(config).function is double  # within the process
    stored = json.loads(json.dumps(layers.serialize(layer)))
    assert stored["config"]["function"] == {
        "module": "builtins",
        "class_name": "function",
        "config": "double",
        "registered_name": "function",
    }
    with pytest.raises(ValueError, match="Lambda 'twice' needs its function 'double', and code is"):
        layers.deserialize(stored)
    assert layers.deserialize(stored, {"double": double}).function is double
    with registry.custom_object_scope({"double": double}):
        assert layers.deserialize(stored).function is double
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    with pytest.raises(ValueError, match="code is never taken from a config or file"):
        Lambda.from_config({"name": "evil", "function": code, "arguments": {}})


def test_lambda_with_a_gradient():
    pytest.importorskip("autograd")
    layer = Lambda(lambda x: np.exp(x).sum(axis=1, keepdims=True))
    y, backward = layer.apply(np.zeros((2, 3)), Step(recording=True, batch_size=2))
    assert y.tolist() == [[3.0], [3.0]]
    assert backward(np.ones((2, 1))).tolist() == [[1.0] * 3] * 2
