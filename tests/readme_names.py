"""The README's table of the names that scripts for Keras find here.

Run ``python -m tests.readme_names`` to write it anew; a test holds it to what there is.
"""

import importlib
import json
import pathlib
import textwrap

ROOT = pathlib.Path(__file__).parent.parent
BEGIN, END = "<!-- names: begin -->\n", "<!-- names: end -->\n"
PLACES = [
    *("layers", "losses", "metrics", "optimizers", "activations", "initializers"),
    *("regularizers", "constraints", "callbacks", "datasets", "utils", "saving"),
]
HELPERS = {
    "deserialize",
    "get",
    "serialize",
    "experimental",
    "preprocessing",
    "legacy",
    "schedules",
}


def keras_names(place):
    """The public names of Keras 3.15 in a module, or None if they were not recorded."""
    known = json.loads((ROOT / "tests" / "golden" / "keras_api.json").read_text("utf-8"))
    return known.get(place)


def names(place):
    """The names of ours in a module, without two for one thing."""
    module = importlib.import_module(f"kerasish.{place}")
    found = {}
    listed = getattr(module, "__all__", None)
    if listed is None:
        listed = [name for name in keras_names(place) or () if hasattr(module, name)]
    for name in sorted(listed):
        value = getattr(module, name)
        if name in HELPERS or (place not in ("datasets",) and type(value).__name__ == "module"):
            continue
        same = getattr(value, "__name__", None)
        if isinstance(value, type) and same != name and same in listed:
            continue  # another name of the same class
        found[name] = value
    return list(found)


def table():
    """The rows of the table, and those of ours that Keras has not."""
    lines = ["| `kerasish.` | names |", "|---|---|"]
    for place in PLACES:
        theirs = keras_names(place)
        marked = [
            name if theirs is None or name in theirs else f"{name}\\*" for name in names(place)
        ]
        lines.append(f"| `{place}` | {', '.join(marked)} |")
    return BEGIN + "\n".join(lines) + "\n\n\\* not in Keras.\n" + END


def in_readme(text):
    """The part of a README between the marks."""
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    path = ROOT / "README.md"
    text = path.read_text("utf-8")
    path.write_text(text.replace(in_readme(text), table()), "utf-8")
    print(textwrap.shorten(table(), 300))
