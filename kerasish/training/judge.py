"""What the outputs of a shard are worth: the loss, its gradient, and what the metrics count."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.kernels import heads
from kerasish.losses.crossentropy import TINY, SparseCategoricalCrossentropy
from kerasish.metrics.accuracy import SparseCategoricalAccuracy
from kerasish.step import Step
from kerasish.training.scores import Scores

MOST_SIZES = 16  # of batches whose coefficients are kept
Verdict = tuple[float, np.ndarray | None, Any]  # loss, its gradient, increments of the metrics


class Judge:
    """Compares a model's outputs with targets, shard by shard.

    Attributes
    ----------
    from_logits : Loss or None
        The loss as computed from the input of the model's last softmax or sigmoid, if it has one.
    """

    def __init__(self, loss: Any, factor: float, scores: Scores, head: str | None) -> None:
        self.loss, self.factor, self.scores = loss, factor, scores
        self.from_logits = loss.logits_variant(head) if loss is not None and head else None
        self._known: dict[Any, np.ndarray] = {}

    def __call__(
        self, step: Step, y_pred: np.ndarray, y: Any, weights: Any, part: slice
    ) -> Verdict:
        """Judge the rows `part` of a batch; `y` and `weights` are those of the whole batch.

        The loss is this shard's share of the batch's: shares add up.
        """
        step.at_head = False
        if y is None:
            return 0.0, np.zeros_like(y_pred) if step.recording else None, None
        targets = y[part]
        w = None if weights is None else weights[part]
        if w is None and step.mask is None and self._counts_labels():
            verdict = self._from_labels(step, y_pred, targets)
            if verdict is not None:
                return verdict
        scores = self.scores.increments(targets, y_pred, w, step.mask)
        if w is None and step.mask is None and step.logits is not None and self.factor == 1:
            found = self._at_head(step, y_pred, targets)
            if found is not None:
                return (*found, scores)
        if self.loss is None:
            return 0.0, np.zeros_like(y_pred) if step.recording else None, scores
        logits = None if self.from_logits is None else step.logits
        loss: Any = self.loss if logits is None else self.from_logits
        if not loss.additive:
            outputs = y_pred if logits is None else logits
            return (*self._joined(loss, step, outputs, y, weights, part), scores)
        if logits is None:
            values, backward = loss.forward(targets, y_pred)
        else:
            values, backward = loss.from_head(targets, logits, y_pred)
        mask = loss.mask_of(targets, values, step.mask)
        rows = len(y_pred), step.batch_size
        if w is None and mask is None:
            c = self._even(loss, values, rows)
        else:
            c = loss.coefficients(
                values.shape,
                sample_weight=w,
                mask=mask,
                rows=rows,
                all_sum=step.all_sum,
                dtype=values.dtype,
            )
        return (*self._weigh(values, c, backward if step.recording else None), scores)

    def _counts_labels(self) -> bool:
        """Whether the loss is the plain one of labels, and accuracy all that is measured."""
        loss = self.from_logits
        plain = type(loss) is SparseCategoricalCrossentropy and loss.ignore_class is None
        metrics = self.scores.metrics
        only = metrics is not None and all(type(m) is SparseCategoricalAccuracy for m in metrics)
        return plain and only and self.loss.additive and self.factor == 1

    def _from_labels(self, step: Step, y_pred: np.ndarray, targets: Any) -> Verdict | None:
        """The verdict in one pass, where a kernel gives it."""
        rows, loss = len(y_pred), self.from_logits
        if step.logits is None or np.shape(targets) not in ((rows,), (rows, 1)):
            return None
        labels = np.asarray(targets).reshape(-1)
        if labels.dtype.kind not in "iu":
            return None
        c = self._even(loss, np.empty(rows, y_pred.dtype), (rows, step.batch_size))
        found = heads.label_losses(y_pred, labels.astype(np.int64, copy=False), c, TINY, step)
        if found is None:
            return None
        value, hits, dz = found
        scores = [(float(hits), float(rows)) for _ in self.scores.metrics or []]
        return value, dz if step.recording else None, scores

    def _at_head(
        self, step: Step, y_pred: np.ndarray, targets: Any
    ) -> tuple[float, np.ndarray | None] | None:
        """Loss and gradient in one pass, where a kernel gives them."""
        loss: Any = self.from_logits
        if loss is None or not loss.additive:
            return None
        losses = np.empty(y_pred.shape[:-1], y_pred.dtype)
        c = self._even(loss, losses, (len(y_pred), step.batch_size))
        found = loss.at_head(targets, step.logits, y_pred, c, step)
        return found if found is None or step.recording else (found[0], None)

    def _even(self, loss: Any, values: np.ndarray, rows: tuple[int, int]) -> np.ndarray:
        """The coefficients of a batch without weights: the same for all of its size."""
        key = (loss, values.shape, values.dtype, rows)
        c = self._known.get(key)
        if c is None:
            c = self._known[key] = loss.coefficients(values.shape, rows=rows, dtype=values.dtype)
            if len(self._known) > MOST_SIZES:
                self._known = {key: c}
        return c

    def _weigh(self, values: Any, c: Any, backward: Any) -> tuple[float, np.ndarray | None]:
        """The loss ``sum(c * values)`` and its gradient."""
        if self.factor != 1:
            c = c * values.dtype.type(self.factor)
        if c.dtype != values.dtype or c.shape != values.shape:
            c = np.broadcast_to(np.asarray(c, values.dtype), values.shape)
        return float(np.vdot(values, c)), None if backward is None else backward(c)

    def _joined(
        self, loss: Any, step: Step, outputs: np.ndarray, y: Any, weights: Any, part: slice
    ) -> tuple[float, np.ndarray | None]:
        """The same for a loss that has to see the whole batch: once, in one of the threads."""

        def whole(parts: list[Any]) -> tuple[float, np.ndarray | None]:
            joined = np.concatenate([p for p, _ in parts]) if len(parts) > 1 else parts[0][0]
            masks = [m for _, m in parts]
            mask = None if masks[0] is None else np.concatenate(masks)
            values, backward = loss.forward(np.asarray(y), joined)
            c = loss.coefficients(
                values.shape,
                sample_weight=weights,
                mask=loss.mask_of(y, values, mask),
                rows=(len(joined), len(joined)),
                dtype=values.dtype,
            )
            return self._weigh(values, np.asarray(c), backward if step.recording else None)

        value, dy = step.exchange((outputs, step.mask), whole)
        first = part.start == 0
        return (value if first else 0.0), (None if dy is None else dy[part])
