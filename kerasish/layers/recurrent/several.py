"""Layers that may return several arrays where they are called by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import is_traced
from kerasish.layers.base import Layer
from kerasish.layers.symbol import is_symbolic
from kerasish.step import Step, commit
from kerasish.store import as_array


class SeveralOutputs(Layer):
    """A layer on sequences that can begin with given states and return the last ones."""

    stateful: Any

    def all_outputs(self, x: np.ndarray, step: Step, initial: Any) -> list[np.ndarray]:
        """All that the layer returns, outputs first."""
        raise TypeError(f"{type(self).__name__} must define `all_outputs`.")

    def __call__(  # type: ignore[override]
        self,
        inputs: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = False,
    ) -> Any:
        """Apply the layer to an array; a list is returned where there are several outputs."""
        if is_traced(inputs) or is_symbolic(inputs) or isinstance(inputs, Layer):
            if initial_state is not None:
                raise ValueError(
                    f"{self.label}: `initial_state` is for a layer that is called by itself, not "
                    f"in a model. Leave it out, or make the layer stateful."
                )
            return super().__call__(inputs, training, mask)
        x = self.prepare_input(inputs)
        self.ensure_built(x.shape if self.stateful else (None, *x.shape[1:]))
        if initial_state is None and self.single_output:
            return super().__call__(inputs, training, mask)
        self.check_call(x.shape)
        step = self.new_step(len(x), bool(training))
        step.mask = None if mask is None else np.asarray(mask, bool)
        outputs = [as_array(y) for y in self.all_outputs(x, step, initial_state)]
        commit([step])
        return outputs[0] if self.single_output else outputs
