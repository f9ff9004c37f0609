"""compile: what a model is to learn by, and what was said there."""

from __future__ import annotations

from typing import Any

from kerasish.errors import named_arguments
from kerasish.models.arguments import check_roles, loss_weight, names_metrics, single
from kerasish.saving.compiled import compile_config, compile_from
from kerasish.saving.legacy import training_config
from kerasish.training.program import Program
from kerasish.training.ranked import RankedProgram, ranks_join


class Compiled:
    """The part of a model that binds loss, optimizer and metrics."""

    name: Any
    built: bool
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
        distribute: str | None = None,
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
        distribute : "mpi", optional
            Train on all ranks of an MPI job (``mpiexec -n 4 python script.py``), each of which
            works on its part of every batch; the environment's KERASISH_DISTRIBUTE by default.

        Returns
        -------
        Sequential
            The model itself.
        """
        check_roles(optimizer, loss)
        if metrics is None and names_metrics(loss_weights):
            loss_weights, metrics = None, loss_weights  # Keras 2's third argument
        kind = RankedProgram if ranks_join(distribute) else Program
        self._program = kind(
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
            "distribute": distribute,
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

    def get_compile_config(self) -> dict[str, Any]:
        """What the model was compiled with, in the form of Keras's files; {} if it was not."""
        return compile_config(self) or {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` said."""
        compile_from(self, training_config(config), None)

    def reset_metrics(self) -> None:
        """Begin the running loss and metrics again."""
        if self._program is not None:
            self._program.scores.reset()
