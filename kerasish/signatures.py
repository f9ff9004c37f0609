"""Keras's argument order and spellings for the constructors of classes."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from kerasish import errors, spellings


def translate_arguments(cls: type) -> None:
    """Give `cls.__init__` Keras's argument order and errors that name the class.

    A class states its old spellings (`old_spellings`), the arguments of Keras that it refuses
    (`refused_arguments`, with the reason), and where its keyword-only base arguments stand when
    given by position (`positional_tail`). `take_common` consumes what a whole family accepts.
    """
    init = cls.__init__  # type: ignore[misc]
    parameters = [p for p in inspect.signature(init).parameters.values() if p.name != "self"]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return
    own = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    rest = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    tail = [rest.pop(n) for n in getattr(cls, "positional_tail", ()) if n in rest]
    order = [p.name for p in own + tail]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    known = {p.name for p in parameters}
    own_spellings: dict[str, str] = getattr(cls, "old_spellings", {})

    @functools.wraps(init)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > len(order):
            raise TypeError(
                f"{cls.__name__} takes at most {len(order)} positional arguments "
                f"({', '.join(order)}) but got {len(args)}. Pass the rest by name."
            )
        for key, value in zip(order, args, strict=False):
            if key in kwargs:
                raise TypeError(f"{cls.__name__} got `{key}` twice: by position and by name.")
            kwargs[key] = value
        if not known.issuperset(kwargs):
            spellings.translate(cls.__name__, kwargs, known, own_spellings)
        take_common = getattr(self, "take_common", None)
        if take_common is not None:
            kwargs = take_common(kwargs, known)
        for refused, reason in getattr(cls, "refused_arguments", {}).items():
            if kwargs.get(refused) is not None:
                raise ValueError(f"{cls.__name__} does not take `{refused}`: {reason}.")
            if refused not in known:
                kwargs.pop(refused, None)
        unknown = {k: v for k, v in kwargs.items() if k not in known}
        if unknown and not open_ended:
            raise errors.unknown_arguments(cls.__name__, wrapped, unknown)
        missing = [p.name for p in own if p.default is p.empty and p.name not in kwargs]
        if missing:
            raise TypeError(f"{cls.__name__} needs the argument `{missing[0]}`.")
        init(self, **kwargs)

    positional = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in tail]
    required = [p for p in own + positional if p.default is p.empty]
    optional = [p for p in own + positional if p.default is not p.empty]
    var = [p for p in parameters if p.kind is p.VAR_KEYWORD]
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.Signature([first, *required, *optional, *rest.values(), *var])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    cls.__init__ = wrapped  # type: ignore[misc]
