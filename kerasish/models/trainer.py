"""compile, fit, evaluate, predict: what a user says to a model. How it is done: `training`."""

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
    check_roles,
    check_verbose,
    loss_weight,
    names_metrics,
    single,
    validation_parts,
)
from kerasish.training import direct, loop
from kerasish.training.program import Program
from kerasish.training.scores import as_results
from kerasish.training.threads import blas_guard


class Trainer:
    """The part of a model that is told how to learn, learns, and is judged."""

    name: Any
    built: bool
    history: History | None = None
    stop_training: bool = False
    _program: Program | None = None

    @named_arguments
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> Any:
        """Bind loss, optimizer and metrics, and fix which layers learn.

        Parameters
        ----------
        optimizer : str or Optimizer
            Such as ``"adam"`` or ``Adam(1e-4)``.
        loss : str, Loss or callable
            Such as ``"mse"``; a function takes ``(y_true, y_pred)``.
        loss_weights : float, optional
            Factor of the loss.
        metrics, weighted_metrics : list, optional
            Names, objects or functions; ``"auto"`` is accuracy for a classification's loss.
            Only `weighted_metrics` count samples by their weights.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted for Keras's sake; there is nothing to do for them here.

        Returns
        -------
        Sequential
            The model itself.
        """
        check_roles(optimizer, loss)
        if metrics is None and names_metrics(loss_weights):
            loss_weights, metrics = None, loss_weights  # Keras 2's third argument
        self._program = Program(
            self,
            optimizer,
            single(loss, "loss"),
            loss_weight(loss_weights),
            metrics,
            weighted_metrics,
        )
        self._compiled = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        if self.built:
            self._program.bind()
        return self

    @property
    def program(self) -> Program:
        """What `compile` made."""
        if self._program is None:
            raise ValueError(
                f"You must call `compile()` before using the model. Sequential {self.name!r} "
                f"has no loss and optimizer yet: model.compile('adam', 'mse')."
            )
        return self._program

    @property
    def has_program(self) -> bool:
        """Whether the model is compiled."""
        return self._program is not None

    compiled = has_program

    def forget_program(self) -> None:
        """Compile again as before, for a model whose layers have changed."""
        if self._program is not None:
            self.compile(**self._compiled)

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
        with blas_guard():
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

    # --- what was compiled --------------------------------------------------------------------

    @property
    def optimizer(self) -> Any:
        """The optimizer, or None before `compile`."""
        return None if self._program is None else self._program.optimizer

    @property
    def loss(self) -> Any:
        """What `compile` was given as loss."""
        return None if self._program is None else self._compiled["loss"]

    @property
    def metrics(self) -> list[Any]:
        """The metric objects; names such as "accuracy" have theirs after the first batch."""
        return [] if self._program is None else list(self._program.scores.metrics or [])

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in its order."""
        return [] if self._program is None else ["loss", *self._program.scores.names]

    def reset_metrics(self) -> None:
        """Begin the running loss and metrics again."""
        if self._program is not None:
            self._program.scores.reset()

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
        params: dict[str, Any] = {"verbose": verbose, "epochs": epochs or 1, "steps": batches.steps}
        listed = CallbackList(
            callbacks, add_history=fitting, add_progbar=verbose != 0, model=self, **params
        )
        bar = listed.progress
        if bar is not None:
            bar.batch_size, bar.samples = batches.batch_size, batches.rows
            bar.validation_steps = None if validation is None else validation.steps
        return listed
