"""The layers that most models begin with: inputs, Dense, masking, functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import activations, constraints, initializers, kernels, regularizers
from kerasish.layers import dense_run
from kerasish.layers.arguments import Shape, as_shape, positive
from kerasish.layers.base import Backward, Layer
from kerasish.layers.same_shape import SameShape, let_through
from kerasish.layers.symbol import Symbol
from kerasish.registry import register
from kerasish.step import Step

NO_LORA = "low-rank adapters belong to large pretrained models, which are not in scope"


@register()
@dataclass(eq=False, repr=False)
class Dense(Layer):
    """Fully connected layer: ``y = activation(x @ kernel + bias)``.

    Input (N, ..., D), output (N, ..., units); kernel (D, units), bias (units,).

    Parameters
    ----------
    units : int
        Size of the output's last axis.
    activation : str or callable, optional
        Applied to the result; none by default.

    Examples
    --------
    >>> Dense(3, kernel_initializer="ones")(np.ones((2, 4)))
    Array([[4., 4., 4.],
           [4., 4., 4.]], dtype=float32)
    """

    units: int
    activation: Any = None
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = field(default=None, metadata={"private": True})
    kernel_constraint: Any = None
    bias_constraint: Any = None
    quantization_config: Any = None

    supports_masking: ClassVar[bool] = True
    fuses_head: ClassVar[bool] = True
    refused_arguments: ClassVar[dict[str, str]] = {
        "lora_rank": NO_LORA,
        "lora_alpha": NO_LORA,
        "quantization_config": "quantized weights are not in scope",
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        self.units = positive(self, "units", self.units)
        self.activation = activations.get(self.activation)
        self.kernel_initializer = initializers.get(self.kernel_initializer)
        self.bias_initializer = initializers.get(self.bias_initializer)
        self.kernel_regularizer = regularizers.get(self.kernel_regularizer)
        self.bias_regularizer = regularizers.get(self.bias_regularizer)
        self.activity_regularizer = regularizers.get(self.activity_regularizer)
        self.kernel_constraint = constraints.get(self.kernel_constraint)
        self.bias_constraint = constraints.get(self.bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Make kernel (D, units) and bias (units,)."""
        self.compute_output_shape(input_shape)
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Affine map, then the activation in place."""
        bias, relu = self.bias, self.is_relu
        z = kernels.affine(x, self.kernel.value, bias.value if bias else None, step, relu)
        y, to_dz = (z, None) if relu else self.activate(z, step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            return self.affine_backward(dy if to_dz is None else to_dz(dy), x, y, step)

        return y, backward if step.recording else None

    def affine_backward(
        self, dz: np.ndarray, x: np.ndarray, y: np.ndarray, step: Step
    ) -> np.ndarray | None:
        """dLoss/dx for input x, if needed; `dz` is dLoss/dy where relu has given y."""
        gate = y if self.is_relu else None
        needs_dx = step.needs_dx(self)
        return kernels.affine_backward(dz, gate, x, self.kernel, self.bias, step, needs_dx)

    def joined(self, following: Sequence[Layer]) -> Any:
        """With the Dense layers behind it."""
        return dense_run.run_from(self, following)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, ..., units)."""
        if len(input_shape) < 2 or input_shape[-1] is None:
            mend = "Give each sample one axis: x[:, None] for one feature a sample."
            if len(input_shape) >= 2:
                mend = "The number of features has to be known: write it into the input's shape."
            raise self.shape_error("(N, features)", input_shape, mend)
        return (*input_shape[:-1], self.units)


@register()
@dataclass(eq=False, repr=False)
class Identity(SameShape):
    """Return the input.

    Examples
    --------
    >>> Identity()(np.ones(2))
    Array([1., 1.], dtype=float32)
    """

    keeps_whole: ClassVar[bool] = True

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """The input."""
        return let_through(x, step)


@register()
@dataclass(eq=False, repr=False)
class Masking(SameShape):
    """Mask the time steps of (N, T, D) in which every feature equals `mask_value`.

    Masked steps become 0; layers after this one that know masks skip them, and so does the loss.

    Examples
    --------
    >>> Masking(9.0)(np.array([[[1.0, 9.0], [9.0, 9.0]]]))
    Array([[[1., 9.],
            [0., 0.]]], dtype=float32)
    """

    mask_value: Any = 0.0

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Leave the mask in the step."""
        step.mask = self.compute_mask(x)
        keep = step.mask[..., None]
        y = np.where(keep, x, x.dtype.type(0))
        return y, (lambda dy: dy * keep) if step.recording else None

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> np.ndarray:
        """True where a time step is data: (N, T)."""
        return np.any(np.asarray(inputs) != self.mask_value, axis=-1)


@register()
class InputLayer(SameShape):
    """State the shape of a model's input.

    Parameters
    ----------
    shape : tuple
        Shape of one sample, None along axes of any size.
    batch_size : int, optional
        Number of samples, if it is fixed.
    dtype : str, optional
        Type of the data; ``"float32"`` if left out, integers for tokens, ``"string"`` for texts.
    batch_shape : tuple, optional
        Shape with the batch axis, instead of `shape` and `batch_size`.

    Examples
    --------
    >>> InputLayer((28, 28)).batch_shape
    (None, 28, 28)
    """

    casts_input: ClassVar[bool] = False

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if input_tensor is not None or sparse or ragged:
            raise ValueError(
                f"{self.label} takes dense arrays only: `sparse`, `ragged` and tensors of "
                f"functional models are not supported. Leave them out."
            )
        if batch_shape is not None and (shape is not None or batch_size is not None):
            raise ValueError(
                f"{self.label}: give either `batch_shape` or `shape` and `batch_size`, not both."
            )
        if batch_shape is None and shape is None and self.input_hint is not None:
            batch_shape = self.input_hint  # the old `input_shape=` or `batch_input_shape=`
            if batch_size is not None:
                batch_shape = (batch_size, *batch_shape[1:])
        if batch_shape is None:
            if shape is None:
                raise ValueError(f"{self.label}: you must pass a `shape`, such as (784,).")
            batch_shape = (batch_size, *as_shape(shape, self.label, "shape"))
        self.batch_shape = as_shape(batch_shape, self.label, "batch_shape")
        self.input_hint = self.batch_shape
        is_text = dtype is str or dtype in ("string", "str")
        self.dtype = "string" if is_text else np.dtype(dtype or self.dtype).name
        self.optional = optional

    @property
    def shape(self) -> Shape:
        """The shape of the input, batch axis first as None."""
        return self.batch_shape

    def as_symbol(self) -> Symbol:
        """The beginning of a chain of layers."""
        return Symbol(self, (), self.batch_shape, self.dtype)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """The input."""
        return let_through(x, step)

    def get_config(self) -> dict[str, Any]:
        """Keras's keys, in its order."""
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> InputLayer:
    """Return an `InputLayer`, to be put first into a Sequential.

    >>> Input((784,)).batch_shape
    (None, 784)
    """
    return InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name=name
    )
