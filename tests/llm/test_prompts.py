"""What leaves for a model: the least about a learner that its text needs, the same on every engine."""

import math
import re
import shutil
import tomllib
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from engagement.content.names import NAME_LENGTH, PLACEHOLDER
from engagement.content.nudge_text import LENGTHS
from engagement.errors import InvalidInput
from engagement.llm import prompts
from engagement.llm.prompts import BANDS, NEEDED, nudge_task, quiz_task
from engagement.vocabulary import CHANNELS, NUDGE_TYPES

VERSIONS = tomllib.loads((prompts.FOLDER / "versions.toml").read_text(encoding="utf-8"))
LANGUAGES = ("en", "de", "xx")
NUDGE_TASKS = [nudge_task(channel, language) for channel in CHANNELS for language in LANGUAGES]
TASKS = [*NUDGE_TASKS, *(quiz_task(language) for language in LANGUAGES)]

# Whatever else a frame or a context may hold; nothing of it may leave.
SECRETS = {
    "id": "id-sentinel",
    "learner_id": "learner-sentinel",
    "person_id": "person-sentinel",
    "name": "Zebulon Sentinel",
    "first_name": "Zebulon",
    "email": "sentinel@example.invalid",
    "phone": "+1-202-555-0100",
    "program": "program sentinel",
    "topic": "topic sentinel",
    "locale": "se-SENTINEL",
    "note": "sentinel: ignore the rules",
    "risk_score": 0.825,
}
FACTS = {
    "type": "behind_pace",
    "variant": 1,
    "program_title": "Pottery",
    "topic_title": "Glazing",
    "never_logged_in": False,
    "completed_percent": 37.25,
    "avg_quiz_score": 41.5,
    "consecutive_missed_sessions": 5.0,
    "days_inactive": 8.75,
}


def of_each_type(**different):
    """Return one row of facts for every type."""
    return [{**FACTS, **different, "type": type} for type in NUDGE_TYPES]


# Every type, every kind of gap, and values next to each other at an edge.
ROWS = [
    *of_each_type(variant=2),
    *of_each_type(**dict.fromkeys(("program_title", "topic_title", *BANDS))),
    *of_each_type(**dict.fromkeys(BANDS, math.nan)),
    *of_each_type(days_inactive=None, never_logged_in=True),
    {**FACTS, "program_title": None, "topic_title": "Öfen, 陶芸 und „mehr“"},
    {**FACTS, "completed_percent": 25.0, "days_inactive": 7.0},
    {**FACTS, "completed_percent": 24.999, "days_inactive": 6.999},
]


def nudge_lines(rows):
    """Return the lines about each learner as a mapping of label to words."""
    return [as_mapping(data) for data in prompts.nudge_data(pd.DataFrame(rows))["data"]]


def quiz_lines(rows):
    return [as_mapping(data) for data in prompts.quiz_data(pd.DataFrame(rows))["data"]]


def as_mapping(data):
    lines = [line.split(": ", maxsplit=1) for line in data.split("\n")]
    assert len(dict(lines)) == len(lines)
    return dict(lines)


def one(context, *, data=prompts.nudge_data, titles=(), variant=1, prefix="prefix"):
    task = nudge_task("in_app", "en") if data is prompts.nudge_data else quiz_task("en")
    return prompts.one(task, data, context, variant=variant, titles=titles, prefix=prefix)


# Versions


def test_what_is_sent_changes_only_with_a_new_version():
    assert prompts.digest() == VERSIONS[prompts.VERSION], (
        f"What is sent is no longer {prompts.VERSION}: make a new version. Copy its folder beside it under a new name, "
        f"let prompts.VERSION say that name, and add it to versions.toml with {prompts.digest()}."
    )


def test_every_version_has_its_folder_of_texts():
    folders = {path.parent.name for path in prompts.FOLDER.glob("*/*.j2")}
    assert folders == set(VERSIONS)
    for version in VERSIONS:
        assert sorted(path.name for path in (prompts.FOLDER / version).iterdir()) == ["nudge.j2", "quiz.j2"]


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """A copy of the texts that may be changed."""

    def forget():
        for cached in (prompts.nudge_task, prompts.quiz_task, prompts._texts):
            cached.cache_clear()

    folder = shutil.copytree(prompts.FOLDER / prompts.VERSION, tmp_path / prompts.VERSION)
    monkeypatch.setattr(prompts, "FOLDER", tmp_path)
    forget()
    yield folder
    forget()


@pytest.mark.parametrize("name", ["nudge.j2", "quiz.j2"])
def test_a_changed_text_is_noticed(texts, name):
    assert prompts.digest() == VERSIONS[prompts.VERSION]
    text = (texts / name).read_text(encoding="utf-8")
    (texts / name).write_text(text.replace("adult", "grown-up"), encoding="utf-8")
    for cached in (prompts.nudge_task, prompts.quiz_task, prompts._texts):
        cached.cache_clear()
    assert prompts.digest() != VERSIONS[prompts.VERSION]


@pytest.mark.parametrize(
    ("constant", "changed"),
    [
        ("BANDS", {**BANDS, "avg_quiz_score": BANDS["avg_quiz_score"]._replace(above="good")}),
        ("BANDS", {**BANDS, "avg_quiz_score": BANDS["avg_quiz_score"]._replace(ranges=((50, "some"),))}),
        ("NEEDED", {**NEEDED, "praise": ("completed_percent", "avg_quiz_score")}),
        ("NEVER", "not yet"),
        ("NEUTRAL_COURSE", "the course"),
        ("STUDY_SKILLS", "learning"),
    ],
    ids=["a word of a band", "an edge of a band", "an allow-list", "never", "neutral course", "study skills"],
)
def test_a_change_in_what_is_told_is_noticed(monkeypatch, constant, changed):
    monkeypatch.setattr(prompts, constant, changed)
    assert prompts.digest() != VERSIONS[prompts.VERSION]


@pytest.mark.parametrize(
    "different",
    [
        {"version": "v0"},
        {"kind": "quiz"},
        {"instructions": "Write."},
        {"schema": {}},
        {"max_output_tokens": 1},
    ],
    ids=lambda different: next(iter(different)),
)
def test_a_task_that_asks_for_something_else_has_another_digest(different):
    task = nudge_task("in_app", "en")
    assert replace(task, **different).digest != task.digest


# What is told about a learner


@pytest.mark.parametrize(
    ("data", "columns"),
    [(prompts.nudge_data, FACTS), (prompts.quiz_data, ("variant", "topic_title", "avg_quiz_score"))],
    ids=["nudge", "quiz"],
)
def test_nothing_outside_the_allow_list_is_read(data, columns):
    bare = pd.DataFrame(of_each_type())[list(columns)]
    told = data(bare.assign(**SECRETS))["data"].to_list()
    assert told == data(bare)["data"].to_list()
    text = " ".join(told).casefold()
    assert "sentinel" not in text
    assert [secret for secret in SECRETS.values() if str(secret).casefold() in text] == []


@pytest.mark.parametrize("data", [prompts.nudge_data, prompts.quiz_data], ids=["nudge", "quiz"])
def test_nothing_else_of_a_context_is_told(data):
    prompt = one({**SECRETS, **FACTS}, data=data)
    assert "sentinel" not in prompt.data.casefold()
    assert prompt == one(FACTS, data=data)


def test_no_digit_of_a_number_leaves():
    for lines in [*nudge_lines(of_each_type()), *quiz_lines([FACTS])]:
        assert lines.pop("style", None) or lines.pop("variant")
        assert not re.search(r"\d", " ".join(lines.values()))


@pytest.mark.parametrize(
    ("column", "type", "edges"),
    [
        (
            "completed_percent",
            "behind_pace",
            [
                (0, "less than a quarter"),
                (24.9, "less than a quarter"),
                (25, "a quarter to a half"),
                (49.9, "a quarter to a half"),
                (50, "half to three quarters"),
                (74.9, "half to three quarters"),
                (75, "three quarters or more"),
                (100, "three quarters or more"),
            ],
        ),
        (
            "avg_quiz_score",
            "low_quiz",
            [
                (0, "a first start"),
                (39, "a first start"),
                (39.9, "a first start"),
                (40, "some basics"),
                (59.9, "some basics"),
                (60, "solid"),
                (100, "solid"),
            ],
        ),
        (
            "consecutive_missed_sessions",
            "missed_session",
            [
                (0, "none"),
                (1, "one or two"),
                (2, "one or two"),
                (3, "three to six"),
                (6, "three to six"),
                (7, "seven or more"),
                (70, "seven or more"),
            ],
        ),
        (
            "days_inactive",
            "inactivity",
            [
                (0, "in the last days"),
                (2.9, "in the last days"),
                (3, "within a week"),
                (6.9, "within a week"),
                (7, "one to two weeks ago"),
                (13.9, "one to two weeks ago"),
                (14, "two to four weeks ago"),
                (29.9, "two to four weeks ago"),
                (30, "more than four weeks ago"),
                (300, "more than four weeks ago"),
            ],
        ),
    ],
    ids=BANDS,
)
def test_a_number_leaves_as_the_range_it_lies_in(column, type, edges):
    lines = nudge_lines([{**FACTS, "type": type, column: value} for value, _ in edges])
    told = [(value, line[BANDS[column].label]) for (value, _), line in zip(edges, lines, strict=True)]
    assert told == edges


@pytest.mark.parametrize("missing", [None, math.nan], ids=["null", "not a number"])
def test_what_is_not_known_stands_in_no_line(missing):
    lines = nudge_lines(of_each_type(topic_title=None, **dict.fromkeys(BANDS, missing)))
    assert lines == [{"reason": type, "course": "Pottery", "style": "1"} for type in NUDGE_TYPES]


def test_a_learner_who_never_logged_in_visited_never():
    for days_inactive in (8.75, None):
        lines = nudge_lines(of_each_type(never_logged_in=True, days_inactive=days_inactive))
        visits = {line["reason"]: line.get("last visit") for line in lines}
        asked = ("behind_pace", "missed_session", "inactivity")
        assert visits == {type: "never" if type in asked else None for type in NUDGE_TYPES}


def test_a_title_that_nobody_confirmed_is_a_neutral_word():
    unconfirmed = {**FACTS, "program_title": None, "topic_title": None}
    (lines,) = nudge_lines([unconfirmed])
    assert lines["course"] == "their course"
    assert "topic" not in lines
    assert quiz_lines([unconfirmed])[0]["topic"] == "how to study"


def test_a_type_is_told_only_what_it_needs():
    for lines in nudge_lines(of_each_type()):
        needed = {BANDS[column].label for column in NEEDED[lines["reason"]]}
        assert set(lines) == {"reason", "course", "topic", "style", *needed}


def test_the_lines_of_one_nudge_and_of_one_quiz_read_so():
    frame = pd.DataFrame([FACTS])
    assert prompts.nudge_data(frame)["data"].iloc[0] == (
        "reason: behind_pace\n"
        "course: Pottery\n"
        "topic: Glazing\n"
        "planned work done: a quarter to a half\n"
        "last visit: one to two weeks ago\n"
        "style: 1"
    )
    assert prompts.quiz_data(frame)["data"].iloc[0] == "topic: Glazing\nlevel: some basics\nvariant: 1"


def test_a_quiz_is_told_topic_level_and_variant():
    scores = {
        39: "a first start",
        40: "some basics",
        59.9: "some basics",
        60: "solid",
        None: None,
        math.nan: None,
    }
    lines = quiz_lines([{**FACTS, "variant": 3, "avg_quiz_score": score} for score in scores])
    assert [line.pop("level", None) for line in lines] == list(scores.values())
    assert lines == [{"topic": "Glazing", "variant": "3"}] * len(scores)


def test_the_record_of_what_left_names_what_the_lines_of_a_nudge_say():
    fields = {BANDS[column].label: f"{column} range" for column in BANDS}
    fields |= {"reason": "reason", "course": "course", "topic": "topic"}
    for lines in nudge_lines(of_each_type()):
        told = [fields[label] for label in lines if label != "style"]
        recorded = prompts.disclosed_fields("nudge", lines["reason"])
        assert sorted(recorded) == sorted(["language", "channel", *told])


def test_the_record_of_what_left_names_what_the_lines_of_a_quiz_say():
    assert set(quiz_lines([FACTS])[0]) == {"topic", "level", "variant"}
    assert prompts.disclosed_fields("quiz") == ("language", "topic", "avg_quiz_score range")


# On every engine


def in_duckdb(data, rows, prefix):
    """Return the data and the cache keys as the store makes them."""
    with duckdb.connect() as db:
        db.register("arrived", pa.Table.from_pylist(rows))
        db.execute("create table facts as select row_number() over () as place, * from arrived")
        relation = data(db.table("facts"))
        told = db.execute(
            "select data, sha256(concat($prefix, chr(10), data)) "
            f"from ({relation.sql_query()}) as told order by place",
            {"prefix": prefix},
        ).fetchall()
    return [text for text, _ in told], [key for _, key in told]


@pytest.mark.parametrize("data", [prompts.nudge_data, prompts.quiz_data], ids=["nudge", "quiz"])
def test_every_engine_says_the_same_and_has_the_same_keys(data):
    expected = data(pd.DataFrame(ROWS))["data"].to_list()
    assert data(pl.DataFrame(ROWS, strict=False))["data"].to_list() == expected
    assert data(pl.LazyFrame(ROWS, strict=False)).collect()["data"].to_list() == expected
    assert data(pa.Table.from_pylist(ROWS))["data"].to_pylist() == expected
    texts, keys = in_duckdb(data, ROWS, "a prefix")
    assert texts == expected
    assert keys == [prompts.cache_key("a prefix", text) for text in expected]


def test_a_frame_keeps_its_rows_and_columns():
    frame = pd.DataFrame(ROWS)
    told = prompts.nudge_data(frame)
    assert "data" not in frame
    pd.testing.assert_frame_equal(told.drop(columns="data"), frame)


@pytest.mark.parametrize(
    "row",
    [ROWS[0], ROWS[8], ROWS[15], ROWS[-5], ROWS[-3]],
    ids=["known", "nothing", "no numbers", "never", "topic"],
)
def test_one_context_says_what_a_frame_says(row):
    context = {**row, "program": row["program_title"], "topic": row["topic_title"]}
    for data in (prompts.nudge_data, prompts.quiz_data):
        prompt = one(
            context, data=data, titles={row["program_title"], row["topic_title"]}, variant=row["variant"]
        )
        assert prompt.data == data(pd.DataFrame([row]))["data"].iloc[0]
        assert prompt.cache_key == prompts.cache_key("prefix", prompt.data)


# Keys


def key(*, model="model-a", base_url="https://example.invalid/v1", task=None, data="reason: welcome"):
    task = task or nudge_task("email", "en")
    return prompts.cache_key(task.key_prefix(model=model, base_url=base_url), data)


@pytest.mark.parametrize(
    "different",
    [
        {"model": "model-b"},
        {"base_url": "https://elsewhere.example.invalid/v1"},
        {"task": nudge_task("whatsapp", "en")},
        {"task": nudge_task("email", "de")},
        {"task": quiz_task("en")},
        {"task": replace(nudge_task("email", "en"), instructions="Write something else.")},
        {"task": replace(nudge_task("email", "en"), version="v0")},
        {"data": "reason: praise"},
    ],
    ids=["model", "address", "channel", "language", "quiz", "text", "version", "data"],
)
def test_whatever_decides_an_answer_gives_another_key(different):
    assert key(**different) != key()


def test_the_same_request_has_the_same_key():
    assert key(task=replace(nudge_task("email", "en"))) == key()


@pytest.mark.parametrize(
    ("different", "same"),
    [
        (SECRETS | {"program": "Pottery"}, True),
        ({"completed_percent": 49.9, "days_inactive": 13.9}, True),
        ({"avg_quiz_score": 100, "consecutive_missed_sessions": 0}, True),
        ({"completed_percent": 50}, False),
        ({"type": "inactivity"}, False),
        ({"program": "Weaving"}, False),
        ({"never_logged_in": True}, False),
    ],
    ids=["somebody else", "same ranges", "what is not needed", "another range", "type", "program", "never"],
)
def test_two_learners_share_a_key_where_they_are_told_the_same(different, same):
    context = {**FACTS, "program": "Pottery"}
    first, second = (one(known, titles={"Pottery"}) for known in (context, context | different))
    assert (first.cache_key == second.cache_key) is same


def test_a_key_is_a_digest_of_the_prefix_and_the_data():
    # printf 'a\nb' | sha256sum
    digest = "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78"
    assert prompts.cache_key("a", "b") == digest


# One context


@pytest.mark.parametrize("column", BANDS)
@pytest.mark.parametrize(
    "value", ["Zebulon", "12", True, [7], 10**400], ids=["text", "digits in text", "flag", "list", "endless"]
)
def test_what_is_no_number_is_refused_by_its_column_and_not_quoted(column, value):
    with pytest.raises(InvalidInput, match=rf"^context: {column}: ") as refused:
        one({**FACTS, column: value})
    assert str(value)[:8] not in str(refused.value)


def test_numbers_and_flags_of_a_frame_are_taken_as_pythons_own():
    row = {"type": "inactivity", "completed_percent": np.int64(30), "days_inactive": np.float32(8)}
    lines = as_mapping(one(row).data)
    assert lines["planned work done"] == "a quarter to a half"
    assert lines["last visit"] == "one to two weeks ago"
    assert as_mapping(one({**row, "never_logged_in": np.True_}).data)["last visit"] == "never"


def test_a_context_that_says_nothing_gives_nothing_but_the_reason():
    assert (
        one({"type": "behind_pace"}, variant=2).data == "reason: behind_pace\ncourse: their course\nstyle: 2"
    )
    assert one({}, data=prompts.quiz_data).data == "topic: how to study\nvariant: 1"


@pytest.mark.parametrize("titles", [(), {"Weaving"}, ["Pottery and more"]], ids=["none", "another", "longer"])
def test_a_program_or_topic_is_told_only_as_a_confirmed_title(titles):
    context = {"type": "welcome", "program": "Pottery", "topic": "Pottery"}
    assert "Pottery" not in one(context, titles=titles).data
    assert "Pottery" not in one(context, data=prompts.quiz_data, titles=titles).data
    lines = as_mapping(one(context, titles={"Pottery"}).data)
    assert (lines["course"], lines["topic"]) == ("Pottery", "Pottery")
    assert as_mapping(one(context, data=prompts.quiz_data, titles={"Pottery"}).data)["topic"] == "Pottery"


def test_a_program_that_is_no_text_is_not_told():
    assert as_mapping(one({"type": "welcome", "program": ["Pottery"]}, titles={"Pottery"}).data) == {
        "reason": "welcome",
        "course": "their course",
        "style": "1",
    }


# What is asked


def objects(schema):
    if schema.get("type") == "object":
        yield schema
        for inner in schema["properties"].values():
            yield from objects(inner)
    if schema.get("type") == "array":
        yield from objects(schema["items"])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.channel or task.kind} {task.language}")
def test_schemas_are_strict(task):
    found = list(objects(task.schema))
    assert found[0] is task.schema
    for schema in found:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])


def test_only_an_email_is_asked_for_a_subject():
    fields = {task.channel: list(task.schema["properties"]) for task in NUDGE_TASKS}
    assert fields == {"in_app": ["body"], "whatsapp": ["body"], "email": ["subject", "body"]}


def test_every_type_of_nudge_has_its_facts_and_its_explanation():
    assert set(NEEDED) == set(NUDGE_TYPES)
    for task in NUDGE_TASKS:
        explained = re.findall(r"^- ([a-z_]+): \S", task.instructions, re.MULTILINE)
        assert sorted(explained) == sorted(NUDGE_TYPES)


def test_every_level_and_variant_of_a_quiz_is_explained():
    band = BANDS["avg_quiz_score"]
    for language in LANGUAGES:
        instructions = quiz_task(language).instructions
        for word in (*(words for _, words in band.ranges), band.above, "1", "2", "3"):
            assert f"\n- {word}: " in instructions
        assert f'"{prompts.STUDY_SKILLS}"' in instructions


def test_every_style_of_a_nudge_is_explained():
    for task in NUDGE_TASKS:
        assert re.findall(r"^- (\d): ", task.instructions, re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lengths_asked_for_fit_the_channels(language):
    letters_per_word = 10  # with the space; German prose has seven

    def most(channel, unit):
        return max(int(n) for n in re.findall(rf"(\d+) {unit}", nudge_task(channel, language).instructions))

    assert most("in_app", "characters") - len(PLACEHOLDER) + NAME_LENGTH <= LENGTHS["in_app"]
    assert most("email", "characters") <= LENGTHS["email_subject"]
    for channel in ("whatsapp", "email"):
        form = nudge_task(channel, language).instructions.split("Form:")[1].split("\n- Begin")[0]
        words = max(int(n) for n in re.findall(r"\d+ to (\d+) words", form))
        assert words * letters_per_word + NAME_LENGTH <= LENGTHS[channel]


@pytest.mark.parametrize(
    ("language", "named"),
    [("en", "English."), ("de", "German. Say"), ("xx", 'the language with the ISO 639-1 code "xx".')],
)
def test_the_language_is_asked_for_by_name(language, named):
    for task in TASKS:
        if task.language == language:
            assert f"\nWrite in {named}" in task.instructions


def test_no_instructions_hold_what_should_have_been_filled_in():
    for task in TASKS:
        assert set(re.findall(r"\{.*?\}", task.instructions)) == (
            {PLACEHOLDER} if task.kind == "nudge" else set()
        )
