"""Embeddings and recurrent layers."""

from __future__ import annotations

from typing import Any

from kerasish import layers
from kerasish.export.functions import basics, recurrent
from kerasish.export.script import CannotExportError, Name, Script, formula_of, rule


@rule(layers.Embedding)
def _embedding(layer: Any, script: Script) -> None:
    if layer.mask_zero:
        script.line("mask = x != 0")
    script.call(basics.embedding, layer.embeddings)
    script.mask = "mask" if layer.mask_zero else None


@rule(layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell, layers.StackedRNNCells)
def _cell(layer: Any, script: Script) -> None:
    raise CannotExportError(
        f"{layer.label} cannot be exported by itself: it is the step of a recurrent layer. Put it "
        f"into RNN(...)."
    )


@rule(layers.SimpleRNN, layers.LSTM, layers.GRU, layers.RNN)
def _recurrent(layer: Any, script: Script) -> None:
    run(layer, script)


def run(layer: Any, script: Script, to: str = "x") -> None:
    """Write the calls of a recurrent layer, one for each of its cells."""
    if layer.stateful:
        raise CannotExportError(
            f"{layer.label} cannot be exported: it is stateful, so that a prediction depends on "
            f"the batches before. Copy its weights to a layer that is not."
        )
    cell = layer.cell
    cells = list(cell.cells) if type(cell) is layers.StackedRNNCells else [cell]
    of = "x"
    for number, inner in enumerate(cells):
        last = number == len(cells) - 1
        options: dict[str, Any] = {} if script.mask is None else {"mask": Name(script.mask)}
        if layer.return_sequences or not last:
            options["return_sequences"] = True
        if layer.go_backwards and number == 0:
            options["go_backwards"] = True
        if last and layer.zero_output_for_mask and script.mask is not None:
            options["zero_output_for_mask"] = True
        if number and layer.go_backwards and script.mask is not None:
            options["mask"] = Name(f"{script.mask}[:, ::-1]")
        _call(inner, script, of, to, options)
        of = to
    if not layer.return_sequences:
        script.mask = None


def _call(cell: Any, script: Script, of: str, to: str, options: dict[str, Any]) -> None:
    function = {
        layers.SimpleRNNCell: recurrent.simple_rnn,
        layers.LSTMCell: recurrent.lstm,
        layers.GRUCell: recurrent.gru,
    }.get(type(cell))
    if function is None:
        raise CannotExportError(
            f"{cell.label} cannot be exported: kerasish knows no NumPy function for the cell "
            f"{type(cell).__name__}. Use LSTMCell, GRUCell or SimpleRNNCell."
        )
    given = [cell.kernel, cell.recurrent_kernel, cell.bias, formula_of(cell.activation)]
    if function is not recurrent.simple_rnn:
        given.append(formula_of(cell.recurrent_activation))
    if function is recurrent.gru and not cell.reset_after:
        options = {"reset_after": False, **options}
    script.call(function, *given, of=of, to=to, **options)
