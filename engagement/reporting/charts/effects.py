"""Charts of what was tried: differences with how sure they are. They look as those of `runs` do."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from engagement.reporting.charts.figure import Figure
from engagement.reporting.charts.style import LIGHT, checked, count, lay_out, short

ROW_HEIGHT = 64
_SYMBOLS = ("circle", "x-thin-open")  # what can be believed, and what cannot


def differences(frame: pd.DataFrame, *, title: str) -> go.Figure:
    """Return each difference as a point on one axis, with the range that holds the truth in 95 of 100 cases.

    Parameters
    ----------
    frame
        One row per way of looking: `way`, `difference`, `low`, `high` (shares; the range may be missing).
    title
        What it shows, as a sentence.
    """
    rows = checked(frame, ["way", "difference", "low", "high"])
    percent = rows.assign(**{name: 100 * rows[name].astype(float) for name in ("difference", "low", "high")})
    is_sure = percent["low"].notna() & percent["high"].notna()
    figure = Figure()
    for sure, part in percent.groupby(is_sure, sort=False):
        color = LIGHT["accent"] if sure else LIGHT["unknown"]
        figure.add_scatter(
            x=part["difference"].round(2).tolist(),
            y=part.index.tolist(),
            mode="markers",
            marker={
                "symbol": _SYMBOLS[0 if sure else 1],
                "size": 13,
                "color": color,
                "line": {"width": 3, "color": color},
            },
            error_x={
                "type": "data",
                "array": (part["high"] - part["difference"]).round(2).tolist(),
                "arrayminus": (part["difference"] - part["low"]).round(2).tolist(),
                "visible": bool(sure),
                "thickness": 3,
                "width": 9,
                "color": color,
            },
            showlegend=False,
            hovertext=[_words(row) for row in part.itertuples()],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    heads = {
        "way": "Compared",
        "difference": "Difference, points",
        "low": "From, points",
        "high": "To, points",
    }
    lay_out(figure, title, heads, percent.round(1), height=56 + ROW_HEIGHT * max(len(rows), 1))
    _name_rows(figure, [f"{row.way}: {_words(row)}" for row in percent.itertuples()])
    figure.add_vline(x=0, line={"color": LIGHT["mark"], "width": 1.5, "dash": "dot"})
    return figure.update_xaxes(
        title_text="Difference in percentage points; 0: no difference", ticksuffix="", zeroline=False
    )


def _words(row: object) -> str:
    difference, low, high = (getattr(row, name) for name in ("difference", "low", "high"))
    if pd.isna(low) or pd.isna(high):
        return f"{difference:+.1f}"
    return f"{difference:+.1f} ({low:.1f} to {high:.1f})"


def shares(frame: pd.DataFrame, *, title: str) -> go.Figure:
    """Return the share of each group as a point, with the range that holds the truth in 95 of 100 cases.

    Parameters
    ----------
    frame
        One row per group: `group`, `learners`, `share`, `from`, `to` (percent; missing where there are too few).
    title
        What it shows.
    """
    rows = checked(frame, ["group", "learners", "share", "from", "to"]).reset_index(drop=True)
    drawn = rows.dropna(subset=["share"]).astype({"share": float, "from": float, "to": float})
    figure = Figure(
        go.Scatter(
            x=drawn["share"].tolist(),
            y=drawn.index.tolist(),
            mode="markers",
            marker={"symbol": _SYMBOLS[0], "size": 13, "color": LIGHT["accent"]},
            error_x={
                "type": "data",
                "array": (drawn["to"] - drawn["share"]).tolist(),
                "arrayminus": (drawn["share"] - drawn["from"]).tolist(),
                "thickness": 3,
                "width": 9,
                "color": LIGHT["accent"],
            },
            showlegend=False,
            hovertext=drawn["group"].tolist(),
            hovertemplate="%{hovertext}: %{x} %<extra></extra>",
        )
    )
    heads = {"group": "Group", "learners": "Learners", "share": "Percent", "from": "From", "to": "To"}
    lay_out(figure, title, heads, rows, height=56 + ROW_HEIGHT * max(len(rows), 1))
    names = zip(rows["group"], rows["learners"], strict=True)
    _name_rows(figure, [f"{short(str(group))} · {_size(learners)}" for group, learners in names])
    return figure.update_xaxes(title_text="Percent of the group", range=[0, 100], zeroline=False)


def _size(learners: Any) -> str:
    return "too few to show" if pd.isna(learners) else count(int(learners))


def _name_rows(figure: go.Figure, texts: Sequence[str]) -> None:
    """Write each text above its row."""
    for place, text in enumerate(texts):
        figure.add_annotation(
            x=0, xref="paper", y=place - 0.34, text=text, xanchor="left", xshift=4, showarrow=False
        )
    figure.update_yaxes(visible=False, range=[max(len(texts), 1) - 0.5, -0.7])
