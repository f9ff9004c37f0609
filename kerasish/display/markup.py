"""HTML and SVG as text, put together so that nothing from outside gets in unescaped."""

from __future__ import annotations

import re
from html import escape as _escape
from typing import Any

VOID = frozenset(("br", "hr", "img", "input", "link", "meta", "wbr"))
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")

_NUMBER = re.compile(r"[-+]?[\d,.]+( \(.*\)| %)?")


class Markup(str):
    """Text that is HTML already; any other is escaped before it becomes a part of some."""

    __slots__ = ()


def escape(text: Any) -> Markup:
    """Turn a value into HTML that shows it, whatever characters it holds.

    >>> escape("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    if isinstance(text, Markup):
        return text
    plain = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))
    plain = plain.encode("utf-8", "replace").decode()  # lone surrogates have no UTF-8
    return Markup(_escape(plain))


def tag(name: str, /, *content: Any, **attributes: Any) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Such as ``"td"``.
    *content
        What is in it: `Markup` as it is, other things escaped; None is left out.
    **attributes
        None and False are left out. ``class_`` means ``class``, and other underscores hyphens.

    Examples
    --------
    >>> tag("p", "1 < 2", tag("br"), class_="note", data_x=3)
    '<p class="note" data-x="3">1 &lt; 2<br></p>'
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(key if value is True else f'{key}="{escape(value)}"')
    start = f"<{' '.join(parts)}>"
    if name in VOID:
        return Markup(start)
    return Markup(start + join(*content) + f"</{name}>")


def join(*content: Any) -> Markup:
    """Return pieces one after the other; those that are no `Markup` are escaped.

    >>> join("a<b", None, tag("i", "c"))
    'a&lt;b<i>c</i>'
    """
    return Markup("".join(escape(one) for one in content if one is not None))


def small_table(header: list[str], rows: list[list[Any]], caption: Any = None) -> Markup:
    """Return a table for notebooks, whose looks need no style sheet, in light and dark.

    What looks like a number stands at the right, except in the first column. Without a header
    all is text.
    """
    line = "1px solid rgba(128,128,128,0.4)"
    cell = "padding:0.25em 0.9em 0.25em 0.3em;vertical-align:top;background:transparent;"

    def row(kind: str, values: list[Any], style: str = "") -> Markup:
        cells = []
        for k, value in enumerate(values):
            number = bool(header and k and _NUMBER.fullmatch(str(value)))
            number = number or (kind == "th" and _is_numeric(rows, k))
            align = f"text-align:{'right' if number else 'left'}"
            cells.append(tag(kind, value, style=f"{cell}{style}{align}"))
        return tag("tr", *cells)

    head = row("th", header, f"border-bottom:{line};")
    body = [row("td", values) for values in rows]
    return tag(
        "table",
        tag(
            "caption", caption, style="caption-side:top;text-align:left;padding:0.3em;color:inherit"
        )
        if caption
        else None,
        tag("thead", head) if header else None,
        tag("tbody", *body),
        style="border-collapse:collapse;border:0;margin:0.3em 0;color:inherit",
    )


def _is_numeric(rows: list[list[Any]], column: int) -> bool:
    return bool(column and rows) and all(_NUMBER.fullmatch(str(row[column])) for row in rows)
