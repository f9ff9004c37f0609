"""Whether a training can go on from a backup: what has changed since, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerasish import registry
from kerasish.errors import warn


def config_of(obj: Any) -> dict[str, Any]:
    """The config of a model or optimizer without names, which are counted through a process."""
    try:
        found = _nameless(registry.plain(obj.get_config()))
    except Exception:  # a user's get_config: only used to say what has changed
        return {}
    return found if isinstance(found, dict) else {}


def _nameless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _nameless(v) for k, v in value.items() if k != "name"}
    if isinstance(value, list | tuple):
        return [_nameless(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def compare(
    old: dict[str, Any], new: dict[str, Any], within_epoch: bool, state: dict[str, Any]
) -> None:
    """Refuse what cannot go on, and say what has changed where it can."""
    mend = (
        "Go on with the script that the training was begun with, or delete the folder to train "
        "from the beginning."
    )
    if [w[1:] for w in old["weights"]] != [w[1:] for w in new["weights"]]:
        raise ValueError(
            f"BackupAndRestore: the backup is of another model: "
            f"{_first_weight(old['weights'], new['weights'])}. {mend}"
        )
    before, now = dict(old["optimizer"]), new["optimizer"]
    if before["class"] != now["class"] or old["slots"] != new["slots"]:
        listed = list(_differences(before, now))[:4] or ["the layers that learn are others"]
        raise ValueError(
            f"BackupAndRestore: the optimizer of the backup remembers other things than the one "
            f"that the model is compiled with: {'; '.join(listed)}. {mend}"
        )
    names = [name for name, _ in old["slots"]]
    if "learning_rate" in names:
        rate = float(state["optimizer"][names.index("learning_rate")])
        if rate == now.get("learning_rate"):  # a callback had set it, and the process is the same
            before["learning_rate"] = rate
    data = list(_differences(old["data"], new["data"]))
    if data and within_epoch:
        raise ValueError(
            f"BackupAndRestore: the backup was made within an epoch, and the data are others "
            f"now: {'; '.join(data)}. {mend}"
        )
    changed = [
        *_differences(old["model"], new["model"]),
        *_differences(before, now),
        *_differences({"loss": old["loss"]}, {"loss": new["loss"]}),
        *data,
    ]
    if changed:
        shown = "; ".join(changed[:4]) + ("; ..." if len(changed) > 4 else "")
        warn(
            f"BackupAndRestore: the training goes on from a backup that was made otherwise: "
            f"{shown}. Weights, learning rate and random numbers are those of the backup."
        )
    machine = list(_differences(old["machine"], new["machine"]))
    if machine:
        warn(
            f"BackupAndRestore: since the backup was made, {'; '.join(machine)}. Results will "
            f"differ from those of an uninterrupted training by rounding."
        )


def _first_weight(old: list[Any], new: list[Any]) -> str:
    for i, (before, now) in enumerate(zip(old, new, strict=False)):
        if before[1:] != now[1:]:
            return (
                f"weight {i} was '{before[0]}' of shape {tuple(before[1])} ({before[2]}) and is "
                f"'{now[0]}' of shape {tuple(now[1])} ({now[2]})"
            )
    return f"it had {len(old)} weights and this one has {len(new)}"


def _differences(old: Any, new: Any) -> Iterator[str]:
    """``"units was 4 and is 8"`` for every entry of two nested configs that differs."""
    for path, before, now in differences(old, new):
        yield f"{path} was {before} and is {now}"


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Name and both values of every entry of two nested configs that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            inner = key if key != "config" and not path else f"{path}.{key}".strip(".")
            yield from differences(old.get(key), new.get(key), inner.replace(".config", ""))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{path}[{i}]")
    elif old != new:
        yield path, repr(old), repr(new)
