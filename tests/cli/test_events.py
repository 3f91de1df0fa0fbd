"""`engagement events`: types, counts, and facts of days that are past."""

import json

import duckdb
import pytest

HEADER = "learner_id,type,timestamp,metadata\n"


@pytest.fixture
def said(engagement):
    """Run a command that does what it should, and return what it prints."""

    def run(*words):
        code, told, _ = engagement(*words)
        assert code == 0
        return told

    return run


@pytest.fixture
def logged(engagement, tmp_path):
    """A store with two learners and what they did."""
    roster, log = tmp_path / "roster.csv", tmp_path / "log.csv"
    roster.write_text("id,name,program\nx,Ana,Maths\ny,Bo,Maths\n", encoding="utf-8")
    log.write_text(
        f"{HEADER}x,login,2026-01-02T10:00,\nx,viewed,2026-01-20T10:00,\ny,session_missed,2026-01-12T10:00,\n",
        encoding="utf-8",
    )
    engagement("load", roster, "--observed-at", "2026-01-01")
    return log


def test_types_are_listed_with_what_they_feed(said):
    types = {each["type"]: each for each in json.loads(said("events", "--types", "--json"))}
    assert types["login"]["feeds"] == ["last_login"]
    assert types["session_excused"]["feeds"] == []


def test_events_are_counted_by_type(said, logged):
    said("load", logged, "--events")
    rows = {each["type"]: each for each in json.loads(said("events", "--json"))}
    assert (rows["viewed"]["events"], rows["viewed"]["learners"], rows["viewed"]["feeds"]) == (1, 1, [])
    assert rows["login"]["newest"].startswith("2026-01-02")


def test_a_type_is_mapped_and_remembered_with_its_source(said, logged):
    assert "viewed (1)" in said("load", logged, "--events")
    assert "viewed (1)" not in said("load", logged, "--events", "--map-type", "viewed=login")
    assert "read as the last file of its shape" in said("load", logged, "--events")


def _facts(path):
    with duckdb.connect(str(path)) as db:
        return db.execute(
            "select strftime(observed_at, '%Y-%m-%d'), learner_id, strftime(last_login, '%Y-%m-%d'), "
            "consecutive_missed_sessions from learner_facts "
            "where learner_id in ('x', 'y') and observed_at > '2026-01-02' order by all"
        ).fetchall()


def test_facts_are_made_of_past_days_and_of_none_in_a_dry_run(said, path, logged):
    said("load", logged, "--events", "--map-type", "viewed=activity")
    dry = json.loads(
        said("events", "--derive", "--as-of", "2026-01-25", "--since", "2026-01-11", "--dry-run", "--json")
    )
    assert [each["changed"] for each in dry] == [1, 1, 1]
    assert _facts(path) == []
    done = json.loads(said("events", "--derive", "--as-of", "2026-01-25", "--since", "2026-01-11", "--json"))
    assert len(done) == 3
    assert _facts(path) == [
        ("2026-01-11", "x", "2026-01-02", None),
        ("2026-01-18", "y", None, 1),
        ("2026-01-25", "x", "2026-01-20", None),
    ]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--as-of", "2026-01-01"], "only with `--derive`"),
        (["--derive", "--every", "3"], "only with `--since`"),
        (["--derive", "--as-of", "2026-01-01", "--since", "2026-01-02"], "lies after"),
    ],
)
def test_options_that_say_nothing_are_refused(refused, logged, options, why):
    code, said = refused("events", *options)
    assert code == 2
    assert why in said


def test_an_export_with_a_type_that_is_mapped_is_read_so_the_next_time(said, tmp_path):
    statement = {
        "actor": {"account": {"name": "7"}, "name": "Ana Beispiel"},
        "verb": {"id": "https://verbs.example.invalid/hummed"},
        "object": {"id": "https://lms.example.invalid/x"},
        "timestamp": "2026-01-02T10:00:00Z",
    }
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(statement), encoding="utf-8")
    words = ("load", file, "--set", "program=Maths")
    dry = said(*words, "--map-type", "hummed=session_attended", "--dry-run")
    assert "no such learner" not in dry
    assert "hummed (1)" in said(*words)
    assert "hummed (1)" not in said(*words, "--map-type", "hummed=session_attended")
    assert "hummed (1)" not in said(*words)
    assert [each["type"] for each in json.loads(said("events", "--json"))] == ["session_attended"]


def test_coverage_tells_what_is_missing_by_program(said, logged):
    rows = {each["input"]: each for each in json.loads(said("coverage", "--program", "Maths", "--json"))}
    assert rows["email"]["missing"].startswith("nobody has an address")
    assert {each["program"] for each in rows.values()} == {"Maths"}
    assert "nobody has an address" in " ".join(said("coverage", "--program", "Maths").split())
