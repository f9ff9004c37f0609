"""What a layer gives when it is called on an `Input`: the chain of layers passed so far.

Scripts in Keras's functional style call layers on symbolic inputs and join them to a
``Model(inputs, outputs)``. Here a graph is a chain: one input, one output, no branches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.layers.arguments import Shape

if TYPE_CHECKING:
    from kerasish.layers.base import Layer

NO_GRAPH = (
    "graphs of layers that branch or join are not supported: kerasish chains layers one behind "
    "another"
)


class Symbol:
    """The shape after a chain of layers, and the chain; it has no numbers.

    Parameters
    ----------
    start : InputLayer
        Where the chain begins.
    layers : tuple of Layer
        The layers passed so far.
    shape : tuple
        Shape of what comes out, batch axis first as None.

    Examples
    --------
    >>> from kerasish.layers import Dense, Input
    >>> Dense(4)(Input((3,))).shape
    (None, 4)
    """

    def __init__(self, start: Any, layers: tuple[Layer, ...], shape: Shape, dtype: Any) -> None:
        self.start, self.layers = start, layers
        self.shape, self.dtype = tuple(shape), dtype
        self.ndim = len(self.shape)

    @property
    def name(self) -> str:
        """Name of the layer that gives it."""
        return self.layers[-1].name if self.layers else self.start.name

    def get_shape(self) -> Shape:
        """The shape; TensorFlow's spelling."""
        return self.shape

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"{self!r} has no numbers to compute with, and {NO_GRAPH}. Put the computation into "
            f"a layer: Lambda(lambda x: ...)."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _refuse
    __rtruediv__ = __matmul__ = __rmatmul__ = __pow__ = __neg__ = __abs__ = _refuse
    __getitem__ = __len__ = __float__ = __array__ = _refuse
    __array_ufunc__ = None

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Any:
        return self._refuse()

    def __repr__(self) -> str:
        return f"<symbol of shape {self.shape} after {self.name!r}>"


def is_symbolic(value: Any) -> bool:
    """Whether a layer called on `value` makes a chain longer."""
    return isinstance(value, Symbol) or hasattr(value, "as_symbol")


def as_symbol(value: Any) -> Symbol:
    """The `Symbol` itself, or that of an `InputLayer`."""
    return value if isinstance(value, Symbol) else value.as_symbol()


def refuse_graph(layer: Layer, inputs: Any) -> None:
    """Refuse what is neither data nor one symbol: several symbols, or a layer."""
    if isinstance(inputs, HasSymbols):
        raise TypeError(
            f"{layer.label} was called on the layer {inputs!r} itself. Call it on data, on an "
            f"Input(...) or on what a layer called on one gave, or put both into a Sequential."
        )
    if isinstance(inputs, list | tuple) and any(is_symbolic(item) for item in inputs):
        raise TypeError(f"{layer.label} was called on {len(inputs)} symbols: {NO_GRAPH}.")


def extend(layer: Layer, inputs: Any) -> Symbol:
    """Call `layer` on a symbolic input: build it, and add it to the chain."""
    before = as_symbol(inputs)
    layer.require_one_output()
    layer.ensure_built(before.shape)
    layer.check_call(tuple(2 if axis is None else axis for axis in before.shape))
    shape = layer.compute_output_shape(before.shape)
    return Symbol(before.start, (*before.layers, layer), shape, layer.dtype)


class HasSymbols:
    """What a built layer says of itself as part of its model's chain."""

    label: Any
    _owner: Any = None  # a weak reference to the model that was built last with this layer

    @property
    def input(self) -> Symbol:
        """What comes into this layer in its model."""
        return self._chain_of_model().before(self)

    @property
    def output(self) -> Symbol:
        """What comes out of this layer in its model: ``Model(m.input, m.layers[2].output)``."""
        return self._chain_of_model().after(self)

    def _chain_of_model(self) -> Any:
        owner = None if self._owner is None else self._owner()
        if owner is None:
            raise AttributeError(
                f"{self.label} has no input and output of its own: it is in no model that is "
                f"built. Put it into a Sequential whose input shape is stated."
            )
        return owner

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_owner"}


def chain_between(inputs: Any, outputs: Any, who: str) -> tuple[Any, Shape, list[Layer]]:
    """The input layer, input shape and layers from one symbol to another.

    Raises
    ------
    ValueError
        If there are several of either, or if one does not lead to the other.
    """
    first, last = _single(inputs, "inputs", who), _single(outputs, "outputs", who)
    layers = list(last.layers[len(first.layers) :])
    if first.start is not last.start or last.layers[: len(first.layers)] != first.layers:
        raise ValueError(
            f"{who}: `outputs` ({last!r}) does not come from `inputs` ({first!r}): the graph is "
            f"not connected. Pass the Input(...) that the layers were called on."
        )
    if not layers:
        raise ValueError(f"{who}: there is no layer between `inputs` and `outputs`.")
    return first.start, first.shape, layers


def _single(value: Any, argument: str, who: str) -> Symbol:
    parts = list(value.values()) if isinstance(value, dict) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    if len(parts) != 1:
        raise ValueError(f"{who}: `{argument}` has {len(parts)} entries, but {NO_GRAPH}.")
    if not is_symbolic(parts[0]):
        shown = f"array of shape {np.shape(parts[0])}" if np.ndim(parts[0]) else repr(parts[0])
        raise TypeError(
            f"{who}: `{argument}` must be an Input(...) or what a layer called on one gave, but "
            f"got {shown}."
        )
    return as_symbol(parts[0])
