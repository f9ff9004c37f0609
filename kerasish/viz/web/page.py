"""The shell of a page: one file, which loads nothing and runs no script but its own."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib.resources import files
from typing import Any

from kerasish.display.markup import Markup, join, tag

_MOON = "M11.5 9.6A5.2 5.2 0 0 1 6.4 2.5 5.6 5.6 0 1 0 11.5 9.6z"


@functools.cache
def _part(name: str) -> str:
    return files("kerasish.viz.web").joinpath(name).read_text("utf-8")


@functools.cache
def _policy() -> str:
    """What the browser is to allow: the script of the page by its hash, and no network.

    A page that is served may ask its server for itself; one in a file may load itself in a frame.
    """
    digest = base64.b64encode(hashlib.sha256(_part("page.js").encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; connect-src 'self'; frame-src file:; base-uri 'none'; form-action 'none'"
    )


def page(title: str, *body: Any, **attributes: Any) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title : str
        What the browser's tab says.
    *body
        What the report holds.
    **attributes
        Of the element around it: ``data_state="running"`` makes the page refresh itself every
        ``data_next`` seconds; ``data_updated`` are milliseconds since 1970.
    """
    running = attributes.get("data_state") == "running"
    moon = tag("path", d=_MOON, fill="currentColor")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="color-scheme", content="light dark"),
        tag("noscript", tag("meta", http_equiv="refresh", content="5")) if running else None,
        tag("title", title),
        tag("style", Markup(_part("page.css"))),
    )
    button = tag(
        "button",
        tag("svg", moon, viewBox="0 0 14 14", width=16, height=16, aria_hidden="true"),
        id="theme",
        type="button",
        hidden=True,
        aria_label="Light or dark",
        title="Light or dark",
    )
    content = tag(
        "body",
        tag("main", *body, id="report", **attributes),
        button,
        tag("div", id="tip", role="status", hidden=True),
        tag("script", Markup(_part("page.js"))),
    )
    return "<!DOCTYPE html>\n" + join(tag("html", head, "\n", content, lang="en")) + "\n"
