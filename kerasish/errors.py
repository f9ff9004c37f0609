"""Error wording shared by every module: who, what was expected, what came, how to mend it."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from kerasish.spellings import FORMER, translate
from kerasish.spellings import warn as warn

Method = TypeVar("Method", bound=Callable[..., Any])


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """Return ``" Did you mean 'relu'?"`` for the option nearest to `name`, or ``""``.

    >>> did_you_mean("rellu", ["relu", "tanh"])
    " Did you mean 'relu'?"
    """
    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""


def brief(value: Any) -> str:
    """Return ``repr(value)``, or a description where that would be long.

    >>> brief("relu"), brief([0.5] * 100)
    ("'relu'", 'a list of 100 items')
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"an array of shape {shape}"
    text = repr(value)
    if len(text) <= 80 and "\n" not in text:
        return text
    count = f" of {len(value)} items" if hasattr(value, "__len__") else ""
    return f"a {type(value).__name__}{count}"


def check_whole(owner: str, argument: str, value: Any, least: int, of: str = "") -> None:
    """Refuse what is no whole number from `least` on; `of` says what it counts.

    >>> check_whole("LivePlot", "every", 0, 1, "of epochs")
    Traceback (most recent call last):
        ...
    ValueError: LivePlot: `every` must be a whole number of epochs from 1 on but is 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        of = f" {of}" if of else ""
        raise ValueError(
            f"{owner}: `{argument}` must be a whole number{of} from {least} on but is {value!r}."
        )


def unknown_name(kind: str, name: object, options: Iterable[str]) -> ValueError:
    """Build the error for a name that no registry entry of this kind carries."""
    options = sorted(set(options))
    shown = ", ".join(options[:60]) + (", ..." if len(options) > 60 else "")
    return ValueError(
        f"Could not interpret {kind} identifier: {brief(name)}.{did_you_mean(name, options)} "
        f"Known names: {shown}."
    )


def unknown_arguments(owner: str, call: Callable[..., Any], given: dict[str, Any]) -> TypeError:
    """Build the error for keyword arguments that `owner` does not take."""
    known = [
        p for p in inspect.signature(call).parameters if p not in ("self", "kwargs", "ignored")
    ]
    hints = "".join(did_you_mean(name, known) for name in given)
    shown = ", ".join(f"{name!r}: {brief(value)}" for name, value in given.items())
    return TypeError(
        f"Unrecognized keyword arguments passed to {owner}: {{{shown}}}.{hints} "
        f"{owner} takes: {', '.join(known)}."
    )


def named_arguments(method: Method) -> Method:
    """Decorator: an unknown keyword argument is refused with the nearest known one.

    A ``**ignored`` of the method holds arguments that other versions of Keras had.
    """
    parameters = inspect.signature(method).parameters
    known = {name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not known.issuperset(kwargs):
            translate(f"{method.__name__}()", kwargs, known, {})
            unknown = {k: v for k, v in kwargs.items() if k not in known | FORMER}
            if not unknown:
                return method(*args, **{k: v for k, v in kwargs.items() if k in known})
            raise unknown_arguments(f"{method.__name__}()", method, unknown)
        return method(*args, **kwargs)

    return wrapped  # type: ignore[return-value]
