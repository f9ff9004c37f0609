"""Losses: values and gradients against real Keras, gradients against differences, errors."""

import copy
import inspect
import json
import pathlib
import pickle
import warnings

import numpy as np
import pytest

from kerasish import activations, autodiff, losses, registry
from tests.golden import make_losses

GOLDEN = make_losses.load()
API = json.loads((pathlib.Path(__file__).parent / "golden" / "keras_api.json").read_text())
CASES = list(enumerate(make_losses.CASES))
IDS = [f"{i}-{name}-{kind}" for i, (name, _, kind, *_) in CASES]
# One of each (class, arguments, inputs), whatever the reduction, weights and mask are.
DISTINCT = sorted({str((c[0], {**c[1], "reduction": 0}, *c[2:4])): i for i, c in CASES}.values())
REFUSED: dict[str, str] = {}  # public symbols of keras.losses that are left out, with the reason
BUILT_IN = sorted(name for name, entry in API["losses"].items() if entry["kind"] == "class")


def case(index):
    name, arguments, *_ = make_losses.CASES[index]
    keys = ("y_true", "y_pred", "weights", "mask", "value", "gradient")
    return getattr(losses, name)(**arguments), [GOLDEN.get(f"{index}/{key}") for key in keys]


def reduced(loss, y_true, y_pred, weights=None, mask=None):
    """Value and gradient, the way a model computes them."""
    values, backward = loss.forward(y_true, y_pred)
    mask = loss.mask_of(y_true, values, mask)
    c = loss.coefficients(values.shape, weights, mask, dtype=y_pred.dtype)
    weighted = c * values
    return (weighted if loss.reduction in (None, "none") else np.sum(weighted)), backward(c)


def close(a, b):
    assert np.max(np.abs(a - b)) <= 1e-5 * max(1, np.max(np.abs(b)))


# --- against real Keras ---------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
def test_value_and_gradient_are_those_of_keras(index):
    loss, (y_true, y_pred, weights, mask, expected, gradient) = case(index)
    value, dy_pred = reduced(loss, y_true, y_pred, weights, mask)
    close(np.ravel(value), np.ravel(expected))
    close(dy_pred, gradient)
    assert dy_pred.dtype == y_pred.dtype
    assert dy_pred.shape == y_pred.shape
    if mask is None:
        standalone = loss(y_true, y_pred, weights)
        close(np.ravel(standalone.numpy()), np.ravel(expected))
        assert standalone.dtype == np.float32


@pytest.mark.parametrize("index", DISTINCT, ids=[IDS[i] for i in DISTINCT])
def test_gradient_is_that_of_differences(index):
    loss, (y_true, y_pred, *_) = case(index)
    y_pred = y_pred.astype("float64")
    values, backward = loss.forward(y_true, y_pred)
    dl = np.random.default_rng(index).normal(size=values.shape)
    found, h = backward(dl), 1e-6
    assert values.dtype == found.dtype == np.float64
    for i in np.ndindex(y_pred.shape):
        step = np.zeros_like(y_pred)
        step[i] = h
        up, down = (loss.forward(y_true, y_pred + s)[0] for s in (step, -step))
        expected = np.sum((up - down) * dl) / (2 * h)
        assert abs(found[i] - expected) <= 1e-5 * max(1, abs(expected), np.abs(found).max()), i


def test_circle_against_other_embeddings():
    index = next(i for i, c in CASES if c[0] == "Circle")
    y_true, y_pred = GOLDEN[f"{index}/y_true"], GOLDEN[f"{index}/y_pred"]
    refs = y_pred[::-1][:5].copy()
    close(
        losses.circle(y_true, y_pred, np.arange(5) % 3, refs, False, 5.0, 0.2),
        GOLDEN["circle/value"],
    )


def test_every_loss_has_a_case():
    known = [c for c in registry.known("loss").values() if isinstance(c, type)]
    ours = {c.__name__ for c in known if c.__module__.startswith("kerasish.")}
    bases = {"Loss", "LossFunctionWrapper", "Crossentropy"}  # the last chooses among the others
    assert ours - bases == {c[0] for c in make_losses.CASES}


@pytest.mark.parametrize("symbol", sorted(API["losses"]))
def test_every_symbol_and_argument_of_keras(symbol):
    if symbol in REFUSED:
        return
    entry = API["losses"][symbol]
    parameters = list(inspect.signature(getattr(losses, symbol)).parameters.values())
    assert symbol in losses.__all__
    assert [p.name for p in parameters] == [p[0] for p in entry["parameters"]]
    for parameter, (_, _, *default) in zip(parameters, entry["parameters"], strict=True):
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        assert parameter.default == (default[0] if default else parameter.empty)


@pytest.mark.parametrize("name", [n for n in BUILT_IN if n != "Loss"])
def test_functions_give_the_losses_of_their_class(name):
    index = next(i for i, c in CASES if c[0] == name)
    y_true, y_pred = GOLDEN[f"{index}/y_true"], GOLDEN[f"{index}/y_pred"]
    function = getattr(losses, registry.snake_case(name))
    given = function(y_true, y_pred, 0.5) if "Generalized" in name else function(y_true, y_pred)
    expected = getattr(losses, name)().forward(y_true, y_pred)[0]
    np.testing.assert_array_equal(given.numpy(), expected)
    assert function.loss_class is getattr(losses, name)
    assert pickle.loads(pickle.dumps(function)) is function


# --- clips and extremes ---------------------------------------------------------------------------


def test_nothing_is_learnt_where_a_probability_is_clipped():
    p = np.array([[0.0, 1.0], [0.25, 0.75]])
    y = np.array([[1.0, 0.0], [1.0, 0.0]])
    for loss in (
        losses.CategoricalCrossentropy(),
        losses.BinaryCrossentropy(),
        losses.KLDivergence(),
        losses.CategoricalFocalCrossentropy(),
    ):
        values, backward = loss.forward(y, p)
        gradient = backward(np.ones_like(values))
        assert np.isfinite(values).all(), loss
        assert gradient[0, 0] == 0, loss
        assert gradient[1, 0] < 0, loss
    values, backward = losses.SparseCategoricalCrossentropy().forward(np.array([0, 0]), p)
    assert not backward(np.ones(2))[0].any()
    log = losses.MeanSquaredLogarithmicError().forward(y, np.array([[-1.0, 2.0], [0.5, 0.5]]))
    assert log[1](np.ones(2))[0, 0] == 0


def test_float32_clip_is_that_of_keras():
    loss = losses.BinaryCrossentropy(reduction=None)
    found = loss([[0.0], [1.0]], [[1.0], [0.0]])
    np.testing.assert_allclose(found, [15.9424, 16.1181], rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "y_true"),
    [
        (losses.CategoricalCrossentropy(from_logits=True), np.array([[0.0, 1.0], [0.0, 1.0]])),
        (losses.SparseCategoricalCrossentropy(from_logits=True), np.array([1, 1])),
        (losses.BinaryCrossentropy(from_logits=True), np.array([[0.0, 1.0], [0.0, 1.0]])),
        (losses.LogCosh(), np.array([[0.0, 1.0], [0.0, 1.0]])),
    ],
)
def test_large_logits_overflow_nothing(loss, y_true):
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], "float32")
    values, backward = loss.forward(y_true, z)
    assert np.isfinite(values).all()
    assert np.isfinite(backward(np.ones_like(values))).all()


def test_zero_vectors_have_no_direction():
    values, backward = losses.CosineSimilarity().forward(np.ones((1, 2)), np.zeros((1, 2)))
    assert values == 0
    assert np.isfinite(backward(np.ones(1))).all()


def test_circle_without_neighbours_counts_nothing():
    loss = losses.Circle()
    y_pred = np.eye(3, dtype="float32")
    assert float(loss([0, 1, 2], y_pred)) == 0
    _, gradient = reduced(loss, np.array([0, 1, 2]), y_pred)
    assert not gradient.any()


def test_ctc_too_long_for_the_time_there_is():
    values, backward = losses.CTC().forward(np.array([[1, 1, 1]]), np.zeros((1, 3, 2), "float32"))
    assert np.isinf(values).all()
    assert not backward(np.ones(1)).any()


def test_ctc_counts_all_alignments():
    z = np.log(np.array([[[0.5, 0.3, 0.2], [0.6, 0.1, 0.3]]]))
    paths = 0.3 * 0.1 + 0.3 * 0.6 + 0.5 * 0.1  # "11", "1-", "-1"
    assert losses.CTC().forward(np.array([[1, 0]]), z)[0] == pytest.approx(-np.log(paths))


def test_no_input_is_changed():
    for index, (name, *_) in CASES:
        loss, (y_true, y_pred, *_) = case(index)
        before = y_true.copy(), y_pred.copy()
        values, backward = loss.forward(y_true, y_pred)
        first = backward(np.ones_like(values))
        np.testing.assert_array_equal(first, backward(np.ones_like(values)), err_msg=name)
        np.testing.assert_array_equal(y_true, before[0])
        np.testing.assert_array_equal(y_pred, before[1])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float64", "int8"])
def test_targets_of_any_number_type(dtype):
    y, p = np.array([[0, 1], [1, 0]]), np.array([[0.2, 0.7], [0.6, 0.1]], "float32")
    for loss in (losses.MeanSquaredError(), losses.BinaryCrossentropy(), losses.Hinge()):
        values = loss.forward(y.astype(dtype), p)[0]
        np.testing.assert_array_equal(values, loss.forward(y.astype("float32"), p)[0])
    labels = np.array([0, 1])
    if dtype != "bool":
        labels = labels.astype(dtype)
    assert losses.SparseCategoricalCrossentropy().forward(labels, p)[0].dtype == np.float32


# --- parts of a batch -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"]
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_parts_add_up_to_the_whole(reduction, weighted, masked):
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(7, 4, 3)), rng.normal(size=(7, 4, 3))
    weights = rng.uniform(size=(7, 4)) if weighted else None
    mask = rng.random((7, 4)) < 0.5 if masked else None
    loss = losses.MeanSquaredError(reduction=reduction, dtype="float64")
    whole, gradient = reduced(loss, y, p, weights, mask)
    parts = [slice(0, 3), slice(3, 7)]

    sums: list[float] = []

    def part(rows, all_sum):
        values, backward = loss.forward(y[rows], p[rows])
        c = loss.coefficients(
            values.shape,
            None if weights is None else weights[rows],
            None if mask is None else mask[rows],
            rows=(len(values), 7),
            all_sum=all_sum,
        )
        return np.sum(c * values), backward(c)

    for rows in parts:  # first what each part has to tell the others, then with the sum of it
        part(rows, lambda v: (sums.append(v), v)[1])
    results = [part(rows, lambda v: sum(sums)) for rows in parts]
    np.testing.assert_allclose(sum(v for v, _ in results), whole)
    np.testing.assert_allclose(np.concatenate([g for _, g in results]), gradient)


@pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
def test_additive_losses_see_each_sample_alone(index):
    loss, (y_true, y_pred, *_) = case(index)
    if not loss.additive or y_pred.ndim == 1:
        return
    values = loss.forward(y_true, y_pred)[0]
    parts = [loss.forward(y_true[s], y_pred[s])[0] for s in (slice(0, 2), slice(2, None))]
    np.testing.assert_allclose(np.concatenate(parts), values, rtol=1e-6)


def test_losses_whose_samples_see_each_other_are_not_additive():
    assert not losses.Dice().additive
    assert not losses.Dice(axis=(0, 1)).additive
    assert losses.Dice(axis=(1, 2, 3)).additive
    assert losses.Tversky(axis=[1, 2]).additive
    assert not losses.Circle().additive
    assert not losses.Hinge().additive


def test_weights_of_samples_spread_over_time():
    loss = losses.MeanSquaredError()
    c = loss.coefficients((2, 3), sample_weight=[1.0, 2.0])
    np.testing.assert_allclose(c, np.array([[1] * 3, [2] * 3]) / 6)
    c = loss.coefficients((2, 3), sample_weight=[1.0, 2.0], mask=[[1, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(c, np.array([[1, 1, 0], [2, 0, 0]]) / 3)


def test_nothing_that_counts_is_no_loss():
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum"):
        c = losses.MeanSquaredError(reduction=reduction).coefficients((2,), mask=[False, False])
        assert not c.any()


def test_scalar_losses_and_weights():
    p = np.array([[0.2, 0.7], [0.6, 0.1]])
    mean = losses.Dice()([[0, 1], [1, 0]], p)
    weighted = losses.Dice()([[0, 1], [1, 0]], p, sample_weight=[1.0, 3.0])
    np.testing.assert_allclose(weighted, 2 * mean, rtol=1e-6)


# --- users' own -----------------------------------------------------------------------------------


def rmse(y_true, y_pred):
    return np.sqrt(np.mean((y_true - y_pred) ** 2, axis=-1))


class OwnError(losses.Loss):
    def __init__(self, power=2, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def call(self, y_true, y_pred):
        return np.mean(np.abs(y_true - y_pred) ** self.power, axis=-1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


class Cubed(losses.Loss):
    def forward(self, y_true, y_pred):
        e = y_pred - y_true
        return np.mean(e**3, axis=-1), lambda dl: dl[:, None] * 3 * e**2 / e.shape[-1]


class Doubled(losses.MeanSquaredError):
    def call(self, y_true, y_pred):
        return 2 * super().call(y_true, y_pred)


Y, P = np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([[0.5, 0.5], [1.0, 1.0]], "float32")


def test_plain_function():
    loss = losses.as_loss(rmse)
    assert isinstance(loss, losses.LossFunctionWrapper)
    assert loss.name == "rmse"
    assert not loss.additive
    values, backward = loss.forward(Y, P)
    np.testing.assert_allclose(values, [0.5, 1.0])
    e = P - Y
    expected = e / (2 * values[:, None])
    np.testing.assert_allclose(backward(np.ones(2)), expected)
    assert backward(np.ones(2)).dtype == np.float32
    assert float(loss(Y, P)) == 0.75


def test_plain_function_gets_aligned_targets_in_floats():
    seen = []

    def look(y_true, y_pred):
        seen.append((y_true.shape, y_true.dtype.name))
        return np.mean((y_true - y_pred) ** 2, axis=-1)

    losses.as_loss(look).forward(np.array([1, 2]), np.zeros((2, 1), "float32"))
    losses.as_loss(look)([1, 2], np.zeros((2, 1)))
    assert seen == [((2, 1), "float32")] * 2


def test_subclass_with_call():
    loss = OwnError(power=2, name="own")
    reference = losses.MeanSquaredError()
    for a, b in zip(reduced(loss, Y, P), reduced(reference, Y, P), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert not loss.additive
    assert loss.get_config() == {"name": "own", "reduction": "sum_over_batch_size", "power": 2}
    assert OwnError.from_config(loss.get_config()).power == 2
    assert OwnError().name.startswith("own_error")
    config = losses.serialize(loss)
    assert losses.deserialize(config, custom_objects={"OwnError": OwnError}).power == 2


def test_subclass_with_forward():
    values, backward = Cubed().forward(Y, P)
    np.testing.assert_allclose(Cubed(reduction=None)(Y, P), values, rtol=1e-6)
    np.testing.assert_allclose(backward(np.ones(2)), 3 * (P - Y) ** 2 / 2)


def test_subclass_of_ours_with_call():
    loss = Doubled()
    value, gradient = reduced(loss, Y, P)
    expected, reference = reduced(losses.MeanSquaredError(), Y, P)
    assert value == 2 * expected
    np.testing.assert_allclose(gradient, 2 * reference)
    assert not loss.additive
    assert float(loss(Y, P)) == 2 * float(losses.MeanSquaredError()(Y, P))


def test_subclass_with_neither():
    class Empty(losses.Loss):
        pass

    for use in (Empty().forward, Empty()):
        with pytest.raises(TypeError, match=r"Empty defines neither call\(y_true, y_pred\) nor"):
            use(Y, P)


def test_ours_inside_a_custom_function():
    def mixed(y_true, y_pred):
        objects = losses.MeanSquaredError()(y_true, y_pred, sample_weight=[1.0, 2.0])
        return losses.mean_absolute_error(y_true, y_pred) + objects + np.sum(y_pred) * 0

    values, backward = losses.as_loss(mixed).forward(Y, P)
    assert values.shape == (2,)
    e = P - Y
    expected = np.sign(e) / 2 + 2 * e * np.array([[1.0], [2.0]]) / 2
    np.testing.assert_allclose(backward(np.ones(2)), expected, rtol=1e-6)


def test_wrapped_function_of_ours_keeps_its_own_backward(monkeypatch):
    monkeypatch.setattr(autodiff, "vjp", None)
    loss = losses.LossFunctionWrapper(losses.huber, name="h", delta=0.3)
    value, gradient = reduced(loss, Y, P)
    expected, reference = reduced(losses.Huber(delta=0.3), Y, P)
    assert value == expected
    np.testing.assert_array_equal(gradient, reference)
    assert loss.additive
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    assert again.fn is losses.huber
    assert float(again(Y, P)) == pytest.approx(float(expected))


# --- names and configs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", "mean_squared_error"),
        ("MSE", "mean_squared_error"),
        ("mae", "mean_absolute_error"),
        ("MAE", "mean_absolute_error"),
        ("mape", "mean_absolute_percentage_error"),
        ("MAPE", "mean_absolute_percentage_error"),
        ("msle", "mean_squared_logarithmic_error"),
        ("MSLE", "mean_squared_logarithmic_error"),
        ("bce", "binary_crossentropy"),
        ("BCE", "binary_crossentropy"),
        ("kld", "kl_divergence"),
        ("KLD", "kl_divergence"),
        ("logcosh", "log_cosh"),
        ("kullback_leibler_divergence", "kl_divergence"),
        ("hinge", "hinge"),
    ],
)
def test_names_of_functions(name, function):
    found = losses.get(name)
    assert found is getattr(losses, function)
    loss = losses.as_loss(name)
    assert type(loss) is found.loss_class
    assert loss.name == name


def test_what_get_takes():
    assert losses.get(None) is losses.as_loss(None) is None
    assert isinstance(losses.get("CategoricalCrossentropy"), losses.CategoricalCrossentropy)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    loss = losses.Huber(delta=2.0)
    assert losses.get(loss) is losses.as_loss(loss) is loss
    assert losses.get(rmse) is rmse
    identifier = {"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}}
    assert losses.get(identifier).from_logits
    assert losses.as_loss("Mean_Squared_Error").forward(Y, P)[0].shape == (2,)
    assert losses.deserialize("mse") is losses.mean_squared_error
    assert losses.serialize(losses.mean_squared_error) == "mean_squared_error"
    with pytest.raises(ValueError, match=r"loss identifier: 'mean_sqared_error'.*Did you mean"):
        losses.get("mean_sqared_error")
    with pytest.raises(ValueError, match="Could not interpret loss identifier: 3"):
        losses.get(3)


@pytest.mark.parametrize("name", [n for n in BUILT_IN if n != "Loss"])
def test_config_round_trip(name):
    index = next(i for i, c in CASES if c[0] == name)
    loss, (y_true, y_pred, *_) = case(index)
    config = losses.serialize(loss)
    assert config["module"] == "keras.losses"
    assert list(config["config"])[:2] == ["name", "reduction"]
    for twin in (
        losses.deserialize(json.loads(json.dumps(config))),
        pickle.loads(pickle.dumps(loss)),
        copy.deepcopy(loss),
    ):
        assert twin.get_config() == loss.get_config()
        assert float(twin(y_true, y_pred)) == float(loss(y_true, y_pred))


def test_options_survive_in_configs():
    for loss in (
        losses.Huber(delta=0.5),
        losses.CosineSimilarity(axis=1),
        losses.SparseCategoricalCrossentropy(ignore_class=3, axis=1),
        losses.Tversky(axis=(1, 2)),
        losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.9]),
    ):
        twin = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
        assert twin.get_config() == loss.get_config()


def test_positions_are_those_of_keras():
    assert losses.MeanSquaredError("sum", "m").reduction == "sum"
    assert losses.Huber(2.0, "sum").reduction == "sum"
    assert losses.Dice("sum", "d", 1).axis == 1
    assert losses.Tversky(0.1, 0.2, "sum", "t", (1, 2)).axis == (1, 2)
    assert losses.SparseCategoricalCrossentropy(True, 1, "sum", 1, "s").axis == 1
    with pytest.raises(TypeError, match=r"passed to Huber: \{'delt': 1\}. Did you mean 'delta'"):
        losses.Huber(delt=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'delt'"):
        losses.huber(Y, P, delt=1)
    with pytest.raises(TypeError, match="required argument: 'q'"):
        losses.categorical_generalized_cross_entropy([0, 1], P)


def test_crossentropy_by_shapes():
    loss = losses.as_loss("crossentropy")
    assert loss.name == "crossentropy"
    p = np.array([[0.2, 0.8], [0.5, 0.5]])
    sparse = loss([1, 0], p)
    assert float(sparse) == float(loss([[0, 1], [1, 0]], p))
    assert float(losses.as_loss("ce")([1, 0], p[:, :1])) == float(
        losses.BinaryCrossentropy()([1, 0], p[:, :1])
    )


@pytest.mark.parametrize("scale", [1, 20, 1000])
@pytest.mark.parametrize("loss", ["Sparse", "", "Binary"])
@pytest.mark.parametrize("shape", [(6, 4), (3, 2, 4)])
def test_the_output_of_the_head_spares_work_but_changes_no_number(loss, shape, scale):
    rng = np.random.default_rng(0)
    head = "sigmoid" if loss == "Binary" else "softmax"
    cls = losses.BinaryCrossentropy if head == "sigmoid" else None
    cls = cls or getattr(losses, f"{loss}CategoricalCrossentropy")
    from_logits = cls().logits_variant(head)
    z = (scale * rng.standard_normal(shape)).astype("float32")
    labels = rng.integers(0, shape[-1], shape[:-1])
    y_true = labels if loss == "Sparse" else np.eye(shape[-1], dtype="float32")[labels]
    p = np.array(getattr(activations, head)(z))
    values, backward = from_logits.from_head(y_true, z, p)
    expected, expected_backward = from_logits.forward(y_true, z)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    dl = rng.standard_normal(values.shape).astype("float32")
    np.testing.assert_allclose(backward(dl), expected_backward(dl), rtol=1e-5, atol=1e-6)


def test_logits_variant():
    for loss, head in (
        (losses.CategoricalCrossentropy(label_smoothing=0.1, name="a"), "softmax"),
        (losses.SparseCategoricalCrossentropy(ignore_class=2), "softmax"),
        (losses.BinaryCrossentropy(reduction="sum"), "sigmoid"),
    ):
        variant = loss.logits_variant(head)
        assert variant.from_logits
        assert not loss.from_logits
        assert {**variant.get_config(), "from_logits": False} == loss.get_config()
        assert loss.logits_variant("sigmoid" if head == "softmax" else "softmax") is None
        assert variant.logits_variant(head) is None
    assert losses.CategoricalCrossentropy(axis=1).logits_variant("softmax") is None
    assert losses.MeanSquaredError().logits_variant("softmax") is None

    class Own(losses.CategoricalCrossentropy):
        def call(self, y_true, y_pred):
            return super().call(y_true, y_pred) + 1

    assert Own().logits_variant("softmax") is None


def test_dtype():
    assert losses.MeanSquaredError().dtype == "float32"
    assert losses.MeanSquaredError(dtype="float64")(Y, P).dtype == np.float64
    assert losses.MeanSquaredError()(Y, P.astype("float64")).dtype == np.float32
    with pytest.raises(ValueError, match="`dtype` must be a float type"):
        losses.MeanSquaredError(dtype="int32")


# --- errors ---------------------------------------------------------------------------------------

LABELS, ONE_HOT = np.array([0, 1, 2]), np.eye(3)
PREDICTIONS = np.full((3, 3), 1 / 3, "float32")


@pytest.mark.parametrize(
    ("name", "y_true", "shape", "message"),
    [
        (
            "categorical_crossentropy",
            LABELS,
            (3, 3),
            r"categorical_crossentropy expects one-hot targets of shape \(3, 3\), but got targets "
            r"of shape \(3,\) and dtype int64.*loss='sparse_categorical_crossentropy'.*"
            r"to_categorical\(y, 3\)",
        ),
        ("categorical_crossentropy", LABELS[:, None], (3, 3), "sparse_categorical_crossentropy"),
        ("categorical_crossentropy", np.eye(3, 4), (3, 3), "Give the last layer 4 units"),
        ("categorical_focal_crossentropy", LABELS, (3, 3), "Convert the labels with"),
        ("categorical_hinge", LABELS, (3, 3), r"categorical_hinge expects one-hot.*to_categorical"),
        (
            "sparse_categorical_crossentropy",
            ONE_HOT,
            (3, 3),
            r"sparse_categorical_crossentropy expects integer labels of shape \(3,\), but got "
            r"targets of shape \(3, 3\), which look one-hot. Use loss='categorical_crossentropy'.*"
            r"argmax\(y, axis=-1\)",
        ),
        ("sparse_categorical_crossentropy", [0, 1, 3], (3, 3), "label 3, but .* 3 classes.*0 to 2"),
        ("sparse_categorical_crossentropy", [0, 1, 3], (3, 3), "subtract 1 .* give .* 4 units"),
        ("sparse_categorical_crossentropy", [0, 1, 9], (3, 3), "label 9, .*more units"),
        ("sparse_categorical_crossentropy", [0, 1, -1], (3, 3), r"label -1.*ignore_class=-1"),
        ("sparse_categorical_crossentropy", [0, 1, 1], (3, 1), "1 class .*binary_crossentropy"),
        ("sparse_categorical_crossentropy", np.zeros((3, 2)), (3, 3), "one label for each"),
        ("categorical_generalized_cross_entropy", [0, 1, 5], (3, 3), "label 5.*3 classes"),
        (
            "mean_squared_error",
            np.zeros(3),
            (3, 3),
            r"mean_squared_error expects targets of the predictions' shape \(3, 3\), but got "
            r"targets of shape \(3,\). Give the last layer 1 unit",
        ),
        ("mean_squared_error", np.zeros((3, 1)), (3, 3), "Give the last layer 1 unit"),
        ("mean_squared_error", np.zeros((3, 3)), (3, 1), "Give the last layer 3 units"),
        ("binary_crossentropy", np.zeros((3, 2)), (3, 3), "Give the last layer 2 units"),
        ("binary_crossentropy", np.zeros((4, 3)), (3, 3), "Reshape the targets"),
        ("ctc", np.zeros(3), (3, 4, 5), r"ctc expects targets of shape \(batch_size, max_length\)"),
        ("ctc", np.full((3, 2), 7), (3, 4, 5), "label 7.*5 classes"),
        ("circle", np.zeros((3, 2)), (3, 4), r"circle expects embeddings of shape \(N, D\)"),
    ],
)
def test_targets_that_do_not_fit(name, y_true, shape, message):
    loss = losses.as_loss(name)
    with pytest.raises(ValueError, match=message):
        loss.check_targets(y_true, shape)
    if name not in ("circle",):
        with pytest.raises(ValueError, match=loss.name):
            loss.forward(np.asarray(y_true), np.full(shape, 1 / 3, "float32"))


@pytest.mark.parametrize(
    ("name", "target_shape", "shape"),
    [
        ("mse", (3,), (3, 1)),
        ("mse", (3, 1), (3,)),
        ("mse", (3, 4), (3, 4, 1)),
        ("bce", (3,), (3, 1)),
        ("sparse_categorical_crossentropy", (3,), (3, 5)),
        ("sparse_categorical_crossentropy", (3, 1), (3, 5)),
        ("sparse_categorical_crossentropy", (3, 4), (3, 4, 5)),
        ("sparse_categorical_crossentropy", (3, 4, 1), (3, 4, 5)),
        ("categorical_crossentropy", (3, 5), (3, 5)),
        ("ctc", (3, 2), (3, 4, 5)),
        ("circle", (3,), (3, 5)),
    ],
)
def test_targets_that_fit(name, target_shape, shape):
    loss = losses.as_loss(name)
    loss.check_targets(target_shape, shape)
    loss.check_targets(np.zeros(target_shape), shape)
    values, backward = loss.forward(np.zeros(target_shape), np.full(shape, 0.4, "float32"))
    assert backward(np.ones_like(values)).shape == shape


def test_shapes_are_enough_for_a_check():
    with pytest.raises(ValueError, match="look like integer labels"):
        losses.CategoricalCrossentropy().check_targets((32,), (32, 10))
    with pytest.raises(ValueError, match="look one-hot"):
        losses.SparseCategoricalCrossentropy().check_targets((32, 10), (32, 10))


def test_targets_that_are_no_numbers():
    for name in ("mse", "sparse_categorical_crossentropy", "categorical_crossentropy"):
        with pytest.raises(TypeError, match=r"Targets must be numbers.*np\.unique"):
            losses.as_loss(name).check_targets(np.array(["cat", "dog"]), (2, 2))


def test_weights_that_do_not_fit():
    for bad in (np.ones(4), np.ones((3, 4))):
        with pytest.raises(ValueError, match=r"`sample_weight` of shape .* does not fit"):
            losses.MeanSquaredError()(np.zeros((3, 2)), np.zeros((3, 2)), sample_weight=bad)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.MeanSquaredError(reduction="avg"), "`reduction`: expected one of.*'avg'"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=1.5), r"must be in \[0, 1\].* got 1.5"),
        (lambda: losses.CategoricalCrossentropy(axis=True), "`axis` must be of type `int`"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), r"q must be in .* \(0, 1\)"),
        (lambda: losses.Huber(delta=-1.0), "`delta` must not be negative"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_old_reduction():
    assert losses.MeanSquaredError(reduction="auto").reduction == "sum_over_batch_size"


def test_one_class_warns():
    with pytest.warns(SyntaxWarning, match="needs at least 2 classes.*binary_crossentropy"):
        losses.CategoricalCrossentropy()([[1.0]], [[1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.CategoricalCrossentropy()([[1.0, 0.0]], [[0.5, 0.5]])
