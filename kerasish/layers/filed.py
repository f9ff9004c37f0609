"""What a layer keeps in files beside its config: weights, and whatever a user's layer adds."""

from __future__ import annotations

from typing import Any

from kerasish.layers.arguments import Shape
from kerasish.store import Weight


class Filed:
    """The part of a layer that files are made of; Keras's hooks, which a layer may override.

    Two more are looked for, and called with a folder when a ``.keras`` file is written or read:
    ``save_assets(dir_path)`` and ``load_assets(dir_path)``.
    """

    built: bool
    label: Any
    also_filed_as: tuple[str, ...] = ()  # further places where Keras's files have the same again
    _own_weights: list[Weight]
    _build_shape: Shape | None

    def weights_in_files(self) -> list[Weight]:
        """The layer's own weights in the order of Keras's files: mostly those that may learn first.

        Weights of layers inside it are not among them.
        """
        filed = getattr(self, "filed_weights", None)
        if filed is not None and self.built:
            return filed
        return sorted(self._own_weights, key=lambda weight: not weight.trainable)

    def save_own_variables(self, store: Any) -> None:
        """Put what is to be kept of the layer's own state into a mapping from texts to arrays.

        >>> from kerasish.layers import Dense
        >>> layer, store = Dense(2), {}
        >>> layer.build((None, 3))
        >>> layer.save_own_variables(store)
        >>> {key: value.shape for key, value in store.items()}
        {'0': (3, 2), '1': (2,)}
        """
        for i, weight in enumerate(self.weights_in_files()):
            store[str(i)] = weight.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take what `save_own_variables` put into a mapping.

        Raises
        ------
        ValueError
            If there are more or fewer arrays than weights, or of another shape.
        """
        own = self.weights_in_files()
        if len(store.keys()) != len(own):
            raise ValueError(
                f"{self.label} expects {len(own)} variables ({[w.name for w in own]}) but got "
                f"{len(store.keys())}."
            )
        for i, weight in enumerate(own):
            weight.assign(store[str(i)])

    def get_build_config(self) -> dict[str, Any] | None:
        """What `build_from_config` needs: the input's shape, if the layer is built."""
        return None if self._build_shape is None else {"input_shape": self._build_shape}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the weights that a file has values for."""
        shape = config.get("input_shape")
        if shape is not None:
            self.ensure_built(tuple(shape))  # type: ignore[attr-defined]


def overrides(obj: Any, *names: str) -> bool:
    """Whether the class of a layer or model replaces one of these methods.

    >>> from kerasish.layers import Dense
    >>> class Own(Dense):
    ...     def get_build_config(self):
    ...         return {"units": 3}
    >>> overrides(Own(3), "get_build_config"), overrides(Dense(3), "get_build_config")
    (True, False)
    """
    for name in names:
        for cls in type(obj).__mro__:
            if name in vars(cls):
                if cls.__name__ not in ("Filed", "Compiled") or not _is_ours(cls):
                    return True
                break
    return False


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "kerasish"
