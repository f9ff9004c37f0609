"""Where a fit stands, and all that its rest depends on: what `BackupAndRestore` stores."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish import config
from kerasish.callbacks import Callback, CallbackList
from kerasish.data import Batch, Batches
from kerasish.errors import warn
from kerasish.store import Weight
from kerasish.training.comparing import compare, config_of


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
        self._started = model.counter
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
            "weights": [[w.name, list(w.shape), w.dtype] for w in all_weights(model)],
            "model": config_of(model),
            "optimizer": {"class": type(optimizer).__name__, **config_of(optimizer)},
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
                **({"ranks": program.ranks} if program.ranks > 1 else {}),
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
            "started": self._started,
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
        return state_of(self.model)

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
            If the model, the optimizer or the data are others, so that nobody can go on, or if
            the state is that of a later fit of the same script.
        """
        done, (_, saved) = self.model.counter, state["models"][0]
        if done != state["started"] and done < saved:
            raise ValueError(
                f"BackupAndRestore: the backup is of a fit that began when the model had been "
                f"trained for {state['started']} steps, but now it has been for {done}. Give each "
                f"fit of a script a backup_dir of its own, or delete the folder."
            )
        compare(about, self.about(), within_epoch=state["batch"] > 0, state=state)
        self._pending = state

    def take_up(self) -> None:
        """Go where the state that was found stands; nothing without one."""
        state, self._pending = self.model.program.first_rank(self._pending), None
        if state is None:
            return
        self.epoch, self.batch = state["epoch"], state["batch"]
        self._initial_epoch, self.logs = state["initial_epoch"], state["logs"]
        self._started = state["started"]
        scores = self.model.program.scores
        if self.batch:
            first = self.batches.peek()
            self.model.program.resolve_metrics(first.y)
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
        restore(self.model, state)

    def _restore(self, state: dict[str, Any]) -> None:
        self.restore_model(state)
        if self.batch:
            self.model.program.scores.set_state(state["scores"])
        waiting = list(state["callbacks"])
        for callback in self._remembering():
            name = type(callback).__name__
            found = next((i for i, (other, _) in enumerate(waiting) if other == name), None)
            if found is None:
                warn(
                    f"BackupAndRestore: the backup was made without the callback {name}, which "
                    f"begins anew."
                )
            else:
                callback.set_state(waiting.pop(found)[1])


def state_of(model: Any) -> dict[str, Any]:
    """What a step changes of a compiled model, and the random numbers. No copies."""
    models = [m for m in model.walk() if hasattr(m, "next_counter")]
    return {
        "weights": [w.value for w in all_weights(model)],
        "models": [[m._seed, m.counter] for m in models],
        "optimizer": [array for _, array, _ in model.program.state.variables],
        "random": config.random_state(),
    }


def restore(model: Any, state: dict[str, Any]) -> None:
    """Take up what `state_of` returned, of an equal model."""
    program = model.program
    for weight, value in zip(all_weights(model), state["weights"], strict=True):
        weight.assign(value)
    models = [m for m in model.walk() if hasattr(m, "next_counter")]
    for inner, (seed, counter) in zip(models, state["models"], strict=False):
        inner._seed, inner.counter = seed, counter
    for (_, array, _), value in zip(program.state.variables, state["optimizer"], strict=True):
        array[...] = value
    program.renew()  # its steps were made with the seed of this process
    config.set_random_state(state["random"])


def all_weights(model: Any) -> list[Weight]:
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
