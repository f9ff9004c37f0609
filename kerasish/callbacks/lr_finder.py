"""LRFinder: which learning rate to begin with."""

from __future__ import annotations

import math
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import viz
from kerasish.callbacks.base import Callback
from kerasish.callbacks.learning_rate import learning_rates
from kerasish.display import Bar, say
from kerasish.errors import check_whole
from kerasish.registry import register

LEAST = 10  # losses that a suggestion is based on
DIVERGED = 4  # times the best of the losses' moving average
INERTIA = 0.8  # of that average


@register
@dataclass(eq=False, repr=False)
class LRFinder(Callback):
    """Tries learning rates from small to large, one a batch, and suggests one.

    The loss falls fastest shortly before the learning rate is too large. `suggestion` is the rate
    of the steepest fall of the smoothed loss over the logarithm of the rate, or a quarter of that
    at which the loss is least, if that is smaller; look at `plot` before you trust it. When it
    ends, weights, optimizer and random numbers are what they were before, so that the training
    that follows is the same to the bit.

    Parameters
    ----------
    min_lr, max_lr : float
        The first and the last rate.
    steps : int
        Batches; the rates between are spaced evenly on a logarithmic scale.
    smooth : float
        Width of the bell that the losses are averaged under, as a share of all steps; 0 to 0.5.
    verbose : int
        1 says the suggestion.

    Attributes
    ----------
    learning_rates, losses : list of float
        Of every batch.
    suggestion : float or None
        None before the test, and where the loss never fell.

    Raises
    ------
    ValueError
        If the range or the number of steps makes no sense.

    Notes
    -----
    Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers
    >>> x = np.random.default_rng(0).normal(size=(256, 4))
    >>> model = Sequential([layers.Dense(1)], seed=0)
    >>> _ = model.compile("sgd", "mse")
    >>> finder = LRFinder(1e-4, 10, steps=60)
    >>> rate = finder.find(model, x, x.sum(axis=1), verbose=0)
    >>> 1e-3 < rate < 1
    True
    >>> figure = finder.plot()
    """

    min_lr: float = 1e-7
    max_lr: float = 10.0
    steps: int = 100
    smooth: float = 0.03
    verbose: int = 1

    def __post_init__(self) -> None:
        super().__init__()
        if not 0 < self.min_lr < self.max_lr < math.inf:
            raise ValueError(
                f"LRFinder: the learning rates must be 0 < min_lr < max_lr but are "
                f"{self.min_lr!r} and {self.max_lr!r}."
            )
        check_whole("LRFinder", "steps", self.steps, LEAST)
        if not 0 <= self.smooth <= 0.5:
            raise ValueError(f"LRFinder: `smooth` must be from 0 to 0.5 but is {self.smooth!r}.")
        self._bar: Bar | None = None
        self._reset()

    def _reset(self) -> None:
        self.learning_rates: list[float] = []
        self.losses: list[float] = []
        self.suggestion: float | None = None
        self._average = self._mass = 0.0
        self._best = math.inf
        self._rate = self.min_lr
        self._total = self.steps
        self._before: dict[str, Any] | None = None
        self._own_rates: list[tuple[Any, Any]] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_before": None, "_own_rates": [], "_bar": None}

    def find(
        self,
        model: Any,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        verbose: Any = "auto",
        **options: Any,
    ) -> float | None:
        """Do the test on a compiled model and return the suggestion.

        Parameters
        ----------
        model : Sequential
            Compiled; it need not be built.
        x, y, batch_size, **options
            As for `fit`. What a generator has given is gone.
        verbose : {"auto", 0, 1, 2}
            0 shows no bar and says nothing.
        """
        history = model.history
        self._bar = Bar("Learning rates", total=self.steps, verbose=verbose != 0)
        told = self.verbose
        try:
            self.verbose = told if verbose != 0 else 0
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "fit stopped in epoch")  # that is the plan
                warnings.filterwarnings("ignore", "Your input ran out of data")
                model.fit(
                    x,
                    y,
                    batch_size=batch_size,
                    epochs=self.steps,  # of one batch at least each
                    verbose=0,
                    callbacks=[self],
                    **options,
                )
        finally:
            self._bar.close()
            self._bar, self.verbose = None, told
            model.history = history
        return self.suggestion

    # What happens when

    def on_train_begin(self, logs: Any = None) -> None:
        """Remember how everything is, and take hold of the learning rate."""
        self._reset()
        params = self.params or {}
        if params.get("steps") and params.get("epochs"):
            self._total = min(self.steps, params["steps"] * params["epochs"])
        state = self._company.fit_state  # type: ignore[union-attr]
        self._before = _copied(state.model_state())
        for optimizer in learning_rates(self.model.optimizer).values():
            self._own_rates.append((optimizer, optimizer._learning_rate))
            optimizer._learning_rate = lambda: self._rate

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the next rate; the loss is to be that of this batch alone."""
        share = len(self.losses) / max(self._total - 1, 1)
        self._rate = self.min_lr * (self.max_lr / self.min_lr) ** share
        self.model.program.scores.reset()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note the loss; stop at the end of the range, or when it explodes."""
        loss = float((logs or {})["loss"])
        self.learning_rates.append(self._rate)
        self.losses.append(loss)
        if self._bar is not None:
            self._bar.total = self._total
            self._bar.update(1, learning_rate=self._rate, loss=loss)
        self._average = INERTIA * self._average + (1 - INERTIA) * loss
        self._mass = INERTIA * self._mass + (1 - INERTIA)
        now = self._average / self._mass
        done = len(self.losses)
        exploded = not math.isfinite(loss) or (done >= LEAST and now > DIVERGED * abs(self._best))
        self._best = min(self._best, now)
        if exploded or done >= self._total:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Put everything back, and make the suggestion."""
        for optimizer, rate in self._own_rates:
            optimizer._learning_rate = rate
        if self._before is not None:
            self._company.fit_state.restore_model(self._before)  # type: ignore[union-attr]
        self._before, self._own_rates = None, []
        self.suggestion = suggest(self.learning_rates, self.losses, self.smooth)
        if self._bar is not None:
            self._bar.close()  # its line comes before the verdict
        if self.verbose > 0 and getattr(self._company, "error", None) is None:
            say(self._verdict())

    def _verdict(self) -> str:
        if self.suggestion is not None:
            return (
                f"LRFinder suggests a learning rate of {self.suggestion:.2g}, of "
                f"{len(self.losses)} tried up to {max(self.learning_rates):.2g}."
            )
        return (
            f"LRFinder has no suggestion: the loss did not fall in {len(self.losses)} batches. "
            f"Try a smaller min_lr, or more steps."
        )

    def get_state(self) -> dict[str, Any]:
        """Nothing: the test is not resumed."""
        return {}

    def plot(self, **options: Any) -> Any:
        """Draw the loss over the learning rate; takes ``title``, ``figsize`` and ``figure``.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown and not known to pyplot.
        """
        if not self.losses:
            raise ValueError(
                "LRFinder: there is nothing to plot yet. Call find(model, x, y) first."
            )
        return viz.plot_learning_rates(
            self.learning_rates,
            self.losses,
            self.suggestion,
            smoothed=bell(self.losses, self.smooth),
            **options,
        )


def suggest(rates: list[float], losses: list[float], smooth: float) -> float | None:
    """Return the rate at which the smoothed loss falls most steeply, None where it does not."""
    curve = bell(losses, smooth)
    if len(curve) < LEAST or not np.isfinite(curve[0]):
        return None
    lowest = int(curve.argmin())
    noise = float(np.nanstd(np.array(losses[: lowest + 1]) - curve[: lowest + 1]))
    fall = curve[0] - curve[lowest]
    if lowest < 3 or fall <= max(noise, 1e-3 * abs(float(curve[0])), sys.float_info.min):
        return None
    slopes = np.gradient(curve, np.log(rates))[: lowest + 1]
    return min(rates[int(slopes.argmin())], rates[lowest] / 4)


def bell(losses: list[float], smooth: float) -> np.ndarray:
    """Average each loss with its neighbours on both sides, under a Gaussian bell.

    Losses that explode count as a multiple of the best, so that their neighbours stay legible.

    >>> bell([3.0, 2.0, 1.0, float("nan")], 0.0)
    array([3., 2., 1., 4.])
    """
    values = np.array(losses, float)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return values
    top = max(finite[0], finite.min() + (DIVERGED - 1) * abs(finite.min()))
    values = np.minimum(np.where(np.isfinite(values), values, top), top)
    if smooth == 0:
        return values
    width = max(smooth * len(values), 1.5)
    places = np.arange(len(values))
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    return weights @ values / weights.sum(axis=1)


def _copied(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    if isinstance(state, list):
        return [_copied(value) for value in state]
    return state.copy() if isinstance(state, np.ndarray) else state
