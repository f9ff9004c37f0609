"""The epoch loop of `fit`, and those of `evaluate` and `predict`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.callbacks import CallbackList, History
from kerasish.data import Batches
from kerasish.errors import warn
from kerasish.step import commit
from kerasish.training import preflight
from kerasish.training.interrupt import NonFiniteError, interrupts, is_interactive
from kerasish.training.shards import Team, shard_count
from kerasish.training.state import FitState
from kerasish.training.threads import computing

SPARE_TEAMS, SPARE_BYTES = 8, 2**24  # what a model keeps for its next predictions, at most


def fit(
    model: Any,
    batches: Batches,
    validation: Batches | None,
    callbacks: CallbackList,
    *,
    epochs: int,
    initial_epoch: int,
    validation_freq: Any,
) -> History:
    """Train for epochs ``initial_epoch`` to ``epochs - 1`` and return the History.

    Callbacks always get `on_train_end`, after an error or Ctrl-C too. A fit inside of another
    one passes Ctrl-C on to it.
    """
    program = model.program
    history = callbacks.history
    assert history is not None
    callbacks.validates = lambda epoch: validation is not None and is_due(validation_freq, epoch)
    callbacks.fit_state = state = FitState(model, batches, validation, callbacks, initial_epoch)
    callbacks.reports = reported(model.metrics_names, validation is not None)
    model.stop_training = False
    if callbacks.speaks:
        preflight.look(model, batches, validation)
    with computing() as outermost:
        try:
            program.begin(state)
            callbacks.on_train_begin()
            state.take_up()
            for epoch in range(state.epoch, epochs):
                program.begin_epoch()
                if not state.batch:  # else the epoch was begun in an earlier process
                    program.scores.reset()
                    callbacks.on_epoch_begin(epoch)
                _train_epoch(model, state, callbacks, epoch)
                if program.scores.rows == 0:  # the data had ended; they have said so
                    break
                state.logs = logs = program.scores.result()
                if state.finite and validation is not None and is_due(validation_freq, epoch):
                    results = evaluate(model, validation, callbacks)
                    logs.update({f"val_{key}": value for key, value in results.items()})
                callbacks.on_epoch_end(epoch, logs)
                program.agree()
                if model.stop_training or not state.finite:
                    break
                if batches.exhausted:
                    batches.warn_too_short(epochs - 1 - epoch)
                    break
            program.finalize()
        except BaseException as error:
            program.fail(error)
            history.interrupted = isinstance(error, KeyboardInterrupt)
            callbacks.end(state.logs, error=error)
            if not (history.interrupted and outermost and is_interactive()):
                raise
        else:
            callbacks.end(state.logs)
        finally:
            program.release()
            for source in (batches, validation):
                if source is not None:
                    source.share = None
                    source.close()
    return history


def _train_epoch(model: Any, state: FitState, callbacks: CallbackList, epoch: int) -> None:
    """One pass over the data; `state` is told if it ends because a number is not finite."""
    program = model.program
    result = program.scores.result
    known = state.batches.targets is not None  # all of them were looked at before the first epoch
    first, state.batch = state.batch, 0
    for index, batch in enumerate(state.rest_of_epoch(), first):
        callbacks.on_train_batch_begin(index)
        try:
            program.train_batch(*batch, check=True, known=known)
        except NonFiniteError as error:
            if callbacks.speaks:
                warn(
                    f"fit stopped in epoch {epoch + 1}, batch {index}: {error} is not finite. The "
                    f"update of this batch was not applied. Look for bad values in the data, lower "
                    f"the learning rate, or clip gradients with clipnorm=1.0."
                )
            program.scores.add_loss(float("nan"), batch.total)
            state.finite = False
            callbacks.on_train_batch_end(index, result)
            return
        callbacks.on_train_batch_end(index, result)
        program.agree()
        if model.stop_training:
            return


def reported(names: list[str], validated: bool) -> list[str]:
    """The names of what the logs of an epoch will have."""
    return [*names, *(f"val_{name}" for name in names if validated)]


def is_due(frequency: Any, epoch: int) -> bool:
    """Whether an epoch (counted from 0) ends with validation."""
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def evaluate(model: Any, batches: Batches, callbacks: CallbackList) -> dict[str, Any]:
    """Loss and metrics over all batches."""
    program = model.program
    with computing(), program.own_scores(), _closing(callbacks, "test") as logs:
        known = batches.targets is not None
        callbacks.on_test_begin()
        for index, batch in enumerate(batches.epoch()):
            callbacks.on_test_batch_begin(index)
            program.test_batch(*batch, known=known)
            callbacks.on_test_batch_end(index, program.scores.result)
        logs.update(program.scores.result())
    return logs


def predict(model: Any, batches: Batches, callbacks: CallbackList) -> np.ndarray:
    """Outputs for all batches, in order."""
    outputs: list[np.ndarray] = []
    with computing(), borrowed_team(model) as team, _closing(callbacks, "predict"):
        callbacks.on_predict_begin()
        for index, batch in enumerate(batches.epoch()):
            callbacks.on_predict_batch_begin(index)
            y = predict_batch(model, batch.x, team)
            callbacks.on_predict_batch_end(index, {"outputs": y})
            outputs.append(y)
    shapes = dict.fromkeys(y.shape[1:] for y in outputs)
    if len(shapes) > 1:
        a, b = list(shapes)[:2]
        raise ValueError(
            f"predict: the outputs of some batches have the shape (N, {str(a)[1:-1]}) and those of "
            f"others (N, {str(b)[1:-1]}), which make no one array. Give all samples one length, as "
            f"by TextVectorization(output_sequence_length=...), or call predict_on_batch."
        )
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


@contextlib.contextmanager
def _closing(callbacks: CallbackList, kind: str) -> Iterator[dict[str, Any]]:
    """Give the callbacks their ``on_<kind>_end``, with the logs, after errors too."""
    logs: dict[str, Any] = {}
    try:
        yield logs
    except BaseException as error:
        callbacks.end(logs, error=error, kind=kind)
        raise
    callbacks.end(logs, kind=kind)


@interrupts.whole()
@np.errstate(all="ignore")
def predict_batch(model: Any, x: np.ndarray, team: Team) -> np.ndarray:
    """Outputs for one batch, in memory of their own."""
    x, rows = model.aligned(x), len(x)
    count = shard_count(model.flops_a_row, rows, model.is_shardable)
    out: list[np.ndarray] = []

    def shard(step: Any, part: slice) -> None:
        y, _ = model.apply(model.cast_input(x[part]), step)
        step.exchange(None, lambda _: out.append(np.empty((rows, *y.shape[1:]), y.dtype)))
        out[0][part] = y

    team.call(shard, rows, count, 0)
    commit(team.steps[:count])
    return out[0]


@contextlib.contextmanager
def borrowed_team(model: Any) -> Iterator[Team]:
    """A team of steps for inference; threads that predict at once each have their own."""
    spare = model.__dict__.setdefault("_spare_teams", [])
    try:
        team = spare.pop()
    except IndexError:
        team = Team(0, training=False, recording=False)
    try:
        yield team
    finally:
        if len(spare) < SPARE_TEAMS and team.nbytes <= SPARE_BYTES:
            spare.append(team)
