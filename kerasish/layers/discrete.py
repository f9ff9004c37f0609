"""Layers that sort values into boxes: CategoryEncoding, Discretization and Hashing."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from kerasish.errors import brief
from kerasish.layers.arguments import dtype_policy, positive
from kerasish.layers.hashes import hashed, salt_pair
from kerasish.layers.tokens import MODES, Discrete, checked_mode, encode, parts, refuse_sparse
from kerasish.registry import plain, register
from kerasish.store import as_array


@register()
class CategoryEncoding(Discrete):
    """Whole numbers from 0 to ``num_tokens - 1`` as rows of zeros and ones, or of counts.

    Parameters
    ----------
    num_tokens : int
        How many numbers there are.
    output_mode : {"multi_hot", "one_hot", "count"}
        A row for each sample, whose numbers stand on the last axis, with ones where one comes
        (``"multi_hot"``) or how often (``"count"``); or a row for each number (``"one_hot"``).

    Examples
    --------
    >>> CategoryEncoding(4)([[0, 1], [0, 0], [3, 1]])
    Array([[1., 1., 0., 0.],
           [1., 0., 0., 0.],
           [0., 1., 0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if num_tokens is None:
            raise ValueError(
                f"{self.label} needs `num_tokens`, the largest number plus 1. If it is not known, "
                f"use IntegerLookup and adapt."
            )
        self.num_tokens = positive(self, "num_tokens", num_tokens)
        self.output_mode = checked_mode(self.label, output_mode, MODES[1:])
        refuse_sparse(self.label, sparse)

    def __call__(  # type: ignore[override]
        self, inputs: Any, count_weights: Any = None, training: Any = False, mask: Any = None
    ) -> Any:
        """Encode; with ``output_mode="count"``, `count_weights` (as the inputs) are added up."""
        if count_weights is None:
            return super().__call__(inputs, training, mask)
        if self.output_mode != "count":
            raise ValueError(
                f"{self.label}: `count_weights` go with output_mode='count', not "
                f"{self.output_mode!r}."
            )
        x, weights = self.prepare_input(inputs), np.asarray(count_weights, self.dtype)
        if weights.shape != x.shape:
            raise ValueError(
                f"{self.label}: `count_weights` must have the shape of the inputs, {x.shape}, but "
                f"has {weights.shape}."
            )
        return as_array(encode(self.indices(x), "count", self.depth(), self.dtype, weights))

    def depth(self) -> int:
        """`num_tokens`."""
        return self.num_tokens

    def indices(self, x: np.ndarray) -> np.ndarray:
        """The numbers themselves.

        Raises
        ------
        ValueError
            If one is no whole number of the range.
        """
        bad = (x < 0) | (x >= self.num_tokens) | (x != np.trunc(x))
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0]) if x.ndim else ()
            raise ValueError(
                f"{self.label} expects whole numbers from 0 to {self.num_tokens - 1} but got "
                f"{x[place]} at {place}. Set num_tokens to the largest number plus 1, or use "
                f"IntegerLookup."
            )
        return x.astype(np.int64)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        return {**config, "num_tokens": self.num_tokens, "output_mode": self.output_mode}


@register()
class Discretization(Discrete):
    """The number of the range that a value lies in; the ranges are given, or learnt from data.

    Parameters
    ----------
    bin_boundaries : list of float, optional
        ``[0, 1]`` makes the ranges below 0, from 0 to below 1, and from 1 on.
    num_bins : int, optional
        Instead: `adapt` finds this many ranges, about equally full.
    epsilon : float
        Precision with which `adapt` keeps what it saw, as a share of the data.
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        The number itself, or a row as of `CategoryEncoding`.

    Examples
    --------
    >>> Discretization(bin_boundaries=[0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5]])
    Array([[0, 2, 3, 1]], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        *,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                f"{self.label}: give either `bin_boundaries` or `num_bins`, not "
                f"bin_boundaries={brief(bin_boundaries)} and num_bins={num_bins}."
            )
        self.num_bins = None if num_bins is None else positive(self, "num_bins", num_bins)
        self.bin_boundaries = None if bin_boundaries is None else self._checked(bin_boundaries)
        if not 0 < epsilon <= 1:
            raise ValueError(f"{self.label}: `epsilon` must lie between 0 and 1 but is {epsilon}.")
        self.epsilon = epsilon
        self.output_mode = checked_mode(self.label, output_mode)
        refuse_sparse(self.label, sparse)

    def _checked(self, boundaries: Any) -> list[float]:
        found = [float(b) for b in boundaries]
        if sorted(found) != found or any(math.isnan(b) for b in found):
            raise ValueError(
                f"{self.label}: `bin_boundaries` must be in ascending order but is "
                f"{brief(boundaries)}. Pass sorted(bin_boundaries)."
            )
        return plain(list(boundaries))

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Set the boundaries to quantiles of `data`, forgetting earlier ones.

        Parameters
        ----------
        data : array or iterable
            An array, or an iterable of batches (of tuples, the first entry counts).
        steps : int, optional
            Number of batches to look at.
        """
        if self.num_bins is None:
            raise ValueError(
                f"{self.label} was given its bin_boundaries: it cannot adapt. Make it with "
                f"num_bins=, the number of ranges."
            )
        summary = np.zeros((2, 0), np.float32)
        for part in parts(data, self.label, steps):
            seen = _summary(self.prepare_input(part), self.epsilon)
            both = np.concatenate([seen, summary], 1)
            summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)
        if not summary.size:
            raise ValueError(f"{self.label}: adapt got no data. Pass at least one batch.")
        self.bin_boundaries = _compressed(summary, 1 / self.num_bins)[0, :-1].tolist()

    def _boundaries(self) -> list[float]:
        if self.bin_boundaries is None:
            raise ValueError(
                f"{self.label} has no boundaries yet. Call adapt(data) first, or pass "
                f"`bin_boundaries`."
            )
        return self.bin_boundaries

    def depth(self) -> int:
        """Number of ranges."""
        known = self.bin_boundaries is not None or self.num_bins is None
        return len(self._boundaries()) + 1 if known else int(self.num_bins or 0)

    def indices(self, x: np.ndarray) -> np.ndarray:
        """Number of the range, from 0 on."""
        boundaries = np.asarray(self._boundaries(), x.dtype if x.dtype.kind == "f" else "float64")
        return np.searchsorted(boundaries, x, side="right").astype(np.int32)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files; with the boundaries that `adapt` found."""
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Discretization:
        """Build the layer; a config may have what `adapt` found besides `num_bins`."""
        config = dict(config)
        found = None
        if config.get("num_bins") is not None:
            found = config.pop("bin_boundaries", None)
        layer = cls(**config)
        if found is not None:
            layer.bin_boundaries = layer._checked(found)
        return layer


def _summary(values: np.ndarray, epsilon: float) -> np.ndarray:
    """About ``1 / epsilon`` of the sorted values, and how many values each stands for."""
    values = np.sort(values.astype(np.float32), axis=None)
    stride = max(values.size * epsilon, 1)
    kept = values[int(stride - 1) :: int(stride)]
    return np.stack([kept, np.full_like(kept, stride)])


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary of ``1 / epsilon`` values, between which lie equal shares of the weight."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    total = summary[1].cumsum()
    share = total / total[-1]
    values = np.interp(shares, share, summary[0])
    weights = np.diff(np.interp(shares, share, total), prepend=0)
    return np.stack([values, weights]).astype(np.float32)


@register()
class Hashing(Discrete):
    """Texts or whole numbers as numbers from 0 to ``num_bins - 1``, by a hash; two may share one.

    The numbers are those of Keras, in every process: FarmHash64, or SipHash64 with a `salt`.

    Parameters
    ----------
    num_bins : int
        How many numbers there are, that of `mask_value` included.
    mask_value : str or int, optional
        Becomes 0, which nothing else does then.
    salt : int or list of 2 int, optional
        Key of the hash; another one shuffles the numbers.
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        The number itself, or a row as of `CategoryEncoding`.

    Examples
    --------
    >>> Hashing(num_bins=3)([["A"], ["B"], ["E"]])
    Array([[1],
           [0],
           [2]])
    """

    takes_text: ClassVar[bool] = True

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.num_bins = positive(self, "num_bins", num_bins)
        self.mask_value, self.salt = mask_value, salt_pair(self.label, salt)
        self.output_mode = checked_mode(self.label, output_mode)
        refuse_sparse(self.label, sparse)

    def depth(self) -> int:
        """`num_bins`."""
        return self.num_bins

    def indices(self, x: np.ndarray) -> np.ndarray:
        """The hash of each element; floats count as the whole numbers they are cut to."""
        return hashed(x, self.num_bins, self.mask_value, self.salt)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files; the type is that of the output."""
        config = super().get_config()
        if self.output_mode == "int":
            config["dtype"] = dtype_policy("int64")
        config.update(num_bins=self.num_bins, salt=self.salt, mask_value=self.mask_value)
        config.update(output_mode=self.output_mode, sparse=False)
        return config
