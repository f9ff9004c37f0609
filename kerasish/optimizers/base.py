"""The optimizer base class: options that all optimizers share, and what a subclass writes.

An optimizer holds configuration and a formula. The arrays that a formula remembers between steps
(slots) belong to an `OptimizerState`, one for each set of weights that is being trained.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np

from kerasish import registry, spellings
from kerasish.optimizers.keras_surface import KerasSurface
from kerasish.optimizers.schedules import InverseTimeDecay, LearningRateSchedule
from kerasish.optimizers.variables import LearningRate, Variable, variable
from kerasish.signatures import translate_arguments
from kerasish.store import Runs, Weight, as_array

Kernel = tuple[str, tuple[float, ...]] | None


class Slot(NamedTuple):
    """An array remembered for each weight.

    `initial` is a number, or ``"weight"`` for a copy of the weight. `shape` and `dtype` are the
    weight's when None. In files the array is called ``<path of the weight>_<name>``.
    """

    name: str
    initial: float | str = 0.0
    shape: tuple[int, ...] | None = None
    dtype: Any = None


@dataclass(eq=False, repr=False)
class Optimizer(KerasSurface, registry.Configurable):
    """Base class of all optimizers.

    A step does, in this order: clip the gradients, decay the weights, `update`, average (EMA),
    apply the constraints, count.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A callable takes no arguments and is asked at every step.
    weight_decay : float, optional
        Each step first takes ``w * weight_decay * learning_rate`` off the weights.
    clipnorm, global_clipnorm, clipvalue : float, optional
        Greatest norm of each gradient, greatest norm of all together, greatest absolute value.
        Only one of the three can be set.
    use_ema, ema_momentum, ema_overwrite_frequency
        Keep an exponential moving average of the weights, ``m * average + (1 - m) * w``, which
        replaces them every so many steps and at the end of ``fit``.
    loss_scale_factor : float, optional
        What `scale_loss` multiplies a loss by and `apply` divides the gradients by. ``fit``
        computes in float32, where it changes nothing.
    gradient_accumulation_steps : int, optional
        Update once every so many (at least 2) steps, with the mean of their gradients.

    Notes
    -----
    A new optimizer states its formula in one of two ways. With NumPy on flat arrays: `slots`,
    `scalars` and `update`; this is fast. Or in Keras's way, weight by weight: `build`, calling
    ``super().build(variables)`` and `add_variable_from_reference`, and
    ``update_step(gradient, variable, learning_rate)``.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish.store import Weight
    >>> class SignSGD(Optimizer):
    ...     def scalars(self, t, lr):
    ...         return (lr,)
    ...     def update(self, w, g, slots, s, scratch):
    ...         w -= s[0] * np.sign(g)
    >>> w = Weight(np.ones(3, "float32"))
    >>> _ = SignSGD(0.5).apply_gradients([(np.array([1.0, -2.0, 0.0]), w)])
    >>> w.numpy()
    array([0.5, 1.5, 1. ], dtype=float32)
    """

    name: str | None = field(default=None, kw_only=True)
    learning_rate: Any = LearningRate(0.001)  # noqa: RUF009 (a descriptor, not a value)
    _: KW_ONLY
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    clipvalue: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    loss_scale_factor: float | None = None
    gradient_accumulation_steps: int | None = None
    _learning_rate: Any = field(init=False)  # behind the descriptor: a Variable or a schedule

    registry_kind: ClassVar[str] = "optimizer"
    old_spellings: ClassVar[dict[str, str]] = {"lr": "learning_rate"}
    positional_tail: ClassVar[tuple[str, ...]] = (
        "weight_decay",
        "clipnorm",
        "clipvalue",
        "global_clipnorm",
        "use_ema",
        "ema_momentum",
        "ema_overwrite_frequency",
        "loss_scale_factor",
        "gradient_accumulation_steps",
        "name",
    )
    elementwise: ClassVar[bool] = True
    """Whether `update` takes slices of any length (else one weight at a time, in its shape)."""
    buffers: ClassVar[int] = 1
    """How many scratch arrays `update` wants."""
    interleaved: ClassVar[int] = 9
    """How many slots are saved weight by weight; those after them are saved slot by slot."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # A default such as ``learning_rate: float = 0.01`` must not hide the descriptor.
        super().__init_subclass__(**kwargs)
        default = vars(cls).get("learning_rate")
        if default is not None and not isinstance(default, LearningRate | property):
            cls.learning_rate = LearningRate(default)
        if "update" in vars(cls) and "kernel" not in vars(cls):
            cls.kernel = Optimizer.kernel  # type: ignore[method-assign]

    def __post_init__(self) -> None:
        if self.name is None:
            self.name = registry.unique_name(registry.snake_case(type(self).__name__))
        if isinstance(self._learning_rate, Variable):
            self._learning_rate.path = f"{self.name}/learning_rate"
        self.built = False
        self._state: Any = None
        self._count = np.zeros((), np.int32)
        self._excluded: tuple[frozenset[Weight], str] = (frozenset(), "")
        limits = {k: getattr(self, k) for k in ("clipnorm", "clipvalue", "global_clipnorm")}
        if sum(limit is not None for limit in limits.values()) > 1:
            raise ValueError(
                f"{type(self).__name__}: only one of clipnorm, clipvalue and global_clipnorm can "
                f"be set, but got {', '.join(f'{k}={v}' for k, v in limits.items())}."
            )
        for each in fields(self):
            if each.name == "learning_rate":
                continue  # looked at where it is set
            if type(each.default) in (int, float) or each.name in limits:
                value = getattr(self, each.name)
                ok = value is None or isinstance(value, int | float | np.number | np.ndarray)
                self._check(each.name, ok, "a number")
        for key, limit in (limits | {"weight_decay": self.weight_decay}).items():
            self._check(key, limit is None or limit >= 0, "not negative")
        if self.use_ema:
            self._check("ema_momentum", 0 <= self.ema_momentum <= 1, "in [0, 1]")
            every = self.ema_overwrite_frequency
            self._check("ema_overwrite_frequency", not every or _whole(every, 1), "an integer >= 1")
        steps = self.gradient_accumulation_steps
        self._check("gradient_accumulation_steps", not steps or _whole(steps, 2), "an integer >= 2")

    def take_common(self, kwargs: dict[str, Any], known: Any) -> dict[str, Any]:
        """Turn Keras 2's `decay` into the schedule that has its formula; its None is a default."""
        for key in ("epsilon", "schedule_decay"):
            if key in kwargs and (kwargs[key] is None or key not in known):
                del kwargs[key]
        decay = kwargs.pop("decay", None)
        if decay:
            rate = kwargs.get("learning_rate", type(self).learning_rate)
            schedule = InverseTimeDecay(rate, decay_steps=1, decay_rate=decay)
            schedule.base_can_change = True  # type: ignore[attr-defined]
            kwargs["learning_rate"] = schedule
            spellings.warn_once(
                type(self).__name__,
                "`decay`",
                f"Write learning_rate=InverseTimeDecay({rate!r}, decay_steps=1, "
                f"decay_rate={decay!r}).",
            )
        return kwargs

    def _check(self, argument: str, ok: bool, expected: str) -> None:
        """Raise an error that names the optimizer and the argument unless `ok`."""
        if not ok:
            raise ValueError(
                f"{type(self).__name__} expects {argument} to be {expected}, "
                f"but got {getattr(self, argument)!r}."
            )

    # What a subclass writes ------------------------------------------------------------------

    def slots(self) -> Sequence[Slot]:
        """Return the arrays remembered for every weight."""
        return ()

    def slots_for(self, weight: Weight) -> Sequence[Slot]:
        """Return the arrays remembered for one weight, when not elementwise."""
        return self.slots()

    def extras(self) -> Sequence[tuple[str, float]]:
        """Return names and first values of the numbers remembered for all weights together."""
        return ()

    def advance(self, t: int, *extras: np.ndarray) -> None:
        """Change the extras, in place, once a step."""

    def scalars(self, t: int, lr: float, *extras: np.ndarray) -> tuple[Any, ...]:
        """Return what is the same for all elements in step `t` (the first is 1)."""
        return (lr,)

    def update(self, w: Any, g: Any, slots: Any, s: Any, scratch: Any) -> None:
        """Change `w` and `slots` in place; `g` is read-only, `scratch` holds arrays like `w`."""
        raise TypeError(
            f"{type(self).__name__} has no formula. Write `update` or `update_step`; see the notes "
            "of kerasish.optimizers.Optimizer."
        )

    def kernel(self, slots: int) -> Kernel:
        """Return the compiled pass that does what `update` does with so many slots, if any.

        It is named as in `kernels.compiled.optimizers`, and comes with its constants.
        """
        return None

    def decay_of(self, weight: Weight) -> float:
        """Return the weight decay of one weight; 0 means none."""
        return (self.weight_decay or 0.0) if self._decays(weight) else 0.0

    # Keras's surface -------------------------------------------------------------------------

    def rate(self, step: int | None = None) -> float:
        """Return the learning rate of a step (0-based), by default of the next one."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return rate.item()
        if isinstance(rate, LearningRateSchedule):
            return float(rate(int(self._iterations) if step is None else step))
        return float(rate())

    @property
    def _iterations(self) -> Variable:
        count = self._count if self._state is None else self._state.count
        return variable(count, "iteration", f"{self.name}/iteration")

    @property
    def iterations(self) -> Any:
        """Updates done so far with the weights last bound."""
        steps = self.gradient_accumulation_steps
        return as_array(self._iterations.value // steps) if steps else self._iterations

    @property
    def variables(self) -> list[Variable]:
        """Iteration, learning rate (unless a schedule) and slots, in the order of Keras's files."""
        if self._state is None:
            own = [] if not isinstance(self._learning_rate, Variable) else [self._learning_rate]
            return [self._iterations, *own]
        return [
            variable(array, name, f"{self.name}/{name}") for name, array, _ in self._state.variables
        ]

    def build(self, variables: Sequence[Weight]) -> None:
        """Make the slots for a list of weights. Does nothing for those it has them for already."""
        from kerasish.optimizers.state import OptimizerState

        if self._state is not None and (self._state.building or self._state.fits(variables)):
            return
        OptimizerState(self, Runs(_weights(type(self).__name__, variables)), building=True)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Weight]]) -> Variable:
        """Do one step on pairs (gradient, weight) and return the number of steps done."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [w for _, w in pairs])
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Weight] | None = None
    ) -> None:
        """Do one step.

        Parameters
        ----------
        grads : list of arrays
            None for a weight that shall stay as it is.
        trainable_variables : list of Weight, optional
            The weights of `grads`, by default those given to `build`. The first call builds.

        Raises
        ------
        ValueError
            If weights and gradients do not fit one another or those the optimizer was built with.
        """
        if len(grads) == 0:
            return
        if trainable_variables is not None and self._state is None:
            self.build(list(trainable_variables))
        if self._state is None:
            raise ValueError(
                f"{type(self).__name__}.apply needs to know the weights. Pass them too, or call "
                "`build(weights)` first."
            )
        self._state.apply_list(list(grads), trainable_variables)

    def scale_loss(self, loss: Any) -> Any:
        """Multiply a loss by `loss_scale_factor`."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def exclude_from_weight_decay(
        self, var_list: Iterable[Weight] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Spare weights from weight decay.

        Parameters
        ----------
        var_list : list of Weight, optional
            The weights themselves.
        var_names : list of str, optional
            Parts of names (``"bias"``) or of paths within the model (``"dense_1/"``); regular
            expressions.
        """
        self._excluded = (frozenset(var_list or ()), "|".join(sorted(set(var_names or ()))))

    def _decays(self, weight: Weight) -> bool:
        listed, pattern = self._excluded
        if weight in listed:
            return False
        path = weight.path.partition("/")[2] or weight.path  # without the model's name
        return not (pattern and (re.search(pattern, weight.name) or re.search(pattern, path)))

    def finalize_variable_values(self, var_list: Sequence[Weight] | None = None) -> None:
        """Give the weights their final values: the moving average, with `use_ema`."""
        if self._state is not None:
            self._state.finalize(var_list)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values."""
        config = {key: registry.plain(value) for key, value in self._arguments()}
        if isinstance(config.get("learning_rate"), str):  # a function, by its name
            name = {"config": config["learning_rate"], "registered_name": "function"}
            config["learning_rate"] = {"module": "builtins", "class_name": "function", **name}
        return config

    def _arguments(self) -> Iterator[tuple[str, Any]]:
        """The constructor's arguments as they are now; a schedule is not asked for its value."""
        for f in fields(self):
            if f.init:
                own = "_learning_rate" if f.name == "learning_rate" else f.name
                yield f.name, getattr(self, own)

    def __repr__(self) -> str:
        defaults = {f.name: f.default for f in fields(self)}
        shown = []
        for key, value in self._arguments():
            value = float(str(value)) if isinstance(value, Variable) else value
            if value != defaults[key]:
                shown.append(f"{key}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Build an optimizer from what `get_config` returned, or from a Keras 2 file's config."""
        ignored = ("decay", "jit_compile", "is_legacy_optimizer")
        config = {k: v for k, v in config.items() if k not in ignored}
        if "lr" in config:
            config["learning_rate"] = config.pop("lr")
        with registry.custom_object_scope(custom_objects or {}):
            return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {
            "_state": None,
            "built": False,
            "_count": np.zeros((), np.int32),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._count = np.array(self._count)  # joblib may map arrays read-only
        rate = self._learning_rate
        if isinstance(rate, Variable):  # a copied array has lost its name
            self._learning_rate = variable(
                np.array(rate), "learning_rate", f"{self.name}/learning_rate"
            )


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int | np.integer) and bool(value >= least)


def _weights(owner: str, variables: Iterable[Any]) -> list[Weight]:
    weights = list(variables)
    for weight in weights:
        if not isinstance(weight, Weight):
            raise TypeError(
                f"{owner} expects weights (kerasish.store.Weight, as in `layer.weights`), but got "
                f"{type(weight).__name__}."
            )
    return weights


translate_arguments(Optimizer)
