"""Models as scikit-learn's estimators: its own checks, searches, pipelines, both generations."""

import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import kerasish as ks
from kerasish import layers
from kerasish.wrappers import KerasClassifier, KerasRegressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)).astype("float32")
LABELS = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] > 0).astype(int)]


def classifier(meta):
    return ks.Sequential(
        [
            layers.Dense(32, activation="relu"),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def regressor(meta):
    return ks.Sequential([layers.Dense(32, activation="relu"), layers.Dense(meta["n_outputs_"])])


NOT_PASSED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row given twice falls into other batches than a row of double weight"
    ),
}
ESTIMATORS = [
    KerasClassifier(classifier, epochs=150, batch_size=16, optimizer="adam", random_state=0),
    KerasRegressor(regressor, epochs=150, batch_size=16, optimizer="adam", random_state=0),
]


def name_of(check):
    return getattr(check, "func", check).__name__


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_the_checks_of_scikit_learn(estimator):
    failed = []
    for one, check in estimator_checks_generator(estimator):
        try:
            check(one)
        except AssertionError:
            failed.append(name_of(check))
        except Exception as error:
            if type(error).__name__ not in ("SkipTest", "SkipTestWarning"):
                raise
    assert failed == list(NOT_PASSED)


def fast(**options):
    return KerasClassifier(classifier, epochs=15, optimizer="adam", random_state=1, **options)


def test_labels_come_back_as_they_were():
    found = fast(optimizer__learning_rate=0.05).fit(X, LABELS)
    assert found.classes_.tolist() == ["no", "yes"]
    assert found.score(X, LABELS) > 0.9
    assert set(found.predict(X)) <= {"no", "yes"}
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1, atol=1e-5)
    assert list(found.history_) == ["loss"]
    assert len(found.history_["loss"]) == 15
    again = clone(found).fit(X, LABELS)
    assert np.array_equal(again.predict_proba(X), found.predict_proba(X))


def test_the_seed_of_the_process_is_left_alone():
    ks.set_random_seed(5)
    expected = ks.config.next_seed()
    ks.set_random_seed(5)
    fast().fit(X, LABELS)
    assert ks.config.next_seed() == expected


def old_style(hidden=3, rate=0.01):
    model = ks.Sequential()
    model.add(layers.Dense(hidden, input_dim=4, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    optimizer = ks.optimizers.Adam(rate)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def test_build_fn_as_in_keras_2():
    found = KerasClassifier(build_fn=old_style, epochs=2, batch_size=10, verbose=0, hidden=5)
    found.fit(X, LABELS)
    assert found.model.layers[0].units == 5
    assert found.predict_proba(X).shape == (60, 2)
    assert clone(found).get_params()["hidden"] == 5
    scores = cross_val_score(found, X, LABELS, cv=StratifiedKFold(3, shuffle=True, random_state=0))
    assert scores.shape == (3,)


def test_a_search_over_arguments_of_all_kinds():
    grid = {"hidden": [2, 4], "batch_size": [20, 60], "nb_epoch": [1]}
    search = GridSearchCV(KerasClassifier(build_fn=old_style), grid, cv=2).fit(X, LABELS)
    assert set(search.best_params_) == {"hidden", "batch_size", "nb_epoch"}
    new = KerasClassifier(lambda hidden=1: old_style(hidden), model__hidden=3)
    search = GridSearchCV(new, {"model__hidden": [2], "fit__epochs": [1]}, cv=2).fit(X, LABELS)
    assert search.best_estimator_.model_.layers[0].units == 2


def test_one_hot_targets_and_categorical_crossentropy():
    def make():
        model = ks.Sequential([layers.Dense(3, activation="softmax", input_dim=4)])
        return model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

    index = np.arange(60) % 3
    for y in (index, np.eye(3)[index]):
        found = KerasClassifier(make, epochs=1).fit(X, y)
        assert found.predict(X).max() <= 2
        assert 0 <= found.score(X, y) <= 1


def test_a_pipeline_of_a_regressor():
    y = X @ np.array([1.0, -2, 0.5, 0]) + 3
    steps = make_pipeline(
        StandardScaler(),
        KerasRegressor(
            regressor, epochs=60, optimizer="adam", optimizer__learning_rate=0.02, random_state=0
        ),
    )
    assert steps.fit(X, y).score(X, y) > 0.9
    assert steps.predict(X).shape == (60,)
    two = KerasRegressor(regressor, epochs=1).fit(X, np.stack([y, y], axis=1))
    assert two.predict(X).shape == (60, 2)


def test_a_model_is_copied_and_warm_start_goes_on():
    model = ks.Sequential([layers.Dense(1, input_dim=4)])
    before = model.get_weights()
    found = KerasRegressor(model, epochs=1, warm_start=True).fit(X, X[:, 0])
    assert np.array_equal(before[0], model.get_weights()[0])
    first = found.model_
    assert found.fit(X, X[:, 0]).model_ is first


MISTAKES = [
    (lambda: KerasClassifier().fit(X, LABELS), ValueError, "KerasClassifier needs `model`"),
    (lambda: KerasClassifier(3).fit(X, LABELS), TypeError, "must be a function .* but is 3"),
    (lambda: KerasClassifier(lambda: 3).fit(X, LABELS), TypeError, "must return a model but"),
    (lambda: fast().fit(X, LABELS, sample_weight=np.zeros(60)), ValueError, "weights are zero"),
    (lambda: fast().fit(X, LABELS, sample_weight=np.ones(3)), ValueError, "each of the 60 samples"),
    (lambda: fast().predict(X), sklearn.exceptions.NotFittedError, "not fitted yet"),
    (
        lambda: KerasClassifier(lambda: ks.Sequential([layers.Dense(2, input_dim=4)])).fit(
            X, np.arange(60) % 3
        ),
        ValueError,
        "y has 3 classes but the model has 2 outputs",
    ),
]


@pytest.mark.parametrize(("mistake", "error", "words"), MISTAKES)
def test_mistakes(mistake, error, words):
    with pytest.raises(error, match=words):
        mistake()


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "kerasish.wrappers.estimators")
    monkeypatch.delattr(ks.wrappers, "estimators")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(ImportError, match=r"KerasClassifier needs scikit-learn.*pip install"):
        ks.wrappers.KerasClassifier  # noqa: B018
