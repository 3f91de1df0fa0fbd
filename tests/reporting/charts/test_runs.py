import json

import pandas as pd
import plotly.graph_objects as go
import pytest

from engagement.errors import InvalidInput
from engagement.policy import RiskPolicy
from engagement.reporting.charts import runs
from engagement.reporting.charts.style import DARK, LIGHT
from engagement.vocabulary import LABELS

HOSTILE = "<a href='javascript:alert(1)'>Nursing</a>"

COUNTS = pd.DataFrame(
    {
        "label": ["low", "high", "medium", "unknown"],
        "learners": [438, 397, 1132, 33],
        "before": [438, 385, 1150, None],
    }
)
SCORES = pd.DataFrame(
    {
        "score_from": [0.0, 0.4, 0.7, None],
        "score_to": [0.05, 0.45, 0.75, None],
        "label": ["low", "medium", "high", "unknown"],
        "learners": [5, 7, 2, 3],
    }
)
DRIVERS = pd.DataFrame({"driver": ["low_quiz", "behind_pace"], "learners": [1, 3]})
PROGRAMS = pd.DataFrame(
    {"program": ["Design", "Welding"], "high": [1, 4], "medium": [5, 3], "low": [4, 2], "unknown": [0, 1]}
)
HISTORY = pd.DataFrame(
    {
        "as_of": pd.to_datetime(["2026-11-15", "2026-11-15", "2026-11-15", "2026-11-15", "2026-11-22"]),
        "label": ["high", "medium", "low", "unknown", "high"],
        "learners": [3, 8, 9, 1, 4],
    }
)
ALL = {
    "label_counts": (runs.label_counts, COUNTS),
    "score_distribution": (runs.score_distribution, SCORES),
    "drivers": (runs.drivers, DRIVERS),
    "program_labels": (runs.program_labels, PROGRAMS),
    "label_history": (runs.label_history, HISTORY),
}


def texts(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


@pytest.mark.parametrize(("chart", "frame"), ALL.values(), ids=ALL)
def test_charts_are_transparent_have_a_height_and_carry_their_numbers(chart, frame) -> None:
    layout = chart(frame).layout
    assert (layout.paper_bgcolor, layout.plot_bgcolor) == ("rgba(0,0,0,0)", "rgba(0,0,0,0)")
    assert layout.height > 100
    assert layout.title.text.replace("<br>", " ") == layout.meta["title"]
    assert any(letter.isdigit() for letter in layout.meta["title"])  # it is a finding
    assert all(len(row) == len(layout.meta["columns"]) for row in layout.meta["rows"])


@pytest.mark.parametrize(("chart", "frame"), ALL.values(), ids=ALL)
def test_charts_do_not_change_the_frame_they_are_given(chart, frame) -> None:
    before = frame.copy(deep=True)
    chart(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(("chart", "frame"), ALL.values(), ids=ALL)
def test_an_empty_frame_gives_a_chart_that_says_so(chart, frame) -> None:
    figure = chart(frame.iloc[:0])
    assert texts(figure)[-1] == "No learners to show"
    assert figure.layout.meta["rows"] == []


@pytest.mark.parametrize(("chart", "frame"), ALL.values(), ids=ALL)
def test_a_missing_column_is_named(chart, frame) -> None:
    first = frame.columns[0]
    with pytest.raises(InvalidInput, match=first):
        chart(frame.drop(columns=first))


@pytest.mark.parametrize(("chart", "frame"), ALL.values(), ids=ALL)
def test_every_colour_of_a_chart_has_one_for_the_night(chart, frame) -> None:
    drawn = json.dumps(chart(frame).to_plotly_json(), default=str)
    used = {word for word in drawn.split('"') if word.startswith("#") and len(word) == 7}
    assert used
    assert used <= set(LIGHT.values())


def test_no_two_names_share_a_colour_so_that_each_can_be_translated() -> None:
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("name", ["program_labels", "label_history"])
def test_every_label_stands_in_the_legend_as_a_word_in_the_one_order(name) -> None:
    chart, frame = ALL[name]
    figure = chart(frame)
    assert [trace.name for trace in figure.data] == ["High", "Medium", "Low", "Unknown"]
    assert figure.layout.showlegend


def test_a_single_label_is_named_too() -> None:
    figure = runs.score_distribution(SCORES.iloc[:1])
    assert figure.layout.showlegend
    assert [trace.name for trace in figure.data] == ["Low"]


def test_unknown_is_hatched() -> None:
    hatches = {trace.name: trace.marker.pattern.shape for trace in runs.program_labels(PROGRAMS).data}
    assert hatches == {"High": "", "Medium": "", "Low": "", "Unknown": "/"}


def test_labels_say_their_number_and_how_it_changed_and_mark_the_last_run_only_if_there_was_one() -> None:
    drawn = runs.label_counts(COUNTS)
    assert texts(drawn) == ["High · 397 (+12)", "Medium · 1,132 (−18)", "Low · 438", "Unknown · 33"]
    assert [trace.name for trace in drawn.data] == ["Now", "Last run"]
    assert drawn.data[0].marker.pattern.shape == ("", "", "", "/")
    for alone in (COUNTS.assign(before=None), COUNTS.drop(columns="before")):
        drawn = runs.label_counts(alone)
        assert texts(drawn) == ["High · 397", "Medium · 1,132", "Low · 438", "Unknown · 33"]
        assert [trace.name for trace in drawn.data] == ["Now"]
        assert drawn.layout.meta["columns"] == ["Label", "Learners"]


def test_the_title_of_the_scores_has_room_above_the_legend() -> None:
    """The legend begins 0.2 of the drawing above it; below the title there are 30 pixels for its line."""
    layout = runs.score_distribution(SCORES, policy=RiskPolicy()).layout
    drawn = layout.height - layout.margin.t - 60  # about so much is the axis
    assert layout.margin.t - layout.meta["above"] >= 0.2 * drawn + 20


def test_score_bars_stand_in_the_middle_of_their_bin() -> None:
    bars = {trace.name: (trace.x[0], trace.y[0]) for trace in runs.score_distribution(SCORES).data}
    assert bars == {"High": (0.725, 2), "Medium": (0.425, 7), "Low": (0.025, 5)}


def test_score_thresholds_are_drawn_and_named() -> None:
    figure = runs.score_distribution(SCORES, policy=RiskPolicy(medium_above=0.35, high_above=0.6))
    assert [line.x0 for line in figure.layout.shapes] == [0.35, 0.6]
    assert texts(figure) == ["Medium<br>above 0.35", "High<br>above 0.6"]


def test_learners_without_a_score_are_counted_below_the_histogram() -> None:
    axis = runs.score_distribution(SCORES).layout.xaxis
    assert axis.title.text == "Risk score<br>3 learners without a score are not shown"


def test_drivers_are_words_with_numbers_and_the_most_frequent_comes_first() -> None:
    assert texts(runs.drivers(DRIVERS)) == [
        "Behind with the work · 3 · 75 %",
        "Low quiz results · 1 · 25 %",
    ]


def test_the_worst_program_comes_first() -> None:
    assert texts(runs.program_labels(PROGRAMS)) == ["Welding · 10 · 40 % high", "Design · 10 · 10 % high"]


def test_program_bars_are_percent_of_their_learners() -> None:
    bars = {trace.name: list(trace.x) for trace in runs.program_labels(PROGRAMS).data}
    assert bars == {"High": [40, 10], "Medium": [30, 50], "Low": [20, 40], "Unknown": [10, 0]}


def test_many_programs_share_a_last_bar_but_all_stand_in_the_numbers() -> None:
    many = pd.DataFrame(
        {"program": [f"P{n:02}" for n in range(25)], "high": 1, "medium": 0, "low": 1, "unknown": 0}
    )
    figure = runs.program_labels(many)
    assert len(texts(figure)) == 20
    assert texts(figure)[-1] == "6 other programs · 12 · 50 % high"
    assert len(figure.layout.meta["rows"]) == 25


def test_markup_in_a_program_name_is_shown_and_not_obeyed() -> None:
    figure = runs.program_labels(PROGRAMS.assign(program=[HOSTILE, "Welding"]))
    assert texts(figure)[1].startswith("&lt;a href=")
    assert "<a" not in figure.data[0].hovertext[1]


def test_history_lines_differ_in_more_than_colour() -> None:
    data = runs.label_history(HISTORY).data
    assert len({trace.line.dash for trace in data}) == len(LABELS)
    assert len({trace.marker.symbol for trace in data}) == len(LABELS)


def test_a_label_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput, match="label: 1 of 4 rows"):
        runs.score_distribution(SCORES.assign(label=["low", "high", "medium", "severe"]))
