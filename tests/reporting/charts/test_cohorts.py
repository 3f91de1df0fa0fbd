import itertools
import json

import pandas as pd
import pytest

from engagement.reporting.charts import cohorts
from engagement.reporting.charts.style import LIGHT
from engagement.views import suppression

GROUPS = pd.DataFrame(
    {
        "quadrant": ["drifting", "on track", "results not known"],
        "learners": [25, 100, 12],
        "share_percent": [18.2, 73, 9],
    }
)
SCORED = ["high", "medium", "low"]
MOVES = pd.DataFrame(0, index=SCORED, columns=SCORED)
MOVES.loc["low", ["low", "high"]] = 50, 20
MOVES.loc["high", ["high", "low"]] = 30, 4
CURVES = pd.DataFrame(
    {
        "cohort": ["a", "a", "<b>b</b>"],
        "week": [0, 1, 0],
        "learners": [40, 40, 30],
        "there_percent": [100, 75, 100],
    }
)
ALL = {
    "quadrants": lambda: cohorts.quadrants(GROUPS, title="25 learners are drifting"),
    "moves": lambda: cohorts.moves(MOVES, title="20 got worse", since="1 Feb", until="1 Mar"),
    "retention": lambda: cohorts.retention(CURVES, title="75 % are there"),
}


def spec(figure):
    return json.loads(figure.to_json())


@pytest.mark.parametrize("name", ALL)
def test_a_picture_has_its_finding_and_its_numbers(name):
    meta = spec(ALL[name]())["layout"]["meta"]
    assert any(letter.isdigit() for letter in meta["title"])
    assert meta["rows"]
    assert all(len(row) == len(meta["columns"]) for row in meta["rows"])


@pytest.mark.parametrize("name", ALL)
def test_every_colour_has_one_for_the_dark(name):
    told = set()

    def walk(value, key=""):
        if isinstance(value, dict):
            for inner, part in value.items():
                walk(part, inner)
        elif isinstance(value, list):
            for part in value:
                walk(part, key)
        elif isinstance(value, str) and value.startswith("#"):
            told.add(value)

    walk(spec(ALL[name]()))
    assert told
    assert told <= set(LIGHT.values())


def test_each_group_stands_where_it_belongs_with_its_number():
    figure = cohorts.quadrants(GROUPS, title="x")
    places = {note.text: (note.x, note.y) for note in figure.layout.annotations}
    assert places == {"<b>Drifting</b><br>25 · 18 %": (0, 1), "<b>On track</b><br>100 · 73 %": (1, 1)}
    assert figure.layout.xaxis.title.text == "Activity"


def test_a_stream_that_must_be_hidden_is_drawn_nowhere():
    figure = cohorts.moves(suppression.masked(MOVES), title="x", since="a", until="b")
    assert not any("high to low" in trace.text for trace in figure.data)
    assert all(row[2] >= 10 for row in spec(figure)["layout"]["meta"]["rows"])


def test_streams_are_as_wide_as_they_have_learners_and_touch_no_other():
    figure = cohorts.moves(MOVES, title="x", since="a", until="b")
    widths = {trace.text: trace.y[3] - trace.y[0] for trace in figure.data}
    assert widths == {
        "high to high: 30": 30,
        "high to low: 4": 4,
        "low to high: 20": 20,
        "low to low: 50": 50,
    }
    for side in ((0, 3), (1, 2)):
        spans = sorted((trace.y[side[0]], trace.y[side[1]]) for trace in figure.data)
        assert all(top <= bottom for (_, top), (bottom, _) in itertools.pairwise(spans))
    assert {trace.name for trace in figure.data} == {"worse", "as before", "better"}


def test_nobody_makes_an_empty_picture():
    for figure in (
        cohorts.quadrants(GROUPS.head(0), title="0"),
        cohorts.moves(MOVES * 0, title="0", since="a", until="b"),
        cohorts.retention(CURVES.head(0), title="0"),
    ):
        assert "No learners to show" in [note.text for note in figure.layout.annotations]
