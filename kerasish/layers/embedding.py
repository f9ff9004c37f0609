"""Vectors for whole numbers such as words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import constraints, initializers, kernels, regularizers
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward, Layer
from kerasish.registry import register
from kerasish.step import Step

NO_LORA = "low-rank adapters belong to large pretrained models, which are not in scope"


@register()
@dataclass(eq=False, repr=False, init=False)
class Embedding(Layer):
    """A vector for each whole number from 0 to ``input_dim - 1``: (N, ...) to (N, ..., output_dim).

    Parameters
    ----------
    input_dim : int
        Size of the vocabulary: the largest number plus 1.
    output_dim : int
        Length of the vectors.
    mask_zero : bool
        Whether 0 stands for padding: later layers skip those steps, and so does the loss.
    weights : ndarray or list of one, optional
        Initial vectors, (input_dim, output_dim); with ``trainable=False`` they stay as they are.
    input_length : int, optional
        Keras 2's way to state the length of the sequences of a first layer.

    Notes
    -----
    Weight embeddings (input_dim, output_dim). Whole numbers stored as floats are taken too.

    Examples
    --------
    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    input_dim: int
    output_dim: int
    embeddings_initializer: Any
    embeddings_regularizer: Any
    activity_regularizer: Any
    embeddings_constraint: Any
    mask_zero: bool
    quantization_config: Any

    casts_input: ClassVar[bool] = False
    refused_arguments: ClassVar[dict[str, str]] = {
        "lora_rank": NO_LORA,
        "lora_alpha": NO_LORA,
        "quantization_config": "quantized weights are not in scope",
    }

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        quantization_config: Any = None,
        *,
        activity_regularizer: Any = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.input_dim = positive(self, "input_dim", input_dim)
        self.output_dim = positive(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.quantization_config = None
        if weights is not None:
            self._initial_weights = [self._checked_vectors(weights)]

    def _checked_vectors(self, weights: Any) -> np.ndarray:
        vectors = weights[0] if isinstance(weights, list | tuple) and len(weights) == 1 else weights
        shape = (self.input_dim, self.output_dim)
        if np.shape(vectors) != shape:
            raise ValueError(
                f"{self.label}: `weights` must be one array of shape {shape} (input_dim, "
                f"output_dim) but has shape {np.shape(vectors)}."
            )
        return np.asarray(vectors)

    @property
    def supports_masking(self) -> bool:  # type: ignore[override]
        """As in Keras: a mask that comes from before ends here."""
        return self.mask_zero

    def build(self, input_shape: Shape) -> None:
        """Make embeddings (input_dim, output_dim)."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def check_data(self, batches: Any, is_first: bool = False) -> None:
        """Look at all the numbers that are at hand."""
        if is_first and batches.inputs is not None:
            self.whole_numbers(batches.inputs)

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Numbers of any shape will do."""

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Look the vectors up; backward adds up the gradients of each."""
        indices = self.whole_numbers(x, step.rows.start or 0)
        table = self.embeddings.value
        y = step.empty((*x.shape, self.output_dim), table.dtype)[...]  # nobody else's object
        np.take(table, indices, axis=0, out=y, mode="clip")
        step.mask = self.compute_mask(indices)
        lookup = kernels.Lookup(self, table, indices, y)
        if self.activity_regularizer is None:
            step.lookup = lookup

        def backward(dy: np.ndarray) -> None:
            places = lookup.numbers if lookup.is_taken else indices
            gradient = step.rows_of(self.embeddings, places)
            if gradient is not None:
                kernels.scatter(gradient, places, dy)

        return y, backward if step.recording else None

    def whole_numbers(self, x: np.ndarray, first_row: int = 0) -> np.ndarray:
        """`x` as indices of the table.

        Raises
        ------
        ValueError
            If one is no whole number or outside the vocabulary; its place is named, rows counted
            from `first_row`.
        """
        indices = x
        if x.dtype.kind not in "iu":
            with np.errstate(invalid="ignore"):
                indices = x.astype(np.intp)
            if not np.array_equal(indices, x):
                self._refuse(x, indices != x, first_row, "is no whole number")
        if x.size and (indices.min() < 0 or indices.max() >= self.input_dim):
            bad = (indices < 0) | (indices >= self.input_dim)
            self._refuse(x, bad, first_row, f"is outside the vocabulary of {self.input_dim}")
        return indices.astype(np.intp, copy=False)

    def _refuse(self, x: np.ndarray, bad: np.ndarray, first_row: int, why: str) -> None:
        place = [int(i) for i in np.argwhere(bad)[0]]
        value = x[tuple(place)]
        place[0] += first_row
        where = f"row {place[0]}" + (f", step {place[1]}" if len(place) > 1 else "")
        where += f" (place {tuple(place)})" if len(place) > 2 else ""
        mend = "Words are numbered from 0; negative or scaled data go into Dense, not Embedding."
        if value >= self.input_dim:
            mend = f"Set input_dim to {int(np.max(x)) + 1} or more, or replace rare words by one."
        raise ValueError(
            f"{self.label}: the index {value} in {where} {why}; whole numbers from 0 to "
            f"{self.input_dim - 1} have vectors. {mend}"
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> np.ndarray | None:
        """False where the number is 0, if that stands for padding."""
        return np.asarray(inputs) != 0 if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, ..., output_dim)."""
        return (*input_shape, self.output_dim)

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """One for each element of the output, which is copied."""
        return math.prod(n or 1 for n in output_shape[1:])
