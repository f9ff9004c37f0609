"""The base of all layers: configuration, weights, and one function `forward` (contract 1)."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerasish import activations, config, kernels, registry, regularizers
from kerasish.autodiff import is_traced
from kerasish.errors import brief, warn
from kerasish.kernels import heads
from kerasish.layers import symbol
from kerasish.layers.arguments import (
    FIRST_LAYER_ARGUMENTS,
    Shape,
    dtype_policy,
    float_dtype,
    input_hint,
    shape_text,
)
from kerasish.layers.described import Described
from kerasish.layers.filed import Filed
from kerasish.layers.recurrent.protocol import call_cell
from kerasish.layers.weights import WeightOwner, all_or_nothing, building
from kerasish.signatures import translate_arguments
from kerasish.step import Step, commit
from kerasish.store import Weight, as_array

Backward = Callable[[np.ndarray], np.ndarray | None]


@dataclass(eq=False, repr=False)
class Layer(symbol.HasSymbols, Described, Filed, WeightOwner):
    """A layer is its arguments (dataclass fields), its weights, and `forward`.

    Parameters
    ----------
    name : str, optional
        Unique in a model; made from the class name when left out.
    trainable : bool
        Whether the layer learns. A model fixes this when it is compiled.
    dtype : str, optional
        ``"float32"`` (default) or ``"float64"``.
    activity_regularizer : Regularizer, optional
        Penalty on the layer's output, divided by the batch size.
    input_shape, batch_input_shape, input_dim : optional
        Shape of the input when this is the first layer of a model.

    Notes
    -----
    Subclasses define either ``forward(x, step)``, which returns ``(y, backward)``, or Keras's
    ``call(inputs)`` in NumPy, which is then differentiated by the package `autograd`.

    Examples
    --------
    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def forward(self, x, step):
    ...         def backward(dy):
    ...             step.add_grad(self.factor, dy * x)
    ...             return dy * self.factor.value
    ...         return x * self.factor.value, backward
    >>> Scale()(np.ones((2, 3))).shape
    (2, 3)
    """

    registry_kind: ClassVar[str] = "layer"
    supports_masking: ClassVar[bool] = False
    casts_input: ClassVar[bool] = True
    keeps_whole: ClassVar[bool] = False  # whether whole numbers of the layer before stay such
    takes_text: ClassVar[bool] = False
    implied_dtype: ClassVar[str | None] = None  # of an input that nobody has stated
    fuses_head: ClassVar[bool] = False

    _: KW_ONLY
    name: Any = None
    trainable: bool = True
    dtype: Any = None

    activity_regularizer = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Defaults that follow from what a subclass defines.

        A `call` may mix the samples of a batch, so it sees the whole of it, and gets whole numbers
        as such; one that takes `states` makes the layer a recurrent cell. A layer with a
        `compute_mask` knows masks.
        """
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "call" in own and "shardable" not in own:
            cls.shardable = False
        if "call" in own and "keeps_whole" not in own:
            cls.keeps_whole = True
        if "compute_mask" in own and "supports_masking" not in own:
            cls.supports_masking = True
        if "call" in own and "states" in inspect.signature(own["call"]).parameters:
            cls.__call__ = call_cell  # type: ignore

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Prepare what every layer has, whether or not a subclass calls our ``__init__``."""
        self = super().__new__(cls)
        state = self.__dict__
        state["built"] = False
        state["_own_weights"] = []
        state["_sublayers"] = []
        state["_build_shape"] = None
        state["_initial_weights"] = None
        state["_calls"] = 0
        state["trainable"] = True
        return self

    def __post_init__(self) -> None:
        registry.resolve_fields(self)
        if self.name is None:
            self.name = registry.unique_name(registry.snake_case(type(self).__name__))
        elif not isinstance(self.name, str) or "/" in self.name or not self.name:
            raise ValueError(
                f"{type(self).__name__}: `name` must be a text without '/' but is {self.name!r}."
            )
        self.dtype = float_dtype(self.dtype, self.label)

    def take_common(self, kwargs: dict[str, Any], known: set[str]) -> dict[str, Any]:
        """Take the arguments that every layer accepts out of `kwargs`."""
        rest = {}
        hint = {}
        for key, value in kwargs.items():
            if key in known:
                rest[key] = value
            elif key == "activity_regularizer":
                self.activity_regularizer = regularizers.get(value)
            elif key in FIRST_LAYER_ARGUMENTS:
                hint[key] = value
            elif key == "weights":
                self._initial_weights = value
            elif key in ("autocast", "input_dtype", "sparse", "ragged"):
                continue
            else:
                rest[key] = value
        if hint:
            self.input_hint = input_hint(type(self).__name__, **hint)
        return rest

    # --- what subclasses define -------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Make the weights with `add_weight`. Called once, when the input's shape is known."""

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Return the output and the function from dLoss/dy to dLoss/dx."""
        from kerasish.layers.custom import forward_by_call

        return forward_by_call(self, x, step)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output; found by a trial with zeros where a layer does not say it."""
        sizes = tuple(2 if axis is None else axis for axis in input_shape)
        self.ensure_built(input_shape)
        step = Step(batch_size=sizes[0])
        result = self.forward(np.zeros(sizes, self.dtype), step)
        if type(result) is not tuple or len(result) != 2:
            raise TypeError(
                f"{self.label}: forward(x, step) must return (y, backward) but returned "
                f"{brief(result)}. Add the function from dLoss/dy to dLoss/dx."
            )
        y = result[0]
        if np.ndim(y) == 0 or len(y) != sizes[0]:
            raise ValueError(
                f"{self.label} must keep the samples apart: for an input of shape {sizes} it "
                f"returned shape {np.shape(y)}, whose first axis should be {sizes[0]}. Do not "
                f"index or reduce axis 0."
            )
        free = [axis is None for axis in input_shape] + [False] * len(y.shape)
        same = [free[i] and (i == 0 or y.shape[i] == sizes[i]) for i in range(y.ndim)]
        return tuple(None if same[i] else size for i, size in enumerate(y.shape))

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Rough number of multiplications and additions for one sample, forward."""
        positions = math.prod(axis or 1 for axis in output_shape[1:-1])
        return 2 * sum(w.size for w in self._own_weights if w.ndim > 1) * positions

    # --- building and calling ---------------------------------------------------------------

    def ensure_built(self, input_shape: Shape, rng: np.random.Generator | None = None) -> None:
        """Build if not yet built; `rng` draws the initial weights."""
        if self.built:
            if self._build_shape is None:  # by `build_from_config`
                self._build_shape = tuple(input_shape)
            return
        with all_or_nothing(self):
            with building(rng):
                self.build(tuple(input_shape))
            self.built = True
            self._build_shape = tuple(input_shape)
            if self._initial_weights is not None:
                self.set_weights(self._initial_weights)
                self._initial_weights = None

    def apply(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """`forward`, with what is the same for all layers: masks and activity penalties."""
        if step.mask is not None and not self.supports_masking:
            step.mask = None
            warn(
                f"{self.label} does not support masks: the mask that came with its input ends "
                f"here, and later layers see the padded steps as data."
            )
        if x.dtype.kind in "iub" and self.casts_input and not self.keeps_whole:
            x = x.astype(self.dtype)
        y, backward = self.forward(x, step)
        penalty = self.activity_regularizer
        if penalty is None:
            return y, backward
        scale = 1 / step.batch_size
        step.add_loss(penalty(y) * scale)
        if backward is None:
            return y, None

        def with_penalty(dy: np.ndarray) -> np.ndarray | None:
            gradient = regularizers.gradient(penalty, y)
            return backward(dy + gradient * y.dtype.type(scale))

        return y, with_penalty

    def joined(
        self, following: Sequence[Layer]
    ) -> tuple[int, Callable[[np.ndarray, Step], Any]] | None:
        """`forward` of this layer and some of the following as one, where that is faster.

        Returns how many layers it takes, this one included, and the function, which gives the
        same to the last bit. No mask passes.
        """
        return None

    def activate(self, z: np.ndarray, step: Step) -> tuple[np.ndarray, Any]:
        """Apply ``self.activation`` to `z`, whose memory may be used for the result.

        At the head of a model whose loss is computed from logits, `z` is left in the step and
        the backward function takes dLoss/dz.
        """
        fn = self.activation  # type: ignore[attr-defined]
        if step.at_head:
            step.at_head = False
            step.logits = z
            at_once: Any = {activations.softmax: heads.softmax, activations.sigmoid: heads.sigmoid}
            y = at_once[fn](z, step)
            return activations.forward(fn, z, keep=False)[0] if y is None else y, _same
        return activations.forward(fn, z, out=z, keep=step.recording)

    @property
    def is_relu(self) -> bool:
        """Whether the activation is plain relu, which a kernel may do on its way."""
        return self.activation is activations.relu  # type: ignore[attr-defined]

    def activated(self, z: np.ndarray, bias: Weight | None, step: Step) -> tuple[np.ndarray, Any]:
        """Output and backward function for z (..., C), to which a bias has been added.

        With `is_relu`, `z` is the activation's output already. The function takes dLoss/dy to
        dLoss/dz and adds to the gradient of `bias`.
        """
        relu = self.is_relu
        y, to_dz = (z, None) if relu else self.activate(z, step)
        if not step.recording:
            return y, None

        def backward(dy: np.ndarray) -> np.ndarray:
            wanted = bias is not None and step.wants(bias)
            if to_dz is None:
                dz, total = kernels.relu_backward(dy, y, step, wanted)
            else:
                dz = total = to_dz(dy)
            if wanted:
                step.add_grad(bias, total)  # type: ignore[arg-type]
            return dz

        return y, backward

    @property
    def head(self) -> str | None:
        """``"softmax"`` or ``"sigmoid"`` if the output is that function of logits, else None."""
        fn: Any = getattr(self, "activation", None)
        if not self.fuses_head or self.activity_regularizer is not None:
            return None
        return {activations.softmax: "softmax", activations.sigmoid: "sigmoid"}.get(fn)

    def __call__(self, inputs: Any, training: bool | None = False, mask: Any = None) -> Any:
        """Apply the layer to an array, building it first if needed."""
        from kerasish.layers import custom

        if is_traced(inputs):
            return custom.apply_traced(self, inputs)
        if symbol.is_symbolic(inputs):
            return symbol.extend(self, inputs)
        symbol.refuse_graph(self, inputs)
        x = self.prepare_input(inputs)
        self.ensure_built((None, *x.shape[1:]))
        self.check_call(x.shape)
        outer = custom.current_step()
        if outer is not None:
            return self.apply(x, outer)[0]
        step = self.new_step(len(x) if x.ndim else 1, bool(training))
        step.mask = None if mask is None else np.asarray(mask, bool)
        y, _ = self.apply(x, step)
        commit([step])
        return as_array(y)

    def new_step(self, rows: int, training: bool) -> Step:
        """A step for a call outside of a model's training; each draws other random numbers."""
        seed = config.next_seed() if training else 0
        self._calls += training
        return Step(training=training, batch_size=rows, seed=seed, counter=self._calls)

    def prepare_input(self, inputs: Any) -> np.ndarray:
        """Turn what a user passed into an array of a type that the layer computes with."""
        try:
            x = np.asarray(inputs)
        except ValueError:  # lists of different lengths
            x = np.empty((), object)
        if x.dtype.kind not in "biuf":
            got = brief(inputs) if x.ndim == 0 else f"elements of type {x.dtype}"
            raise TypeError(
                f"{self.label} expects an array of numbers but got {got}. Convert the data to "
                f"floats or integers first, with rows of one length."
            )
        if self.casts_input and x.dtype != self.dtype:
            x = x.astype(self.dtype)
        return x

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Compare an input's shape with the one that the weights were made for."""
        built = self._build_shape
        if built is None or not self._own_weights or not shape:
            return
        fits = len(shape) == len(built) and built[-1] in (None, shape[-1])
        if not fits:
            raise self.shape_error(shape_text(built), shape)

    def check_data(self, batches: Any, is_first: bool = False) -> None:
        """Refuse a data set that the layer cannot work on; `is_first` if it gets the inputs."""

    # --- description ------------------------------------------------------------------------

    @property
    def input_shape(self) -> Shape:
        """Shape of the input, batch axis first as None."""
        if self._build_shape is None:
            raise AttributeError(f"{self.label} has no input shape yet: it is not built.")
        return self._build_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, batch axis first as None."""
        return self.compute_output_shape(self.input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; the type as Keras's dtype policy."""
        config = super().get_config()
        config["dtype"] = dtype_policy(self.dtype)
        if self.activity_regularizer is not None:  # before the layer's own, as in Keras's files
            common = {key: config.pop(key) for key in ("name", "trainable", "dtype")}
            common["activity_regularizer"] = registry.serialize(self.activity_regularizer)
            config = {**common, **{k: v for k, v in config.items() if k not in common}}
        return config

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Only called for what is not there: say so, and that a layer may not be built yet."""
            if name.startswith("_") or hasattr(type(self), name):
                return object.__getattribute__(self, name)  # raises what it raised before
            hint = "" if self.built else " It is not built yet: call build(input_shape) first."
            raise AttributeError(
                f"{self.label} has no attribute {name!r}.{hint}", name=name, obj=self
            )

    def add_loss(self, loss: Any) -> None:
        """Add a term to the loss from inside `call`."""
        from kerasish.layers import custom

        custom.add_loss(self, loss)


translate_arguments(Layer)


def _same(dy: np.ndarray) -> np.ndarray:
    return dy
