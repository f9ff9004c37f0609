"""From names, classes, functions and configs to metrics, and from "accuracy" to the right one."""

from __future__ import annotations

from typing import Any

from kerasish import errors, registry
from kerasish.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
from kerasish.metrics.base import Metric
from kerasish.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from kerasish.metrics.reductions import MeanMetricWrapper

LOSS_FUNCTIONS = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
)
ACCURACIES = (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy)
CROSSENTROPIES = (
    BinaryCrossentropy,
    SparseCategoricalCrossentropy,
    CategoricalCrossentropy,
)


def function(identifier: Any) -> Any:
    """The function that a `MeanMetricWrapper` config names, by name or as Keras writes it."""
    from kerasish import metrics

    if isinstance(identifier, dict) and identifier.get("class_name") != "function":
        return registry.deserialize("loss", identifier)
    name = identifier["config"] if isinstance(identifier, dict) else identifier
    found = getattr(metrics, name, None) if name in metrics.__all__ else None
    if found is None or isinstance(found, type):
        found = registry.lookup("metric", name)
    return found


def get(identifier: Any) -> Any:
    """Return the metric (or metric function) that a name, config, class or object stands for.

    Raises
    ------
    ValueError
        If nothing has the name; the nearest one is suggested.

    Examples
    --------
    >>> get("mse").name, get("TopKCategoricalAccuracy").k, get(None)
    ('mean_squared_error', 5, None)
    """
    if isinstance(identifier, str) and identifier in LOSS_FUNCTIONS:
        try:
            found = registry.lookup("metric", identifier)
        except ValueError:
            found = function(identifier)  # huber and the focal ones have no metric class
        return found() if isinstance(found, type) else found
    if isinstance(identifier, dict):
        return deserialize(identifier)
    return registry.resolve("metric", identifier)


def serialize(metric: Any) -> Any:
    """Return Keras's config dict of a metric; a function becomes its name.

    >>> serialize(get("mae"))["class_name"]
    'MeanAbsoluteError'
    """
    if isinstance(metric, registry.Configurable):
        return registry.serialize(metric)
    return getattr(metric, "__name__", str(metric))


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build a metric from what `serialize` returned.

    >>> deserialize({"class_name": "F1Score", "config": {"average": "macro"}}).average
    'macro'
    """
    if isinstance(config, str):
        with registry.custom_object_scope(custom_objects or {}):
            return get(config)
    return registry.deserialize("metric", config, custom_objects)


def _pick(options: tuple[Any, ...], y_true_shape: Any, y_pred_shape: Any) -> type[Metric]:
    """Binary for one output, sparse for targets without the class axis, else categorical."""
    binary, sparse, categorical = options
    true, pred = tuple(y_true_shape), tuple(y_pred_shape)
    if len(pred) < 2 or pred[-1] == 1:
        return binary
    if len(true) < len(pred) or true[-1] == 1:
        return sparse
    return categorical


def resolve(
    identifier: Any, y_true_shape: Any = None, y_pred_shape: Any = None, loss: Any = None
) -> Metric | None:
    """Turn an entry of ``compile(metrics=[...])`` into a metric, named as its log key.

    Parameters
    ----------
    identifier : str, dict, type, callable or Metric
        ``"accuracy"``, ``"acc"``, ``"crossentropy"`` and ``"ce"`` become the binary kind if
        `y_pred_shape` ends in 1, the sparse kind if targets lack the axis of the classes or end in
        1, and else the categorical kind. A string is kept as the name. A function becomes a
        `MeanMetricWrapper` under its own name. ``"auto"`` is the accuracy if `loss` is a
        classification's, and else None.
    y_true_shape, y_pred_shape : tuple
        Shapes with the batch axis; needed for the strings above.
    loss : Loss, optional
        The model's loss. A crossentropy resolved here takes its logits when the loss does.

    Examples
    --------
    >>> type(resolve("acc", (None,), (None, 10))).__name__
    'SparseCategoricalAccuracy'
    >>> resolve("mse").name
    'mse'
    """
    if identifier is None:
        raise ValueError(
            "Expected a metric but got None. Leave it out, or pass a name such as 'accuracy'."
        )
    name = identifier if isinstance(identifier, str) else None
    short = name.lower() if name else None
    if short == "auto":
        if not is_classification(loss):
            return None
        name = short = "accuracy"
    if short in ("accuracy", "acc", "crossentropy", "ce"):
        if y_true_shape is None or y_pred_shape is None:
            raise ValueError(
                f"'{name}' depends on the shapes of targets and predictions. Pass both, or a "
                "metric such as 'sparse_categorical_accuracy'."
            )
        if short in ("accuracy", "acc"):
            return _pick(ACCURACIES, y_true_shape, y_pred_shape)(name=name)
        logits = bool(getattr(loss, "from_logits", False))
        kind: Any = _pick(CROSSENTROPIES, y_true_shape, y_pred_shape)
        return kind(name=name, from_logits=logits)
    metric = get(identifier)
    if not isinstance(metric, Metric):
        if not callable(metric):
            raise errors.unknown_name("metric", identifier, registry.known("metric"))
        own = getattr(metric, "name", None) or getattr(metric, "__name__", "")
        own = registry.snake_case(own or type(metric).__name__)
        metric = MeanMetricWrapper(metric, name=name or own)
    elif name:
        metric.name = name
    return metric


def is_classification(loss: Any) -> bool:
    """Whether a loss (an object, a function or a name) compares classes.

    >>> is_classification("sparse_categorical_crossentropy"), is_classification("mse")
    (True, False)
    """
    if isinstance(loss, dict):
        loss = loss.get("class_name", "")
    if not isinstance(loss, str):
        own = getattr(loss, "_fn", None) or getattr(loss, "fn", None)
        named = own if callable(own) else loss
        loss = getattr(named, "__name__", None) or type(named).__name__
    folded = loss.replace("_", "").lower()
    return "crossentropy" in folded or folded in ("bce", "ce", "categoricalhinge")
