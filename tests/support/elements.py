"""What a browser would make of a page, and where one is."""

import os
import shutil
from html.parser import HTMLParser

import pytest

from engagement.reporting.printing import PROGRAMS


def chromium() -> str:
    """Where the browser is. A laptop may do without, and says so; where nobody looks, its absence is a failure."""
    path = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on the PATH; nothing was drawn")
    return path


class Page(HTMLParser):
    """What a browser would make of a page: elements with attributes, headings, text outside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]
