"""Methods of models in Keras 1 and 2, for scripts that still call them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import spellings


class OldMethods:
    """`fit_generator` and its like; each says once what to write today."""

    fit: Any
    evaluate: Any
    predict: Any

    def fit_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """`fit`, with the order of arguments that `fit_generator` had."""
        _warn("fit_generator", "fit")
        order = ("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data")
        kwargs.update(zip((*order, "validation_steps"), args, strict=False))
        samples = kwargs.pop("samples_per_epoch", None)
        if samples is not None:
            kwargs["steps_per_epoch"], generator = _steps(generator, samples)
        samples = kwargs.pop("nb_val_samples", None)
        if samples is not None and hasattr(kwargs.get("validation_data"), "__next__"):
            kwargs["validation_steps"], kwargs["validation_data"] = _steps(
                kwargs["validation_data"], samples
            )
        kwargs.pop("shuffle", None)  # batches come as they are made
        return self.fit(generator, **kwargs)

    def evaluate_generator(
        self, generator: Any, steps: int | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """`evaluate`, with the order of arguments that `evaluate_generator` had."""
        _warn("evaluate_generator", "evaluate")
        kwargs.update(zip(("callbacks",), args, strict=False))
        if "val_samples" in kwargs:
            steps, generator = _steps(generator, kwargs.pop("val_samples"))
        return self.evaluate(generator, steps=steps, **{"verbose": 0, **kwargs})

    def predict_generator(
        self, generator: Any, steps: int | None = None, *args: Any, **kwargs: Any
    ) -> np.ndarray:
        """`predict`, with the order of arguments that `predict_generator` had."""
        _warn("predict_generator", "predict")
        kwargs.update(zip(("callbacks",), args, strict=False))
        if "val_samples" in kwargs:
            steps, generator = _steps(generator, kwargs.pop("val_samples"))
        return self.predict(generator, steps=steps, **{"verbose": 0, **kwargs})

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """The most probable class of every row; 0 or 1, (N, 1), where there is one output."""
        new = "np.argmax(model.predict(x), axis=-1), or (model.predict(x) > 0.5).astype('int32')"
        spellings.warn_once("Sequential", "predict_classes()", f"Write {new}.")
        y = self.predict(x, batch_size=batch_size, verbose=verbose)
        return y.argmax(axis=-1) if y.shape[-1] > 1 else (y > 0.5).astype("int32")

    def predict_proba(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> np.ndarray:
        """The same as `predict`."""
        _warn("predict_proba", "predict")
        return self.predict(x, batch_size=batch_size, verbose=verbose)


def _warn(old: str, new: str) -> None:
    spellings.warn_once("Sequential", f"{old}()", f"Write {new}(), which takes generators too.")


def _steps(generator: Any, samples: int) -> tuple[int, Any]:
    """How many batches Keras 1's number of samples is, by the size of the first batch."""
    size = getattr(generator, "batch_size", None)
    if size is None:
        first = next(generator)
        size = len(first[0] if isinstance(first, tuple | list) else first)
        generator = _again(first, generator)
    return max(1, math.ceil(samples / size)), generator


def _again(first: Any, rest: Any) -> Any:
    yield first
    yield from rest
