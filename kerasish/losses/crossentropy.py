"""The cross-entropies: binary, categorical, and sparse for integer labels.

From probabilities Keras clips to [ε, 1 - ε] with ε = 1e-7, and nothing is learnt where it clips;
from logits nothing is clipped. A model that ends in softmax or sigmoid is trained from its
logits (`logits_variant`).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.config import epsilon
from kerasish.errors import warn
from kerasish.kernels import constants, heads
from kerasish.losses import targets
from kerasish.losses.base import Backward, BuiltIn, Loss, Paired, functional
from kerasish.losses.regression import clip, mean, share
from kerasish.registry import register

TINY = 1e-30  # probabilities below it have fewer digits, and in the end none


@register
@dataclass(eq=False, repr=False)
class BinaryCrossentropy(Paired):
    """Mean of -[y log p + (1 - y) log(1 - p)], for independent yes-or-no targets.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits z, with p = sigmoid(z), rather than probabilities.
    label_smoothing : float
        Targets become y (1 - s) + s / 2.
    axis : int
        The axis that is averaged over.

    Examples
    --------
    >>> round(float(BinaryCrossentropy()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: Any = -1
    name: str | None = field(default="binary_crossentropy", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """From logits max(z, 0) - zy + log(1 + exp(-\\|z\\|)); gradient sigmoid(z) - y."""
        if self.label_smoothing:
            y = y * p.dtype.type(1 - self.label_smoothing) + p.dtype.type(self.label_smoothing / 2)
        if self.from_logits:
            small = np.exp(-np.abs(p))
            losses = np.maximum(p, 0) - p * y + np.log1p(small)

            def slope() -> np.ndarray:
                return np.where(p >= 0, 1, small) / (1 + small) - y
        else:
            q = clip(p, epsilon(), 1 - epsilon())
            losses = -(y * np.log(q) + (1 - y) * np.log1p(-q))

            def slope() -> np.ndarray:
                return (q - y) / (q * (1 - q)) * (p == q)

        def backward(dl: np.ndarray) -> np.ndarray:
            return share_over(dl, p, self.axis) * slope()

        return mean_over(losses, self.axis), backward

    def logits_variant(self, head: str) -> Loss | None:
        """This loss from logits, for a sigmoid head."""
        fits = head == "sigmoid" and type(self) is BinaryCrossentropy
        return _from_logits(self) if fits and not self.from_logits else None

    def at_head(
        self, y_true: Any, logits: np.ndarray, y_pred: np.ndarray, c: np.ndarray, step: Any
    ) -> tuple[float, np.ndarray] | None:
        """``sum(c * losses)`` and its d/dlogits, if there is a kernel."""
        if np.shape(y_true) != y_pred.shape or self.label_smoothing or self.axis != -1:
            return None
        y = np.asarray(y_true, y_pred.dtype)
        return heads.sigmoid_crossentropy(logits, y_pred, y, c, step)

    def check_values(self, y_true: np.ndarray) -> None:
        """Raise ValueError for class numbers other than 0 and 1."""
        targets.check_binary(self, y_true)


@register
@dataclass(eq=False, repr=False)
class CategoricalCrossentropy(Paired):
    """-Σ y log p, for one-hot targets (or any that sum to 1) and several classes.

    Probabilities are divided by their sum first.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits z, with p = softmax(z), rather than probabilities.
    label_smoothing : float
        Targets become y (1 - s) + s / C for C classes.
    axis : int
        The axis of the classes.

    Examples
    --------
    >>> loss = CategoricalCrossentropy()
    >>> round(float(loss([[0, 1, 0]], [[0.05, 0.9, 0.05]])), 4)
    0.1054
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = -1
    name: str | None = field(default="categorical_crossentropy", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """From logits -Σ y log softmax(z); gradient softmax(z) Σy - y."""
        axis = self.axis
        warn_one_class(self, p.shape)
        y = smooth(y, self.label_smoothing)
        if not self.from_logits:
            q, normalised_backward = normalise(p, axis)
            c = clip(q, epsilon(), 1 - epsilon())

            def backward(dl: np.ndarray) -> np.ndarray:
                return normalised_backward(spread(-dl, axis, p) * y / c * (q == c))

            return -np.add.reduce(y * np.log(c), axis=axis), backward

        z = p - np.maximum.reduce(p, axis=axis, keepdims=True)
        e = np.exp(z)
        total = np.add.reduce(e, axis=axis, keepdims=True)
        z -= np.log(total)

        def backward_from_logits(dl: np.ndarray) -> np.ndarray:
            dz = e * (np.add.reduce(y, axis=axis, keepdims=True) / total)
            dz -= y
            dz *= spread(dl, axis, p)
            return dz

        return -np.add.reduce(y * z, axis=axis), backward_from_logits

    def logits_variant(self, head: str) -> Loss | None:
        """This loss from logits, for a softmax head."""
        fits = head == "softmax" and type(self) is CategoricalCrossentropy and self.axis == -1
        return _from_logits(self) if fits and not self.from_logits else None

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless targets look like the predictions; labels get a hint."""
        targets.check_one_hot(self, y_true, y_pred_shape, "sparse_categorical_crossentropy")


@register
@dataclass(eq=False, repr=False)
class SparseCategoricalCrossentropy(BuiltIn):
    """-log p of the true class, for targets that are labels 0, 1, ..., C - 1.

    Probabilities are divided by their sum first.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits z, with p = softmax(z), rather than probabilities.
    ignore_class : int, optional
        Samples with this label are left out of the loss, and out of its mean.
    axis : int
        The axis of the classes.

    Examples
    --------
    >>> loss = SparseCategoricalCrossentropy()
    >>> round(float(loss([1], [[0.05, 0.9, 0.05]])), 4)
    0.1054
    """

    positional_tail: ClassVar[tuple[str, ...]] = ("reduction", "axis", "name", "dtype")

    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = field(default=-1, kw_only=True)
    name: str | None = field(default="sparse_categorical_crossentropy", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self)

    def forward(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, Backward]:
        """From logits log Σ exp(z) - z[label]; gradient softmax(z) - onehot(label)."""
        p = y_pred if self.axis in (-1, y_pred.ndim - 1) else np.moveaxis(y_pred, self.axis, -1)
        labels, ignored = self._labels(y_true, y_pred)
        shape, p = p.shape, p.reshape(-1, p.shape[-1])
        index = np.arange(len(p)), labels

        if self.from_logits:
            top = np.maximum.reduce(p, axis=1, keepdims=True)
            e = np.exp(p - top)
            total = np.add.reduce(e, axis=1)
            losses = np.log(total) - (p[index] - top[:, 0])
        else:
            total = np.add.reduce(p, axis=1)
            if ignored is not None:
                total = np.where(ignored, 1, total)
            q = p[index] / total
            c = clip(q, epsilon(), 1 - epsilon())
            losses = -np.log(c)
        if ignored is not None:
            losses[ignored] = 0

        def backward(dl: np.ndarray) -> np.ndarray:
            dl = np.asarray(dl, p.dtype).reshape(-1)
            if ignored is not None:
                dl = np.where(ignored, 0, dl)
            if self.from_logits:
                dp = e * (dl / total)[:, None]
                dp[index] -= dl
            else:  # through p / Σp
                dq = -dl / c * (q == c) / total
                dp = np.repeat((-dq * q)[:, None], p.shape[1], axis=1)
                dp[index] += dq
            dp = dp.reshape(shape)
            return dp if shape == y_pred.shape else np.moveaxis(dp, -1, self.axis)

        return losses.reshape(shape[:-1]), backward

    def from_head(
        self, y_true: Any, logits: np.ndarray, y_pred: np.ndarray
    ) -> tuple[np.ndarray, Backward]:
        """The same with softmax(z) at hand: -log p[label]; gradient p - onehot(label)."""
        labels, ignored = self._labels(y_true, logits)
        places = constants.starts(labels.size, y_pred.shape[-1]) + labels
        chosen = y_pred.take(places)
        # The least, or NaN; to find and take it is several times as fast as `min`.
        if ignored is not None or not (chosen.size and chosen.item(chosen.argmin()) > TINY):
            return self.forward(y_true, logits)  # in p the digits of such a sample are lost

        def backward(dl: np.ndarray) -> np.ndarray:
            dz = np.multiply(y_pred, dl[..., None], out=np.empty(y_pred.shape, y_pred.dtype))
            dz.reshape(-1)[places] = (chosen - 1) * dl.reshape(-1)
            return dz

        losses = np.log(chosen)
        return np.negative(losses, out=losses).reshape(y_pred.shape[:-1]), backward

    def _labels(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Labels in one row of integers, and which of them are to be ignored (then 0)."""
        y = np.asarray(y_true)
        classes = y_pred.shape[self.axis]
        if y.size * classes != y_pred.size or y.ndim > y_pred.ndim:
            self.check_targets(y, y_pred.shape)
        labels, ignored = y.reshape(-1), None
        if self.ignore_class is not None:
            ignored = labels == self.ignore_class
            labels = np.where(ignored, 0, labels)
        labels = labels.astype(np.intp, copy=False)
        # Seen as unsigned, a negative label is a huge one: one test for both ends.
        sizes = labels.view(np.uintp)
        if labels.size and sizes.item(sizes.argmax()) >= classes:
            self.check_targets(y, y_pred.shape)
        return labels, ignored

    def mask_of(self, y_true: Any, losses: np.ndarray, mask: Any = None) -> Any:
        """Return `mask` without the samples of the ignored class."""
        if self.ignore_class is None:
            return mask
        kept = (np.asarray(y_true) != self.ignore_class).reshape(losses.shape)
        return kept if mask is None else kept & np.asarray(mask, bool)

    def logits_variant(self, head: str) -> Loss | None:
        """This loss from logits, for a softmax head."""
        fits = type(self) is SparseCategoricalCrossentropy and self.axis == -1
        return _from_logits(self) if fits and head == "softmax" and not self.from_logits else None

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError unless targets are labels of the classes there are."""
        targets.check_labels(self, y_true, y_pred_shape, self.axis, self.ignore_class)


def check_options(loss: Any) -> None:
    """Check the arguments that the cross-entropies share."""
    who = type(loss).__name__
    axes = loss.axis if isinstance(loss.axis, list | tuple) else [loss.axis]
    if any(isinstance(a, bool) or not isinstance(a, int | np.integer) for a in axes):
        raise ValueError(
            f"{who}: `axis` must be of type `int`. Received: axis={loss.axis} of type "
            f"{type(loss.axis)}"
        )
    smoothing = getattr(loss, "label_smoothing", 0.0)
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{who}: `label_smoothing` must be in [0, 1], but got {smoothing}.")


def smooth(y: np.ndarray, smoothing: float) -> np.ndarray:
    """Take `smoothing` of each one-hot target and share it among all classes."""
    if not smoothing:
        return y
    return y * y.dtype.type(1 - smoothing) + y.dtype.type(smoothing / y.shape[-1])


def normalise(p: np.ndarray, axis: int) -> tuple[np.ndarray, Backward]:
    """p / Σp, with its backward function."""
    total = np.add.reduce(p, axis=axis, keepdims=True)
    q = p / total

    def backward(dq: np.ndarray) -> np.ndarray:
        return (dq - np.add.reduce(dq * q, axis=axis, keepdims=True)) / total

    return q, backward


def spread(dl: np.ndarray, axis: int, x: np.ndarray) -> np.ndarray:
    """The gradient `dl` of a sum over `axis`, ready to be broadcast over `x`."""
    dl = np.asarray(dl, x.dtype)
    return dl[..., None] if axis == -1 else np.expand_dims(dl, axis)


def mean_over(x: np.ndarray, axis: Any) -> np.ndarray:
    """Mean over one axis or several."""
    return mean(x) if axis == -1 else np.mean(x, axis=tuple(np.atleast_1d(axis)))


def share_over(dl: np.ndarray, x: np.ndarray, axis: Any) -> np.ndarray:
    """What each element of `x` gets of the gradient `dl` of `mean_over`."""
    if axis == -1:
        return share(dl, x)
    axes = tuple(np.atleast_1d(axis))
    count = np.prod([x.shape[a] for a in axes])
    return np.expand_dims(np.asarray(dl, x.dtype), axes) / x.dtype.type(count)


def warn_one_class(loss: Loss, shape: tuple[int, ...]) -> None:
    """Warn of a cross-entropy over a single class, which is always zero."""
    if shape[-1] == 1:
        warn(
            f"{loss.name} needs at least 2 classes, but the predictions have shape {shape}: it "
            f"is constant. Use 'binary_crossentropy' for a yes-or-no target.",
            SyntaxWarning,
        )


def _from_logits(loss: Any) -> Loss:
    twin = copy.copy(loss)
    twin.from_logits = True
    return twin


binary_crossentropy = functional(BinaryCrossentropy, "bce", "BCE")
categorical_crossentropy = functional(CategoricalCrossentropy)
sparse_categorical_crossentropy = functional(SparseCategoricalCrossentropy)
