"""Circle loss: embeddings of one class are to be alike, those of different classes not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import autodiff, config, store
from kerasish.losses.base import Backward, BuiltIn
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class Circle(BuiltIn):
    """Softplus of how badly a sample's neighbours of its own and of other classes lie.

    Predictions are embeddings (N, D) of length 1, targets the labels (N,). Samples whose loss is
    0, such as those alone in their class, do not count in the mean. Sun et al., "Circle Loss: A
    Unified Perspective of Pair Similarity Optimization", 2020.

    Parameters
    ----------
    gamma : float
        How steeply pairs are weighed.
    margin : float
        Relaxation of what counts as near (below) and far (above 1 -) in cosine distance.
    remove_diagonal : bool
        Whether a sample is no neighbour of its own.

    Examples
    --------
    >>> loss = Circle()
    >>> round(float(loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])), 4)
    0.0
    """

    additive: ClassVar[bool] = False
    gamma: float = 80.0
    margin: float = 0.4
    remove_diagonal: bool = True
    name: str | None = field(default="circle", kw_only=True)

    def forward(
        self, y_true: Any, y_pred: np.ndarray, ref_labels: Any = None, ref_embeddings: Any = None
    ) -> tuple[np.ndarray, Backward]:
        """Return the losses, against the batch itself or other labelled embeddings."""
        itself = ref_embeddings is None
        other = y_pred if itself else np.asarray(ref_embeddings, y_pred.dtype)
        y = np.asarray(y_true).astype(np.int64).reshape(-1, 1)
        labels = y if ref_labels is None else np.asarray(ref_labels).astype(np.int64)
        same = np.equal(y, labels.reshape(1, -1))
        far = np.logical_not(same)
        if self.remove_diagonal:
            np.fill_diagonal(same, False)

        gamma, m = self.gamma, self.margin
        cosine = y_pred @ other.T
        d = np.maximum(1 - cosine, 0)
        pull, push = np.maximum(m + d, 0), np.maximum(1 + m - d, 0)
        pull_total, pull_share = _log_sum_exp(-gamma * pull * (m - d), same)
        push_total, push_share = _log_sum_exp(gamma * push * (1 - m - d), far)
        z = pull_total + push_total

        def backward(dl: np.ndarray) -> np.ndarray:
            dz = np.asarray(dl, d.dtype) * np.exp(z - np.logaddexp(0, z))  # dl times sigmoid(z)
            dd = pull_share * (pull - (pull > 0) * (m - d))
            dd -= push_share * (push + (push > 0) * (1 - m - d))
            dcosine = -gamma * dz[:, None] * dd * (cosine < 1)
            dx = dcosine @ other
            return dx + dcosine.T @ y_pred if itself else dx

        return np.logaddexp(0, z).astype(d.dtype, copy=False), backward

    def mask_of(self, y_true: Any, losses: np.ndarray, mask: Any = None) -> Any:
        """Return `mask` without the samples whose loss is 0."""
        counts = losses > 0
        return counts if mask is None else counts & np.asarray(mask, bool)

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless there is one label for each embedding."""
        shape = y_true if isinstance(y_true, tuple) else np.shape(y_true)
        if len(y_pred_shape) != 2 or shape not in (y_pred_shape[:1], (*y_pred_shape[:1], 1)):
            raise ValueError(
                f"{self.name} expects embeddings of shape (N, D) and labels of shape (N,), but "
                f"got predictions of shape {tuple(y_pred_shape)} and targets of shape {shape}. "
                f"End the model in Dense(D) and UnitNormalization(), and give integer labels."
            )


def _log_sum_exp(x: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log Σ exp(x) of the chosen elements of each row (-inf if none), and their shares in it."""
    x = np.where(where, x, -np.inf)
    top = np.max(x, axis=1, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(top), top, 0))
    total = np.sum(e, axis=1, keepdims=True)
    none = total == 0
    logs = np.where(none, -np.inf, np.log(np.where(none, 1, total)) + np.where(none, 0, top))
    return logs[:, 0], e / np.where(none, 1, total)


@register(kind="loss")
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Return the losses of the samples, as `Circle` defines them.

    `ref_labels` and `ref_embeddings` are what the samples are compared with; the batch itself
    by default.
    """
    loss = Circle(gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)
    if autodiff.is_traced(y_pred):
        return autodiff.through(
            lambda p: loss.forward(y_true, p, ref_labels, ref_embeddings), y_pred
        )
    y_pred = np.asarray(y_pred, None if hasattr(y_pred, "dtype") else config.floatx())
    return store.as_array(loss.forward(y_true, y_pred, ref_labels, ref_embeddings)[0])


circle.loss_class = Circle
