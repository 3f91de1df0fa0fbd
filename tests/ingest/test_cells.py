"""One odd cell loses nobody: it is mended where it is plain what was meant, or left empty, counted and told of."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat
from engagement.ingest.values.reading import plain
from engagement.text import plain_id

WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"


def line(learner="a", *more, **changed):
    cells = {
        "id": learner,
        "name": "Invented",
        "email": "",
        "phone": "",
        "program": "P",
        "last_login": "2026-11-01",
        "completed_percent": "50",
        "avg_quiz_score": "60",
        "consecutive_missed_sessions": "1",
    }
    return ",".join((*(cells | changed).values(), *more))


@pytest.fixture
def load(store, tmp_path):
    """Load a CSV of these lines; `more` are further columns, keywords say how it was written."""

    def load(*lines, more="", full=False, **source_format):
        path = tmp_path / "learners.csv"
        path.write_text("\n".join((HEADER + more, *lines, "")), encoding="utf-8")
        act = learners.load_full if full else learners.load
        return act(store, path, observed_at=WHEN, loaded_at=WHEN, source_format=SourceFormat(**source_format))

    return load


ODD = [
    ("email", "not there", "not an address"),
    ("email", "a@b@example.invalid", "not an address"),
    ("email", "a@example..invalid", "not an address"),
    ("email", "a@example", "not an address"),
    *(
        ("email", f"a@{domain}", "not an address")
        for domain in (
            "-x.invalid",
            "x-.invalid",
            "x.-invalid",
            "x.invalid-",
            ".x.invalid",
            "\u0301x.invalid",
            "x_.invalid",
        )
    ),
    ("email", "a@example.invalid; b@example.invalid", "several addresses"),
    ("phone", "ask her mother", "not a telephone number"),
    ("phone", "4.9E+11", "a number that a spreadsheet has changed"),
    ("phone", "491701234567.0", "a number that a spreadsheet has changed"),
    ("phone", "1" * 201, "not a telephone number"),
    ("locale", "qq", "no language, such as en or de-AT"),
    ("locale", "Klingon spoken", "no language, such as en or de-AT"),
    ("timezone", "Mars/Olympus", "no time zone, such as Europe/Berlin"),
    ("timezone", "GMT+99", "no time zone, such as Europe/Berlin"),
    ("preferred_channel", "pigeon", "not one of in_app, whatsapp, email"),
    ("whatsapp_opt_in", "perhaps", "neither yes nor no; read are yes, no, true, false, 1, 0"),
    ("enrolled_at", "31.02.2026", "not an ISO date or time"),
    ("enrolled_at", "0026-02-01", "before the year 1900"),
    ("cohort", "x" * 201, "longer than 200 characters"),
    ("topic", "maths\0", "holds a NUL byte"),
]


PLAIN = {
    **{"locale": "de", "timezone": "UTC", "preferred_channel": "email", "whatsapp_opt_in": "yes"},
    **{"enrolled_at": "2026-02-01", "cohort": "2026", "topic": "maths"},
}


def test_an_odd_cell_is_left_empty_counted_and_told_by_its_first_line(load, stored):
    more = list(dict.fromkeys(column for column, *_ in ODD if column not in HEADER))
    twice = [(f"{number:02}", *odd) for number, odd in enumerate((*ODD, *ODD))]
    rows = [
        line(
            learner,
            *(value if name == column else "" for name in more),
            **({column: value} if column in HEADER else {}),
        )
        for learner, column, value, _ in twice
    ]
    first = line("first", *(PLAIN[name] for name in more), email="first@example.invalid")
    summary = load(first, *rows, more="".join(f",{name}" for name in more))
    assert (summary.accepted, summary.quarantined) == (1 + len(twice), 0)
    lines = {}
    for number, (_, column, _, why) in enumerate(twice, start=3):
        lines.setdefault(f"{column}: {why}", []).append(number)
    said = {why: {"cells": len(found), "line": found[0]} for why, found in lines.items()}
    assert summary.as_dict()["odd_cells"] == said
    ((kept,),) = stored("select odd_cells from loads")
    assert json.loads(kept) == said
    for learner, column, value, _ in twice:
        kept = {"locale": "en", "whatsapp_opt_in": False}.get(column)
        assert stored(f"select {column} from learners where id = '{learner}'") == [(kept,)], value


def test_a_file_without_an_odd_cell_says_nothing_of_it(load, stored):
    assert "odd_cells" not in load(line(email="a@example.invalid")).as_dict()
    assert stored("select odd_cells from loads") == [(None,)]


MENDED = {
    "email": {
        "mailto:Jo@example.invalid": "jo@example.invalid",
        "mailto:jo@example.invalid?subject=hi": "jo@example.invalid",
        "Jo Invented <jo@example.invalid>": "jo@example.invalid",
        "<jo@example.invalid>;": "jo@example.invalid",
        "'jo@example.invalid'": "jo@example.invalid",
        "jo@example.invalid.": "jo@example.invalid",
        "\u200ejo@example.invalid\u200e": "jo@example.invalid",
        "jo\u200b@example.invalid\u3000": "jo@example.invalid",
        "jose\u0301@example.invalid": "jos\u00e9@example.invalid",
        "j.o+x_y-z@mail.example.invalid": "j.o+x_y-z@mail.example.invalid",
        "j.-o-@\u0909\u0926\u093e.x-y.invalid": "j.-o-@\u0909\u0926\u093e.x-y.invalid",
        "jo@b\u00fccher.invalid": "jo@b\u00fccher.invalid",
        "N/A": None,
    },
    "phone": {
        "'+49 30 123456": "+49 30 123456",
        '="030123456"': "030123456",
        "tel:+4930123456": "+4930123456",
        "(030) 12 34-56 ext. 7": "(030) 12 34-56 ext. 7",
        "+49\u00a030\u00a0123456": "+49 30 123456",
    },
    "locale": {
        "pt_br": "pt-BR",
        "DE_kids": "de",
        "en_US.UTF-8": "en-US",
        "zh-hant-tw": "zh-Hant-TW",
        "es-419": "es-419",
    },
    "timezone": {
        "europe/berlin": "Europe/Berlin",
        "America/New York": "America/New_York",
        "UTC+2": "Etc/GMT-2",
        "GMT-05:00": "Etc/GMT+5",
        "utc": "UTC",
    },
    "preferred_channel": {"E-Mail": "email", "mail": "email", "In-App": "in_app", "Whats App": "whatsapp"},
    "program": {
        "Zoe\u0301logie": "Zo\u00e9logie",
        "'101": "101",
        '="0042"': "0042",
        "NA": "NA",
        "None": "None",
    },
}


@pytest.mark.parametrize("column", MENDED)
def test_a_cell_is_mended_where_it_is_plain_what_was_meant(load, stored, column):
    meant = {f"{n:02}": pair for n, pair in enumerate(MENDED[column].items())}
    more = "" if column in HEADER else f",{column}"

    def quoted(text):
        return '"' + text.replace('"', '""') + '"'

    rows = [
        line(learner, quoted(value)) if more else line(learner, **{column: quoted(value)})
        for learner, (value, _) in meant.items()
    ]
    summary = load(*rows, more=more)
    assert (summary.quarantined, summary.odd_cells) == (0, {})
    found = dict(stored(f"select id, {column} from learners"))
    assert {meant[learner][0]: value for learner, value in found.items()} == MENDED[column]


IDS = {
    '="0008462"': "0008462",
    "'0008463": "0008463",
    "'A-1": "A-1",
    "\u200eS-2": "S-2",
    "S\u200b-4": "S-4",
    "S-5\u2060": "S-5",
    "S\u00ad-6": "S-6",
    "S-7\u00a0": "S-7",
    "\u3000S-8\u2003": "S-8",
    "\u202aS-10\u202c": "S-10",
    "o\u0308-11": "\u00f6-11",
    "S\u00a012": "S 12",
    "\ufeffS-13\x1a": "S-13",
    "nan": "nan",
    "null": "null",
    "NA": "NA",
}


def test_an_id_is_one_however_it_is_marked(load, stored):
    rows = [line('"' + written.replace('"', '""') + '"') for written in IDS]
    assert load(*rows).quarantined == 0
    assert {learner for (learner,) in stored("select id from learners")} == set(IDS.values())
    assert {learner for (learner,) in stored("select learner_id from learner_facts")} == set(IDS.values())


marks = st.sampled_from(
    ["\u200b", "\u200e", "\u202a", "\u2060", "\xad", "\u3000", "\xa0", " ", "'", '"', "=", "\x1a"]
)
pieces = st.lists(
    st.one_of(marks, st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs"])), max_size=8
)


@given(text=pieces.map("".join))
def test_an_id_typed_by_hand_is_the_one_in_the_file(engines, text):
    (found,) = engines().execute(f"select {plain('$text')}", {"text": text}).fetchone()
    assert found == plain_id(text)


@pytest.mark.parametrize("word", ["unknown", "Unbekannt", " Onbekend ", "不明"])
def test_a_login_that_is_said_to_be_unknown_is_neither_never_nor_odd(load, stored, word):
    summary = load(line("a", last_login=word))
    assert (summary.accepted, summary.odd_cells) == (1, {})
    assert stored("select last_login, login_is_unknown from learner_facts") == [(None, True)]


def test_words_of_the_source_s_own_are_nothing_once_they_are_said(load, stored):
    rows = [
        line("1", avg_quiz_score="EX"),
        line("2", avg_quiz_score="excused"),
        line("3", avg_quiz_score="Not graded", name="Ex"),
        line("4", avg_quiz_score="999"),
        line("ex", program="EX"),
    ]
    summary = load(line("0"), *rows)
    assert summary.quarantined == 4
    assert "`--missing WORD` where it stands for nothing" in next(iter(summary.reasons))
    summary = load(*rows, missing=("ex", "Excused", "not graded", "999"))
    assert summary.quarantined == 0
    assert stored(
        "select learner_id, avg_quiz_score from learner_facts where learner_id <> '0' order by 1"
    ) == [
        ("1", None),
        ("2", None),
        ("3", None),
        ("4", None),
        ("ex", 60),
    ]
    assert stored("select name, program from learners where id in ('3', 'ex') order by id") == [
        ("Ex", "P"),
        ("Invented", "EX"),
    ]


NEVER = [
    *(
        "Never",
        "never",
        "Nie",
        "Jamais",
        "nunca",
        "Mai",
        "Nooit",
        "Aldrig",
        "Nigdy",
        "никогда",
        "从未",
        "なし",
        "",
    ),
    *("0", "0000-00-00", "0000-00-00 00:00:00", "1970-01-01", "1970-01-01 00:00:00", "1970-01-01T00:00:00Z"),
    *("1970-01-01 01:00", "1969-12-31 19:00", "1900-01-01", "1899-12-30", "1601-01-01", "0001-01-01", "n.a."),
]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Auckland"])
def test_never_is_said_in_many_ways(load, stored, zone):
    rows = [line(f"{n:02}", last_login=word) for n, word in enumerate(NEVER)]
    summary = load(*rows, line("there"), timezone=zone)
    assert (summary.quarantined, summary.odd_cells) == (0, {})
    found = stored("select last_login, login_is_unknown from learner_facts where learner_id <> 'there'")
    assert set(found) == {(None, False)}
    assert stored("select count(last_login) from learner_facts") == [(1,)]


@pytest.mark.parametrize(
    ("formats", "zero"), [(("excel",), "00000"), (("%d/%m/%Y",), "01/01/1970"), (("%m/%d/%Y",), "00/00/0000")]
)
def test_never_may_be_written_as_the_source_writes_dates(load, stored, formats, zero):
    there = "46000" if "excel" in formats else "05/06/2026"
    assert (
        load(line("a", last_login=zero), line("b", last_login=there), date_formats=formats).quarantined == 0
    )
    assert stored("select last_login is null, login_is_unknown from learner_facts order by learner_id") == [
        (True, False),
        (False, False),
    ]


@pytest.mark.parametrize("written", ["9999-12-31", "2026-11-24 00:00:00", "2062-01-01T10:00:00+02:00"])
def test_a_login_that_is_not_there_yet_is_not_known_and_its_learner_stays(load, stored, written):
    summary = load(line("a", last_login="2026-11-23 11:00"), line("b", last_login=written))
    assert summary.quarantined == 0
    assert summary.odd_cells == {"last_login: a day that is not there yet": {"cells": 1, "line": 3}}
    assert stored("select last_login is null, login_is_unknown from learner_facts order by learner_id") == [
        (False, False),
        (True, True),
    ]
    load(line("b", last_login="never"))
    assert stored("select last_login, login_is_unknown from newest_facts where learner_id = 'b'") == [
        (None, False)
    ]


def test_ids_that_all_begin_with_a_mark_are_kept_and_pointed_out(load, stored):
    summary = load(line("#0008462"), line("#0008463"))
    assert stored("select id from learners order by id") == [("#0008462",), ("#0008463",)]
    assert [note.partition(",")[0] for note in summary.as_dict()["notes"]] == ["all 2 of id begin with #"]
    assert "notes" not in load(line("#0008462"), line("0008464")).as_dict()


FLAGS = {
    "contact_opt_out": {
        "Ja": True,
        "Nein": False,
        "1.0": True,
        "0.0": False,
        "WAHR": True,
        "non": False,
        "нет": False,
    },
    "active": {
        **{
            "Active": True,
            "Inactive": False,
            "suspended": False,
            "aktiv": True,
            "inactif": False,
            "oui": True,
        },
        **{"concluded": False, "enrolled": True, "tobedeleted": False, "1,0": True, "FALSCH": False},
    },
}


@pytest.mark.parametrize("column", FLAGS)
def test_yes_and_no_are_read_in_the_words_of_platforms_and_languages(load, stored, column):
    meant = {f"{n:02}": pair for n, pair in enumerate(FLAGS[column].items())}
    rows = [line(learner, f'"{word}"') for learner, (word, _) in meant.items()]
    assert load(*rows, more=f",{column}").quarantined == 0
    found = dict(stored(f"select id, {column} from learners"))
    assert {meant[learner][0]: value for learner, value in found.items()} == FLAGS[column]


SCORES = {
    "17/20": 85,
    "8.5 / 10": 85,
    "85.5 % ": 85.5,
    "85\u202f%": 85,
    "85.": 85,
    "+85": 85,
    "8.5e1": 85,
    "'85": 85,
    '="85"': 85,
    "8\u200b5": 85,
    "0/20": 0,
    "Needs Grading(62)": None,
    "In Progress(0.00)": None,
}
NO_NUMBER = "not a number; `--missing WORD` where it stands for nothing"
NO_SCORES = {
    "A-": NO_NUMBER,
    "85 pct": NO_NUMBER,
    "~85": NO_NUMBER,
    "85*": NO_NUMBER,
    "85 (late)": NO_NUMBER,
    "85%%": NO_NUMBER,
    "17/0": NO_NUMBER,
    "1,234": "a comma that may part thousands or decimals; write a point",
    "\u221285": "outside 0 to 100",
    "1.234,5": "outside 0 to 100",
    "1,234.5": "outside 0 to 100",
    "25/20": "outside 0 to 100; `--cap 100` takes bonus points as 100",
}


def test_scores_are_read_as_they_are_written_or_the_reason_says_how(load, stored):
    def rows(written):
        return [
            line(f"{n:02}", avg_quiz_score='"' + word.replace('"', '""') + '"')
            for n, word in enumerate(written)
        ]

    assert load(*rows(SCORES)).quarantined == 0
    assert [value for (value,) in stored("select avg_quiz_score from newest_facts order by learner_id")] == [
        *SCORES.values()
    ]
    load(line("there"), *rows(NO_SCORES))
    found = [reasons for (reasons,) in stored("select reasons from quarantine order by line")]
    assert found == [[f"avg_quiz_score: {why}"] for why in NO_SCORES.values()]
