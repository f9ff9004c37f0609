"""What the diagram of a model says of each layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kerasish.viz import canvas
from kerasish.viz.layer_rows import shape_of

LETTER, BOLD = 0.066, 0.085  # inches: width of a letter, at most
# The family of a layer, by the module that it is written in, has one colour.
FAMILIES = {
    canvas.COLOURS[0]: ("conv", "depthwise", "separable"),
    canvas.COLOURS[4]: ("pooling", "upsampling", "padding", "cropping"),
    canvas.COLOURS[1]: ("core", "dense", "embedding"),
    canvas.COLOURS[2]: ("recurrent", "rnn", "lstm", "gru", "bidirectional", "wrapper"),
    canvas.COLOURS[3]: ("normalization",),
    canvas.COLOURS[5]: ("regularization", "dropout", "noise", "augment", "random"),
}


@dataclass
class Box:
    """What the diagram says of one layer."""

    kind: str
    name: str = ""
    shape: str = ""
    note: str = ""
    colour: str = "#999999"
    frames: tuple[str, ...] = ()  # names of the models that it is in, outermost first

    @property
    def lines(self) -> int:
        """Lines of text."""
        return 2 if self.name or self.note else 1

    @property
    def wide(self) -> float:
        """Inches that the text needs."""
        first = BOLD * len(self.kind) + LETTER * len(self.shape)
        return max(first, LETTER * len(self.name + self.note)) + 0.45


def input_box(model: Any, say: dict[str, bool]) -> list[Box]:
    """Return a box for what goes in, if that is known."""
    if not model.built:
        return []
    return [Box("Input", shape=str(model.input_shape) if say["shapes"] else "")]


def layer_boxes(
    model: Any, say: dict[str, bool], expand: bool, frames: tuple[str, ...]
) -> list[Box]:
    """Return the boxes of the layers, those of models within inclusive."""
    found: list[Box] = []
    for layer in model.layers:
        if expand and getattr(layer, "layers", None):
            found += layer_boxes(layer, say, expand, (*frames, layer.name))
        else:
            found.append(_box(layer, say, frames))
    return found


def _box(layer: Any, say: dict[str, bool], frames: tuple[str, ...]) -> Box:
    kind = type(layer).__name__
    inner = _inner(layer)
    if inner is not None:
        kind = f"{kind}({type(inner).__name__})"
    activation = getattr(layer, "activation", None)
    if say["activations"] and activation is not None:
        word = getattr(activation, "__name__", None) or type(activation).__name__
        kind += f", {word}" if word != "linear" else ""
    notes = []
    if say["params"] and layer.built and layer.count_params():
        count = layer.count_params()
        notes.append(f"{count:,} parameter{'s' * (count != 1)}")
    if say["dtype"]:
        notes.append(str(layer.dtype))
    if say["trainable"] and layer.weights and not layer.trainable:
        notes.append("frozen")
    return Box(
        kind=kind,
        name=layer.name if say["names"] else "",
        shape=shape_of(layer) if say["shapes"] else "",
        note=", ".join(notes),
        colour=_colour(layer),
        frames=frames,
    )


def _inner(layer: Any) -> Any:
    """The layer that a wrapper wraps."""
    inner = getattr(layer, "forward_layer", None) or getattr(layer, "layer", None)
    return inner if hasattr(inner, "output_shape") or hasattr(inner, "name") else None


def _colour(layer: Any) -> str:
    inner = _inner(layer)
    if inner is not None:
        return _colour(inner)
    module = type(layer).__module__.rpartition(".")[2]
    words = f"{module} {type(layer).__name__}".lower()
    if module == "core" and not layer.weights and type(layer).__name__ != "Dense":
        return "#999999"
    for colour, family in FAMILIES.items():
        if any(word in words for word in family):
            return colour
    return "#999999"
