"""Functional models that are one chain of layers, as Sequential; other graphs are refused."""

from __future__ import annotations

from typing import Any

from kerasish.saving.limits import FileError

_NOT_A_CHAIN = "Only chains of layers (Sequential) can be loaded"


def as_chain(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turn the configuration of a functional model into that of a Sequential.

    Returns
    -------
    whole, inner
        The configuration, and its part ``config``.

    Raises
    ------
    FileError
        If a layer has several inputs or is used several times; it is named.
    """
    inner = config["config"]
    entries, sources = {}, {}
    for entry in inner["layers"]:
        name = _name(entry)
        if name in entries:
            raise FileError(f"its graph has two layers called '{name}'")
        entries[name] = entry
        sources[name] = _source(name, entry.get("inbound_nodes"))
    output = _ends(inner.get("output_layers"), "output")
    start = _ends(inner.get("input_layers"), "input")
    order = [output]
    while (before := sources.get(order[-1])) is not None:
        if before in order or before not in entries:
            raise FileError(f"its graph is broken at the layer '{before}'")
        order.append(before)
    order.reverse()
    left = [name for name in entries if name not in order]
    if left or order[0] != start:
        raise FileError(
            f"it is a graph that branches: '{(left or [start])[0]}' is not on the way from "
            f"'{order[0]}' to '{output}'. {_NOT_A_CHAIN}"
        )
    kept = ("class_name", "config", "module", "registered_name", "build_config")
    layers = [{key: entries[n][key] for key in kept if key in entries[n]} for n in order]
    inner = {"name": inner.get("name"), "trainable": inner.get("trainable", True), "layers": layers}
    rest: dict[str, Any] = {
        key: config[key] for key in ("build_config", "compile_config") if key in config
    }
    made: dict[str, Any] = {"class_name": "Sequential", "module": "keras", "config": inner}
    return {**made, "registered_name": None, **rest}, inner


def _name(entry: Any) -> str:
    if not isinstance(entry, dict):
        raise FileError("its graph has an entry that is no layer")
    inner = entry.get("config")
    name = entry.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    if not isinstance(name, str):
        raise FileError("its graph has a layer without a name")
    return name


def _source(name: str, nodes: Any) -> str | None:
    """The layer whose output a layer takes; None for an input."""
    if not nodes:
        return None
    if not isinstance(nodes, list) or len(nodes) != 1:
        raise FileError(
            f"it is a graph that uses the layer '{name}' {len(nodes)} times. {_NOT_A_CHAIN}"
        )
    node = nodes[0]
    kwargs: Any = {}
    if isinstance(node, dict):  # Keras 3
        kwargs = node.get("kwargs") or {}
        found = _histories(node.get("args"))
    else:  # [[layer, node, tensor, keyword arguments], ...], the outer list missing for one input
        parts = node if node and isinstance(node[0], list) else [node]
        found = [part[0] for part in parts if isinstance(part, list) and part]
        kwargs = parts[0][3] if len(parts[0]) > 3 else {}
    if len(found) != 1 or not isinstance(found[0], str) or _histories(kwargs):
        raise FileError(
            f"it is a graph in which the layer '{name}' has {len(found)} inputs. {_NOT_A_CHAIN}"
        )
    if isinstance(kwargs, dict) and kwargs.get("training"):
        raise FileError(
            f"it calls the layer '{name}' with training=True, which a Sequential cannot express"
        )
    return found[0]


def _histories(value: Any) -> list[Any]:
    """Names of the layers whose outputs stand in the arguments of a call."""
    if isinstance(value, list):
        return [name for item in value for name in _histories(item)]
    if not isinstance(value, dict):
        return []
    if value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        history = config.get("keras_history") if isinstance(config, dict) else None
        return [history[0] if isinstance(history, list) and history else None]
    return [name for item in value.values() for name in _histories(item)]


def _ends(value: Any, what: str) -> str:
    """The one input or output of a graph: ``[[name, 0, 0]]`` or ``[name, 0, 0]``."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return value[0]
    count = len(value) if isinstance(value, list) else 0
    raise FileError(f"it is a graph of {count} {what}s. {_NOT_A_CHAIN}")
