"""Layers that users write with Keras's `call`: NumPy code differentiated by `autograd`.

`call` runs on a copy of the layer in which weights give traced arrays, so nothing of a call
stays on the layer. A layer of ours called inside it on a traced array runs its own backward.
"""

from __future__ import annotations

import inspect
import threading
from typing import Any

import numpy as np

from kerasish import autodiff
from kerasish.errors import brief
from kerasish.step import Step
from kerasish.store import Weight

_now = threading.local()


def current_step() -> Step | None:
    """The step of the `call` that runs in this thread."""
    return getattr(_now, "step", None)


class Call:
    """A layer's `call` as a function of its arguments and of the weights in its attributes.

    Attributes
    ----------
    weights : list of Weight
        Those found; `run` takes an array for each.
    losses : list
        What the last run gave to `add_loss`.
    """

    def __init__(self, layer: Any, step: Step, **keywords: Any) -> None:
        call = getattr(type(layer), "call", None)
        if call is None:
            raise TypeError(
                f"{type(layer).__name__} defines neither forward(x, step) nor call(inputs). "
                f"Define one of them."
            )
        accepted = inspect.signature(call).parameters
        keywords["training"] = step.training
        self.keywords = {key: value for key, value in keywords.items() if key in accepted}
        self.layer, self.step = layer, step
        self.name = f"`call` of {layer.label}"
        self.losses: list[Any] = []
        found: dict[Weight, None] = {}
        holding = {k: v for k, v in vars(layer).items() if k != "_own_weights" and _find(v, found)}
        self.holders, self.weights = holding, list(found)

    @property
    def values(self) -> list[np.ndarray]:
        """The weights' present values."""
        return [w.value for w in self.weights]

    def run(self, arguments: tuple[Any, ...], values: Any) -> Any:
        """Run `call` on a copy of the layer that has `values` in the place of its weights."""
        twin = object.__new__(type(self.layer))
        twin.__dict__.update(self.layer.__dict__)
        traced = dict(zip(self.weights, values, strict=True))
        for name, holder in self.holders.items():
            object.__setattr__(twin, name, _replace(holder, traced))
        object.__setattr__(twin, "_added_losses", self.losses)
        object.__setattr__(twin, "_untraced", self.layer)
        self.losses.clear()
        outer, _now.step = current_step(), self.step
        try:
            return twin.call(*arguments, **self.keywords)
        except Exception as error:
            error.add_note(f"Raised in {self.name}.")
            raise
        finally:
            _now.step = outer


def forward_by_call(layer: Any, x: np.ndarray, step: Step) -> tuple[np.ndarray, Any]:
    """Run the layer's `call` and return its value and a backward function."""
    call = Call(layer, step, mask=step.mask)
    weights, losses = call.weights, call.losses

    def run(x: Any, *values: Any) -> Any:
        return call.run((x,), values)

    run.__qualname__ = call.name
    values = call.values
    given_mask = step.mask
    if not step.recording:
        result = run(x, *values)
        _pass_mask_on(layer, x, given_mask, step)
        y = np.asarray(result)
        if y.dtype.kind not in "biuf":
            raise TypeError(
                f"{run.__qualname__} must return an array of numbers but returned {brief(result)}. "
                f"Return the result of the computation."
            )
        for loss in losses:
            step.add_loss(loss)
        floats = x.dtype if x.dtype.kind == "f" else layer.dtype
        return y.astype(floats, copy=False) if y.dtype.kind == "f" else y, None

    arguments = (x, *values)
    learning = [i + 1 for i, w in enumerate(weights) if step.wants(w)]
    wanted = [0, *learning] if x.dtype.kind == "f" else learning
    y, pull = autodiff.vjp(run, *arguments, argnums=tuple(wanted))
    pull_loss = None
    if losses:
        total, pull_loss = autodiff.vjp(
            lambda *a: (run(*a), sum(losses))[1], *arguments, argnums=tuple(wanted)
        )
        step.add_loss(total)
    _pass_mask_on(layer, x, given_mask, step)

    def backward(dy: np.ndarray) -> np.ndarray | None:
        gradients = list(pull(dy))
        if pull_loss is not None:
            one = np.ones((), dy.dtype)
            gradients = [a + b for a, b in zip(gradients, pull_loss(one), strict=True)]
        dx = gradients.pop(0) if wanted[:1] == [0] else None
        for i, gradient in zip(learning, gradients, strict=True):
            step.add_grad(weights[i - 1], gradient)
        return dx

    return y, backward


def _pass_mask_on(layer: Any, x: np.ndarray, mask: Any, step: Step) -> None:
    """Leave for the next layer the mask that the layer's own `compute_mask` makes, if any."""
    compute = getattr(layer, "compute_mask", None)
    made = mask if compute is None else compute(x, mask)
    step.mask = None if made is None else np.asarray(made, bool)


def _find(value: Any, found: dict[Weight, None]) -> bool:
    """Collect the weights in an attribute: a weight, or lists, tuples and dicts of them."""
    if isinstance(value, Weight):
        found[value] = None
        return True
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list | tuple) and sum(_find(item, found) for item in value) > 0


def _replace(value: Any, arrays: dict[Weight, Any]) -> Any:
    """A copy of such an attribute with arrays in the place of weights."""
    if isinstance(value, Weight):
        return arrays[value]
    if isinstance(value, dict):
        return {key: _replace(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_replace(item, arrays) for item in value])
    return value


def apply_traced(layer: Any, box: Any) -> Any:
    """Call a layer of ours inside another's `call`, on an array that autograd follows."""
    step = current_step()
    if step is None:
        raise RuntimeError(f"{layer.label} was called on a traced array outside of a model.")
    layer.ensure_built((None, *box.shape[1:]))
    return autodiff.through(lambda x: layer.apply(x, step), box)


def add_loss(layer: Any, loss: Any) -> None:
    """Collect a term that `call` adds to the loss."""
    losses = vars(layer).get("_added_losses")
    if losses is None:
        raise RuntimeError(f"{layer.label}: add_loss works inside `call` only.")
    losses.append(loss)
