"""The charts of reports and notebooks: small frames in, plotly figures out.

No chart says anything by colour alone: each label also stands there as a word, in the same order
everywhere, and `unknown` is hatched. Red, amber and blue stay apart for colour-blind readers and in grey.
The title is the finding, as a sentence; a page sets it as text above the drawing. `layout.meta` holds it with the
numbers as a table, for readers who cannot see the drawing and for pages that cannot draw it. Backgrounds are
transparent, and every colour is one of `style.LIGHT`.
"""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from engagement.errors import InvalidInput
from engagement.policy import RiskPolicy
from engagement.reporting.charts.figure import Figure
from engagement.reporting.charts.style import LIGHT, checked, count, lay_out, short
from engagement.vocabulary import LABELS, TYPE_WORDS

BIN_WIDTH: Final = 0.05
BAR: Final = 0.5  # the other half of a row holds its name
MAX_PROGRAMS: Final = 20  # more bars than this and none can be read; the rest share one bar

_SYMBOLS: Final = {"high": "circle", "medium": "diamond", "low": "square", "unknown": "x"}
_DASHES: Final = {"high": "solid", "medium": "dash", "low": "dot", "unknown": "dashdot"}


def label_counts(frame: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Return bars of the learners per label, with a mark where the last run stood, if that is known.

    Parameters
    ----------
    frame
        One row per label: `label`, `learners` and, perhaps, `before` (missing where there was no earlier run).
    """
    rows = _labelled(frame, ["label", "learners"]).set_index("label")
    rows = rows.reindex([label for label in LABELS if label in rows.index])
    before = rows["before"] if "before" in rows else pd.Series(None, index=rows.index, dtype=float)
    figure = Figure(
        go.Bar(
            x=rows["learners"].tolist(),
            marker={
                "color": [LIGHT[label] for label in rows.index],
                "pattern": {"shape": [_marker(label)["pattern"]["shape"] for label in rows.index]},
            },
            name="Now",
            showlegend=False,
            hovertext=[label.capitalize() for label in rows.index],
            hovertemplate="%{hovertext}: %{x:,} learners<extra></extra>",
        )
    )
    heads = {"label": "Label", "learners": "Learners"}
    if before.notna().any():
        heads |= {"before": "Last run"}
        mark = {"symbol": "line-ns-open", "size": 22, "line": {"width": 3}, "color": LIGHT["mark"]}
        figure.add_scatter(
            x=before.tolist(),
            y=list(range(len(rows))),
            mode="markers",
            marker=mark,
            cliponaxis=False,
            name="Last run",
            hovertemplate="Last run: %{x:,} learners<extra></extra>",
        )
    finding = f"{count(rows['learners'].get('high', 0))} of {count(rows['learners'].sum())} learners are at high risk"
    table = rows.reset_index().assign(label=[label.capitalize() for label in rows.index])
    lay_out(figure, title or finding, heads, table, height=_bars_height(rows, 36 * (len(heads) > 2)))
    changes = [
        f" ({change:+,})" if change else "" for change in (rows["learners"] - before).fillna(0).astype(int)
    ]
    texts = [
        f"{label.capitalize()} · {count(learners)}{change}".replace("-", "−")
        for label, learners, change in zip(rows.index, rows["learners"], changes, strict=True)
    ]
    return _name_bars(figure, texts, longest=max([1, *rows["learners"], *before.dropna()]))


def score_distribution(
    frame: pd.DataFrame, *, policy: RiskPolicy | None = None, title: str = ""
) -> go.Figure:
    """Return a histogram of the risk score in steps of 0.05, split by label, with the thresholds of the policy.

    Without the policy none is drawn or named: the documented ones may be others.

    Parameters
    ----------
    frame
        One row per bin and label: `score_from`, `score_to` (0 to 1; NULL where there is no score, such
        learners are counted below the axis), `label`, `learners`.
    """
    every = _labelled(frame, ["score_from", "score_to", "label", "learners"])
    rows = every.dropna(subset=["score_from", "score_to"])
    figure = Figure()
    for label in _present(rows["label"]):
        part = rows[rows["label"] == label].sort_values("score_from")
        figure.add_bar(
            x=((part["score_from"] + part["score_to"]) / 2).round(4).tolist(),
            y=part["learners"].tolist(),
            width=BIN_WIDTH * 0.94,
            marker=_marker(label),
            name=label.capitalize(),
            hovertext=[
                f"{low:.2f} to {up:.2f}" for low, up in part[["score_from", "score_to"]].to_numpy().tolist()
            ],
            hovertemplate=f"{label.capitalize()}: %{{y:,}} learners<br>score %{{hovertext}}<extra></extra>",
        )
    if policy:
        _draw_thresholds(figure, policy)
    heads = {"score_from": "From", "score_to": "To", "label": "Label", "learners": "Learners"}
    shown = rows[rows["learners"] > 0].sort_values(["score_from", "label"])
    above = rows.loc[rows["label"] == "high", "learners"].sum()
    where = f"lie above {policy.high_above:g}" if policy else "are high"
    finding = f"{count(above)} of {count(rows['learners'].sum())} scores {where}"
    lay_out(figure, title or finding, heads, shown, height=354)
    above_names = (
        figure.layout.margin.t + 24
    )  # the legend stands above the thresholds' names, and below the title
    figure.update_layout(barmode="stack", bargap=0, legend={"y": 1.2}, margin={"t": above_names})
    figure.update_xaxes(
        range=[0, 1],
        dtick=0.1,
        tickformat=".1f",
        showgrid=False,
        title_text="Risk score" + _without_score(every, rows),
    )
    return figure.update_yaxes(rangemode="tozero", tickformat=",d", title_text="Learners")


def drivers(frame: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Return bars of the main reason of the learners at risk, most frequent first.

    Parameters
    ----------
    frame
        One row per reason: `driver` (one of `TERMS`), `learners`.
    """
    rows = checked(frame, ["driver", "learners"]).sort_values(["learners", "driver"], ascending=[False, True])
    words = [TYPE_WORDS.get(driver, driver) for driver in rows["driver"].astype(str)]
    total = rows["learners"].sum() or 1
    texts = [
        f"{short(word)} · {count(n)} · {100 * n / total:.0f} %"
        for word, n in zip(words, rows["learners"], strict=True)
    ]
    figure = Figure(
        go.Bar(
            x=rows["learners"].tolist(),
            marker={"color": LIGHT["accent"]},
            showlegend=False,
            hovertext=texts,
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    finding = "0 learners at risk, and no reason"
    if words:
        most = rows["learners"].iloc[0]
        finding = f"{words[0]} weighs most for {count(most)} of {count(total)} learners at risk"
    heads = {"driver": "Main reason", "learners": "Learners"}
    lay_out(figure, title or finding, heads, rows.assign(driver=words), height=_bars_height(rows))
    return _name_bars(figure, texts, longest=max([1, *rows["learners"]]))


def program_labels(frame: pd.DataFrame) -> go.Figure:
    """Return one bar per program, split by label in percent of its learners, worst program first.

    Worst is the largest share at high risk. Beyond `MAX_PROGRAMS` the others share one bar.

    Parameters
    ----------
    frame
        One row per program: `program`, `high`, `medium`, `low`, `unknown` (learners).
    """
    rows = checked(frame, ["program", *LABELS])[["program", *LABELS]].fillna(dict.fromkeys(LABELS, 0))
    rows["learners"] = rows[list(LABELS)].sum(axis=1)
    rows = (
        rows[rows["learners"] > 0]
        .assign(share=lambda rows: rows["high"] / rows["learners"])
        .sort_values(["share", "learners", "program"], ascending=[False, False, True])
    )
    drawn = _rest_in_one(rows)
    figure = Figure()
    for label in [label for label in LABELS if drawn[label].sum() > 0]:
        percent = 100 * drawn[label] / drawn["learners"]
        figure.add_bar(
            x=percent.round(2).tolist(),
            marker=_marker(label),
            name=label.capitalize(),
            text=[count(n) for n in drawn[label]],
            textposition="inside",
            textangle=0,
            insidetextanchor="middle",
            insidetextfont={"color": LIGHT["on_light" if label == "medium" else "on_dark"]},
            hovertext=[
                f"{short(str(name))}<br>{label.capitalize()}: {count(n)} of {count(of)} learners"
                for name, n, of in zip(drawn["program"], drawn[label], drawn["learners"], strict=True)
            ],
            hovertemplate="%{hovertext}, %{x:.0f} %<extra></extra>",
        )
    title = "0 programs with learners"
    if len(drawn):
        worst = drawn.iloc[0]
        percent = 100 * worst["high"] / worst["learners"]
        title = f"{worst['program']} has the largest share at high risk, {percent:.0f} %"
    heads = {name: name.capitalize() for name in ("program", *LABELS, "learners")}
    lay_out(figure, title, heads, rows, height=_bars_height(drawn, 36))
    figure.update_layout(barmode="stack", uniformtext={"mode": "hide", "minsize": 11})
    texts = [
        f"{short(str(name))} · {count(of)} · {100 * high / of:.0f} % high"
        for name, high, of in zip(drawn["program"], drawn["high"], drawn["learners"], strict=True)
    ]
    return _name_bars(figure, texts, longest=100)


def label_history(frame: pd.DataFrame) -> go.Figure:
    """Return one line per label over the published runs.

    Parameters
    ----------
    frame
        One row per run and label: `as_of`, `label`, `learners`.
    """
    rows = _labelled(frame, ["as_of", "label", "learners"])
    rows = rows.assign(as_of=pd.to_datetime(rows["as_of"])).sort_values("as_of")
    figure = Figure()
    for label in _present(rows["label"]):
        part = rows[rows["label"] == label]
        figure.add_scatter(
            x=part["as_of"].dt.strftime("%Y-%m-%dT%H:%M:%S").tolist(),
            y=part["learners"].tolist(),
            mode="lines+markers",
            line={"color": LIGHT[label], "width": 2.5, "dash": _DASHES[label]},
            marker={"symbol": _SYMBOLS[label], "size": 9, "color": LIGHT[label]},
            name=label.capitalize(),
            hovertemplate=f"{label.capitalize()}: %{{y:,}} learners<br>%{{x|%Y-%m-%d}}<extra></extra>",
        )
    wide = rows.pivot_table(index="as_of", columns="label", values="learners", aggfunc="sum")
    wide.insert(0, "day", [str(day.date()) for day in wide.index])
    heads = {"day": "As of"} | {label: label.capitalize() for label in LABELS if label in wide}
    title = "0 runs are published"
    if "high" in wide:
        high = wide["high"].fillna(0)
        title = f"{count(high.iloc[-1])} at high risk, {count(high.iloc[0])} in the first of {len(wide)} runs shown"
    lay_out(figure, title, heads, wide, height=320)
    figure.update_xaxes(showgrid=False, nticks=6, tickformat="%-d %b\n%Y", title_text="Day of the run")
    return figure.update_yaxes(rangemode="tozero", tickformat=",d", title_text="Learners")


def _labelled(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    rows = checked(frame, columns)
    if wrong := int((~rows["label"].isin(LABELS)).sum()):
        raise InvalidInput(f"label: {wrong} of {len(rows)} rows hold none of {', '.join(LABELS)}")
    return rows


def _present(labels: pd.Series) -> list[str]:
    return [label for label in LABELS if (labels == label).any()]


def _rest_in_one(rows: pd.DataFrame) -> pd.DataFrame:
    if len(rows) <= MAX_PROGRAMS:
        return rows
    rest = rows.iloc[MAX_PROGRAMS - 1 :]
    sums = rest.drop(columns="program").sum().to_frame().T
    sums.insert(0, "program", f"{len(rest)} other programs")
    return pd.concat([rows.iloc[: MAX_PROGRAMS - 1], sums], ignore_index=True)


def _draw_thresholds(figure: go.Figure, policy: RiskPolicy) -> None:
    for threshold, word in ((policy.medium_above, "Medium"), (policy.high_above, "High")):
        figure.add_vline(x=threshold, line={"color": LIGHT["mark"], "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=threshold,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            text=f"{word}<br>above {threshold:g}",
            align="left",
            showarrow=False,
        )


def _without_score(every: pd.DataFrame, drawn: pd.DataFrame) -> str:
    learners = int(every["learners"].sum() - drawn["learners"].sum())
    return f"<br>{learners:,} learners without a score are not shown" if learners else ""


def _bars_height(rows: pd.DataFrame, legend: int = 0) -> int:
    return legend + 16 + 52 * max(len(rows), 1)


def _name_bars(figure: go.Figure, texts: Sequence[str], *, longest: float) -> go.Figure:
    """Write each name above its bar: long names and narrow screens leave the bars their width."""
    for place, text in enumerate(texts):
        figure.add_annotation(
            x=0, y=place - BAR / 2, xanchor="left", yanchor="bottom", borderpad=0, text=text, showarrow=False
        )
    bars = {"y": list(range(len(texts))), "width": BAR, "orientation": "h"}
    figure.update_traces(bars, selector={"type": "bar"})
    figure.update_layout(margin={"l": 0, "r": 4})
    figure.update_xaxes(visible=False, range=[0, longest])
    return figure.update_yaxes(visible=False, range=[max(len(texts), 1) - 0.7, -0.8])


def _marker(label: str) -> dict[str, Any]:
    hatch = "/" if label == "unknown" else ""
    return {"color": LIGHT[label], "line": {"width": 0}, "pattern": {"shape": hatch}}
