"""The look that all charts share: colours, lines, font, and for who cannot see a picture its title and its numbers.

Red, amber and blue differ for colour-blind readers, and in lightness too; no page relies on them alone.
Charts are drawn in `LIGHT`; pages that go dark translate each colour to the one of the same name in `DARK`,
so no two names may share a light colour.
"""

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.jupyter import startup

if TYPE_CHECKING:
    import plotly.graph_objects as go

startup.skip_iri_grammar()  # the first figure that a notebook shows imports nbformat

NAME_LENGTH: Final = 28  # characters that fit beside the numbers on a phone
TITLE_WIDTH: Final = 80  # characters of a line above a drawing in a notebook
TITLE_LINE: Final = 22  # px
LIGHT: Final = {
    "high": "#b42318",
    "medium": "#e3a32a",
    "low": "#2f72a3",
    "unknown": "#8b94a0",
    "accent": "#44597a",
    "ink": "#39434f",
    "grid": "#dfe3e8",
    "mark": "#1c242e",
    "on_dark": "#ffffff",
    "on_light": "#1f1803",
}
DARK: Final = {
    "high": "#ff8f85",
    "medium": "#f2c14e",
    "low": "#70b3e6",
    "unknown": "#97a2af",
    "accent": "#9fb6d6",
    "ink": "#c3ccd7",
    "grid": "#303a46",
    "mark": "#f2f5f8",
    "on_dark": "#10161d",
    "on_light": "#10171e",
}
# Lines that stand together differ by more than their colour; the first is what a picture is about.
LINES: Final = (
    {"color": LIGHT["accent"], "dash": "solid", "symbol": "circle"},
    {"color": LIGHT["low"], "dash": "dash", "symbol": "square"},
    {"color": LIGHT["medium"], "dash": "dot", "symbol": "diamond"},
    {"color": LIGHT["unknown"], "dash": "dashdot", "symbol": "x"},
)
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def checked(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a copy of the frame; `InvalidInput` where a column is missing."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InvalidInput(
            f"{missing[0]}: not a column of the frame to draw; needed are {', '.join(columns)}"
        )
    return frame.copy()


def lay_out(
    figure: "go.Figure", title: str, heads: Mapping[str, str], rows: pd.DataFrame, *, height: int
) -> None:
    """Give a figure the look that all share, its title, and its numbers for those who cannot see it.

    The numbers are the columns that have a head, in that order. A page puts the title outside the drawing, where it
    wraps, and takes back the room `meta` says it has here.
    """
    lines = textwrap.wrap(title, TITLE_WIDTH)
    above = TITLE_LINE * len(lines)
    has_legend = any(getattr(trace, "showlegend", False) is not False for trace in figure.data)
    table = rows[list(heads)].astype(object)
    figure.update_layout(
        template="none",
        height=height + above,
        title={
            "text": "<br>".join(escape(line, quote=False) for line in lines),
            "font": {"size": 15},
            "x": 0,
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 4},
        },
        margin={"l": 8, "r": 16, "t": (44 if has_legend else 8) + above, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": _FONT, "size": 13, "color": LIGHT["ink"]},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        hoverlabel={"font": {"family": _FONT, "size": 13}},
        showlegend=has_legend,
        meta={
            "title": title,
            "columns": list(heads.values()),
            "rows": table.where(table.notna(), None).to_numpy().tolist(),
            "above": above,
        },
    )
    axis: dict[str, Any] = {
        "automargin": True,
        "fixedrange": True,
        "gridcolor": LIGHT["grid"],
        "zeroline": False,
        "tickangle": 0,
        "title": {"font": {"size": 13}},
        "tickfont": {"size": 12},
    }
    figure.update_xaxes(**axis, linecolor=LIGHT["grid"])
    figure.update_yaxes(**axis, ticklabelstandoff=8)
    if table.empty:
        figure.add_annotation(
            text="No learners to show", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False
        )


def short(text: str) -> str:
    """Return a text that fits above a bar, its own markup shown, not obeyed."""
    words = text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1].rstrip() + "…"
    return escape(words, quote=False)


def count(learners: float) -> str:
    """Return a number of learners with its thousands apart."""
    return f"{int(learners):,}"
