"""SwapEMAWeights: judge the model by the moving average of its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kerasish.callbacks.base import Callback
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class SwapEMAWeights(Callback):
    """Uses the moving average of the weights (Polyak averaging) wherever the model is judged.

    Evaluations, validations and predictions see the average that an optimizer with
    ``use_ema=True`` keeps; training goes on with the weights themselves. Before the first step
    there is no average and nothing is swapped.

    Parameters
    ----------
    swap_on_epoch : bool
        Whether callbacks that come later in the list, `ModelCheckpoint` for instance, see the
        average too when an epoch ends.

    Raises
    ------
    ValueError
        When something begins, if no optimizer of the model keeps an average.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers, optimizers
    >>> model = Sequential([layers.Dense(1)])
    >>> _ = model.compile(optimizers.SGD(use_ema=True), "mse")
    >>> x, y = np.ones((8, 2)), np.ones(8)
    >>> _ = model.fit(x, y, validation_data=(x, y), callbacks=[SwapEMAWeights()], verbose=0)
    """

    swap_on_epoch: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def _state(self) -> Any:
        optimizer = getattr(self.model, "optimizer", None)
        inner = getattr(optimizer, "optimizers", None) or [optimizer]
        if not any(getattr(each, "use_ema", False) for each in inner):
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                f"Received: {optimizer!r}. Pass, say, "
                "compile(optimizer=kerasish.optimizers.Adam(use_ema=True))."
            )
        return self.model.program.state

    def _swap(self, to_average: bool) -> None:
        state = self._state()
        if state is not None and state.count and state.swapped != to_average:
            state.swap_average()

    def on_train_begin(self, logs: Any = None) -> None:
        """See that there is an average."""
        self._state()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Train on with the weights themselves."""
        self._swap(to_average=False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Show the average to the callbacks that follow."""
        if self.swap_on_epoch:
            self._swap(to_average=True)

    def on_train_end(self, logs: Any = None) -> None:
        """After an error, leave the weights that were being trained."""
        self._swap(to_average=False)

    def on_test_begin(self, logs: Any = None) -> None:
        """Judge the average."""
        self._swap(to_average=True)

    def on_test_end(self, logs: Any = None) -> None:
        """Swap back."""
        self._swap(to_average=False)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Predict with the average."""
        self._swap(to_average=True)

    def on_predict_end(self, logs: Any = None) -> None:
        """Swap back."""
        self._swap(to_average=False)

    def get_state(self) -> dict[str, Any]:
        """Whether the model holds the average just now."""
        return {"ema_weights_in_model": bool(getattr(self._state(), "swapped", False))}

    def set_state(self, state: dict[str, Any]) -> None:
        """Know again what the model holds."""
        own = self._state()
        if own is not None:
            own.swapped = state["ema_weights_in_model"]
