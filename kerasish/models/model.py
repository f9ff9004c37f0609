"""Model: what all models are, and the base class of those that users write with `call`."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import numpy as np

from kerasish import config, registry
from kerasish.autodiff import is_traced
from kerasish.errors import named_arguments
from kerasish.layers.arguments import Shape, as_shape
from kerasish.layers.base import Layer
from kerasish.layers.core import InputLayer
from kerasish.layers.symbol import Symbol, chain_between, is_symbolic
from kerasish.layers.weights import all_or_nothing, building, is_building
from kerasish.models.files import Files
from kerasish.models.old_methods import OldMethods
from kerasish.models.trainer import Trainer
from kerasish.step import Step, commit
from kerasish.store import as_array, gather
from kerasish.viz.web.notebook import model_html

INIT_STREAM = 2**63
SHUFFLE_STREAM = 2**63 + 1


class ModelType(type(Layer)):  # type: ignore[misc]
    """Makes ``Model(inputs, outputs)`` the `Sequential` of the layers between the two."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a model: of a chain of layers for `Model` itself, else as usual."""
        return chain_model(*args, **kwargs) if cls is Model else super().__call__(*args, **kwargs)


class Model(Trainer, OldMethods, Files, Layer, metaclass=ModelType):
    """A model: from the ends of a chain of layers, or as a base class with `call`.

    ``Model(inputs, outputs)`` of a chain of layers, called one on the other from an `Input` on,
    is a `Sequential` of these layers; a chain that branches or joins is refused. A subclass
    makes layers in ``__init__`` and says in ``call(inputs)`` how they follow one another; its
    `call` is differentiated by the package `autograd`.

    Examples
    --------
    >>> from kerasish.layers import Dense, Input
    >>> x = Input((3,))
    >>> Model(x, Dense(1)(Dense(4, activation="relu")(x))).count_params()
    21
    """

    supports_masking: ClassVar[bool] = True
    keeps_whole: ClassVar[bool] = True
    is_edited_by_attributes = False
    keras_module: ClassVar[str] = "keras"
    head: Any = None  # a `call` may do anything with the last layer's output
    counter: int
    _seed: int | None
    _output_shape: Shape | None

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        seed: int | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self._seed = _checked_seed(type(self).__name__, seed)
        if not self.trainable:
            self.trainable = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Prepare what every model has, whether or not a subclass has called our ``__init__``."""
        self = super().__new__(cls)
        self.__dict__.update(_seed=None, counter=0, metadata={}, _output_shape=None)
        return self

    @property
    def seed(self) -> int:
        """What all random numbers of this model are drawn from."""
        if self._seed is None:
            self._seed = config.next_seed()
        return self._seed

    def _repr_html_(self) -> str:
        """The layers as a table, for notebooks."""
        return model_html(self)

    # --- layers and building, of a model with `call` ------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return list(self._sublayers)

    def flat_layers(self) -> list[Any]:
        """What is called in order: the model as a whole, since only its `call` knows more."""
        return [self]

    def build_for(self, x: Any) -> None:
        """Build for batches like `x`, if that has not been done."""
        if not self.built:
            self.ensure_built((None, *np.shape(x)[1:]))

    def build(self, input_shape: Any = None) -> None:
        """Make all weights for inputs of this shape, the batch axis first (None)."""
        self.ensure_built(as_shape(input_shape, "build", "input_shape"))

    def ensure_built(self, input_shape: Shape, rng: np.random.Generator | None = None) -> None:
        """Build, with `call` run once on zeros, so that all layers have their weights."""
        if self.built:
            return
        with all_or_nothing(self), building(self.init_rng()):
            if type(self).build is not Model.build:
                self.build(input_shape)
            self.built, self._build_shape = True, tuple(input_shape)
            self._output_shape = Layer.compute_output_shape(self, input_shape)
        gather([w for w in self.weights if w.trainable])

    def check_data(self, batches: Any, is_first: bool = True) -> None:
        """Let the layers look at a data set before anything is done with it."""
        first = self.flat_layers()[0]
        for layer in self.walk():
            if not isinstance(layer, Model):
                layer.check_data(batches, is_first=layer is first)

    def reset_states(self) -> None:
        """Set the states of all stateful recurrent layers to zero."""
        for layer in self.walk():
            if getattr(layer, "states", None) is not None:
                layer.reset_state()  # type: ignore[attr-defined]

    reset_state = reset_states

    def init_rng(self) -> np.random.Generator | None:
        """What initial weights are drawn from; a model inside another draws from its stream."""
        if self._seed is None and is_building():
            return None
        return np.random.Generator(np.random.Philox(key=[self.seed, INIT_STREAM]))

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, batch axis first as None."""
        if self._output_shape is None:
            raise AttributeError(
                f"{self.label} has no output shape yet: it is not built. Give it data, an "
                f"Input(...), or call build(...)."
            )
        return self._output_shape

    @property
    def flops_a_row(self) -> int:
        """Rough work of one forward pass for one row."""
        found = self.__dict__.get("_flops")
        if found is None:
            found = self.__dict__["_flops"] = self.flops(self.input_shape, self.output_shape)
        return found

    @property
    def predicts_directly(self) -> bool:
        """Whether no layer wants to look at a data set, or keeps something from batch to batch."""
        found = self.__dict__.get("_direct")
        if found is None:
            layers = [layer for layer in self.walk() if not isinstance(layer, Model)]
            found = self.flat_layers()[0].casts_input and all(
                type(layer).check_data is Layer.check_data for layer in layers
            )
            self.__dict__["_direct"] = found
        return found

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Two for each weight, since it is not known how often `call` uses them."""
        return 2 * sum(w.size for w in self.weights if w.ndim > 1)

    is_chain: bool = False  # whether a call is that of `flat_layers` in order, and nothing else

    @property
    def is_shardable(self) -> bool:
        """Whether all layers can work on a part of the batch."""
        return all(layer.shardable for layer in self.walk())

    # --- the ends of the chain ----------------------------------------------------------------

    @property
    def input(self) -> Symbol:
        """Where the model begins: ``Model(m.input, m.layers[2].output)``."""
        start = self.__dict__.get("_input_layer")
        if start is None or start.batch_shape != self.input_shape:
            start = self.__dict__["_input_layer"] = self._implied_input(self.input_shape)
        return start.as_symbol()

    def _implied_input(self, shape: Shape) -> InputLayer:
        """The input of a model that was not given one."""
        dtype = self.flat_layers()[0].implied_dtype
        return InputLayer(batch_shape=shape, dtype=dtype, name=f"{self.name}_input")

    @property
    def output(self) -> Symbol:
        """What the model as a whole gives."""
        return Symbol(self.input.start, tuple(self._sublayers), self.output_shape, self.dtype)

    @property
    def inputs(self) -> list[Symbol]:
        """Keras's name; a model has one input."""
        return [self.input]

    @property
    def outputs(self) -> list[Symbol]:
        """Keras's name; a model has one output."""
        return [self.output]

    # --- calling ------------------------------------------------------------------------------

    def cast_input(self, x: np.ndarray) -> np.ndarray:
        """Cast a batch to what the model computes with; indices stay whole numbers."""
        x = np.asarray(x)
        return x if x.dtype.kind in "iu" and x.itemsize > 1 else np.asarray(x, self.dtype)

    def aligned(self, x: np.ndarray) -> np.ndarray:
        """Compare a batch's shape with the model's input.

        A last axis of size 1 may be left out or added, as in Keras.
        """
        return x if x.shape[1:] == self.input_shape[1:] else x.reshape(self._fitted(x.shape))

    def _fitted(self, given: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in which a batch of shape `given` goes into the model."""
        built, shape = self.input_shape, given
        if len(shape) == len(built) - 1 and built[-1] == 1:
            shape = (*shape, 1)
        elif len(shape) == len(built) + 1 and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) != len(built) or any(
            a not in (None, b) for a, b in zip(built[1:], shape[1:], strict=True)
        ):
            raise self.flat_layers()[0].misfit(built, given)
        return shape

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Compare an input's shape with the one that the model was built for."""
        if self.built:
            self._fitted(shape)

    def __call__(self, inputs: Any, training: bool | None = False, mask: Any = None) -> Any:
        """Apply the model to an array; each call with ``training=True`` drops out differently."""
        from kerasish.layers import custom

        inside = is_traced(inputs) or custom.current_step() is not None
        if inside or is_symbolic(inputs) or isinstance(inputs, Layer | list | tuple):
            return super().__call__(inputs, training, mask)
        x = self.prepare_input(inputs)
        if not self.built:
            self.build_for(x)
        x = self.cast_input(self.aligned(x))
        counter = self.next_counter() if training else 0
        step = Step(training=bool(training), batch_size=len(x), seed=self.seed, counter=counter)
        step.mask = None if mask is None else np.asarray(mask, bool)
        y, _ = self.apply(x, step)
        commit([step])
        return as_array(y)

    def prepare_input(self, inputs: Any) -> np.ndarray:
        """Check the type; floats and integers are cast by `cast_input`."""
        first = self.flat_layers()[0] if self._sublayers else self
        if first.takes_text:
            return first.prepare_input(inputs)
        return Layer.prepare_input(first, inputs)

    # --- randomness ---------------------------------------------------------------------------

    def next_counter(self) -> int:
        """Count a call in training mode; never goes back."""
        self.__dict__["counter"] += 1  # past what setting an attribute of a layer looks at
        return self.counter

    def shuffle_rng(self) -> np.random.Generator:
        """Random numbers for the order of the next epoch."""
        return np.random.Generator(
            np.random.Philox(key=[self.seed, SHUFFLE_STREAM], counter=[0, 0, 0, self.counter])
        )

    # --- description --------------------------------------------------------------------------

    @named_arguments
    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        The arguments are those of `kerasish.models.summary.print_summary`.
        """
        from kerasish.models.summary import print_summary

        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    # --- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        dropped = ("_flat", "_flops", "_direct", "_prepared", "_spare_teams", "_owner")
        state = {key: value for key, value in self.__dict__.items() if key not in dropped}
        _ = self.seed
        state["_seed"] = self._seed
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for layer in self._sublayers:
            layer._owner = weakref.ref(self)
        if self.built:
            gather([w for w in self.weights if w.trainable])
        if self.has_program:
            self.program.thaw()

    def __bool__(self) -> bool:
        return True


def chain_model(
    inputs: Any = None, outputs: Any = None, name: str | None = None, **options: Any
) -> Any:
    """The `Sequential` of the layers between two ends of a chain."""
    from kerasish.models.sequential import Sequential

    inputs = options.pop("input", inputs)
    outputs = options.pop("output", outputs)
    if inputs is None or outputs is None:
        raise TypeError(
            "Model needs `inputs` and `outputs`, the two ends of a chain of layers. For an empty "
            "model write Sequential(); for a model with its own `call` subclass Model."
        )
    start, shape, layers = chain_between(inputs, outputs, "Model")
    model = Sequential(name=name or registry.unique_name("functional"), **options)
    whole = shape == start.batch_shape
    model.add(start if whole else InputLayer(batch_shape=shape), rebuild=False)
    for layer in layers:
        model.add(layer, rebuild=False)
    model.build()
    return model


def _checked_seed(who: str, seed: Any) -> int | None:
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"{who}: `seed` must be a whole number from 0 on but is {seed!r}.")
    return int(seed)
