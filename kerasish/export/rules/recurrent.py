"""Embeddings and recurrent layers."""

from __future__ import annotations

from typing import Any

from kerasish import layers
from kerasish.export.functions import basics, recurrent
from kerasish.export.script import CannotExportError, Name, Script, formula_of, rule, rules


@rule(layers.Embedding)
def _embedding(layer: Any, script: Script) -> None:
    if layer.mask_zero:
        script.mask, script.mask_axes = script.fresh("mask"), len(layer.input_shape)
        script.line(f"{script.mask} = x != 0")
    script.call(basics.embedding, layer.embeddings)


@rule(layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell, layers.StackedRNNCells)
def _cell(layer: Any, script: Script) -> None:
    raise CannotExportError(
        f"{layer.label} cannot be exported by itself: it is the step of a recurrent layer. Put it "
        f"into RNN(...)."
    )


@rule(layers.SimpleRNN, layers.LSTM, layers.GRU, layers.RNN)
def _recurrent(layer: Any, script: Script) -> None:
    run(layer, script)


@rule(layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
def _conv_lstm(layer: Any, script: Script) -> None:
    _refuse_stateful(layer)
    cell, first = layer.cell, layer.data_format == "channels_first"
    if first:
        script.line("x = np.moveaxis(x, 2, -1)")
    given = [cell.kernel, cell.recurrent_kernel, cell.bias]
    given += [formula_of(cell.activation), formula_of(cell.recurrent_activation)]
    given += [cell.strides, cell.padding, cell.dilation_rate]
    options = {"return_sequences": layer.return_sequences, "go_backwards": layer.go_backwards}
    chosen: dict[str, Any] = {key: value for key, value in options.items() if value}
    if script.mask is not None:
        chosen["mask"] = script.mask
        chosen["zero_output_for_mask"] = layer.zero_output_for_mask
    script.call(recurrent.conv_lstm, *given, **chosen)
    if first:
        script.line(f"x = np.moveaxis(x, -1, {2 if layer.return_sequences else 1})")
    if not layer.return_sequences:
        script.mask = None


@rule(layers.Bidirectional)
def _bidirectional(layer: Any, script: Script) -> None:
    mask = script.mask
    ahead, behind = script.fresh("ahead"), script.fresh("behind")
    run(layer.forward_layer, script, ahead)
    script.mask = mask
    run(layer.backward_layer, script, behind)
    if layer.return_sequences:
        script.line(f"{behind} = {behind}[:, ::-1]")
    merged = {
        "concat": f"np.concatenate([{ahead}, {behind}], axis=-1)",
        "sum": f"{ahead} + {behind}",
        "mul": f"{ahead} * {behind}",
        "ave": f"({ahead} + {behind}) / 2",
    }
    script.line(f"x = {merged[layer.merge_mode]}")


@rule(layers.TimeDistributed)
def _time_distributed(layer: Any, script: Script) -> None:
    rows, steps = script.fresh("rows"), script.fresh("steps")
    mask, axes = script.mask, script.mask_axes
    script.line(f"{rows}, {steps} = x.shape[:2]")
    script.line(f"x = x.reshape({rows} * {steps}, *x.shape[2:])")
    script.mask = None
    if mask is not None and axes > 2:  # a mask of what is inside of the steps
        script.mask, script.mask_axes = script.fresh("mask"), axes - 1
        script.line(f"{script.mask} = {mask}.reshape({rows} * {steps}, *{mask}.shape[2:])")
    script.apply(layer.layer)
    script.line(f"x = x.reshape({rows}, {steps}, *x.shape[1:])")
    if mask is not None and axes > 2 and script.mask is None:
        script.line(f"{mask} = {mask}.any(axis={tuple(range(2, axes))})")
        axes = 2
    script.mask, script.mask_axes = mask, axes


def run(layer: Any, script: Script, to: str = "x") -> None:
    """Write the calls of a recurrent layer, one for each of its cells."""
    if rules.get(type(layer)) is not _recurrent:
        raise CannotExportError(
            f"{layer.label} cannot be exported: it is a {type(layer).__name__}. Use LSTM, GRU, "
            f"SimpleRNN or RNN."
        )
    _refuse_stateful(layer)
    cell = layer.cell
    cells = list(cell.cells) if type(cell) is layers.StackedRNNCells else [cell]
    of = "x"
    for number, inner in enumerate(cells):
        last = number == len(cells) - 1
        options: dict[str, Any] = {} if script.mask is None else {"mask": script.mask}
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


def _refuse_stateful(layer: Any) -> None:
    if layer.stateful:
        raise CannotExportError(
            f"{layer.label} cannot be exported: it is stateful, so that a prediction depends on "
            f"the batches before. Copy its weights to a layer that is not."
        )
