"""What tables of a model's layers say: names, output shapes, numbers of parameters."""

from __future__ import annotations

from typing import Any, NamedTuple


class LayerRow(NamedTuple):
    """A layer in a table."""

    name: str
    kind: str
    shape: str
    params: str
    trainable: str  # "Y", "N", or "-" where there is nothing to learn
    depth: int = 0  # how many models it is within


def layer_rows(layers: Any, expand: bool = False, depth: int = 0) -> list[LayerRow]:
    """Return a row for each layer, those of models within inclusive if `expand` is set."""
    rows = []
    for layer in layers:
        built = layer.built
        rows.append(
            LayerRow(
                layer.name,
                type(layer).__name__,
                shape_of(layer),
                f"{layer.count_params():,}" if built else "0 (unbuilt)",
                ("Y" if layer.trainable else "N") if layer.weights else "-",
                depth,
            )
        )
        if expand and hasattr(layer, "layers"):
            rows += layer_rows(layer.layers, expand, depth + 1)
    return rows


def shape_of(layer: Any) -> str:
    """The shape that a layer puts out, ``"?"`` where that is not known."""
    try:
        return str(layer.output_shape) if layer.built else "?"
    except (AttributeError, ValueError):
        return "?"


def totals(model: Any) -> dict[str, str]:
    """How many parameters there are, and their size in memory.

    >>> from kerasish import Sequential, layers
    >>> totals(Sequential([layers.Dense(2, input_shape=(3,))]))["Total params"]
    '8 (32.00 B)'
    """
    learnt, others = model.trainable_weights, model.non_trainable_weights
    state = model.program.state if getattr(model, "has_program", False) else None
    slots = []
    if state is not None and int(state.count):  # Keras makes them at the first fit
        slots = [array for _, array, _ in state.variables]
    lines = {
        "Total params": _amount([*learnt, *others, *slots]),
        "Trainable params": _amount(learnt),
        "Non-trainable params": _amount(others),
    }
    if slots:
        lines["Optimizer params"] = _amount(slots)
    return lines


def _amount(arrays: list[Any]) -> str:
    """``426 (1.66 KB)``."""
    count = sum(a.size for a in arrays)
    size = float(sum(a.size * getattr(a, "value", a).itemsize for a in arrays))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count:,} ({size:.2f} {unit})"
