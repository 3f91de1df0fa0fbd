"""Charts of how right a score was. They look as those of `runs` do; lines differ by more than colour."""

from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from engagement.reporting.charts.figure import Figure
from engagement.reporting.charts.style import LIGHT, LINES, checked, lay_out

HEIGHT: Final = 380


def over_weeks(frame: pd.DataFrame, *, title: str) -> go.Figure:
    """Return a line per model over the weeks, the first one with its range.

    Parameters
    ----------
    frame
        One row per model and week, at most four models, the score first: `model`, `week`, `value`, `low`, `high` (AUC).
    title
        What it shows, as a sentence.
    """
    rows = checked(frame, ["model", "week", "value", "low", "high"])
    figure = Figure()
    for look, (model, part) in zip(LINES, rows.groupby("model", sort=False), strict=False):
        if look is LINES[0]:
            figure.add_scatter(
                x=[*part["week"], *part["week"][::-1]],
                y=[*part["high"].round(3), *part["low"].round(3)[::-1]],
                fill="toself",
                fillcolor=LIGHT["grid"],
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
            )
        figure.add_scatter(**_line(str(model), part["week"], part["value"].round(3), look))
    heads = {"week": "Week", "model": "Model", "value": "AUC", "low": "From", "high": "To"}
    lay_out(figure, title, heads, rows.round(3), height=HEIGHT)
    figure.update_xaxes(title_text="Week of the course", dtick=4 if rows["week"].max() > 10 else 1)
    return figure.update_yaxes(title_text="AUC (0.5: by chance, 1: always right)")


def stops(frame: pd.DataFrame, *, title: str, capacity: float) -> go.Figure:
    """Return, for each place to stop on the way down a list, how many of those who left were on it.

    Parameters
    ----------
    frame
        One row per model and place, at most three models, the score first: `model`, `contacted_percent`, `contacted`,
        `found_percent`.
    title
        What it shows, as a sentence.
    capacity
        Share of the learners where one would stop, 0 to 1; it is marked.
    """
    rows = checked(frame, ["model", "contacted_percent", "contacted", "found_percent"])
    figure = Figure()
    for look, (model, part) in zip(LINES, rows.groupby("model", sort=False), strict=False):
        x, y = ([0, *part[name].round(1)] for name in ("contacted_percent", "found_percent"))
        figure.add_scatter(**_line(str(model), x, y, look))
    figure.add_scatter(**_line("by chance", [0, 100], [0, 100], LINES[3]) | {"mode": "lines"})
    heads = {
        "model": "Model",
        "contacted_percent": "Called, percent",
        "contacted": "Called, learners",
        "found_percent": "Found, percent",
    }
    lay_out(figure, title, heads, rows.round(1), height=HEIGHT)
    figure.add_vline(x=100 * capacity, line={"color": LIGHT["mark"], "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title_text="Learners called, worst first (percent)", range=[0, 101])
    return figure.update_yaxes(title_text="Found, of all there were to be found (percent)", range=[0, 102])


def calibration(frame: pd.DataFrame, *, title: str) -> go.Figure:
    """Return what was predicted against what came, in groups of learners; on the diagonal both are the same.

    Parameters
    ----------
    frame
        One row per series and group of learners: `basis`, `predicted`, `observed` (shares), `learners`.
    title
        What it shows, as a sentence.
    """
    rows = checked(frame, ["basis", "predicted", "observed", "learners"])
    rows[["predicted", "observed"]] = (100 * rows[["predicted", "observed"]]).round(1)
    figure = Figure(go.Scatter(**_line("as predicted", [0, 100], [0, 100], LINES[3]) | {"mode": "lines"}))
    for look, (basis, part) in zip(LINES, rows.groupby("basis", sort=False), strict=False):
        name = {"due": "of the work due", "course": "of the whole course"}[str(basis)]
        figure.add_scatter(**_line(name, part["predicted"], part["observed"], look))
    heads = {
        "basis": "Work counted",
        "predicted": "Predicted, percent",
        "observed": "Left, percent",
        "learners": "Learners",
    }
    lay_out(figure, title, heads, rows, height=HEIGHT)
    figure.update_xaxes(title_text="Predicted chance to leave (percent)", range=[0, 101])
    return figure.update_yaxes(title_text="Who left (percent of the group)", range=[0, 102])


def _line(name: str, x: Any, y: Any, look: dict[str, str]) -> dict[str, Any]:
    return {
        "x": list(x),
        "y": list(y),
        "name": name,
        "mode": "lines+markers",
        "line": {"color": look["color"], "dash": look["dash"], "width": 2.5},
        "marker": {"color": look["color"], "symbol": look["symbol"], "size": 8},
        "showlegend": True,
        "hovertemplate": f"{name}: %{{y}}<extra></extra>",
    }
