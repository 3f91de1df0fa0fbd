"""Figures that are kept as pictures by the Chromium of the machine, where plotly asks for a program of its own."""

import tempfile
from pathlib import Path
from typing import Any, Final

import plotly.graph_objects as go

from engagement.errors import InvalidInput
from engagement.reporting import printing

WIDTH: Final = 900  # px, as wide as a page
SCALE: Final = 2
_FORMATS: Final = ("png", "pdf")
_WHITE: Final = "body { margin: 0; background: #ffffff }"


class Figure(go.Figure):  # type: ignore[misc]
    """A figure of plotly whose `write_image` and `to_image` make PNG and PDF with what is installed."""

    def to_image(
        self,
        format: str | None = None,
        width: float | None = None,
        height: float | None = None,
        scale: float | None = None,
        **_: Any,
    ) -> bytes:
        """Return the figure as `png` (or left out) or `pdf`; `EngagementError` where there is no Chromium."""
        kind = (format or "png").lower()
        if kind not in _FORMATS:
            raise InvalidInput(f"format {kind[:10]!r}: allowed are {', '.join(_FORMATS)}")
        wide, high = int(width or self.layout.width or WIDTH), int(height or self.layout.height or WIDTH // 2)
        drawn = go.Figure(self).update_layout(width=wide, height=high)
        html = drawn.to_html(include_plotlyjs=True, config={"staticPlot": True})
        look = f"@page {{ size: {wide}px {high}px; margin: 0 }} {_WHITE}"
        with tempfile.TemporaryDirectory(prefix="eg") as folder:
            page = Path(folder, "figure.html")
            page.write_text(html.replace("</head>", f"<style>{look}</style></head>", 1), encoding="utf-8")
            if kind == "pdf":
                return printing.pdf(page)
            return printing.picture(page, width=wide, height=high, scale=int(scale or SCALE))

    def write_image(self, file: Any, format: str | None = None, **named: Any) -> None:
        """Write the figure to a file; its ending says as what, where `format` does not."""
        if hasattr(file, "write"):
            file.write(self.to_image(format, **named))
            return
        path = Path(file)
        path.write_bytes(self.to_image(format or path.suffix.removeprefix("."), **named))
