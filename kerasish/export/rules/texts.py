"""Layers of texts, tokens and ranges."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from kerasish import layers
from kerasish.export.functions import texts
from kerasish.export.script import DTYPE, CannotExportError, Name, Script, rule
from kerasish.layers import hashes, tokens


def _encode(layer: Any, script: Script) -> None:
    mode = layer.output_mode
    if mode == "int":
        script.contents = "whole numbers"
        return
    counted = "count" if mode == "tf_idf" else mode
    script.call(tokens.encode, counted, layer.depth(), DTYPE)
    if mode == "tf_idf":
        script.call(texts.weigh, layer._vocabulary.idf)


def _known(layer: Any) -> Any:
    """The layer's vocabulary, if it has one."""
    vocabulary = layer._vocabulary
    if not vocabulary.tokens:
        raise CannotExportError(
            f"{layer.label} cannot be exported: it has no vocabulary yet. Call adapt(data) first."
        )
    return vocabulary


def _listed(script: Script, tokens_: list[Any]) -> Name:
    """A list as an array of bytes of JSON, which holds any text as it is."""
    return script.array(np.frombuffer(json.dumps(tokens_).encode(), np.uint8), "vocabulary")


@rule(layers.IntegerLookup, layers.StringLookup)
def _lookup(layer: Any, script: Script) -> None:
    vocabulary = _known(layer)
    if layer.invert:
        listed = _listed(script, vocabulary.listed())
        script.call(texts.tokens_of, listed, vocabulary.oov_token)
        script.contents = "whole numbers" if layer.whole else "texts"
        return
    if layer.whole:
        script.call(tokens.as_whole)
    options: dict[str, Any] = {}
    if vocabulary.num_oov_indices != 1:
        options["unknown"] = vocabulary.num_oov_indices
    if vocabulary.mask_token is not None:
        options["mask"] = vocabulary.mask_token
        if vocabulary.mode != "int":
            options["masked"] = tokens.DROPPED
    if vocabulary.num_oov_indices > 1:
        options["spread"] = texts.by_hash if vocabulary.hashes else texts.by_remainder
        if vocabulary.salt is not None:
            options["salt"] = tuple(vocabulary.salt)
    listed = _listed(script, vocabulary.tokens)
    script.call(texts.look_up, listed, vocabulary.start, **options)
    _encode(layer, script)


@rule(layers.TextVectorization)
def _vectorization(layer: Any, script: Script) -> None:
    vocabulary, how = _known(layer), layer.standardize
    if callable(how):
        script.line(f"x = np.asarray({script.sources.add(how)}(x.astype(str)))")
    elif how is not None:
        chosen: dict[str, Any] = {word: True for word in ("lower", "strip") if word in how}
        script.call(texts.clean, **chosen)
    rows = script.fresh("rows")
    if callable(layer.split):
        split = script.sources.add(layer.split)
        script.line(f"{rows} = {split}(x.reshape(len(x)).astype(str))")
    else:
        named = {"whitespace": texts.words_of, "character": texts.characters_of}
        script.call(named.get(layer.split, texts.texts_of), to=rows)
    widths = layer.ngrams
    if widths is not None:
        widths = tuple(range(1, widths + 1)) if isinstance(widths, int) else widths
        script.call(texts.runs, widths, to=rows, of=rows)
    length = layer.output_sequence_length
    script.call(texts.table_of, *[length] * (length is not None), of=rows)
    masked: dict[str, Any] = {} if layer.output_mode == "int" else {"masked": tokens.DROPPED}
    listed = _listed(script, vocabulary.tokens)
    script.call(texts.look_up, listed, vocabulary.start, mask="", **masked)
    _encode(layer, script)


@rule(layers.Hashing)
def _hashing(layer: Any, script: Script) -> None:
    options = {"mask": layer.mask_value, "salt": layer.salt and tuple(layer.salt)}
    given = {key: value for key, value in options.items() if value is not None}
    script.call(hashes.hashed, layer.num_bins, **given)
    _encode(layer, script)


@rule(layers.Discretization)
def _discretization(layer: Any, script: Script) -> None:
    if layer.bin_boundaries is None:
        raise CannotExportError(
            f"{layer.label} cannot be exported: it has no boundaries yet. Call adapt(data) first."
        )
    boundaries = np.asarray(layer.bin_boundaries, "float64")
    script.call(texts.range_of, script.array(boundaries, "boundaries"))
    _encode(layer, script)


@rule(layers.CategoryEncoding)
def _categories(layer: Any, script: Script) -> None:
    script.call(texts.whole_below, layer.num_tokens)
    _encode(layer, script)
