"""Figures: values that are shown as a picture or a table instead of text.

Objects define them by the methods that notebooks use: `_repr_svg_`, `_repr_png_`, `_repr_html_`.
"""

from __future__ import annotations

import base64
import re
import sys
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

from sidestream_sandbox.text import describe, shorten

Figure = dict[str, Any]
"""`type` is "svg" (with `text`), "png" (with `base64`) or "html" (with `text` and `nodes`)."""

MOST_FIGURES = 8
LARGEST_FIGURE = 1_000_000
"""The largest figure: in characters of SVG or HTML, in bytes of a picture."""
MOST_NODES = 5_000
DEEPEST = 24

SVG_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'

TAGS = frozenset(
    """
    table caption thead tbody tfoot tr th td p div span br hr b strong i em u s code pre kbd sub sup
    small ul ol li dl dt dd h1 h2 h3 h4 h5 h6 blockquote
    """.split()  # noqa: SIM905 - one name a line would be a page
)
VOID = frozenset({"br", "hr"})
SKIPPED = frozenset({"script", "style", "template", "noscript", "title"})
"""Elements whose text is not shown."""

_figures: list[Figure] = []


class _Shown:
    """A value with a figure of its own. The subclasses have the names of `IPython.display`."""

    def __init__(self, data: Any) -> None:
        self.data = data


class SVG(_Shown):
    """Show an SVG text as a picture."""

    def _repr_svg_(self) -> str:
        return str(self.data)


class HTML(_Shown):
    """Show HTML: tables and simple formatting are kept, and the rest is text."""

    def _repr_html_(self) -> str:
        return str(self.data)


class Image(_Shown):
    """Show the bytes of a PNG file as a picture."""

    def _repr_png_(self) -> bytes:
        return bytes(self.data)


def display(*objects: object) -> None:
    """Show each object: as a figure if it can be one, else its text on standard output."""
    for thing in objects:
        if not add_figure(thing):
            print(describe(thing))  # noqa: T201 - it is the code's standard output


def take_figures() -> list[Figure]:
    """Return the figures since the last call."""
    taken = _figures[:]
    _figures.clear()
    return taken


def add_figure(thing: object) -> bool:
    """Keep the figure of an object. Returns False if it has none."""
    if isinstance(thing, type):
        return False
    for method, make in (("_repr_svg_", _svg), ("_repr_png_", _png), ("_repr_html_", _html)):
        look = getattr(thing, method, None)
        if not callable(look):
            continue
        data = look()
        if data is None:
            continue
        if len(_figures) >= MOST_FIGURES:
            _complain(f"only {MOST_FIGURES} figures are shown of one run")
        elif len(data) > LARGEST_FIGURE:
            _complain(f"it is larger than {LARGEST_FIGURE:,} {_unit(data)}")
        else:
            _figures.append(make(data))
        return True
    return False


def _unit(data: str | bytes) -> str:
    return "characters" if isinstance(data, str) else "bytes"


def _complain(reason: str) -> None:
    sys.stderr.write(f"[A figure is left out: {reason}.]\n")


def _svg(text: str | bytes) -> Figure:
    # Some libraries return bytes.
    clean = text.decode("utf-8", "replace") if isinstance(text, bytes) else _clean(text)
    # An image is parsed as XML, which requires the namespace that HTML does not.
    if "xmlns=" not in clean[:2000]:
        clean = re.sub(r"<svg\b", f"<svg {SVG_NAMESPACE}", clean, count=1)
    return {"type": "svg", "text": clean}


def _png(data: bytes) -> Figure:
    return {"type": "png", "base64": base64.b64encode(data).decode()}


def _html(text: str) -> Figure:
    reader = _Reader()
    reader.feed(_clean(text))
    reader.close()
    return {"type": "html", "text": shorten(_clean(text), 20_000), "nodes": reader.nodes}


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


Node = str | list[Any]
"""A text, or `[tag, {attribute: number}, children]`."""


class _Reader(HTMLParser):
    """Reads HTML into a tree of known elements, from which the panel builds its nodes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.nodes: list[Node] = []
        self._open: list[tuple[str, list[Node]]] = [("", self.nodes)]
        self._left = MOST_NODES
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SKIPPED:
            self._skipping += 1
        if self._skipping or tag not in TAGS or self._left <= 0 or len(self._open) > DEEPEST:
            return
        self._left -= 1
        children: list[Node] = []
        spans = {
            name: int(value)
            for name, value in attrs
            if name in ("colspan", "rowspan") and value and re.fullmatch(r"[1-9]\d{0,2}", value)
        }
        self._open[-1][1].append([tag, spans, children])
        if tag not in VOID:
            self._open.append((tag, children))

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self._skipping = max(0, self._skipping - 1)
            return
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth][0] == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        if not self._skipping and self._left > 0:
            self._left -= 1
            self._open[-1][1].append(data)


def notebook_modules() -> dict[str, ModuleType]:
    """Return modules in place of `IPython.display`, for code that was written for notebooks."""
    package, module = ModuleType("IPython"), ModuleType("IPython.display")
    for thing in (display, SVG, HTML, Image):
        setattr(module, thing.__name__, thing)
    # Types cannot express the contents of a module that is made here.
    package.display = module  # type: ignore[attr-defined]
    return {"IPython": package, "IPython.display": module}
