"""Where a fit stands, and all that its rest depends on: what `BackupAndRestore` stores."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish import config, registry
from kerasish.callbacks import Callback, CallbackList
from kerasish.data import Batch, Batches
from kerasish.store import Weight


class FitState:
    """One fit: the place of the next batch, and how to get there in a later process.

    The random numbers of a step depend on the model's seed and counter only, so that the place,
    the arrays and what the callbacks remember are everything.

    Attributes
    ----------
    epoch, batch : int
        What is trained next. `batch` is above 0 only in an epoch that was resumed.
    finite : bool
        False once a number that is not finite has ended the training.
    logs : dict
        Of the last epoch.
    """

    def __init__(
        self,
        model: Any,
        batches: Batches,
        validation: Batches | None,
        callbacks: CallbackList,
        initial_epoch: int,
    ) -> None:
        self.model, self.callbacks = model, callbacks
        self.batches, self.validation = batches, validation
        self.epoch, self.batch = initial_epoch, 0
        self.finite = True
        self.logs: dict[str, Any] = {}
        self._initial_epoch = initial_epoch
        self._pending: dict[str, Any] | None = None
        self._rest: Iterator[Batch] | None = None

    # --- in the loop --------------------------------------------------------------------------

    def rest_of_epoch(self) -> Iterator[Batch]:
        """The batches of the epoch that are left."""
        rest, self._rest = self._rest, None
        return self.batches.epoch(self.model.shuffle_rng()) if rest is None else rest

    @property
    def _has_ended(self) -> bool:
        """Whether no epoch follows this one."""
        return bool(self.model.stop_training or not self.finite or self.batches.exhausted)

    # --- saving -------------------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """What has to be the same in a process that goes on: model, optimizer, data."""
        model, program, batches = self.model, self.model.program, self.batches
        optimizer = program.optimizer
        return {
            "weights": [[w.name, list(w.shape), w.dtype] for w in _all_weights(model)],
            "model": _config_of(model),
            "optimizer": {"class": type(optimizer).__name__, **_config_of(optimizer)},
            "slots": [[_last(name), list(a.shape)] for name, a, _ in program.state.variables],
            "loss": getattr(program.loss, "name", None),
            "data": {
                "kind": batches.kind,
                "rows": batches.rows,
                "batch size": batches.batch_size,
                "steps": batches.steps,
            },
            "machine": {
                "threads": config.num_threads(),
                "numpy": np.__version__,
                "numba installed": importlib.util.find_spec("numba") is not None,
            },
        }

    def get_state(self, epoch: int, batch: int) -> dict[str, Any]:
        """All that the rest depends on, if `batch` of `epoch` comes next.

        Arrays are those of the model itself: they are to be written before the next step.
        """
        program = self.model.program
        return {
            **self.model_state(),
            "epoch": epoch,
            "batch": batch,
            "initial_epoch": self._initial_epoch,
            "stopped": bool(self.model.stop_training),
            "ended": self._has_ended,
            "logs": self.logs,
            "scores": program.scores.get_state() if batch else None,
            "batches": self.batches.get_state(),
            "validation": None if self.validation is None else self.validation.get_state(),
            "callbacks": [[type(c).__name__, c.get_state()] for c in self._remembering()],
        }

    def model_state(self) -> dict[str, Any]:
        """What a step changes: weights, optimizer, random numbers. The arrays are no copies."""
        models = [m for m in self.model.walk() if hasattr(m, "next_counter")]
        return {
            "weights": [w.value for w in _all_weights(self.model)],
            "models": [[m._seed, m.counter] for m in models],
            "optimizer": [array for _, array, _ in self.model.program.state.variables],
            "random": config.random_state(),
        }

    def _remembering(self) -> list[Any]:
        """The callbacks that have a state."""
        return [
            c
            for c in self.callbacks.callbacks
            if getattr(type(c), "get_state", Callback.get_state) is not Callback.get_state
        ]

    # --- resuming -----------------------------------------------------------------------------

    def resume_from(self, state: dict[str, Any], about: dict[str, Any]) -> None:
        """Check that a state of an earlier process fits; the loop then calls `take_up`.

        Raises
        ------
        ValueError
            If the model, the optimizer or the data are others, so that nobody can go on.
        """
        _compare(about, self.about(), within_epoch=state["batch"] > 0, state=state)
        self._pending = state

    def take_up(self) -> None:
        """Go where the state that was found stands; nothing without one."""
        state, self._pending = self._pending, None
        if state is None:
            return
        self.epoch, self.batch = state["epoch"], state["batch"]
        self._initial_epoch, self.logs = state["initial_epoch"], state["logs"]
        scores = self.model.program.scores
        if self.batch:
            first = self.batches.peek()
            if first.y is not None:
                scores.resolve(first.y.shape, (len(first.y), *self.model.output_shape[1:]))
            scores.reset()
            self.callbacks.on_epoch_begin(self.epoch)
        self._replay(state)
        self._restore(state)
        self.model.stop_training = state["stopped"]
        if self.batch and state["stopped"]:
            self._rest = iter(())
        elif not self.batch and state["ended"]:
            self.epoch = sys.maxsize

    def _replay(self, state: dict[str, Any]) -> None:
        """Bring the data where they were, in the order in which they had been read."""
        validates: Callable[[int], bool] = self.callbacks.validates or (lambda epoch: False)
        for epoch in range(self._initial_epoch, self.epoch):
            self.batches.replay()
            if self.validation is not None and validates(epoch):
                self.validation.replay()
        if self.validation is not None and state["validation"] is not None:
            self.validation.reopen(state["validation"], 0)
        self._rest = self.batches.reopen(state["batches"], self.batch)

    def restore_model(self, state: dict[str, Any]) -> None:
        """Take up what `model_state` returned."""
        model, program = self.model, self.model.program
        for weight, value in zip(_all_weights(model), state["weights"], strict=True):
            weight.assign(value)
        models = [m for m in model.walk() if hasattr(m, "next_counter")]
        for inner, (seed, counter) in zip(models, state["models"], strict=False):
            inner._seed, inner.counter = seed, counter
        for (_, array, _), value in zip(program.state.variables, state["optimizer"], strict=True):
            array[...] = value
        program.release()  # its steps were made with the seed of this process
        config.set_random_state(state["random"])

    def _restore(self, state: dict[str, Any]) -> None:
        self.restore_model(state)
        if self.batch:
            self.model.program.scores.set_state(state["scores"])
        waiting = list(state["callbacks"])
        for callback in self._remembering():
            name = type(callback).__name__
            found = next((i for i, (other, _) in enumerate(waiting) if other == name), None)
            if found is None:
                warnings.warn(
                    f"BackupAndRestore: the backup was made without the callback {name}, which "
                    f"begins anew.",
                    stacklevel=2,
                )
            else:
                callback.set_state(waiting.pop(found)[1])


def _all_weights(model: Any) -> list[Weight]:
    """The weights of a model, and what its layers keep between batches, such as RNN states."""
    found = dict.fromkeys(model.weights)
    for layer in model.walk():
        for value in vars(layer).values():
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, Weight):
                    found.setdefault(item)
    return list(found)


def _last(path: str) -> str:
    """The last part of a slot's name, without the names of model and layer."""
    return path if path in ("iteration", "learning_rate") else path.rpartition("_")[2]


# --- comparing ---------------------------------------------------------------------------------


def _config_of(obj: Any) -> dict[str, Any]:
    """The config of a model or optimizer without names, which are counted through a process."""
    try:
        found = _nameless(registry.plain(obj.get_config()))
    except Exception:  # a user's get_config: only used to say what has changed
        return {}
    return found if isinstance(found, dict) else {}


def _nameless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _nameless(v) for k, v in value.items() if k != "name"}
    if isinstance(value, list | tuple):
        return [_nameless(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _compare(
    old: dict[str, Any], new: dict[str, Any], within_epoch: bool, state: dict[str, Any]
) -> None:
    """Refuse what cannot go on, and say what has changed where it can."""
    mend = (
        "Go on with the script that the training was begun with, or delete the folder to train "
        "from the beginning."
    )
    if [w[1:] for w in old["weights"]] != [w[1:] for w in new["weights"]]:
        raise ValueError(
            f"BackupAndRestore: the backup is of another model: "
            f"{_first_weight(old['weights'], new['weights'])}. {mend}"
        )
    before, now = dict(old["optimizer"]), new["optimizer"]
    if before["class"] != now["class"] or old["slots"] != new["slots"]:
        listed = list(_differences(before, now))[:4] or ["the layers that learn are others"]
        raise ValueError(
            f"BackupAndRestore: the optimizer of the backup remembers other things than the one "
            f"that the model is compiled with: {'; '.join(listed)}. {mend}"
        )
    names = [name for name, _ in old["slots"]]
    if "learning_rate" in names:
        rate = float(state["optimizer"][names.index("learning_rate")])
        if rate == now.get("learning_rate"):  # a callback had set it, and the process is the same
            before["learning_rate"] = rate
    data = list(_differences(old["data"], new["data"]))
    if data and within_epoch:
        raise ValueError(
            f"BackupAndRestore: the backup was made within an epoch, and the data are others "
            f"now: {'; '.join(data)}. {mend}"
        )
    changed = [
        *_differences(old["model"], new["model"]),
        *_differences(before, now),
        *_differences({"loss": old["loss"]}, {"loss": new["loss"]}),
        *data,
    ]
    if changed:
        shown = "; ".join(changed[:4]) + ("; ..." if len(changed) > 4 else "")
        warnings.warn(
            f"BackupAndRestore: the training goes on from a backup that was made otherwise: "
            f"{shown}. Weights, learning rate and random numbers are those of the backup.",
            stacklevel=2,
        )
    machine = list(_differences(old["machine"], new["machine"]))
    if machine:
        warnings.warn(
            f"BackupAndRestore: since the backup was made, {'; '.join(machine)}. Results will "
            f"differ from those of an uninterrupted training by rounding.",
            stacklevel=2,
        )


def _first_weight(old: list[Any], new: list[Any]) -> str:
    for i, (before, now) in enumerate(zip(old, new, strict=False)):
        if before[1:] != now[1:]:
            return (
                f"weight {i} was '{before[0]}' of shape {tuple(before[1])} ({before[2]}) and is "
                f"'{now[0]}' of shape {tuple(now[1])} ({now[2]})"
            )
    return f"it had {len(old)} weights and this one has {len(new)}"


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """``"units was 4 and is 8"`` for every entry of two nested configs that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            inner = key if key != "config" and not path else f"{path}.{key}".strip(".")
            yield from _differences(old.get(key), new.get(key), inner.replace(".config", ""))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, f"{path}[{i}]")
    elif old != new:
        yield f"{path} was {old!r} and is {new!r}"
