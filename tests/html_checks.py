"""What every page and piece of HTML has to be: balanced, and without anything from elsewhere."""

import re
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
ADDRESSES = {"href", "src", "action", "data", "poster", "srcset", "formaction", "xlink:href"}


class Reader(HTMLParser):
    """Reads HTML strictly: `elements` are (name, attributes), `text` is what a reader sees."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.words, self.styles, self._open = [], [], [], []
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> is not where it belongs"

    def handle_data(self, data):
        if self._open and self._open[-1] in ("style", "script"):
            self.styles.append(data)
        else:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag, **attributes):
        """The attributes of the elements of this name that have these attributes."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in wanted.items())
        ]


def checked(text):
    """Read HTML, having seen that it is sound and refers to nothing outside of itself."""
    page = Reader(text)
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), f"<{tag}> runs code"
        for name in ADDRESSES & set(attributes):
            assert attributes[name].startswith("data:image/png;base64,"), attributes[name]
        style = attributes.get("style") or ""
        assert "url(" not in style
        assert "expression" not in style
    for style in page.styles:
        assert "@import" not in style
        assert not re.search(r"url\(", style)
        assert not re.search(r"https?://(?!www\.w3\.org/)", style)
    return page
