"""What all losses have in common, and losses made from a user's function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import autodiff, config, registry, store
from kerasish.errors import warn
from kerasish.losses import reduction as reductions
from kerasish.losses import targets
from kerasish.registry import register

Backward = Callable[[np.ndarray], np.ndarray]


@register
@dataclass(eq=False, repr=False)
class Loss(registry.Configurable):
    """Base class of losses: a loss of each sample, and how to make one number of them.

    Subclass it with a `call` in plain NumPy, which the optional package autograd differentiates,
    or with a `forward` that returns its own backward function.

    Parameters
    ----------
    name : str, optional
        Shown in logs and configs; made from the class's name by default.
    reduction : str or None
        ``"sum_over_batch_size"`` or ``"mean"`` (sum of the weighted losses over their number),
        ``"sum"``, ``"mean_with_sample_weight"`` (sum of the weighted losses over the sum of the
        weights), ``"none"`` or None.
    dtype : str, optional
        Float type of standalone calls, ``"float32"`` by default.

    Attributes
    ----------
    additive : bool
        Whether the losses of a batch are those of its parts, joined. Losses whose samples see
        each other, and users' own, are computed once on the whole batch.

    Examples
    --------
    >>> class RootMeanSquaredError(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.sqrt(np.mean(np.square(y_pred - y_true), axis=-1))
    >>> float(RootMeanSquaredError()(np.zeros((2, 1)), np.array([[3.0], [5.0]])))
    4.0
    """

    registry_kind = "loss"
    positional_tail: ClassVar[tuple[str, ...]] = ("name", "reduction", "dtype")
    additive: ClassVar[bool] = False
    _native: ClassVar[Any] = None  # the `forward` that stands behind `call` where there is one

    name: str | None = field(default=None, kw_only=True)
    reduction: str | None = field(default="sum_over_batch_size", kw_only=True)
    dtype: Any = field(default=None, kw_only=True, metadata={"private": True})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "forward" in own:
            cls._native = own["forward"]
        elif "call" in own:  # it says what the loss is now, whatever the base class knew
            cls.forward = Loss.forward  # type: ignore[method-assign]
            cls.additive = own.get("additive", False)

    def __post_init__(self) -> None:
        if self.name is None:
            self.name = registry.unique_name(registry.snake_case(type(self).__name__))
        self.reduction = reductions.standardize(self.reduction)
        self.dtype = _float_name(self.dtype)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch as a scalar, or its vector if there is no reduction."""
        if not autodiff.is_traced(y_pred):
            y_pred = np.asarray(y_pred, self.dtype)
        y_true = np.asarray(y_true)
        if type(self).call is not Loss.call:
            y_true = y_true.astype(self.dtype, copy=False)
        losses = self.call(y_true, y_pred)
        values = autodiff.untraced(losses)
        mask = self.mask_of(y_true, values)
        c = self.coefficients(values.shape, sample_weight, mask, dtype=values.dtype)
        weighted = losses * c
        total = weighted if self.reduction in (None, "none") else np.sum(weighted)
        return total if autodiff.is_traced(total) else store.as_array(total)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses of the samples: `y_pred`'s shape without what is averaged over."""
        if self._native is None:
            raise TypeError(
                f"{type(self).__name__} defines neither call(y_true, y_pred) nor "
                f"forward(y_true, y_pred). Define one of them."
            )
        if autodiff.is_traced(y_pred):
            return autodiff.through(lambda p: self._native(y_true, p), y_pred)
        return self._native(y_true, y_pred)[0]

    def forward(self, y_true: Any, y_pred: Any) -> tuple[np.ndarray, Backward]:
        """Return the losses and a function from d/dlosses to d/dy_pred.

        It keeps the float type of `y_pred` and may run in several threads at once.
        """
        if type(self).call is Loss.call:
            self.call(y_true, y_pred)  # raises
        y_true = np.asarray(y_true, y_pred.dtype)

        def call(p: Any) -> Any:
            return self.call(y_true, p)

        call.__qualname__ = f"The loss '{self.name}'"
        backward: Any
        try:
            values, backward = autodiff.vjp(call, y_pred)
        except Exception as error:
            error.add_note(f"Raised by the loss '{self.name}', called with (y_true, y_pred).")
            raise
        rows = len(y_pred)
        if values.ndim and len(values) != rows:
            raise ValueError(
                f"The loss '{self.name}' must return one value for each of the {rows} samples, or "
                f"a single number, but returned shape {values.shape}. Reduce the last axis only: "
                f"np.mean(..., axis=-1)."
            )
        if not backward.depends and values.any():
            warn(
                f"The loss '{self.name}' does not depend on y_pred, so nothing is learnt from it. "
                f"Compute it from y_pred, with NumPy functions that make new arrays."
            )
        return values, backward

    def from_head(
        self, y_true: Any, logits: np.ndarray, y_pred: np.ndarray
    ) -> tuple[np.ndarray, Backward]:
        """`forward` on logits, where the activation of a model's head has made `y_pred` of them.

        The function takes d/dlosses to d/dlogits.
        """
        return self.forward(y_true, logits)

    def at_head(
        self, y_true: Any, logits: np.ndarray, y_pred: np.ndarray, c: np.ndarray, step: Any
    ) -> tuple[float, np.ndarray] | None:
        """``sum(c * losses)`` and its d/dlogits as `from_head` has them, if there is a kernel."""
        return None

    def coefficients(
        self,
        shape: tuple[int, ...],
        sample_weight: Any = None,
        mask: Any = None,
        rows: tuple[int, int] | None = None,
        all_sum: Callable[[Any], Any] | None = None,
        dtype: Any = None,
    ) -> np.ndarray:
        """Return the array `c` with which the reduced loss is ``sum(c * losses)``.

        Parameters
        ----------
        shape : tuple of int
            Shape of the losses.
        sample_weight, mask : array, optional
            Of the leading axes of `shape`; True in `mask` is what counts.
        rows : (int, int), optional
            Rows in this part and in the whole batch, if this is one of several parts.
        all_sum : callable, optional
            Adds a number up over the parts.
        dtype : optional
            Float type of the result.

        Without a reduction the coefficients are the weights.
        """
        return reductions.coefficients(
            self.reduction, shape, sample_weight, mask, rows, all_sum, dtype or self.dtype
        )

    def mask_of(self, y_true: Any, losses: np.ndarray, mask: Any = None) -> Any:
        """Return `mask` without the samples that this loss itself leaves out."""
        return mask

    def logits_variant(self, head: str) -> Loss | None:
        """The loss whose `from_head` takes the input of a last activation `head`, if any."""
        return None

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError if targets (an array, or its shape) do not fit predictions."""

    def check_values(self, y_true: np.ndarray) -> None:
        """Raise ValueError if the targets of a whole data set are none for this loss."""


class BuiltIn(Loss):
    """Base of the losses that come with kerasish: Keras's argument order, `forward` written out."""

    positional_tail: ClassVar[tuple[str, ...]] = ("reduction", "name", "dtype")
    additive = True


class Paired(BuiltIn):
    """Base of losses whose targets have the shape of the predictions.

    A subclass writes `formula`, which gets both in the same shape and float type.
    """

    def forward(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Return the losses and a function from d/dlosses to d/dy_pred."""
        y = np.asarray(y_true)
        if y.dtype != y_pred.dtype:
            y = y.astype(y_pred.dtype)
        if y.shape == y_pred.shape:
            return self.formula(y, y_pred)
        y, p = targets.align(self, y, y_pred)
        losses, backward = self.formula(y, p)
        return losses, lambda dl: backward(dl).reshape(y_pred.shape)

    def formula(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Return the losses of targets `y` and predictions `p`, and their backward function."""
        raise TypeError(f"{type(self).__name__} defines no formula(y, p).")

    def check_targets(self, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
        """Raise ValueError if targets (an array, or its shape) do not fit predictions."""
        targets.check_paired(self, y_true, y_pred_shape)


@register
class LossFunctionWrapper(Loss):
    """A loss made of a function ``fn(y_true, y_pred, **kwargs)`` of NumPy arrays.

    Examples
    --------
    >>> def rmse(y_true, y_pred):
    ...     return np.sqrt(np.mean((y_true - y_pred) ** 2, axis=-1))
    >>> float(LossFunctionWrapper(rmse)(np.zeros((2, 1)), np.array([[3.0], [5.0]])))
    4.0
    """

    positional_tail: ClassVar[tuple[str, ...]] = ("reduction", "name", "dtype")

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = registry.resolve("loss", fn)
        self._fn_kwargs = kwargs
        cls = getattr(self.fn, "loss_class", None)  # ours have a backward pass of their own
        self._formula: Loss | None = None if cls is None else cls(**kwargs)

    @property
    def additive(self) -> bool:  # type: ignore[override]
        """True for functions of ours whose samples do not see each other."""
        return self._formula is not None and self._formula.additive

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function gives, for targets aligned with the predictions."""
        y_true, y_pred = targets.squeeze_or_expand(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def forward(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Return the losses and a function from d/dlosses to d/dy_pred."""
        if self._formula is None:
            return super().forward(y_true, y_pred)
        return self._formula.forward(y_true, y_pred)

    def mask_of(self, y_true: Any, losses: np.ndarray, mask: Any = None) -> Any:
        """Return `mask` without the samples that this loss itself leaves out."""
        return mask if self._formula is None else self._formula.mask_of(y_true, losses, mask)

    def get_config(self) -> dict[str, Any]:
        """Return name, reduction, the function's name and its further arguments."""
        return {**super().get_config(), "fn": registry.plain(self.fn), **self._fn_kwargs}


def functional(cls: type[Loss], *aliases: str, required: tuple[str, ...] = ()) -> Any:
    """Make and register Keras's function of a loss class, ``fn(y_true, y_pred, <its fields>)``.

    The function returns the losses of the samples. `aliases` are further names of it.
    """
    by_name = inspect.signature(cls).parameters
    own = [n for n in by_name if n not in ("name", "reduction", "dtype")]
    empty, either = inspect.Parameter.empty, inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter(n, either) for n in ("y_true", "y_pred")]
        + [by_name[n].replace(kind=either, default=empty) for n in own if n in required]
        + [by_name[n].replace(kind=either) for n in own if n not in required]
    )

    def make(args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]) -> Loss:
        bound = signature.bind(None, None, *args, **dict(kwargs)).arguments
        return cls(name=fn.__name__, **{k: v for k, v in bound.items() if k in own})

    made = functools.lru_cache(maxsize=32)(make)

    def fn(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
        options = args, tuple(kwargs.items())
        try:
            loss = made(*options)
        except TypeError:  # unhashable, or wrong: then this raises again
            loss = make(*options)
        return losses_of(loss, y_true, y_pred)

    fn.__name__ = fn.__qualname__ = registry.snake_case(cls.__name__)
    fn.__module__ = cls.__module__
    fn.__doc__ = f"Return the losses of the samples, as `{cls.__name__}` defines them."
    fn.__signature__ = signature  # type: ignore[attr-defined]
    fn.loss_class = cls  # type: ignore[attr-defined]
    return register(*aliases, kind="loss")(fn)


def losses_of(loss: Loss, y_true: Any, y_pred: Any) -> Any:
    """Return the losses of the samples of arrays or lists; traced if `y_pred` is."""
    y_true = np.asarray(y_true)
    if autodiff.is_traced(y_pred):
        return loss.call(y_true, y_pred)
    y_pred = np.asarray(y_pred, None if hasattr(y_pred, "dtype") else config.floatx())
    if y_pred.dtype.kind != "f":
        y_pred = y_pred.astype(config.floatx())
    return store.as_array(loss.forward(y_true, y_pred)[0])


def _float_name(dtype: Any) -> str:
    if dtype is None:
        return config.floatx()
    dtype = np.dtype(getattr(dtype, "compute_dtype", dtype))
    if dtype.kind != "f":
        raise ValueError(f"A loss's `dtype` must be a float type such as 'float32', not {dtype}.")
    return dtype.name
