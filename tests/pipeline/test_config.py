"""Pipelines and parameters are refused before anything runs."""

import json

import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.ingest.source.source_format import SourceFormat
from engagement.pipeline import config
from engagement.pipeline.config import Pipeline, Step, declared_types, parameters_of, read_pipeline
from engagement.policy import SelectionPolicy

GOOD = """
name = "tiny"
[report]
step = "second"
title = "Tiny"
[[steps]]
notebook = "first"
[[steps]]
notebook = "second"
retries = 1
"""
DECLARED = """
as_of: str = "2026-03-01"  # when
run_id: str = ""  # which
count: int = 1  # how many
share: float = 0.5  # which part
strict: bool = False  # all or none
labels: list[str] = ["high"]  # which
word: str = "a"  # any
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "NOTEBOOKS", tmp_path)
    write_notebook(tmp_path / "first.ipynb", DECLARED)
    return tmp_path


def write_notebook(path, declared, tag="parameters"):
    cell = {"cell_type": "code", "metadata": {"tags": [tag]}, "source": declared.splitlines(keepends=True)}
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# Tiny"}, cell]}))


def read(folder, text):
    (folder / "tiny.toml").write_text(text)
    return read_pipeline("tiny", folder)


def one_step(**own):
    return Pipeline(name="tiny", steps=[Step(notebook="first", parameters=own)])


def given(folder, **texts):
    return parameters_of(one_step(), texts)["first"]


def test_a_pipeline_is_read_as_its_file_says(tmp_path):
    pipeline = read(tmp_path, GOOD)
    assert [(step.notebook, step.retries) for step in pipeline.steps] == [("first", 0), ("second", 1)]
    assert pipeline.report.pages == [("second", "Tiny", "report.html")]
    assert pipeline.report.for_mail is False
    assert pipeline.sources.learners == []


def test_each_further_step_of_a_report_has_a_page_of_its_own(tmp_path):
    pipeline = read(tmp_path, GOOD.replace('title = "Tiny"', 'title = "Tiny"\nalso = {first = "One"}'))
    assert pipeline.report.pages == [
        ("second", "Tiny", "report.html"),
        ("first", "One", "report-first.html"),
    ]


def test_a_weekly_run_has_three_pages_and_is_made_for_mail_and_a_nightly_run_has_one():
    weekly, nightly = read_pipeline("weekly").report, read_pipeline("nightly").report
    assert [page.step for page in weekly.pages] == ["effect", "explore_cohort", "fairness"]
    assert [page.step for page in nightly.pages] == ["90_report"]
    assert (weekly.for_mail, nightly.for_mail) == (True, False)


def test_every_pipeline_of_the_project_takes_its_parameters():
    names = sorted(path.stem for path in config.PIPELINES.glob("*.toml"))
    assert "nightly" in names
    for name in names:
        pipeline = read_pipeline(name)
        assert set(parameters_of(pipeline, {})) == {step.notebook for step in pipeline.steps}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "tiny"', 'name = "other"', "name is 'other', and must be the file's"),
        ('name = "tiny"', 'name = "tiny"\ncolour = "red"', "colour: Extra inputs"),
        ("retries = 1", "retrys = 1", r"steps\.1\.retrys: Extra inputs"),
        ("retries = 1", "retries = 6", r"steps\.1\.retries: .* less than or equal to 5"),
        ("retries = 1", "timeout_s = 0", r"steps\.1\.timeout_s: .* greater than 0"),
        ('notebook = "first"', 'notebook = "../first"', r"steps\.0\.notebook: String should match"),
        ('notebook = "first"', 'notebook = "/etc/first"', r"steps\.0\.notebook: String should match"),
        ('notebook = "first"', 'notebook = "second"', "a notebook stands twice in steps"),
        ('step = "second"', 'step = "third"', "report.step 'third' is not one of the steps"),
        (
            'title = "Tiny"',
            'title = "T"\nalso = {third = "3"}',
            "report.also 'third' is not one of the steps",
        ),
        ('title = "Tiny"', 'title = "T"\nalso = {second = "2"}', "report.also 'second' has a page already"),
        ('title = "Tiny"', 'title = "T"\nalso = {first = "1", first = "2"}', "tiny.toml: .*first"),
        ('title = "Tiny"', 'title = "T"\nalso = {"../first" = "1"}', r"report\.also\."),
        ('title = "Tiny"', 'title = "T"\nfor_mail = "pdf"', r"report\.for_mail: "),
        ("[report]", '[sources]\nlearners = ["a.csv"]\n[report]', "sources are loaded by 10_load"),
        ("[report]", '[sources]\ninbox = "a/*.csv"\n[report]', "sources are loaded by 10_load"),
        ("[report]", "[sources]\nmax_age_days = 3\n[report]", "sources are loaded by 10_load"),
        ("[report]", "[report", "tiny.toml: Expected"),
    ],
)
def test_a_pipeline_that_says_something_wrong_is_refused(tmp_path, old, new, said):
    assert old in GOOD
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, GOOD.replace(old, new))


WITH_SOURCES = """
name = "tiny"
[sources]
inbox = "inbox/learners/*.csv"
events_inbox = ["inbox/events/*.csv", "/elsewhere/*.csv"]
if_nothing_new = "fail"
max_age_days = 2.5
timezone = "Europe/Berlin"
columns = {id = "Student ID"}
date_formats = ["%d.%m.%Y"]
percent_scale = {completed_percent = 1}
max_quarantine = 0.05
[[steps]]
notebook = "10_load"
"""


def test_sources_are_read_as_the_file_says(tmp_path):
    sources = read(tmp_path, WITH_SOURCES).sources
    assert sources.inboxes == ["inbox/learners/*.csv", "inbox/events/*.csv", "/elsewhere/*.csv"]
    assert (sources.if_nothing_new, sources.max_age_days, sources.max_quarantine) == ("fail", 2.5, 0.05)
    assert sources.source_format("Asia/Tokyo") == SourceFormat(
        "Europe/Berlin", {"id": "Student ID"}, ("%d.%m.%Y",), {"completed_percent": 1}
    )


def test_sources_that_say_nothing_are_as_documented_in_the_institutions_zone(tmp_path):
    sources = read(tmp_path, GOOD).sources
    assert sources.source_format("Asia/Tokyo") == SourceFormat("Asia/Tokyo")
    assert (sources.if_nothing_new, sources.max_age_days, sources.max_quarantine) == ("warn", None, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"fail"', '"stop"', r"sources\.if_nothing_new: Input should be 'warn' or 'fail'"),
        ("max_age_days = 2.5", "max_age_days = 0", r"sources\.max_age_days: "),
        ("max_quarantine = 0.05", "max_quarantine = 5", r"sources\.max_quarantine: "),
        ('inbox = "inbox/learners/*.csv"', 'inbox = ""', r"sources\.inbox\.0: "),
        ('inbox = "inbox/learners/*.csv"', "inbox = 3", r"sources\.inbox: "),
        ("columns =", "colums =", r"sources\.colums: Extra inputs"),
        ("Europe/Berlin", "Berlin", "tiny.toml: sources: timezone 'Berlin': no IANA name"),
        ("{id =", "{ident =", "tiny.toml: sources: map ident: no such column"),
        ("%d.%m.%Y", "%d.%m.", "tiny.toml: sources: date_format '%d.%m.': needs one day"),
        ("completed_percent = 1", "completed_percent = 10", "tiny.toml: sources: percent_scale"),
        ('"10_load"', '"20_score"', "sources are loaded by 10_load"),
    ],
)
def test_sources_that_say_something_wrong_are_refused(tmp_path, old, new, said):
    assert old in WITH_SOURCES
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, WITH_SOURCES.replace(old, new))


def test_what_is_said_of_an_inbox_that_is_not_there_is_refused(tmp_path):
    lines = [line for line in WITH_SOURCES.splitlines() if "inbox" not in line]
    with pytest.raises(InvalidInput, match="if_nothing_new is about an inbox, and there is none"):
        read(tmp_path, "\n".join(lines))


def test_a_pipeline_without_steps_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="steps: "):
        read(tmp_path, 'name = "tiny"\nsteps = []')


@pytest.mark.parametrize("name", ["weekly", "../tiny", "tiny.toml", "", "/etc/passwd"])
def test_a_pipeline_that_is_not_there_is_not_found(tmp_path, name):
    read(tmp_path, GOOD)
    with pytest.raises(NotFound, match="there is tiny"):
        read_pipeline(name, tmp_path)


def test_types_are_read_from_the_parameters_cell_alone(folder):
    assert declared_types(folder / "first.ipynb") == {
        "as_of": "str",
        "run_id": "str",
        "count": "int",
        "share": "float",
        "strict": "bool",
        "labels": "list[str]",
        "word": "str",
    }


def test_code_in_a_parameters_cell_is_not_run(folder):
    write_notebook(folder / "first.ipynb", "count: int = 1\nraise SystemExit(3)")
    assert declared_types(folder / "first.ipynb") == {"count": "int"}


def test_a_notebook_without_a_parameters_cell_takes_none(folder):
    write_notebook(folder / "first.ipynb", DECLARED, tag="other")
    assert declared_types(folder / "first.ipynb") == {}


def test_a_type_that_no_text_can_be_is_refused(folder):
    write_notebook(folder / "first.ipynb", "limits: dict[str, int] = {}")
    with pytest.raises(InvalidInput, match=r"limits is a dict\[str, int\]; allowed are str, int"):
        declared_types(folder / "first.ipynb")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', "\x00"])
def test_a_file_that_is_no_notebook_is_refused(folder, content):
    (folder / "first.ipynb").write_text(content)
    with pytest.raises(InvalidInput, match=r"first\.ipynb: cannot be read as a notebook"):
        declared_types(folder / "first.ipynb")


def test_a_parameters_cell_that_is_no_python_is_refused(folder):
    write_notebook(folder / "first.ipynb", "count: int = ")
    with pytest.raises(InvalidInput, match="cannot be read as a notebook"):
        declared_types(folder / "first.ipynb")


def test_a_step_without_a_notebook_is_not_found(folder):
    with pytest.raises(NotFound, match=r"no notebook first\.ipynb"):
        (folder / "first.ipynb").unlink()
        parameters_of(one_step(), {})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "12", 12),
        ("count", "-3", -3),
        ("share", "0.25", 0.25),
        ("share", "1", 1.0),
        ("strict", "true", True),
        ("strict", "Yes", True),
        ("strict", "false", False),
        ("strict", "NO", False),
        ("labels", "high, medium,", ["high", "medium"]),
        ("labels", "", []),
        ("word", "1", "1"),
        ("word", "a'; import os", "a'; import os"),
    ],
)
def test_a_text_is_read_as_the_declared_type(folder, name, text, value):
    read_as = given(folder, **{name: text})[name]
    assert read_as == value
    assert type(read_as) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [("count", "many"), ("count", "1.5"), ("count", ""), ("share", "half"), ("strict", "1"), ("strict", "")],
)
def test_a_text_of_another_type_is_refused(folder, name, text):
    with pytest.raises(InvalidInput, match=f"parameter {name}: .* is needed, not '{text}'"):
        given(folder, **{name: text})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "12"),
        ("count", True),
        ("count", 1.5),
        ("share", "a"),
        ("strict", 1),
        ("labels", "high"),
        ("word", 3),
    ],
)
def test_a_value_of_another_type_in_the_file_is_refused(folder, name, value):
    with pytest.raises(InvalidInput, match=rf"parameter {name}: \S+ is needed, not {type(value).__name__}"):
        parameters_of(one_step(**{name: value}), {})


@pytest.mark.parametrize("name", ["cuont", "x;import os", "__import__('os')", "count ", "", "COUNT", "a\nb"])
def test_a_name_that_no_notebook_takes_is_refused(folder, name):
    with pytest.raises(
        InvalidInput, match=r"no notebook takes it; allowed are count, labels, share, strict, word$"
    ):
        given(folder, **{name: "1"})


@pytest.mark.parametrize("name", ["as_of", "run_id", "learner_files", "event_files"])
def test_what_the_run_itself_says_cannot_be_given(folder, name):
    write_notebook(
        folder / "first.ipynb", DECLARED + "learner_files: list[str] = []\nevent_files: list[str] = []"
    )
    with pytest.raises(InvalidInput, match="no notebook takes it"):
        given(folder, **{name: "2026-01-01"})
    with pytest.raises(InvalidInput, match=f"first takes no parameter {name}"):
        parameters_of(one_step(**{name: "2026-01-01"}), {})


def test_a_given_parameter_goes_before_the_file_and_to_each_step_that_takes_it(folder):
    write_notebook(folder / "second.ipynb", "count: int = 1")
    write_notebook(folder / "third.ipynb", "word: str = ''")
    pipeline = Pipeline(
        name="tiny",
        steps=[
            Step(notebook="first", parameters={"count": 2, "word": "kept"}),
            Step(notebook="second", parameters={"count": 3}),
            Step(notebook="third"),
        ],
    )
    assert parameters_of(pipeline, {"count": "4"}) == {
        "first": {"count": 4, "word": "kept"},
        "second": {"count": 4},
        "third": {},
    }


def test_limits_may_be_set_for_the_nights_and_are_what_the_rules_are_told():
    given = {"recent_hours": "30.5", "cap_contacts": "5", "capacity": "0"}
    taken = parameters_of(read_pipeline("nightly"), given)["30_nudges"]
    assert SelectionPolicy.told(taken) == SelectionPolicy(recent_hours=30.5, cap_contacts=5, capacity=None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            '{url = "http://moodle.example.invalid", courses = ["A"]}',
            r"sources\.moodle\.url: .*https is needed",
        ),
        ('{url = "https://moodle.example.invalid", courses = []}', r"sources\.moodle\.courses"),
        ('{url = "https://moodle.example.invalid", courses = "A", token = "x"}', r"sources\.moodle\.token"),
    ],
    ids=["not safe", "no course", "a token in the file"],
)
def test_a_moodle_that_cannot_be_asked_is_refused_before_anything_runs(folder, said, told):
    (folder / "tiny.toml").write_text(GOOD + f"[sources]\nmoodle = {said}\n")
    with pytest.raises(InvalidInput, match=told):
        read_pipeline("tiny", folder)
