"""What the built-in recurrent cells share: kernels, dropout, and the way of a whole sequence."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from kerasish import activations, constraints, initializers, kernels, regularizers
from kerasish.kernels import compiled, sequences
from kerasish.kernels.recurrent import Pass, Product, States
from kerasish.layers.arguments import Shape, fraction, positive
from kerasish.layers.base import Layer
from kerasish.layers.recurrent.protocol import call_cell
from kerasish.step import Step

KINDS = {getattr(activations, name): kind for name, kind in sequences.KINDS.items()}


class Cell(Layer):
    """A built-in cell: kernel and recurrent kernel with the blocks of its gates side by side.

    ``cell(inputs, states)`` is one step. Subclasses say in `recur` how the products of the
    input, (T, N, gates * units), become the outputs of all steps.
    """

    gates: ClassVar[int] = 1
    shardable: ClassVar[bool] = True  # type: ignore[misc]

    units: Any
    activation: Any
    use_bias: Any
    dropout: Any
    recurrent_dropout: Any
    seed: Any
    kernel: Any
    recurrent_kernel: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_arguments()

    def check_arguments(self) -> None:
        """Check and resolve the arguments."""
        check_arguments(self)

    @property
    def state_size(self) -> Any:
        """Features of the state, or of each of them."""
        return self.units

    @property
    def output_size(self) -> int:
        """Features of the output."""
        return self.units

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias."""
        return (self.gates * self.units,)

    def get_initial_state(self, batch_size: int | None = None) -> list[np.ndarray]:
        """Zeros, one array for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [np.zeros((batch_size or 1, n), self.dtype) for n in sizes]

    def build(self, input_shape: Shape) -> None:
        """Make kernel (D, G * units), recurrent_kernel (units, G * units) and bias."""
        columns = self.gates * self.units
        self.make_weights(kernel=(input_shape[-1], columns), recurrent=(self.units, columns))

    def make_weights(self, **shapes: tuple[Any, ...]) -> None:
        """Make the weights with the arguments that bear their names; and the bias."""
        if self.use_bias:
            shapes["bias"] = self.bias_shape
        self.bias = None
        for name, shape in shapes.items():
            weight = self.add_weight(
                shape,
                self.initial_bias if name == "bias" else getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"),
                name="recurrent_kernel" if name == "recurrent" else name,
            )
            setattr(self, weight.name, weight)

    def initial_bias(self, shape: Any, dtype: Any = None, rng: Any = None) -> np.ndarray:
        """What the bias begins with."""
        return self.bias_initializer(shape, dtype=dtype, rng=rng)  # type: ignore[attr-defined]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """One step: output and new states. Subclasses that override it are run step by step."""
        return call_cell(self, inputs, states, training, run=Cell.run)

    def recur(
        self,
        z: np.ndarray,
        product: Product,
        states: States,
        keep: np.ndarray | None,
        sequences: bool,
        step: Step,
    ) -> Pass:
        """From the input's products to the outputs; see `kernels.recurrent`."""
        raise TypeError(f"{type(self).__name__} must define `recur`.")

    def kinds(self, z: np.ndarray, product: Product) -> tuple[int, int] | None:
        """The activations as `kernels.sequences` numbers them, if its kernels are worth it."""
        gate = getattr(self, "recurrent_activation", activations.sigmoid)
        found = KINDS.get(self.activation), KINDS.get(gate)
        fits = type(product) is Product and compiled.chosen(z.size, z.dtype)
        return found if fits and None not in found else None  # type: ignore[return-value]

    def row_columns(self, step: Step) -> int:
        """Columns of the kernel if `run` takes `kernels.Rows`, else 0: dropout wants each place."""
        able = type(self).run is Cell.run and not (step.training and self.dropout)
        return self.gates * self.units if able else 0

    def run(
        self,
        x: Any,
        states: States,
        keep: np.ndarray | None,
        step: Step,
        sequences: bool,
        needs_dx: bool = True,
    ) -> Pass:
        """Send sequences (T, N, D) through: one product for the inputs of all steps.

        Of `kernels.Rows` the product is that of the rows, and backward gives their gradient.
        """
        inputs, product = self.products(x, step)
        bias = self.bias
        looked_up = x if isinstance(x, kernels.Rows) else None
        x = x if looked_up is None else looked_up.rows
        z = inputs(x)
        kernels.add_bias(
            z, None if bias is None else bias.value if bias.ndim == 1 else bias.value[0]
        )
        if looked_up is not None:
            z = looked_up.spread(z, step)
        done = self.recur(z, product, states, keep, sequences, step)

        def backward(dy: np.ndarray, dstates: Any = None) -> Any:
            dz, drecurrent, first, *dbias = done.backward(dy, dstates)
            step.add_grad(self.recurrent_kernel, drecurrent)
            if looked_up is not None:
                dz = looked_up.collect(dz, step)
            if step.wants(self.kernel):
                step.add_grad(self.kernel, inputs.gradient(x, dz))
            if bias is not None and bias.ndim == 1:
                step.add_grad(bias, dz)
            elif bias is not None and step.wants(bias):
                step.add_grad(bias, np.stack([dz.reshape(-1, dz.shape[-1]).sum(axis=0), *dbias]))
            return inputs.backward(dz) if needs_dx else None, first

        return done._replace(backward=backward)

    def products(self, x: np.ndarray, step: Step) -> tuple[Product, Product]:
        """The products with input and state, with dropout in training."""
        count = self.gates if self.recurrent_dropout else 1
        masks = self.masks(x.shape[1:], (x.shape[1], self.units), count, x.dtype, step)
        inputs = Product(self.kernel.value, masks[0], step)
        return inputs, Product(self.recurrent_kernel.value, masks[1])

    def masks(self, x_shape: Any, h_shape: Any, count: int, dtype: Any, step: Step) -> list[Any]:
        """Dropout masks of input and state, or None: the same at all steps.

        With `recurrent_dropout` each gate has masks of its own (Gal and Ghahramani 2016).
        """
        rates = self.dropout, self.recurrent_dropout
        if not step.training or not any(rates):
            return [None, None]
        rng = step.rng_for(self.seed)
        pairs = zip(rates, (x_shape, h_shape), strict=True)
        return [
            kernels.dropout_mask((count, *shape), rate, rng, dtype) if rate else None
            for rate, shape in pairs
        ]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, units), of the output."""
        return (input_shape[0], self.units)


def check_arguments(layer: Any) -> None:
    """Check and resolve, in place, what a cell and the layer around it are told."""
    given = vars(layer)
    size = "units" if "units" in given else "filters"
    given[size] = positive(layer, size, given[size])
    for name in ("activation", "recurrent_activation"):
        if name in given:
            given[name] = activations.get(given[name])
    for name in ("kernel", "recurrent", "bias"):
        for role, module in (
            ("initializer", initializers),
            ("regularizer", regularizers),
            ("constraint", constraints),
        ):
            given[f"{name}_{role}"] = module.get(given[f"{name}_{role}"])
    for name in ("dropout", "recurrent_dropout"):
        given[name] = fraction(layer, name, given[name])
