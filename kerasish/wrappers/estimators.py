"""`KerasClassifier` and `KerasRegressor`: models with scikit-learn's fit, predict and score."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, check_is_fitted, check_random_state, column_or_1d

from kerasish import config
from kerasish.utils import to_categorical
from kerasish.wrappers.building import call_arguments, call_builder, compile_arguments


def _as_row(y: np.ndarray) -> np.ndarray:
    """(N, 1) as (N,), with scikit-learn's warning."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


OWN = ("model", "build_fn", "random_state", "warm_start")


class KerasEstimator(BaseEstimator):
    """What classifier and regressor share.

    Parameters
    ----------
    model : callable or Model
        Function that returns a model, compiled or not; or a model, which is copied.
    build_fn : callable, optional
        The same under its older name.
    random_state : int, RandomState or None
        Makes weights, shuffling and dropout repeatable.
    warm_start : bool
        Whether `fit` goes on with the model of the last call.
    optimizer, loss, metrics
        What an uncompiled model is compiled with.
    batch_size, epochs, verbose, callbacks, validation_split, shuffle
        Passed to the model's `fit`.
    **kwargs
        Further arguments of `fit`; what the function `model` takes, by its name or as
        ``model__name``; ``optimizer__learning_rate`` and the like; ``fit__x``, ``predict__x``.

    Attributes
    ----------
    model_ : Model
        The trained model.
    history_ : dict
        Loss and metrics of every epoch.
    n_features_in_ : int
        Number of features.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        build_fn: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        batch_size: Any = None,
        epochs: int = 1,
        verbose: Any = 0,
        callbacks: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        **kwargs: Any,
    ) -> None:
        self.model, self.build_fn = model, build_fn
        self.random_state, self.warm_start = random_state, warm_start
        self.optimizer, self.loss, self.metrics = optimizer, loss, metrics
        self.batch_size, self.epochs, self.verbose = batch_size, epochs, verbose
        self.callbacks, self.validation_split, self.shuffle = callbacks, validation_split, shuffle
        for key, value in kwargs.items():
            setattr(self, key, value)

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """scikit-learn reads them off ``__init__``, whose further keywords differ by object."""
        return [
            *OWN,
            *("optimizer", "loss", "metrics", "batch_size", "epochs", "verbose", "callbacks"),
            *("validation_split", "shuffle"),
        ]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {key: getattr(self, key) for key in self._get_param_names()}
        if self.build_fn is not None and own["model"] is getattr(self, "model_", None):
            own["model"] = None  # the trained model stands there then, as in Keras 2
        return {**own, **self._further()}

    def _further(self) -> dict[str, Any]:
        """What was given as ``**kwargs``: attributes that are neither private nor results."""
        own = self._get_param_names()
        return {
            key: value
            for key, value in vars(self).items()
            if key not in own and not key.startswith("_") and not key.endswith("_")
        }

    def set_params(self, **params: Any) -> Any:
        """Change arguments; new ones are taken for those of the function `model`."""
        for key, value in params.items():
            setattr(self, key, value)
        return self

    # --- training ---------------------------------------------------------------------------------

    def _train(self, x: np.ndarray, y: np.ndarray, sample_weight: Any, options: Any) -> Any:
        if sample_weight is not None:
            sample_weight = check_array(sample_weight, ensure_2d=False, dtype=np.float32)
            if sample_weight.shape[:1] != x.shape[:1] or sample_weight.ndim != 1:
                raise ValueError(
                    f"{type(self).__name__}: `sample_weight` must be one number for each of the "
                    f"{len(x)} samples but has shape {sample_weight.shape}."
                )
            if not sample_weight.any():
                raise ValueError(
                    f"{type(self).__name__}: all sample weights are zero, so there is nothing to "
                    f"learn from. At least one sample_weight must be positive."
                )
        before = config.random_state()
        try:
            if self.random_state is not None:
                seed = self.random_state
                if not isinstance(seed, int | np.integer):
                    seed = check_random_state(seed).randint(2**31 - 1)
                config.set_random_seed(int(seed))
            if not (self.warm_start and hasattr(self, "model_")):
                self.model_ = self._build(x, y)
            y = self._targets(y)
            fitted = self.model_.fit(
                x,
                y,
                sample_weight=sample_weight,
                **{**call_arguments(self._arguments(), "fit"), **options},
            )
        finally:
            if self.random_state is not None:
                config.set_random_state(before)
        self.history_ = dict(fitted.history)
        if self.build_fn is not None:
            self.model = self.model_
        return self

    def _arguments(self) -> dict[str, Any]:
        return {k: v for k, v in self.get_params().items() if k not in OWN}

    def _build(self, x: np.ndarray, y: np.ndarray) -> Any:
        who = type(self).__name__
        builder = self.build_fn if self.build_fn is not None else self.model
        if builder is None:
            raise ValueError(f"{who} needs `model`, a function that returns a model.")
        found = {k: v for k, v in vars(self).items() if k.endswith("_") and not k.endswith("__")}
        meta = {**found, "X_shape_": x.shape, "X_dtype_": x.dtype, "y_dtype_": y.dtype}
        model = call_builder(builder, self._arguments(), meta, who)
        if not model.has_program:
            model.build_for(x)
            arguments = compile_arguments(self._arguments())
            model.compile(**{"loss": self._default_loss(model.output_shape), **arguments})
        return model

    def _default_loss(self, output_shape: Any) -> str:
        raise NotImplementedError

    def _targets(self, y: np.ndarray) -> np.ndarray:
        return y

    def _checked(self, x: Any, y: Any = None, reset: bool = True, numeric: bool = False) -> Any:
        """What scikit-learn checks of data: finite numbers, as many rows, as many features."""
        options: Any = {"allow_nd": True, "dtype": "numeric", "reset": reset}
        if y is not None:
            options.update(multi_output=True, y_numeric=numeric)
        try:
            from sklearn.utils.validation import validate_data
        except ImportError:  # before scikit-learn 1.6
            return self._validate_data(x, **({} if y is None else {"y": y}), **options)
        return validate_data(self, x, **({} if y is None else {"y": y}), **options)

    def _outputs(self, x: Any, options: dict[str, Any]) -> np.ndarray:
        check_is_fitted(self, "model_")
        x = self._checked(x, reset=False)
        chosen = {"verbose": 0, **call_arguments(self._arguments(), "predict"), **options}
        return self.model_.predict(x, **chosen)


class KerasClassifier(ClassifierMixin, KerasEstimator):
    """A model as a classifier: its outputs are probabilities of classes.

    Targets may be labels of any type, or one-hot rows. A model with one output (sigmoid) tells
    two classes apart.

    Arguments and attributes are those of `KerasEstimator`; ``classes_`` are the labels, in the
    order of the outputs.

    Examples
    --------
    >>> from kerasish import Sequential, layers
    >>> def make(meta):
    ...     units = meta["n_classes_"]
    ...     return Sequential([layers.Dense(units, activation="softmax")])
    >>> x = np.array([[0.0], [1.0], [4.0], [5.0]])
    >>> labels = ["low", "low", "high", "high"]
    >>> found = KerasClassifier(make, epochs=200, optimizer="adam", optimizer__learning_rate=0.1,
    ...                         random_state=0).fit(x, labels).predict([[0.5], [4.5]])
    >>> found.tolist()
    ['low', 'high']
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **options: Any) -> Any:
        """Build and train the model; `options` go to its `fit`."""
        if y is None:
            self._checked(X, y)
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                f"is None."
            )
        x, y = self._checked(X, y)
        y = _as_row(y)
        check_classification_targets(y)
        self._onehot = y.ndim == 2 and y.shape[1] > 1
        if self._onehot:
            self.classes_, index = np.arange(y.shape[1]), y.argmax(axis=1)
        else:
            self.classes_, index = np.unique(y, return_inverse=True)
            index = index.reshape(-1)
        self.n_classes_ = len(self.classes_)
        self.target_type_ = type_of_target(y)
        self.n_outputs_ = self.n_outputs_expected_ = 1
        return self._train(x, index, sample_weight, options)

    def _default_loss(self, output_shape: Any) -> str:
        one = output_shape[-1] == 1
        return "binary_crossentropy" if one else "sparse_categorical_crossentropy"

    def _targets(self, y: np.ndarray) -> np.ndarray:
        units = self.model_.output_shape[-1] if self.model_.built else None
        loss = self.model_.program.loss
        name = getattr(loss, "name", "")
        if units is not None and units not in (1, self.n_classes_) and units < self.n_classes_:
            raise ValueError(
                f"{type(self).__name__}: y has {self.n_classes_} classes but the model has "
                f"{units} outputs. Give its last layer meta['n_classes_'] units."
            )
        if units == 1 or name.startswith("sparse"):
            return y
        if name.startswith(("categorical", "kl_div", "poisson", "mean")) or self._onehot:
            return to_categorical(y, units or self.n_classes_)
        return y

    def predict(self, X: Any, **options: Any) -> np.ndarray:
        """The most probable class of each sample."""
        p = self._outputs(X, options)
        index = p.argmax(axis=-1) if p.shape[-1] > 1 else (p[:, 0] > 0.5).astype(int)
        return self.classes_[np.minimum(index, self.n_classes_ - 1)]

    def predict_proba(self, X: Any, **options: Any) -> np.ndarray:
        """Probabilities (N, classes); of one output p they are 1 - p and p."""
        p = self._outputs(X, options)
        if p.shape[-1] == 1 and self.n_classes_ == 2:
            return np.hstack([1 - p, p])
        return p

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose class is right; targets may be one-hot."""
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            y = y.argmax(axis=1)
        return super().score(X, y, sample_weight)


class KerasRegressor(RegressorMixin, KerasEstimator):
    """A model as a regressor; `score` is the coefficient of determination.

    Arguments and attributes are those of `KerasEstimator`.

    Examples
    --------
    >>> from kerasish import Sequential, layers
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> line = KerasRegressor(lambda: Sequential([layers.Dense(1)]), epochs=300,
    ...                       optimizer="adam", optimizer__learning_rate=0.1, random_state=0)
    >>> bool(line.fit(x, 2 * x[:, 0] + 1).score(x, 2 * x[:, 0] + 1) > 0.99)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **options: Any) -> Any:
        """Build and train the model; `options` go to its `fit`."""
        if y is None:
            self._checked(X, y)
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                f"is None."
            )
        x, y = self._checked(X, y, numeric=True)
        y = _as_row(y.astype(np.float32) if y.dtype.kind != "f" else y)
        self.n_outputs_ = self.n_outputs_expected_ = 1 if y.ndim == 1 else y.shape[1]
        return self._train(x, y, sample_weight, options)

    def _default_loss(self, output_shape: Any) -> str:
        return "mean_squared_error"

    def predict(self, X: Any, **options: Any) -> np.ndarray:
        """Predictions (N,), or (N, outputs) if the targets had two axes."""
        y = self._outputs(X, options)
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 and self.n_outputs_ == 1 else y
