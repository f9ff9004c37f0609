"""The running loss and metrics of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import metrics as metrics_module
from kerasish.errors import brief


class Scores:
    """Mean loss and metrics since the last `reset`.

    Strings such as ``"accuracy"`` stand for different metrics for different targets, so metrics
    are resolved when the first batch comes. Metrics listed as weighted use the sample weights,
    the others do not; a mask counts for both.
    """

    def __init__(self, plain: Any, weighted: Any, loss: Any) -> None:
        self._loss = loss
        unweighted = _listed(plain, "metrics", loss)
        self._given = [*unweighted, *_listed(weighted, "weighted_metrics", loss)]
        self._weighted = [i >= len(unweighted) for i in range(len(self._given))]
        self._known = [
            None if _needs_shapes(item) else metrics_module.resolve(item, loss=loss)
            for item in self._given
        ]
        self.names: list[str] = []
        for item, metric, weighted_ in zip(self._given, self._known, self._weighted, strict=True):
            self._add_name(item if metric is None else metric.name, weighted_)
        ready = None not in self._known
        self.metrics: list[Any] | None = list(self._known) if ready else None
        self._total = 0.0
        self.rows = 0

    def _add_name(self, name: str, weighted: bool) -> None:
        """Give a metric its key in the logs: a second one of the same name gets a number."""
        if name in self.names and weighted:
            name = f"weighted_{name}"
        unique, count = name, 0
        while unique in self.names:
            count += 1
            unique = f"{name}_{count}"
        self.names.append(unique)

    def resolve(self, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Make the metric objects whose kind depends on the shapes of the first batch."""
        if self.metrics is None:
            self.metrics = [
                metrics_module.resolve(item, y_shape, output_shape, self._loss)
                if metric is None
                else metric
                for item, metric in zip(self._given, self._known, strict=True)
            ]

    def reset(self) -> None:
        """Begin again."""
        self._total, self.rows = 0.0, 0
        for metric in self.metrics or []:
            metric.reset_state()

    def increments(self, y: Any, y_pred: Any, weights: Any, mask: Any) -> list[Any]:
        """What one shard adds to each metric that can be added up; None for the others."""
        found: list[Any] = []
        for metric, weighted in zip(self.metrics or [], self._weighted, strict=True):
            if not metric.additive:
                found.append(None)
                continue
            w = combine_weights(weights if weighted else None, mask if metric.takes_mask else None)
            try:
                found.append(metric.increments(y, y_pred, w))
            except Exception as error:
                error.add_note(f"Raised by the metric '{metric.name}'.")
                raise
        return found

    def add(
        self, loss: float, rows: int, results: list[Any], y: Any, weights: Any, steps: list[Any]
    ) -> None:
        """Add a batch: its loss and the (value, increments, predictions) of each shard."""
        self.add_loss(loss, rows)
        if y is None:
            return
        for i, metric in enumerate(self.metrics or []):
            if metric.additive:
                for _, increments, _ in results:
                    metric.apply(increments[i])
                continue
            y, y_pred = np.asarray(y), np.concatenate([p for _, _, p in results])
            mask = None
            if steps[0].mask is not None and metric.takes_mask:
                mask = np.concatenate([step.mask for step in steps])
            w = combine_weights(weights if self._weighted[i] else None, mask)
            try:
                if w is None:
                    metric.update_state(y, y_pred)
                else:
                    metric.update_state(y, y_pred, sample_weight=w)
            except Exception as error:
                error.add_note(f"Raised by the metric '{metric.name}'.")
                raise

    def add_loss(self, loss: float, rows: int) -> None:
        """Add the mean loss of a batch of `rows`."""
        self._total += loss * rows
        self.rows += rows

    def result(self) -> dict[str, Any]:
        """``{"loss": ..., metric: ...}``: floats, or arrays where a metric is one."""
        logs: dict[str, Any] = {"loss": self._total / self.rows if self.rows else 0.0}
        for name, metric in zip(self.names, self.metrics or [], strict=False):
            value = np.asarray(metric.result())
            logs[name] = float(value) if value.ndim == 0 else np.array(value)
        return logs

    def get_state(self) -> dict[str, Any]:
        """What has been counted so far."""
        states = None if self.metrics is None else [m.get_state() for m in self.metrics]
        return {"total": self._total, "rows": self.rows, "metrics": states}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to what `get_state` returned."""
        self._total, self.rows = state["total"], state["rows"]
        for i, metric in enumerate(self.metrics or []):
            if state["metrics"] is None:
                metric.reset_state()
            else:
                metric.set_state(state["metrics"][i])


def combine_weights(weights: Any, mask: Any) -> Any:
    """Sample weights times mask, as the metrics take them."""
    if mask is None:
        return weights
    mask = mask.astype(np.float32)
    if weights is None:
        return mask
    weights = np.asarray(weights)
    return mask * weights.reshape(weights.shape + (1,) * (mask.ndim - weights.ndim))


def _listed(given: Any, argument: str, loss: Any) -> list[Any]:
    """The metrics that `compile` was given, as a flat list."""
    if given is None:
        return []
    if isinstance(given, str) and given == "auto":
        return ["accuracy"] if metrics_module.is_classification(loss) else []
    if isinstance(given, dict):
        if len(given) > 1:
            raise ValueError(
                f"compile: `{argument}` names {len(given)} outputs ({', '.join(map(str, given))}) "
                f"but a Sequential has one. Pass a list of metrics."
            )
        given = next(iter(given.values()), [])
    if isinstance(given, list | tuple):
        return [item for part in given for item in _listed(part, argument, loss)]
    kind = getattr(given, "registry_kind", "metric")
    if kind not in ("metric", "loss"):
        raise ValueError(
            f"compile: `{argument}` must hold metrics, such as 'accuracy', but got {brief(given)}, "
            f"a {kind}. Leave it out."
        )
    return [given]


def _needs_shapes(item: Any) -> bool:
    return isinstance(item, str) and item.lower() in ("accuracy", "acc", "crossentropy", "ce")


def as_results(logs: dict[str, Any], as_dict: bool) -> Any:
    """What `evaluate` returns: the loss, a list of loss and metrics, or a dict."""
    if as_dict:
        return {key: logs[key] for key in sorted(logs)}
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
