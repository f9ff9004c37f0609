"""What owns weights: making, listing, reading and overwriting them."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import config, constraints, initializers, regularizers
from kerasish.errors import brief
from kerasish.layers.arguments import Shape
from kerasish.layers.filed import overrides
from kerasish.registry import Configurable
from kerasish.store import Weight, as_array

if TYPE_CHECKING:
    from kerasish.layers.base import Layer

_building = threading.local()


class Edits:
    """Counts the changes of layers that are built: what was prepared for one may be out of date."""

    count = 0


edits = Edits()


class WeightOwner(Configurable):
    """The part of a layer that has to do with its weights and the layers inside it."""

    name: Any
    dtype: Any
    trainable: bool
    built: bool
    label: Any
    input_hint: Shape | None = None
    position: int | None = None
    shardable: bool = True
    is_edited_by_attributes: bool = True  # those of a model are for its training
    mixes_samples: Any = False  # whether a sample's output depends on the others of its batch
    _own_weights: list[Weight]
    _sublayers: list[Layer]
    _build_shape: Shape | None
    _initial_weights: Any
    _calls: int

    def _build_as_filed(self, config: dict[str, Any]) -> None:
        """Let a layer that overrides `build_from_config` make its weights while it is loaded.

        All others are built by their model, which knows the shapes.
        """
        if self.built or not overrides(self, "build_from_config"):
            return
        with all_or_nothing(self), building():
            self.build_from_config(config)  # type: ignore[attr-defined]
        self.built = True

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
        **_: Any,
    ) -> Weight:
        """Make a weight of this layer; `autocast` and what follows it in Keras is ignored."""
        if isinstance(shape, str):
            shape, name = (), shape
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if any(axis is None for axis in shape):
            raise ValueError(
                f"{self.label} cannot make the weight {name!r} of shape {shape}: the input's size "
                f"along that axis is not known. Give the model a full input shape."
            )
        dtype = np.dtype(dtype or self.dtype)
        default = "glorot_uniform" if dtype.kind == "f" else "zeros"
        draw = initializers.get(default if initializer is None else initializer)
        name = name or f"variable{'' if not self._own_weights else f'_{len(self._own_weights)}'}"
        room = getattr(_building, "room", None)
        weight = Weight(
            np.asarray(draw_initial(draw, shape, dtype), dtype)
            if room is None
            else room.take(self.label, shape, dtype),
            name,
            trainable,
            initializer=draw,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        weight.path = f"{self.name}/{name}"
        self._own_weights.append(weight)
        return weight

    def build_inside(self, layer: Layer, input_shape: Shape) -> None:
        """Build a layer inside this one; its weights get paths that go on from this layer's."""
        if layer.built:
            return
        layer.ensure_built(input_shape)
        for weight in layer.weights:
            weight.path = f"{self.name}/{weight.path}"

    def __setattr__(self, key: str, value: Any) -> None:
        if key == "trainable":
            if not isinstance(value, bool | np.bool_ | int):
                raise TypeError(
                    f"{self.label}: `trainable` must be True or False but is {brief(value)}."
                )
            value = bool(value)
            for layer in self.sublayers:
                layer.trainable = value
        elif isinstance(value, WeightOwner) or (
            isinstance(value, list | tuple) and any(isinstance(v, WeightOwner) for v in value)
        ):
            found: Any = [value] if isinstance(value, WeightOwner) else value
            for layer in found:
                if isinstance(layer, WeightOwner) and layer not in self._sublayers:
                    self._sublayers.append(layer)
        elif self.__dict__.get("built") and self.is_edited_by_attributes:
            edits.count += 1
        object.__setattr__(self, key, value)

    @property
    def sublayers(self) -> list[Layer]:
        """Layers inside this one, in order."""
        return self.__dict__.get("_sublayers", [])

    def walk(self) -> Iterator[Layer]:
        """This layer and all inside it."""
        yield self  # type: ignore[misc]
        for layer in self.sublayers:
            yield from layer.walk()

    @property
    def weights(self) -> list[Weight]:
        """All weights, in the order of `get_weights`."""
        own = sorted(self._own_weights, key=lambda w: not w.trainable)
        inner = [w for layer in self.sublayers for w in layer.weights]
        return list(dict.fromkeys([*own, *inner]))

    @property
    def variables(self) -> list[Weight]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Weight]:
        """The weights that learn."""
        own = [w for w in self._own_weights if w.trainable and self.trainable]
        inner = [w for layer in self.sublayers for w in layer.trainable_weights]
        return list(dict.fromkeys([*own, *inner]))

    @property
    def non_trainable_weights(self) -> list[Weight]:
        """The weights that do not learn."""
        learnt = set(self.trainable_weights)
        return [w for w in self.weights if w not in learnt]

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def losses(self) -> list[np.ndarray]:
        """The present values of the weights' penalties."""
        return [as_array(w.regularizer(w.value)) for w in self.trainable_weights if w.regularizer]

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all weights."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Overwrite all weights; nothing is changed unless every shape fits."""
        mine = self.weights
        if isinstance(weights, str) or not hasattr(weights, "__iter__"):
            raise TypeError(
                f"{self.label}: set_weights expects a list of arrays, as get_weights() gives it, "
                f"but got {brief(weights)}."
            )
        arrays = [_as_weight(self, w) for w in weights]
        if arrays and not mine and not self.built:
            raise ValueError(
                f"{self.label} has no weights yet, as it is not built, but set_weights got "
                f"{len(arrays)}. Call build(input_shape) first."
            )
        if len(arrays) != len(mine):
            raise ValueError(
                f"{self.label} has {len(mine)} weights but set_weights got {len(arrays)}. "
                f"Expected shapes: {[w.shape for w in mine]}."
            )
        for weight, array in zip(mine, arrays, strict=True):
            if weight.shape != array.shape:
                raise ValueError(
                    f"{self.label}: weight '{weight.path}' has shape {weight.shape} but "
                    f"set_weights got {array.shape}. Expected shapes: {[w.shape for w in mine]}."
                )
        for weight, array in zip(mine, arrays, strict=True):
            weight.assign(array)

    def count_params(self) -> int:
        """Number of elements of all weights."""
        return sum(w.size for w in self.weights)


def resolve_roles(layer: Any, *names: str) -> None:
    """Look up the initializer, regularizer and constraint of each weight of a layer's."""
    for name in names:
        for role, module in (
            ("initializer", initializers),
            ("regularizer", regularizers),
            ("constraint", constraints),
        ):
            key = f"{name}_{role}"
            setattr(layer, key, module.get(getattr(layer, key)))


def weight_by_role(layer: Any, role: str, shape: Any, name: str | None = None) -> Weight:
    """Make a weight with the layer's arguments ``<role>_initializer`` and so on."""
    return layer.add_weight(
        shape,
        getattr(layer, f"{role}_initializer"),
        regularizer=getattr(layer, f"{role}_regularizer"),
        constraint=getattr(layer, f"{role}_constraint"),
        name=name or role,
    )


def _as_weight(owner: Any, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{owner.label}: set_weights expects arrays of numbers but got {brief(value)}."
        )
    return array


@contextlib.contextmanager
def all_or_nothing(layer: Any) -> Iterator[None]:
    """Forget what was built inside the block if it raises, so that building can be tried again."""
    before = [
        (inner, len(inner._own_weights), len(inner._sublayers))
        for inner in layer.walk()
        if not inner.built
    ]
    try:
        yield
    except BaseException:
        for inner, weights, sublayers in before:
            inner.built, inner._build_shape = False, None
            del inner._own_weights[weights:], inner._sublayers[sublayers:]
        raise


@contextlib.contextmanager
def building(rng: np.random.Generator | None = None) -> Iterator[None]:
    """While it lasts, weights made in this thread are drawn from `rng`; an outer one goes on."""
    outer = getattr(_building, "rng", None)
    if rng is None:
        rng = outer if outer is not None else np.random.default_rng(config.next_seed())
    _building.rng = rng
    try:
        yield
    finally:
        _building.rng = outer


class _Room:
    """Memory for weights that are about to be read from a file."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, label: str, shape: Any, dtype: np.dtype) -> np.ndarray:
        wanted = math.prod(shape) * dtype.itemsize
        if wanted > self._left:
            raise ValueError(
                f"{label} asks for a weight of shape {tuple(shape)}, {wanted:,} bytes, but the "
                f"file holds no more than {self._left:,} for it."
            )
        self._left -= wanted
        return np.zeros(shape, dtype)


@contextlib.contextmanager
def building_blank(size: int) -> Iterator[None]:
    """While it lasts, weights made in this thread are zeros, of at most `size` bytes in all.

    No seed is drawn: what is built is to be filled from a file.
    """
    outer = getattr(_building, "room", None)
    _building.room = _Room(size)
    try:
        with building(np.random.default_rng(0)):
            yield
    finally:
        _building.room = outer


def is_building() -> bool:
    """Whether an outer layer is making its weights in this thread."""
    return getattr(_building, "rng", None) is not None


def draw_initial(draw: Any, shape: Any, dtype: Any) -> Any:
    """Call an initializer; one that a user wrote need not take `rng`."""
    rng = getattr(_building, "rng", None)
    if rng is None:
        rng = np.random.default_rng(config.next_seed())
    try:
        return draw(shape, dtype=dtype.name, rng=rng)
    except TypeError as error:
        if "rng" not in str(error):
            raise
        return draw(shape, dtype=dtype.name)
