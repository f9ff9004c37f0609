"""fit, evaluate, predict: what a user says to a model. How it is done: `training`."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np

from kerasish import data
from kerasish.callbacks import CallbackList, History
from kerasish.errors import named_arguments
from kerasish.models.arguments import (
    check_can_train,
    check_epochs,
    check_frequency,
    check_no_targets,
    check_verbose,
    validation_parts,
)
from kerasish.models.compiled import Compiled
from kerasish.training import direct, loop
from kerasish.training.interrupt import interrupts
from kerasish.training.ranked import warn_if_alone
from kerasish.training.scores import as_results
from kerasish.training.threads import blas_guard


class Trainer(Compiled):
    """The part of a model that is told how to learn, learns, and is judged."""

    history: History | None = None
    stop_training: bool = False

    # --- whole data sets ----------------------------------------------------------------------

    @named_arguments
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        **ignored: Any,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        x, y, sample_weight : array-like
            One row a sample; or `x` alone, something that yields batches: see `kerasish.data`.
        batch_size : int, optional
            Rows a step, 32 by default.
        epochs, initial_epoch : int
            Number of the last epoch, and of those already done.
        verbose : {"auto", 0, 1, 2}
            Bar (1, auto), nothing (0), one line an epoch (2).
        callbacks : list of Callback, optional
            Called at every epoch and batch.
        validation_split : float
            Share of the rows, taken from the tail before shuffling, that validates.
        validation_data : tuple or batches, optional
            ``(x, y)`` or ``(x, y, sample_weight)`` to validate on instead.
        shuffle : bool
            Whether every epoch has an order of its own.
        class_weight : dict, optional
            Weight of every class.
        steps_per_epoch, validation_steps, validation_batch_size : int, optional
            Batches an epoch, batches a validation, and rows of these.
        validation_freq : int or list
            Validate every so many epochs, or after the ones listed (from 1).

        Returns
        -------
        History
            Loss and metrics of every epoch; also ``model.history``.

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the model; the message names the layer or argument.
        """
        program = self.program
        check_can_train(self, program, "fit")
        check_epochs(epochs, initial_epoch)
        check_frequency(validation_freq)
        check_verbose(verbose, "fit")
        validation: data.Batches | None = None
        held_out = validation_parts(validation_data)
        if validation_split and not held_out:
            (x, y, sample_weight), held_out = data.split(
                x, y, sample_weight, validation_split, self._reading()["texts"]
            )
        if held_out:
            validation = data.batches(
                *held_out,
                batch_size=batch_size if validation_batch_size is None else validation_batch_size,
                steps=validation_steps,
                role="validation",
                **self._reading(),
            )
        batches = data.batches(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps_per_epoch,
            class_weight=class_weight,
            role="fit",
            **self._reading(),
        )
        self._fit_to(batches, "fit")
        if validation is not None:
            self._fit_to(validation, "validation_data")
        program.bind()
        warn_if_alone(program)
        listed = self._callbacks(callbacks, batches, verbose, validation=validation, epochs=epochs)
        return loop.fit(
            self,
            batches,
            validation,
            listed,
            epochs=epochs,
            initial_epoch=initial_epoch,
            validation_freq=validation_freq,
        )

    @named_arguments
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **ignored: Any,
    ) -> Any:
        """Return loss and metrics on a data set: a float, a list, or with `return_dict` a dict."""
        program = self.program
        check_verbose(verbose, "evaluate")
        batches = data.batches(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps,
            role="evaluate",
            **self._reading(),
        )
        self._fit_to(batches, "evaluate")
        program.bind()
        logs = loop.evaluate(self, batches, self._callbacks(callbacks, batches, verbose))
        return as_results(logs, return_dict)

    @named_arguments
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        **ignored: Any,
    ) -> np.ndarray:
        """Return the model's outputs for all rows, as one array; needs no `compile`."""
        check_no_targets(batch_size)
        check_verbose(verbose, "predict")
        plain = direct.is_plain(batch_size, verbose, steps, callbacks)
        if plain and (y := direct.predict(self, x, batch_size or 32)) is not None:
            return y
        batches = data.batches(
            x, batch_size=batch_size, steps=steps, role="predict", **self._reading()
        )
        self._fit_to(batches)
        return loop.predict(self, batches, self._callbacks(callbacks, batches, verbose))

    # --- single batches -----------------------------------------------------------------------

    @named_arguments
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on one batch; returns loss and metrics before the update."""
        program = self.program
        check_can_train(self, program, "train_on_batch")
        x, y, w = self._one_batch("train_on_batch", x, y, sample_weight, class_weight)
        program.bind()
        program.scores.reset()
        with interrupts.whole(), blas_guard():  # both take over Ctrl-C, which is done once here
            program.train_batch(x, y, w)
        return as_results(program.scores.result(), return_dict)

    @named_arguments
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch."""
        program = self.program
        x, y, w = self._one_batch("test_on_batch", x, y, sample_weight)
        program.bind()
        with blas_guard(), program.own_scores():
            program.test_batch(x, y, w)
            return as_results(program.scores.result(), return_dict)

    @named_arguments
    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Outputs for one batch."""
        if (y := direct.predict(self, x)) is not None:
            return y
        x, _, _ = self._one_batch("predict_on_batch", x)
        with blas_guard(), loop.borrowed_team(self) as team:
            return loop.predict_batch(self, x, team)

    # --- helpers ------------------------------------------------------------------------------

    def _reading(self) -> dict[str, Any]:
        """What `data` has to know of the model."""
        return {"dtype": self.dtype, "texts": self.takes_text}  # type: ignore[attr-defined]

    def _fit_to(self, batches: data.Batches, who: str = "") -> None:
        """Build the model from the first batch if needed; compare the data with it.

        `who` is given where there have to be targets. All targets that are at hand are looked
        at, so that nothing is trained before the error.
        """
        first = batches.peek()
        self.build_for(first.x)  # type: ignore[attr-defined]
        try:
            self.aligned(first.x)  # type: ignore[attr-defined]
            self.check_data(batches)  # type: ignore[attr-defined]
            if who:
                y = batches.targets
                self.program.check_targets(first.y if y is None else y, who)
                self.program.resolve_metrics(first.y)
        except ValueError as error:
            if who != "validation_data":
                raise
            raise ValueError(f"fit: `validation_data`: {error}") from None

    def _one_batch(
        self, who: str, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None
    ) -> tuple[Any, Any, Any]:
        size = len(x) if isinstance(x, Sized) else None
        batches = data.batches(
            x,
            y,
            sample_weight,
            batch_size=size or 1,
            class_weight=class_weight,
            role=who,
            **self._reading(),
        )
        first = batches.peek()
        self.build_for(first.x)  # type: ignore[attr-defined]
        if first.y is None and who != "predict_on_batch":
            self.program.check_targets(None, who)
        return first

    def _callbacks(
        self,
        callbacks: Any,
        batches: data.Batches,
        verbose: Any,
        validation: data.Batches | None = None,
        epochs: int | None = None,
    ) -> CallbackList:
        fitting = epochs is not None
        speaks = self._program is None or self._program.speaks
        verbose = verbose if speaks else 0
        params: dict[str, Any] = {"verbose": verbose, "epochs": epochs or 1, "steps": batches.steps}
        listed = CallbackList(
            callbacks,
            add_history=fitting,
            add_progbar=verbose != 0,
            model=self,
            speaks=speaks,
            **params,
        )
        bar = listed.progress
        if bar is not None:
            bar.batch_size, bar.samples = batches.batch_size, batches.rows
            bar.validation_steps = None if validation is None else validation.steps
        return listed
