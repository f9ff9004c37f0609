"""The layers of a model, one after the other, as figures look at them."""

from __future__ import annotations

from typing import Any

from kerasish import errors


def chosen_layer(who: str, chain: list[Any], wanted: Any) -> Any:
    """Return the layer of a name or number, or say which there are."""
    if isinstance(wanted, int):
        if not -len(chain) <= wanted < len(chain):
            raise ValueError(f"{who}: there is no layer {wanted}; the model has {len(chain)}.")
        return chain[wanted]
    names = [layer.name for layer in chain]
    if wanted not in names:
        raise ValueError(
            f"{who}: no layer is called {wanted!r}.{errors.did_you_mean(str(wanted), names)} "
            f"Layers: {', '.join(names)}."
        )
    return chain[names.index(wanted)]
