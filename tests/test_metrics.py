import copy
import inspect
import itertools
import json
import pickle
import timeit
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kerasish import metrics, registry
from kerasish.metrics import Mean, MeanMetricWrapper, Metric, Sum, resolve
from kerasish.metrics.state import Variable
from kerasish.store import Array
from tests.golden.make_metrics import (
    BATCHES,
    CASES,
    EXTRA,
    FUNCTIONS,
    PATH,
    REQUIRED,
    SURFACE,
    VALUES,
    case_id,
    over_batches,
    weight_kind,
)

GOLDEN = dict(np.load(PATH))
KERAS = json.loads(SURFACE.read_text())
CLASSES = sorted(n for n, entry in KERAS.items() if "config" in entry and n != "Metric")
# Public names and arguments of keras.metrics that kerasish refuses, with the reason. None so far.
REFUSED: dict[str, str] = {}
# What kerasish takes beyond Keras.
BEYOND = {"Precision": ["average"], "Recall": ["average"]}
OURS = {"ConfusionMatrix", "is_classification", "resolve"}


def data(kind):
    return GOLDEN[f"data/{kind}/y_true"], GOLDEN[f"data/{kind}/y_pred"]


def agrees(ours, theirs):
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-5 * max(1, np.abs(theirs).max())


def make(name):
    needed = inspect.signature(getattr(metrics, name)).parameters
    given = {
        k: v for k, v in REQUIRED.items() if k in needed and needed[k].default is inspect._empty
    }
    if "fn" in needed:
        given["fn"] = metrics.mean_squared_error
    return getattr(metrics, name)(**given)


# --- agreement with Keras ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_results_over_uneven_batches_are_keras_s(case):
    name, kwargs, kind = case
    metric = getattr(metrics, name)(**kwargs)
    agrees(over_batches(metric, *data(kind)), GOLDEN[f"plain/{case_id(case)}"])
    which = weight_kind(name, kind)
    if which:
        metric.reset_state()
        weighted = over_batches(metric, *data(kind), GOLDEN[f"weights/{which}"])
        agrees(weighted, GOLDEN[f"weighted/{case_id(case)}"])


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("shape", "weight"), [("flat", "row"), ("steps", "row"), ("steps", "step")]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_mean_and_sum_of_values_are_keras_s(name, shape, weight, weighted):
    values = data(shape)[1] if shape == "flat" else data(shape)[1][..., 0]
    weights = GOLDEN[f"weights/{weight}"] if weighted else None
    metric = getattr(metrics, name)()
    for start, stop in itertools.pairwise(BATCHES):
        part = slice(start, stop)
        metric.update_state(values[part], None if weights is None else weights[part])
    agrees(metric.result(), GOLDEN[f"values/{name}-{shape}-{weight}-{weighted}"])


@pytest.mark.parametrize(("name", "kind"), FUNCTIONS)
def test_functions_are_keras_s(name, kind):
    ours = getattr(metrics, name)(*data(kind), **EXTRA.get(name, {}))
    agrees(ours, GOLDEN[f"functions/{name}-{kind}"])


def test_every_metric_has_a_golden_case():
    covered = {name for name, *_ in CASES} | set(VALUES) | {"MeanMetricWrapper"}
    assert covered == set(CLASSES)
    tested = {"ConfusionMatrix"}  # against scikit-learn, in test_metrics_classification.py
    ours = {c.__name__ for c in registry.known("metric").values() if isinstance(c, type)}
    assert {c for c in ours if hasattr(metrics, c)} == covered | tested


# --- the surface of keras.metrics ----------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(KERAS))
def test_public_names_arguments_order_and_defaults_are_keras_s(name):
    if name in REFUSED:
        assert not hasattr(metrics, name), REFUSED[name]
        return
    theirs = KERAS[name]["arguments"]
    parameters = inspect.signature(getattr(metrics, name)).parameters
    ours = {
        p.name: "-" if p.default is p.empty else repr(p.default)
        for p in parameters.values()
        if p.name not in BEYOND.get(name, []) and f"{name}.{p.name}" not in REFUSED
    }
    assert list(ours) == list(theirs)
    assert {k: v.replace("0.0", "0") for k, v in ours.items()} == {
        k: v.replace("0.0", "0") for k, v in theirs.items()
    }


def test_public_names_are_keras_s_and_ours():
    assert set(metrics.__all__) == (set(KERAS) - set(REFUSED)) | OURS
    assert set(dir(metrics)) == set(metrics.__all__)
    for name in metrics.__all__:
        assert callable(getattr(metrics, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = metrics.nothing


@pytest.mark.parametrize("name", CLASSES)
def test_config_state_and_direction_are_keras_s(name):
    registry.clear_names()
    metric, theirs = make(name), KERAS[name]
    assert metric.get_config() == theirs["config"]
    assert metric.direction == {"up": "max", "down": "min", None: None}[theirs["direction"]]
    if name not in ("MeanMetricWrapper", "R2Score"):  # theirs grows by the first batch
        assert [list(v.shape) for v in metric.variables] == [s for _, s in theirs["state"]]
    again = metrics.deserialize(theirs["serialized"])
    assert type(again) is type(metric)
    assert again.get_config() == theirs["config"]
    assert metrics.serialize(metric)["module"] == "keras.metrics"
    assert metrics.serialize(metric)["config"] == theirs["config"]


@pytest.mark.parametrize("name", CLASSES)
def test_unknown_arguments_are_named(name):
    with pytest.raises(TypeError, match=r"Unrecognized keyword arguments passed to \w+: {'nam'"):
        getattr(metrics, name)(nam="x") if name != "MeanMetricWrapper" else Mean(nam="x")


def test_old_arguments_are_hinted_at():
    with pytest.raises(TypeError, match=r"passed to AUC: .*Did you mean 'curve'"):
        metrics.AUC(kurve="PR")


def test_arguments_keras_leaves_out_of_configs_are_kept_when_set():
    assert metrics.CosineSimilarity(axis=1).get_config()["axis"] == 1
    assert "axis" not in metrics.CosineSimilarity().get_config()
    assert metrics.Precision(average=None).get_config()["average"] is None
    assert "average" not in metrics.Precision().get_config()
    again = metrics.Recall.from_config(metrics.Recall(average="macro").get_config())
    assert again.average == "macro"


# --- state, threads, copies ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(3) as executor:
        yield executor


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_parts_of_a_batch_add_up_in_threads(case, pool):
    name, kwargs, kind = case
    (y_true, y_pred), cls = data(kind), getattr(metrics, name)
    whole, parted = cls(**kwargs), cls(**kwargs)
    whole.update_state(y_true, y_pred)
    assert parted.additive
    cuts = [slice(0, 8), slice(8, 16), slice(16, None)]
    parts = list(pool.map(lambda s: parted.increments(y_true[s], y_pred[s]), cuts))
    assert all(not v.value.any() for v in parted.variables)
    for part in parts:
        parted.apply(part)
    np.testing.assert_allclose(parted.result(), whole.result(), rtol=1e-6)
    for ours, theirs in zip(parted.get_state(), whole.get_state(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c[2] in ("onehot", "real", "many", "ids")])
def test_state_can_be_reset_copied_pickled_and_put_back(case):
    name, kwargs, kind = case
    metric = getattr(metrics, name)(**kwargs)
    metric.update_state(*data(kind))
    before = np.array(metric.result())
    fresh = getattr(metrics, name)(**kwargs)
    fresh.set_state(metric.get_state())
    for other in (fresh, copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        np.testing.assert_array_equal(other.result(), before)
    metric.set_state(getattr(metrics, name)(**kwargs).get_state())
    assert all(not v.value.any() for v in metric.variables)
    fresh.reset_state()
    fresh.set_state(fresh.get_state())
    assert all(not v.value.any() for v in fresh.variables)


def test_results_are_arrays_with_numpy():
    metric = metrics.MeanSquaredError()
    result = metric([[0.0, 1.0]], [[0.0, 3.0]])
    assert isinstance(result, Array)
    assert type(result.numpy()) is np.ndarray
    assert result.dtype == np.float32
    assert float(result) == 2.0
    assert metrics.MeanSquaredError(dtype="float64")([[0.0]], [[1.0]]).dtype == np.float64


@pytest.mark.parametrize("name", [*CLASSES, "ConfusionMatrix"])
def test_results_before_any_batch_do_not_fail(name):
    result = make(name).result()
    assert np.isnan(result) if name == "R2Score" else not np.any(result)


def test_large_counts_stay_exact():
    metric = Sum(dtype="float64")
    metric.update_state([2.0**24])
    for _ in range(5):
        metric.update_state([1.0])
    assert float(metric.result()) == 2**24 + 5


def test_stateless_surface():
    metric = Mean()
    state = metric.stateless_update_state(metric.stateless_reset_state(), [1.0, 3.0])
    assert [float(s) for s in state] == [4.0, 2.0]
    assert float(metric.stateless_result(state)) == 2.0
    assert float(metric.result()) == 0.0
    with pytest.raises(ValueError, match="has 2 state variables but got 1"):
        metric.stateless_result([1.0])


def test_outputs_may_not_change_their_number():
    metric = metrics.F1Score()
    metric.update_state([[0, 1]], [[0.2, 0.8]])
    with pytest.raises(ValueError, match="has seen 2 outputs a sample but now got 3"):
        metric.update_state([[0, 1, 0]], [[0.2, 0.8, 0.0]])


# --- custom metrics ------------------------------------------------------------------------------


class Positives(Metric):
    def __init__(self, name="positives", factor=1, **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor
        self.total = self.add_weight(name="total", initializer="zeros")
        self.seen = self.add_variable(shape=(2,), initializer="zeros", name="seen")
        self.mean = Mean(name="inner")

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = np.asarray(y_pred) > 0
        if sample_weight is not None:
            values = values * np.asarray(sample_weight)
        self.total.assign_add(np.sum(values))
        self.seen.assign(self.seen + len(values))
        self.mean.update_state(values)

    def result(self):
        return self.factor * self.total / np.maximum(self.seen[0], 1)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_custom_metric():
    metric = Positives(factor=2)
    assert not metric.additive
    result = metric([0, 0], [1.0, -1.0])
    assert float(result) == 1.0
    assert result.numpy().shape == ()
    assert float(metric([0, 0], [1.0, 1.0], sample_weight=[0.5, 1.5])) == 1.5
    assert [v.name for v in metric.variables] == ["total", "seen", "total", "count"]
    assert metric.variables[0].path == "positives/total"
    assert metric.variables[0].dtype == "float32"
    metric.reset_state()
    assert float(metric.result()) == 0
    assert float(metric.mean.result()) == 0
    assert metric.get_config() == {"name": "positives", "dtype": "float32", "factor": 2}
    assert Positives.from_config(metric.get_config()).factor == 2
    assert float(pickle.loads(pickle.dumps(metric))([0], [1.0])) == 2.0


def test_custom_metric_on_top_of_ours_is_asked_itself():
    class FromScores(metrics.MeanIoU):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(y_true, np.argmax(y_pred, -1), sample_weight)

    metric = FromScores(num_classes=2, name="scores")
    assert not metric.additive
    assert float(metric([0, 1], [[0.9, 0.1], [0.3, 0.7]])) == pytest.approx(1, abs=1e-6)

    class Double(Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(2 * np.asarray(y_pred), sample_weight)

    double = Double(name="double")
    assert not double.additive
    assert float(double([0, 0], [1.0, 2.0])) == 3.0

    class OwnIncrements(Double):
        def increments(self, values, sample_weight=None):
            return super().increments(values, sample_weight)

    assert OwnIncrements().additive


def test_registered_custom_metric_is_found_by_name():
    registry.register(Positives)
    assert isinstance(metrics.get("Positives"), Positives)
    config = metrics.serialize(Positives(factor=3))
    assert config["registered_name"] == "Custom>Positives"
    assert metrics.deserialize(config).factor == 3
    with registry.custom_object_scope({"Other": Positives}):
        assert metrics.get("Other").name == "positives"


def test_custom_metric_without_its_parts():
    class NoSuper(Metric):
        def __init__(self):
            self.total = self.add_weight(name="total")

    with pytest.raises(RuntimeError, match=r"NoSuper: call super\(\).__init__\(\)"):
        NoSuper()
    with pytest.raises(TypeError, match="Metric must define update_state"):
        Metric().update_state([0], [0])
    with pytest.raises(TypeError, match="Metric must define result"):
        Metric().result()


def test_state_variables_take_arithmetic():
    v = Variable(np.zeros(3), name="v")
    v.assign_add([1, 2, 3])
    assert ((v + 1) * 2 - v).tolist() == [3, 4, 5]
    assert (np.array([2.0, 2, 2]) * v).tolist() == [2, 4, 6]
    assert (v > 1.5).tolist() == [False, True, True]
    same = v
    v += 1
    assert v is same
    assert v.numpy().tolist() == [2, 3, 4]
    assert v[1:].numpy().tolist() == [3, 4]
    assert np.sum(v) == 9
    assert v == v
    assert len({v, same}) == 1


def test_add_weight_takes_keras_2_s_order_and_shapes():
    metric = Metric(name="m")
    assert metric.add_weight("total").name == "total"
    assert metric.add_weight(shape=3, name="three").shape == (3,)
    assert metric.add_weight(shape=[2, 2], dtype="int32").dtype == "int32"
    with pytest.raises(ValueError, match="dtype must be a type name"):
        Metric(dtype="nothing")


# --- functions as metrics ------------------------------------------------------------------------


def distance(y_true, y_pred, power=1):
    return np.abs(y_true - y_pred) ** power


def test_plain_functions_get_weights():
    metric = MeanMetricWrapper(distance, power=2)
    assert metric.name.startswith("mean_metric_wrapper")
    assert not metric.additive
    assert metric.direction is None
    metric.update_state(np.array([0.0, 1.0]), np.array([3.0, 1.0]), sample_weight=[1, 2])
    assert float(metric.result()) == 3.0
    metric.update_state(np.zeros((2, 2)), np.array([[1.0, 3.0], [0, 0]]))
    assert float(metric.result()) == pytest.approx((9 + 5) / 5)
    config = metric.get_config()
    assert config["fn"]["config"] == "distance"
    assert config["power"] == 2
    with registry.custom_object_scope({"distance": distance}):
        assert MeanMetricWrapper.from_config(config)._fn is distance
    with pytest.raises(ValueError, match="Could not interpret metric identifier: 'distance'"):
        MeanMetricWrapper.from_config(config)
    with pytest.raises(TypeError, match="expects a function"):
        MeanMetricWrapper("mse")


def test_a_function_of_the_whole_batch_is_averaged_over_batches():
    metric = MeanMetricWrapper(lambda y, p: np.sqrt(np.mean((y - p) ** 2)), name="rmse")
    metric.update_state(np.zeros(4), np.ones(4))
    metric.update_state(np.zeros(2), np.full(2, 4.0))
    assert float(metric.result()) == 2.5
    with pytest.raises(ValueError, match=r"rmse got sample_weight of shape \(2,\)"):
        metric.update_state(np.zeros(2), np.ones(2), sample_weight=[1, 1])


def test_our_own_functions_are_additive_and_directed():
    assert MeanMetricWrapper(metrics.mean_squared_error).additive
    assert MeanMetricWrapper(metrics.mean_squared_error).direction == "min"
    assert MeanMetricWrapper(metrics.binary_accuracy).direction == "max"
    assert MeanMetricWrapper(metrics.binary_accuracy, threshold=0.9)([1], [0.8]) == 0


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("mse", "MeanSquaredError"),
        ("MSE", "MeanSquaredError"),
        ("mean_squared_error", "MeanSquaredError"),
        ("MeanSquaredError", "MeanSquaredError"),
        ("rmse", "RootMeanSquaredError"),
        ("AUC", "AUC"),
        ("auc", "AUC"),
        ("accuracy", "Accuracy"),
        ("f1_score", "F1Score"),
        ("mean_io_u", "MeanIoU"),
        ("bce", "BinaryCrossentropy"),
        ("kl_divergence", "KLDivergence"),
        ("cosine_similarity", "CosineSimilarity"),
        ("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"),
        ({"class_name": "Recall", "config": {"top_k": 2}}, "Recall"),
        ({"class_name": "Recall", "top_k": 2}, "Recall"),
        (metrics.AUC, "AUC"),
    ],
)
def test_get(identifier, cls):
    if identifier in ("mean_io_u",):
        with pytest.raises(TypeError, match="num_classes"):
            metrics.get(identifier)
        return
    assert type(metrics.get(identifier)).__name__ == cls


def test_get_returns_functions_objects_and_none():
    assert metrics.get(None) is None
    assert metrics.get(distance) is distance
    metric = Mean()
    assert metrics.get(metric) is metric
    assert metrics.get("huber") is metrics.huber
    assert metrics.deserialize("mse").name == "mean_squared_error"
    assert metrics.serialize(metrics.huber) == "huber"
    with pytest.raises(ValueError, match="Did you mean 'BinaryAccuracy'"):
        metrics.get("binary_acuracy")
    with pytest.raises(ValueError, match="Could not interpret metric identifier: 5"):
        metrics.get(5)


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "cls"),
    [
        ("accuracy", (None, 1), (None, 1), "BinaryAccuracy"),
        ("acc", (None,), (None, 1), "BinaryAccuracy"),
        ("accuracy", (8,), (8,), "BinaryAccuracy"),
        ("accuracy", (None,), (None, 10), "SparseCategoricalAccuracy"),
        ("Accuracy", (None, 1), (None, 10), "SparseCategoricalAccuracy"),
        ("accuracy", (None, 10), (None, 10), "CategoricalAccuracy"),
        ("acc", (None, 5), (None, 5, 10), "SparseCategoricalAccuracy"),
        ("crossentropy", (None, 1), (None, 1), "BinaryCrossentropy"),
        ("ce", (None,), (None, 10), "SparseCategoricalCrossentropy"),
        ("ce", (None, 10), (None, 10), "CategoricalCrossentropy"),
    ],
)
def test_accuracy_and_crossentropy_follow_the_shapes(name, y_true, y_pred, cls):
    metric = resolve(name, y_true, y_pred)
    assert type(metric).__name__ == cls
    assert metric.name == name


def test_resolve_names_metrics_as_their_log_keys():
    assert resolve("mse").name == "mse"
    assert resolve("AUC").name == "AUC"
    assert resolve(metrics.Recall(name="r")).name == "r"
    assert resolve({"class_name": "Recall", "config": {"name": "q"}}).name == "q"
    assert resolve(distance).name == "distance"
    assert resolve(lambda y, p: y).name == "lambda"
    assert resolve(metrics.BinaryAccuracy).name == "binary_accuracy"
    assert resolve("huber").name == "huber"
    with pytest.raises(ValueError, match="Expected a metric but got None"):
        resolve(None)
    with pytest.raises(ValueError, match="depends on the shapes"):
        resolve("accuracy")
    with pytest.raises(ValueError, match="Could not interpret metric identifier: 'acuracy'"):
        resolve("acuracy", (None,), (None, 3))


def test_resolve_with_the_loss():
    class Loss:
        from_logits = True
        name = "x"

    assert resolve("ce", (None,), (None, 3), Loss()).from_logits
    assert resolve("auto", (None,), (None, 3), "sparse_categorical_crossentropy").name == "accuracy"
    assert resolve("auto", (None, 1), (None, 1), "mse") is None
    for loss in ("bce", metrics.binary_focal_crossentropy, {"class_name": "CategoricalHinge"}):
        assert metrics.is_classification(loss)
    assert not metrics.is_classification(None)


# --- masks, shapes, mistakes ---------------------------------------------------------------------


def test_masks_come_as_weights():
    y, p = data("steps")
    mask = np.arange(5) < 3
    metric = metrics.SparseCategoricalAccuracy()
    assert metric.takes_mask
    metric.update_state(y, p, sample_weight=np.broadcast_to(mask, y.shape).astype(float))
    alone = metrics.SparseCategoricalAccuracy()(y[:, :3], p[:, :3])
    assert float(metric.result()) == pytest.approx(float(alone), rel=1e-6)
    takers = {n for n in [*CLASSES, "ConfusionMatrix"] if make(n).takes_mask}
    means = {n for n in CLASSES if issubclass(getattr(metrics, n), MeanMetricWrapper)}
    assert takers == means | {"RootMeanSquaredError", "ConfusionMatrix"}
    assert metrics.Precision(average="macro").takes_mask


def test_rows_and_columns_are_aligned_but_nothing_is_broadcast():
    y, p = np.array([0, 1, 1]), np.array([[0.2], [0.9], [0.4]])
    assert float(metrics.BinaryAccuracy()(y, p)) == pytest.approx(2 / 3)
    assert float(metrics.BinaryAccuracy()(y[:, None], p[:, 0])) == pytest.approx(2 / 3)
    assert float(metrics.RootMeanSquaredError()(y, y[:, None])) == 0
    for name in ("BinaryAccuracy", "Accuracy", "RootMeanSquaredError", "CosineSimilarity"):
        with pytest.raises(ValueError, match=f"{name} expects targets and predictions of the same"):
            make(name).update_state(np.zeros((4, 1)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="For integer labels use the sparse metric"):
        metrics.CategoricalAccuracy().update_state(y, np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"For one-hot targets use CategoricalAccuracy"):
        metrics.SparseCategoricalAccuracy().update_state(np.eye(3), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="as many targets as predictions"):
        metrics.AUC().update_state([0, 1], [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match=r"labels from 0 to 2, .* but got labels from 0 to 3"):
        metrics.SparseTopKCategoricalAccuracy(k=1).update_state([0, 3], np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"mse got sample_weight of shape \(2,\)"):
        metrics.MeanSquaredError(name="mse").update_state(np.eye(3), np.eye(3), [1, 2])
    with pytest.raises(ValueError, match=r"R2Score expects 2D inputs"):
        metrics.R2Score().update_state([0.0, 1.0], [0.0, 1.0])


def test_top_k_counts_ties_in_favour_and_nothing_that_is_not_finite():
    p = np.array([[0.5, 0.5, 0.1], [np.nan, 0.2, 0.1]], np.float32)
    assert metrics.sparse_top_k_categorical_accuracy([1, 0], p, k=1).tolist() == [1, 0]
    assert metrics.sparse_top_k_categorical_accuracy([2, 2], p, k=7).tolist() == [1, 1]


def test_r2_arguments():
    with pytest.raises(ValueError, match="class_aggregation=best"):
        metrics.R2Score(class_aggregation="best")
    with pytest.raises(ValueError, match="num_regressors=-1"):
        metrics.R2Score(num_regressors=-1)
    many = metrics.R2Score(num_regressors=9)
    many.update_state([[1.0], [2.0]], [[1.0], [2.5]])
    with pytest.warns(UserWarning, match="More independent predictors than datapoints"):
        assert float(many.result()) == pytest.approx(0.5)


def test_names_are_numbered():
    registry.clear_names()
    assert [metrics.AUC().name, metrics.AUC().name] == ["auc", "auc_1"]
    assert Mean().name == Mean().name == "mean"


def test_accuracy_of_a_batch_is_cheap():
    metric = metrics.SparseCategoricalAccuracy()
    y = np.arange(32) % 10
    p = np.random.default_rng(0).random((32, 10), np.float32)
    times = timeit.repeat(lambda: metric.increments(y, p), number=200, repeat=20)
    assert min(times) / 200 < 15e-6
