"""Metrics of classes: averages as in scikit-learn, integer targets, AUC, IoU, what they refuse."""

import numpy as np
import pytest
from sklearn import metrics as sk

from kerasish.metrics import (
    AUC,
    BinaryIoU,
    ConfusionMatrix,
    F1Score,
    FBetaScore,
    IoU,
    MeanIoU,
    OneHotMeanIoU,
    Precision,
    PrecisionAtRecall,
    Recall,
    SensitivityAtSpecificity,
    SparseCategoricalCrossentropy,
    TruePositives,
)

RNG = np.random.default_rng(3)
N, C = 157, 5
LABELS = RNG.choice(C, N, p=[0.4, 0.3, 0.15, 0.1, 0.05])
P = RNG.random((N, C)).astype(np.float32) + 0.6 * np.eye(C, dtype=np.float32)[LABELS]
P /= P.sum(-1, keepdims=True)
GUESS = P.argmax(-1)
WEIGHTS = RNG.random(N)
FORMS = {
    "integers": LABELS,
    "column": LABELS[:, None],
    "floats": LABELS.astype(np.float32),
    "onehot": np.eye(C, dtype=np.float32)[LABELS],
}
SK = {Precision: sk.precision_score, Recall: sk.recall_score}


def run(metric, y_true, y_pred, batch=None, weight=None):
    for start in range(0, len(y_pred), batch or len(y_pred)):
        part = slice(start, start + (batch or len(y_pred)))
        metric.update_state(y_true[part], y_pred[part], None if weight is None else weight[part])
    return metric.result()


# --- average= ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [Precision, Recall])
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize(
    ("form", "batch"), [(form, 32) for form in FORMS] + [("integers", n) for n in (1, 7, N)]
)
def test_average_is_scikit_learn_s_at_any_batch_size(cls, average, form, batch):
    result = run(cls(average=average), FORMS[form], P, batch)
    expected = SK[cls](LABELS, GUESS, average=average, zero_division=0)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert result.shape == ((C,) if average is None else ())


@pytest.mark.parametrize("cls", [Precision, Recall])
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_average_with_sample_weights(cls, average):
    result = run(cls(average=average), LABELS, P, 10, WEIGHTS)
    expected = SK[cls](LABELS, GUESS, average=average, sample_weight=WEIGHTS, zero_division=0)
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("cls", [Precision, Recall])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_average_of_classes_that_do_not_all_occur(cls, average):
    y, p = np.array([0, 0, 3, 3]), np.eye(5)[[0, 1, 3, 3]]
    expected = SK[cls](y, p.argmax(-1), average=average, zero_division=0)
    assert float(cls(average=average)(y, p)) == pytest.approx(expected)


@pytest.mark.parametrize("cls", [Precision, Recall])
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("shape", ["column", "flat"])
@pytest.mark.parametrize("targets", ["flat", "column", "onehot"])
def test_average_of_a_single_column_means_two_classes(cls, average, shape, targets):
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 40)
    p = np.clip(rng.random(40) * 0.7 + 0.3 * y, 0, 1).astype(np.float32)
    expected = SK[cls](y, p > 0.5, average=average, zero_division=0)
    given = {"flat": y, "column": y[:, None], "onehot": np.eye(2)[y]}[targets]
    result = run(cls(average=average), given, p if shape == "flat" else p[:, None], 7)
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("cls", [Precision, Recall])
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_average_of_class_numbers_grows_with_the_batches(cls, average):
    order = np.argsort(LABELS, kind="stable")
    y, guess = LABELS[order], GUESS[order]
    metric = cls(average=average)
    expected = SK[cls](y, guess, average=average, zero_division=0)
    np.testing.assert_allclose(run(metric, y, guess, 9), expected, atol=1e-6)
    restored = cls(average=average)
    restored.set_state(metric.get_state())
    np.testing.assert_array_equal(restored.result(), metric.result())
    metric.reset_state()
    assert metric.result().shape == ((0,) if average is None else ())


def test_average_by_time_step():
    rng = np.random.default_rng(6)
    y = rng.integers(0, 3, (6, 4))
    p = rng.random((6, 4, 3))
    w = rng.random(6)
    expected = sk.recall_score(
        y.ravel(),
        p.argmax(-1).ravel(),
        average="macro",
        sample_weight=np.repeat(w, 4),
        zero_division=0,
    )
    for targets in (y, y[..., None], np.eye(3)[y]):
        metric = Recall(average="macro")
        metric.update_state(targets, p, sample_weight=w)
        assert float(metric.result()) == pytest.approx(expected)


def test_without_average_entries_count_one_by_one():
    onehot = FORMS["onehot"]
    chosen = P > 0.5
    expected = (chosen * onehot).sum() / chosen.sum()
    assert float(Precision()(onehot, P)) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"average='macro'.*to_categorical\(y_true\)"):
        Precision()(LABELS, P)


def test_average_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match=r"average to be None, 'micro'.*Received: average=binary"):
        Precision(average="binary")
    for more in ({"thresholds": 0.4}, {"top_k": 2}, {"class_id": 0}):
        with pytest.raises(ValueError, match="takes no thresholds, top_k or class_id"):
            Recall(average="macro", **more)
    metric = Precision(average="macro")
    with pytest.raises(ValueError, match=r"targets to be classes from 0 to 2 .* from 0 to 3"):
        metric.update_state([0, 3], np.eye(3)[:2])
    with pytest.raises(ValueError, match=r"from 0 to 1 but got values from 0 to 2"):
        metric.update_state([0, 2], [[0.1], [0.7]])
    with pytest.raises(ValueError, match=r"targets of shape \(2,\) or \(2, 3\).*shape \(2, 4\)"):
        metric.update_state(np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"whole numbers or one-hot rows"):
        metric.update_state([0.5, 1.0], np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"Precision got sample_weight of shape \(3,\)"):
        metric.update_state([0, 1], np.zeros((2, 3)), sample_weight=[1, 2, 3])


# --- the confusion matrix ------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "batch"), [*((form, 13) for form in FORMS), ("integers", 1)])
def test_confusion_matrix_is_scikit_learn_s(form, batch):
    expected = sk.confusion_matrix(LABELS, GUESS)
    np.testing.assert_array_equal(run(ConfusionMatrix(), FORMS[form], P, batch), expected)
    metric = ConfusionMatrix(num_classes=C)
    np.testing.assert_array_equal(run(metric, FORMS[form], P, batch), expected)
    weighted = sk.confusion_matrix(LABELS, GUESS, sample_weight=WEIGHTS)
    np.testing.assert_allclose(
        run(ConfusionMatrix(), FORMS[form], P, batch, WEIGHTS), weighted, rtol=1e-5
    )


def test_confusion_matrix_of_class_numbers_and_of_one_column():
    order = np.argsort(GUESS)
    metric = ConfusionMatrix()
    assert metric.result().shape == (0, 0)
    result = run(metric, LABELS[order], GUESS[order], 10)
    np.testing.assert_array_equal(result, sk.confusion_matrix(LABELS, GUESS))
    metric.reset_state()
    assert metric.result().shape == (0, 0)
    metric.update_state([0, 1, 1], [[0.2], [0.4], [0.8]])
    assert metric.result().tolist() == [[1, 0], [1, 1]]
    maps = ConfusionMatrix(num_classes=3)
    maps.update_state([[0, 1], [2, 2]], np.array([[0, 1], [1, 2]]))
    assert maps.result().tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    maps.reset_state()
    assert maps.result().shape == (3, 3)
    assert maps.get_config()["num_classes"] == 3


def test_confusion_matrix_refuses():
    with pytest.raises(ValueError, match="num_classes to be a positive number or None"):
        ConfusionMatrix(num_classes=0)
    with pytest.raises(ValueError, match=r"made for 3 classes but got predictions of shape"):
        ConfusionMatrix(num_classes=3).update_state([0, 1], np.eye(2))
    with pytest.raises(ValueError, match=r"predictions to be classes from 0 up but got .* -1"):
        ConfusionMatrix().update_state([0, 1], np.array([-1, 0]))


# --- F scores ------------------------------------------------------------------------------------


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize(("form", "batch"), [*((form, 11) for form in FORMS), ("integers", N)])
def test_f_scores_take_integers_and_agree_with_scikit_learn(average, form, batch):
    f1 = sk.f1_score(LABELS, GUESS, average=average, zero_division=0)
    np.testing.assert_allclose(run(F1Score(average=average), FORMS[form], P, batch), f1, atol=1e-6)
    f2 = sk.fbeta_score(LABELS, GUESS, beta=2.0, average=average, zero_division=0)
    metric = FBetaScore(beta=2.0, average=average)
    np.testing.assert_allclose(run(metric, FORMS[form], P, batch), f2, atol=1e-6)


def test_f_scores_of_one_column():
    y, p = np.array([0, 1, 1, 0]), np.array([[0.2], [0.9], [0.4], [0.7]])
    expected = sk.f1_score(y, p[:, 0] > 0.5)
    for targets in (y, y[:, None]):
        assert float(F1Score(threshold=0.5)(targets, p)[0]) == pytest.approx(expected, abs=1e-6)


def test_f_scores_refuse():
    for kwargs, words in (
        ({"average": "binary"}, "Invalid `average` argument value"),
        ({"beta": 2}, "Invalid `beta` argument value. It should be a Python float"),
        ({"beta": -1.0}, "Invalid `beta` argument value. It should be > 0"),
        ({"threshold": 1}, "Invalid `threshold` argument value. It should be a Python float"),
        ({"threshold": 2.0}, "0 < threshold <= 1"),
    ):
        with pytest.raises(ValueError, match=words):
            FBetaScore(**kwargs)
    with pytest.raises(ValueError, match="F1Score expects 2D inputs"):
        F1Score().update_state([0, 1], [0.3, 0.6])
    with pytest.raises(ValueError, match=r"integer labels from 0 to 2.* from 0 to 3"):
        F1Score().update_state([0, 3], np.zeros((2, 3)))


# --- counts, rates, areas ------------------------------------------------------------------------


def test_auc_is_near_the_exact_area():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 500)
    p = np.clip(rng.normal(0.4 + 0.2 * y, 0.15), 0, 1)
    assert float(AUC(1000)(y, p)) == pytest.approx(sk.roc_auc_score(y, p), abs=2e-3)
    coarse = np.round(p, 1)
    assert float(AUC(1000)(y, coarse)) == pytest.approx(sk.roc_auc_score(y, coarse), abs=2e-3)
    pr = AUC(1000, curve="PR")
    assert float(run(pr, y, p, 33)) == pytest.approx(sk.average_precision_score(y, p), abs=2e-2)


def test_auc_arguments():
    metric = AUC(thresholds=[0.7, 0.2], curve="pr", summation_method="Minoring")
    assert metric.num_thresholds == 4
    assert metric.thresholds == [-1e-7, 0.2, 0.7, 1 + 1e-7]
    config = metric.get_config()
    assert config["thresholds"] == [0.2, 0.7]
    assert (config["curve"], config["summation_method"]) == ("PR", "minoring")
    assert AUC.from_config(config).thresholds == metric.thresholds
    for kwargs, words in (
        ({"curve": "LIFT"}, 'Invalid AUC curve value: "LIFT"'),
        ({"summation_method": "no"}, 'Invalid AUC summation method value: "no"'),
        ({"num_thresholds": 1}, "must be an integer > 1. Received: num_thresholds=1"),
        ({"num_labels": 3}, "needed only when `multi_label` is True"),
    ):
        with pytest.raises(ValueError, match=words):
            AUC(**kwargs)
    with pytest.raises(ValueError, match="must have rank 2 when `multi_label=True`"):
        AUC(multi_label=True).update_state([0, 1], [0.2, 0.4])


def test_by_hand_at_the_thresholds_themselves():
    y, p = [1, 0, 1, 0], [0.5, 0.5, 1.0, 0.0]
    assert float(TruePositives()(y, p)) == 1  # above, not at
    assert TruePositives(thresholds=[1.0, 0.0])(y, p).tolist() == [0, 2]
    assert float(TruePositives()([1, 1], [np.nan, 0.9])) == 1


def test_threshold_metrics_refuse():
    with pytest.raises(ValueError, match=r"Threshold values must be in \[0, 1\]. Received: \[1.5"):
        Precision(thresholds=[0.5, 1.5])
    with pytest.raises(ValueError, match=r"class_id from 0 to 4.*class_id=5"):
        Precision(class_id=5)(FORMS["onehot"], P)
    with pytest.raises(ValueError, match="class_id is provided, y_pred must be a 2D array"):
        Recall(class_id=0)([0, 1], [0.2, 0.4])
    with pytest.raises(ValueError, match="top_k from 1 to the number of classes, 5"):
        Recall(top_k=6)(FORMS["onehot"], P)
    with pytest.raises(ValueError, match=r"`specificity` must be in the range \[0, 1\]"):
        SensitivityAtSpecificity(1.2)
    with pytest.raises(ValueError, match="`num_thresholds` must be an integer > 0"):
        PrecisionAtRecall(0.5, num_thresholds=0)


# --- intersection over union ---------------------------------------------------------------------


def test_iou_is_scikit_learn_s_jaccard_score():
    expected = sk.jaccard_score(LABELS, GUESS, average=None)
    assert float(run(MeanIoU(C), LABELS, GUESS, 9)) == pytest.approx(expected.mean(), abs=1e-5)
    assert float(run(IoU(C, [1, 3]), LABELS, GUESS, 9)) == pytest.approx(
        expected[[1, 3]].mean(), abs=1e-5
    )
    onehot = OneHotMeanIoU(C)
    assert float(run(onehot, FORMS["onehot"], P, 9)) == pytest.approx(expected.mean(), abs=1e-5)


def test_iou_weights():
    metric = MeanIoU(2)
    with pytest.warns(UserWarning, match="cuts weights off to whole numbers"):
        metric.update_state([0, 1], [0, 1], sample_weight=np.array([0.5, 1.5]))
    assert metric.total_cm.value.tolist() == [[0, 0], [0, 1]]
    exact = MeanIoU(2, dtype="float32")
    exact.update_state([0, 1, 1], [0, 1, 0], sample_weight=np.array([0.5, 1.5, 0.5]))
    assert float(exact.result()) == pytest.approx((0.5 / 1 + 1.5 / 2) / 2, abs=1e-6)
    maps = MeanIoU(2)
    maps.update_state([[0, 1], [1, 1]], [[0, 1], [0, 0]], sample_weight=[1, 0])
    assert float(maps.result()) == pytest.approx(1, abs=1e-6)


def test_iou_refuses():
    with pytest.raises(ValueError, match="Target class id 3 is out of range"):
        IoU(3, [0, 3])
    with pytest.raises(ValueError, match="Say with sparse_y_true and sparse_y_pred"):
        MeanIoU(3).update_state([0, 1], np.eye(3)[:2])
    assert BinaryIoU().get_config()["target_class_ids"] == [0, 1]


def test_ignored_classes_weigh_nothing_where_there_are_weights():
    metric = SparseCategoricalCrossentropy(ignore_class=0)
    metric.update_state([0, 1], [[0.1, 0.9], [0.5, 0.5]], sample_weight=[3.0, 1.0])
    assert float(metric.result()) == pytest.approx(np.log(2), rel=1e-5)
