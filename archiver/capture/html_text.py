"""HTML as platforms and feeds write it, turned into plain text for search.

The markup itself stays in the verbatim part; this text is derived from it and never replaces it.
The reader is our own because `html.parser` takes quadratic time on hostile markup (100,000 times
`<a ` kept it busy for minutes; CVE-2025-6069) and fails on `<![`. This one reads in linear time.
"""

import html
import re

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption"),
        *("figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li"),
        *("main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"),
    )
)
_PARAGRAPHS = frozenset({"p", "blockquote", "pre"})
_SILENT = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "template", "title")
}
_TAG_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*)", re.ASCII)
_TAG_END = re.compile(r"""(?:[^"'>]|"[^"]*"|'[^']*')*+>""")
_LONGEST_TAG = 1 << 16
_ATTRIBUTE = re.compile(
    r"""\b(href|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_HUGE_REFERENCE = re.compile(r"&#0*(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_BLANKS = re.compile(r"[ \t]*\n[ \t]*")
_MANY_BREAKS = re.compile(r"\n{3,}")


def html_to_text(markup: str) -> str:
    """Return the readable text of `markup`.

    Block elements and `<br>` become line breaks, entities are decoded, images give their `alt`
    text. A link keeps its text and, where the text does not show it, its address after it in
    parentheses, so that a search for the address finds the post. Takes linear time; never raises.
    """
    if "<" not in markup:
        return decode_entities(markup).strip()
    reader = _Reader()
    at = 0
    while (start := markup.find("<", at)) >= 0:
        reader.words(markup[at:start])
        at = reader.markup(markup, start)
    reader.words(markup[at:])
    return reader.text()


def decode_entities(text: str) -> str:
    """Return `text` with `&amp;`, `&#39;` and their like decoded. Never raises."""
    if "&" not in text:
        return text
    try:
        return html.unescape(text)
    except ValueError:  # a reference of more digits than Python turns into an integer
        return html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))


class _Reader:
    """Collects the text of markup that is handed over piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._links: list[tuple[str, int]] = []

    def words(self, data: str) -> None:
        """Take text between tags."""
        if data:
            self._pieces.append(decode_entities(_SPACES.sub(" ", data)))

    def markup(self, source: str, start: int) -> int:
        """Take what begins with `<` at `start`; return where the next text begins."""
        if source.startswith("<!--", start):
            return _after(source, "-->", start + 4)
        name = _TAG_NAME.match(source, start)
        if name:
            return self._tag(source, name)
        if source.startswith(("<!", "<?", "</"), start):
            return _after(source, ">", start)
        self._pieces.append("<")
        return start + 1

    def text(self) -> str:
        """Return what was read, with runs of blank lines cut to one."""
        while self._links:
            self._close_link()
        lines = _BLANKS.sub("\n", "".join(self._pieces))
        return _MANY_BREAKS.sub("\n\n", lines).strip()

    def _tag(self, source: str, name: re.Match[str]) -> int:
        start = name.end()
        nearest = source.find(">", start)
        if nearest < 0:  # no tag ends from here on: keep the words rather than lose them
            self.words(source[name.start() :])
            return len(source)
        whole = _TAG_END.match(source, start, start + _LONGEST_TAG)
        end = whole.end() if whole else nearest + 1
        tag = name[1].lower()
        if source[name.start() + 1] == "/":
            self._close(tag)
        elif tag in _SILENT:
            closing = _SILENT[tag].search(source, end)
            return closing.start() if closing else len(source)
        else:
            self._open(tag, source[start:end])
        return end

    def _open(self, tag: str, attributes: str) -> None:
        if tag in _BLOCKS:
            self._break(tag)
        elif tag == "img":
            self._pieces.append(_attribute(attributes, "alt"))
        elif tag == "a":
            self._links.append((_attribute(attributes, "href"), len(self._pieces)))

    def _close(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break(tag)
        elif tag == "a" and self._links:
            self._close_link()

    def _break(self, tag: str) -> None:
        self._pieces.append("\n\n" if tag in _PARAGRAPHS else "\n")

    def _close_link(self) -> None:
        address, start = self._links.pop()
        shown = "".join(self._pieces[start:])
        # Mastodon cuts a link's text into spans; joined, they still show the whole address.
        bare = address.partition("://")[2].rstrip("/")
        if bare and bare not in shown:
            self._pieces.append(f" ({address})")


def _after(source: str, mark: str, start: int) -> int:
    end = source.find(mark, start)
    return end + len(mark) if end >= 0 else len(source)


def _attribute(attributes: str, name: str) -> str:
    for found, *values in _ATTRIBUTE.findall(attributes):
        if found.lower() == name:
            return decode_entities("".join(values)).strip()
    return ""
