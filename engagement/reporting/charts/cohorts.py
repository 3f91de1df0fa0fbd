"""Charts of one cohort: who is where, who moved, who is still there. They look as those of `runs` do."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from engagement.reporting.charts.figure import Figure
from engagement.reporting.charts.style import LIGHT, LINES, checked, count, lay_out, short

HEIGHT: Final = 360
MOST_COHORTS: Final = 3  # lines of steps that can be told apart where they cross
# Where each quadrant stands: activity to the right, results upwards.
_PLACES: Final[Mapping[str, tuple[int, int]]] = {
    "under-engaged": (0, 0),
    "struggling": (1, 0),
    "drifting": (0, 1),
    "on track": (1, 1),
}
_LARGEST: Final = 90  # px across
_GAPS: Final = 15  # between the labels: a fifteenth of all
# Labels stand worst first: a later column is a lower risk.
_WAYS: Final = {-1: ("worse", LIGHT["high"]), 0: ("as before", LIGHT["unknown"]), 1: ("better", LIGHT["low"])}


def quadrants(frame: pd.DataFrame, *, title: str) -> go.Figure:
    """Return activity by results as four fields, each with a disc as large as its learners are many.

    Parameters
    ----------
    frame
        From `cohorts.quadrants`, without what must be hidden: `quadrant`, `learners`, `share_percent`.
    title
        What it shows, as a sentence.
    """
    rows = checked(frame, ["quadrant", "learners", "share_percent"])
    drawn = rows[rows["quadrant"].isin(list(_PLACES))]
    largest = max([1, *drawn["learners"]])
    figure = Figure()
    for row in drawn.to_dict("records"):
        quadrant, learners = str(row["quadrant"]), int(row["learners"])
        x, y = _PLACES[quadrant]
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={
                "size": max(6, _LARGEST * (learners / largest) ** 0.5),
                "color": LIGHT["accent"],
                "opacity": 0.35,
            },
            showlegend=False,
            hovertext=f"{quadrant}: {count(learners)}",
            hovertemplate="%{hovertext}<extra></extra>",
        )
        text = f"<b>{quadrant.capitalize()}</b><br>{count(learners)} · {row['share_percent']:.0f} %"
        figure.add_annotation(x=x, y=y, text=text, showarrow=False)
    heads = {"quadrant": "Group", "learners": "Learners", "share_percent": "Percent"}
    lay_out(figure, title, heads, rows, height=HEIGHT)
    for line in (
        {"x0": 0.5, "x1": 0.5, "y0": -0.6, "y1": 1.6},
        {"x0": -0.6, "x1": 1.6, "y0": 0.5, "y1": 0.5},
    ):
        figure.add_shape(type="line", line={"color": LIGHT["grid"], "width": 2}, **line)
    sides = {"tickvals": [0, 1], "range": [-0.6, 1.6], "showgrid": False}
    figure.update_xaxes(title_text="Activity", ticktext=["away", "active"], **sides)
    return figure.update_yaxes(title_text="Results", ticktext=["poor", "good"], **sides)


def moves(table: pd.DataFrame, *, title: str, since: str, until: str) -> go.Figure:
    """Return who went from which label to which: streams as wide as they have learners, by whether it got worse.

    Parameters
    ----------
    table
        From `suppression.masked`: a row per label before, a column per label after, worst first, missing what must be
        hidden; such streams are not drawn.
    title
        What it shows, as a sentence.
    since, until
        The two dates in words.
    """
    labels = [str(label) for label in table.index]
    cells = table.fillna(0).to_numpy(dtype=int)
    gap = max(cells.sum() / _GAPS, 1)
    left, right = (_bottoms(sums, gap) for sums in (cells.sum(axis=1), cells.sum(axis=0)))
    figure, rows = Figure(), []
    for row, before in reversed(
        list(enumerate(labels))
    ):  # from below, so that streams of a block do not cross
        for column, after in reversed(list(enumerate(labels))):
            if not (number := int(cells[row, column])):
                continue
            way = (column > row) - (column < row)
            figure.add_scatter(
                x=[0, 1, 1, 0],
                y=[left[row], right[column], right[column] + number, left[row] + number],
                fill="toself",
                mode="lines",
                line={"width": 0},
                fillcolor=_WAYS[way][1],
                opacity=0.55,
                name=_WAYS[way][0],
                legendgroup=_WAYS[way][0],
                showlegend=_WAYS[way][0] not in {trace.name for trace in figure.data},
                hoverinfo="text",
                text=f"{before} to {after}: {count(number)}",
            )
            left[row], right[column] = left[row] + number, right[column] + number
            rows.append((before, after, number))
    heads = {"before": f"Label, {since}", "after": f"Label, {until}", "learners": "Learners"}
    lay_out(figure, title, heads, pd.DataFrame(rows, columns=list(heads)), height=HEIGHT)
    for x, anchor, ends, sums in (
        (-0.03, "right", left, cells.sum(axis=1)),
        (1.03, "left", right, cells.sum(axis=0)),
    ):
        for place, label in enumerate(labels):
            if sums[place]:
                middle = ends[place] - sums[place] / 2
                figure.add_annotation(x=x, y=middle, text=label.capitalize(), xanchor=anchor, showarrow=False)
    sides = {"tickvals": [0, 1], "ticktext": [since, until], "range": [-0.3, 1.3], "showgrid": False}
    figure.update_xaxes(title_text="Streams are as wide as they have learners", **sides)
    return figure.update_yaxes(visible=False)


def _bottoms(sums: Any, gap: float) -> list[float]:
    """Return where each label's block begins, the worst on top."""
    return [float(sums[place + 1 :].sum() + gap * (len(sums) - 1 - place)) for place in range(len(sums))]


def retention(frame: pd.DataFrame, *, title: str) -> go.Figure:
    """Return the share that is still there, a line per cohort over the weeks since they enrolled.

    Parameters
    ----------
    frame
        From `retention.retention`; of more than three cohorts the last three are drawn.
    title
        What it shows, as a sentence.
    """
    rows = checked(frame, ["cohort", "week", "learners", "there_percent"])
    figure = Figure()
    cohorts: list[Any] = rows["cohort"].drop_duplicates().tolist()[-MOST_COHORTS:]
    for look, name in zip(LINES, cohorts, strict=False):
        part = rows[rows["cohort"] == name]
        figure.add_scatter(
            x=part["week"].tolist(),
            y=part["there_percent"].tolist(),
            name=short(str(name)),
            mode="lines+markers",
            line={"color": look["color"], "dash": look["dash"], "width": 2.5, "shape": "hv"},
            marker={"color": look["color"], "symbol": look["symbol"], "size": 7},
            showlegend=True,
            hovertemplate="week %{x}: %{y} %<extra></extra>",
        )
    heads = {
        "cohort": "Cohort",
        "week": "Week",
        "learners": "Followed",
        "there_percent": "Still there, percent",
    }
    lay_out(figure, title, heads, rows, height=HEIGHT)
    figure.update_xaxes(title_text="Weeks since enrolment", rangemode="tozero")
    return figure.update_yaxes(title_text="Still there (percent)", range=[0, 104])
