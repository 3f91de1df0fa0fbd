"""Any CSV a person exports is read as it was meant, or refused, whole or by the row, in words."""

import csv
import gzip
import io
import itertools
import os
import tempfile
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import InvalidInput
from engagement.ingest import events, learners, validation
from engagement.ingest.schema import LEARNERS
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Store

COLUMNS = (
    *("id", "name", "email", "phone", "program", "last_login"),
    *("completed_percent", "avg_quiz_score", "consecutive_missed_sessions"),
)
HEADER = ",".join(COLUMNS)
WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
LEARNER = {"name": "Zoë – “Ä.”", "program": "P", "last_login": "2026-11-01"}
NUMBERS = {"completed_percent": "50", "avg_quiz_score": "60", "consecutive_missed_sessions": "1"}
NO_DATE = "last_login: not an ISO date or time"
NO_NUMBER = "completed_percent: not a number; `--missing WORD` where it stands for nothing"


def values(learner, **changed):
    return [
        {**dict.fromkeys(COLUMNS, ""), **LEARNER, **NUMBERS, "id": learner, **changed}[name]
        for name in COLUMNS
    ]


def row(learner, **changed):
    return ",".join(values(learner, **changed))


def text(*lines):
    return "".join(f"{line}\n" for line in lines)


def table(*rows, delimiter=",", newline="\n", header=COLUMNS):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows([header, *rows])
    return out.getvalue()


@pytest.fixture
def load(store, tmp_path):
    """Load a file with this content; keywords say how it was written."""

    def load(content, *, module=learners, max_quarantine=1.0, **source_format):
        path = tmp_path / "export.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return module.load(
            store,
            path,
            observed_at=WHEN,
            loaded_at=WHEN,
            source_format=SourceFormat(**source_format),
            max_quarantine=max_quarantine,
        )

    return load


@pytest.fixture
def facts(stored):
    """Return one fact of every learner."""
    return lambda column: dict(stored(f"select learner_id, {column} from learner_facts order by learner_id"))


@pytest.fixture
def refused(load, store, stored):
    """Load what must be refused whole; return the message."""

    def refused(content, **options):
        store.make()
        with pytest.raises(InvalidInput) as caught:
            load(content, **options)
        for name in ("learners", "learner_facts", "loads", "quarantine"):
            assert stored(f"select count(*) from {name}") == [(0,)]
        return str(caught.value)

    return refused


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """The only folder for temporary files; nothing of a learner's may be left in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert [path.name for path in folder.iterdir() if path.name != "engagement-spill"] == []


# --- how a file is written ---------------------------------------------------------------------------------------

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
QUARANTINED = [
    (4, 'b,"two\nlines",,,P,2026-11-01,half,60,1', [NO_NUMBER]),
    (8, "c,too few", ["row: fewer columns than the header"]),
]


# Every pair of encoding, line end and packing; all three at once are drawn in `test_any_export_…` below.
@pytest.mark.parametrize(
    ("newline", "packed"),
    [("\n", bytes), ("\r\n", gzip.compress), ("\r", bytes)],
    ids=["LF", "CRLF in gzip", "CR"],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_export_is_the_same_however_it_was_encoded(load, stored, encoding, newline, packed):
    lines = [HEADER, row("a"), "", QUARANTINED[0][1], "", "", "c,too few", row("d")]
    summary = load(packed(text(*lines).replace("\n", newline).encode(encoding)))
    assert (summary.rows, summary.accepted, summary.quarantined) == (4, 2, 2)
    assert stored("select id, name from learners order by id") == [("a", "Zoë – “Ä.”"), ("d", "Zoë – “Ä.”")]
    assert stored("select line, raw, reasons from quarantine order by line") == QUARANTINED


@pytest.mark.parametrize("told", ["", "sep={}\n", '"sep={}"\n', "SEP={}\n", "\nsep={}\n\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_a_delimiter_is_seen_or_told(load, stored, facts, delimiter, told):
    rows = [values("a", name=f"one{delimiter}two"), values("b", completed_percent="x"), values("c")]
    summary = load("\ufeff" + told.format(delimiter) + table(*rows, delimiter=delimiter))
    assert (summary.accepted, summary.reasons) == (2, {NO_NUMBER: 1})
    assert stored("select name from learners where id = 'a'") == [(f"one{delimiter}two",)]
    assert stored("select line from quarantine") == [(3 + told.count("\n"),)]
    assert facts("completed_percent") == {"a": 50, "c": 50}


@pytest.mark.parametrize("told", ["^", ":", "\\t", "'"])
def test_another_delimiter_can_be_told(load, facts, told):
    delimiter = told.replace("\\t", "\t")
    content = f"sep={told}\n" + table(values("a", name=f"x{delimiter}\ny"), delimiter=delimiter)
    assert load(content).accepted == 1
    assert facts("completed_percent") == {"a": 50}


@pytest.mark.parametrize("told", ["€", "§", '"', "a", "5"])
def test_a_delimiter_that_cannot_be_one_is_refused(refused, told):
    assert f"export.csv: line 2 says that {told!r} separates the columns" in refused(
        f"\nsep={told}\n{HEADER}\n"
    )


def test_a_told_delimiter_that_is_not_the_one_refuses_the_file(refused):
    assert "the first line names none of ours" in refused(f"sep=;\n{HEADER}\n{row('a')}\n")


@pytest.mark.parametrize("delimiter", [";", "\t"], ids=["semicolon", "tab"])
def test_a_comma_is_decimal_where_it_separates_no_columns(load, facts, delimiter):
    written = {
        "a": ("50,5", 50.5),
        "b": ("0,125", 0.125),
        "c": (",5", 0.5),
        "d": ("99,999 %", 99.999),
        "e": ("7", 7),
        "f": ("8.25", 8.25),
        "g": ("1,500", 1.5),
    }
    rows = [values(name, completed_percent=number) for name, (number, _) in written.items()]
    assert load(table(*rows, delimiter=delimiter)).quarantined == 0
    assert facts("completed_percent") == {name: meant for name, (_, meant) in written.items()}


def test_a_comma_in_quotes_is_decimal_unless_it_may_part_thousands(load, facts):
    summary = load(table(values("a", completed_percent="50,5"), values("b", completed_percent="1,500")))
    assert facts("completed_percent") == {"a": 50.5}
    assert summary.reasons == {
        "completed_percent: a comma that may part thousands or decimals; write a point": 1
    }


def test_quotes_may_stand_after_spaces(load, stored):
    line = ", ".join(f'"{value}"' for value in values("a", name="one, two\nlines"))
    assert (
        load(text(", ".join(f'"{name}"' for name in COLUMNS), line, row("b", completed_percent="x"))).rows
        == 2
    )
    assert stored("select id, name from learners") == [("a", "one, two\nlines")]
    assert stored("select line from quarantine") == [(4,)]


def test_a_header_may_go_over_lines_and_have_blank_and_doubled_names_beside(load, stored):
    header = '"id",,"na\nme",' + ",".join(COLUMNS[2:]) + ",x,x,"
    line = "a,ignored,Zoë," + row("a").split(",", 2)[2] + ",1,2,3"
    assert load(text(header, line, "short"), columns={"name": "na\nme"}).accepted == 1
    assert stored("select name from learners") == [("Zoë",)]
    assert stored("select line from quarantine") == [(4,)]


def test_line_ends_may_be_mixed_and_within_quotes(load, stored):
    content = HEADER + "\r\n" + row("a", name='"x\ry"') + "\n" + row("b", name='"x\r\ny"') + "\r"
    content += row("c", completed_percent="x") + "\r\n"
    assert load(content).accepted == 2
    assert stored("select name from learners order by id") == [("x\ny",), ("x\ny",)]
    assert stored("select line, raw from quarantine") == [(6, row("c", completed_percent="x"))]


def test_a_line_break_within_quotes_is_kept_as_one_character(load, stored):
    content = text(HEADER, row("a", name='"x\ny"'), row("b", completed_percent="x")).replace("\n", "\r\n")
    assert load(content).accepted == 1
    assert stored("select name from learners") == [("x\ny",)]
    assert stored("select line, raw from quarantine") == [(4, row("b", completed_percent="x"))]


def test_a_quote_may_follow_the_mark_of_the_byte_order(load, stored):
    header = '\ufeff"student, or\nwho",' + ",".join(COLUMNS[1:])
    assert load(text(header, row("a"), "short"), columns={"id": "student, or\nwho"}).accepted == 1
    assert stored("select line from quarantine") == [(4,)]


def test_a_mark_of_the_byte_order_is_no_part_of_a_value(load, stored, facts):
    load(text(f"\ufeff\ufeff{HEADER}", "\ufeff" + row("a"), row("b", completed_percent="\ufeff40")))
    assert facts("completed_percent") == {"a": 50, "b": 40}


# --- what a value means ------------------------------------------------------------------------------------------

MISSING = [
    "#N/A",
    "#DIV/0!",
    "#BEZUG!",
    "(null)",
    "\\N",
    "--",
    "—",
    ".",
    "NaT",
    "<NA>",
    "n.a.",
    "",
    " ",
    "NA",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "null",
    "NULL",
    "None",
    "?",
    "-",
    "\u00a0",
    " \u202f- ",
]


@pytest.mark.parametrize("column", ["last_login", *NUMBERS])
def test_a_word_for_nothing_is_nothing_and_never_zero(load, facts, column):
    rows = [values(f"{n:02}", **{column: word}) for n, word in enumerate(MISSING)]
    assert load(table(*rows, values("there"))).quarantined == 0
    found = facts(column)
    assert found.pop("there") is not None
    assert found == {f"{n:02}": None for n in range(len(MISSING))}


def test_percents_may_have_a_sign_and_spaces_of_any_kind(load, facts):
    written = [
        "50%",
        "50 %",
        "50\u00a0%",
        "50\u202f%",
        "\u00a050",
        "50\u2007",
        "\u200b50",
        " 50.0 % ",
        "5e1%",
    ]
    assert (
        load(table(*(values(f"{n}", completed_percent=one) for n, one in enumerate(written)))).quarantined
        == 0
    )
    assert set(facts("completed_percent").values()) == {50}


NO_NUMBERS = [
    *("inf", "-inf", "Infinity", "∞", "true", "FALSE", "yes", "half", "#", "N/A/B"),
    *("5\0", "50%%", "5 0", "٣", "１", "0x1F", "1_0", "1e", "--5", "\\"),
]


def test_what_is_no_number_is_quarantined_with_its_line(load, stored):
    rows = [values(f"{n:02}", completed_percent=word) for n, word in enumerate(NO_NUMBERS)]
    assert load(table(*rows, values("there"))).accepted == 1
    refused = dict(stored("select line, reasons from quarantine"))
    lines = {word: line for line, word in enumerate(NO_NUMBERS, start=2)}
    assert [word for word, line in lines.items() if refused.pop(line, None) != [NO_NUMBER]] == []
    assert refused == {}


FRACTIONS = [
    values("a", completed_percent="0.5"),
    values("b", completed_percent="1"),
    values("c", completed_percent=""),
]


@pytest.mark.parametrize(
    "beside",
    [
        [],
        [
            values("d", completed_percent="101"),
            values("e", completed_percent="-1"),
            values("f", completed_percent="x"),
        ],
    ],
    ids=["alone", "among refused"],
)
def test_only_fractions_of_1_refuse_the_file(refused, beside):
    said = refused(table(*FRACTIONS, *beside))
    assert "export.csv: completed_percent holds only fractions of 1" in said
    assert "`--percent-scale completed_percent=1`" in said


def test_the_scale_says_what_fractions_are(load, facts):
    rows = [
        *FRACTIONS,
        values("d", completed_percent="0,29"),
        values("e", completed_percent="40 %"),
        values("f", completed_percent="1.01"),
    ]
    summary = load(table(*rows), percent_scale={"completed_percent": 1})
    assert facts("completed_percent") == {"a": 50, "b": 100, "c": None, "d": 29, "e": 40}
    assert set(facts("avg_quiz_score").values()) == {60}
    assert summary.reasons == {
        "completed_percent: outside 0 to 100; `--cap 100` takes bonus points as 100": 1
    }


def test_a_scale_of_100_leaves_small_percents(load, facts):
    load(table(*FRACTIONS), percent_scale={"completed_percent": 100})
    assert facts("completed_percent") == {"a": 0.5, "b": 1, "c": None}


@pytest.mark.parametrize("written", [("0", "0"), ("0.0", "0"), ("0.5", "2"), ("", "NA"), ("1", "2")])
def test_a_column_is_not_fractions_for_being_low(load, written):
    assert (
        load(table(*(values(f"{n}", completed_percent=one) for n, one in enumerate(written)))).accepted == 2
    )


IDS = ["0008462", "9007199254740993", "12345678901234567890123", "1e5", "2.5", "007 ", "Ä-1", "6516.", "+5"]
MANGLED = ["6516.0", "6516.00", "6516,0", "2.7E+06", "2,7E+06", "2.716795e+06", "9E+15"]


def test_ids_are_text_and_stay_as_they_are(load, stored):
    assert load(table(*map(values, IDS), delimiter=";")).quarantined == 0
    assert {name for (name,) in stored("select id from learners")} == {name.strip() for name in IDS}


def test_ids_that_a_spreadsheet_changed_are_quarantined(load, stored):
    assert load(table(*map(values, ["a", *MANGLED]), delimiter=";")).accepted == 1
    reason = ["id: a number that a spreadsheet has changed"]
    assert stored("select line, reasons from quarantine order by line") == [(n, reason) for n in range(3, 10)]


# --- dates and times ---------------------------------------------------------------------------------------------


def read_dates(load, facts, written, **source_format):
    rows = [values(f"{n:02}", last_login=one) for n, one in enumerate(written)]
    load(table(*rows, values("there", last_login=""), delimiter=";"), **source_format)
    found = facts("strftime(last_login, '%Y-%m-%d %H:%M:%S')")
    return [found.get(f"{n:02}") for n in range(len(written))]


AMBIGUOUS = [
    "01/02/2026",
    "1.2.2026",
    "01.02.26",
    "2026/02/01",
    "20260201",
    "45967",
    "45967.5",
    "1770000000",
    "yesterday",
    "now",
    "today",
    "epoch",
    "infinity",
    "3 days ago",
    "2026-02",
    "2026-W05",
    "Feb 1 2026",
]
UNPARSABLE = [
    "2026-02-30",
    "2025-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-11-01 25:00",
    "2026-11-01 10:61",
    "2026-11-01 23:59:60",
    "2026-11-01T10",
    "2026-11-01 10:00+99:00",
    "2026-11-01 10:00+02:75",
    "2026-11-01 10:00 CET",
    "10000-01-01",
    "2026-11-01 10:00 x",
    "2026-11-01\0",
]


@pytest.mark.parametrize("written", [AMBIGUOUS, UNPARSABLE], ids=["ambiguous", "unparsable"])
def test_a_date_that_nobody_can_be_sure_of_is_quarantined(load, stored, written):
    summary = load(table(values("there"), *(values(f"{n}", last_login=one) for n, one in enumerate(written))))
    assert (summary.accepted, sum(summary.reasons.values())) == (1, len(written))
    assert all(reason.startswith(NO_DATE) for reason in summary.reasons)
    assert stored("select line from quarantine order by line") == [(n,) for n in range(3, len(written) + 3)]


ZONED = {
    "2026-07-01T10:00:00Z": "2026-07-01 10:00:00",
    "2026-07-01 10:00:00z": "2026-07-01 10:00:00",
    "2026-07-01 10:00:00 UTC": "2026-07-01 10:00:00",
    "2026-07-01 10:00 GMT": "2026-07-01 10:00:00",
    "2026-07-01T10:00:00.123456789+02:00": "2026-07-01 08:00:00",
    "2026-07-01 10:00:00 +0530": "2026-07-01 04:30:00",
    "2026-07-01 10:00-04": "2026-07-01 14:00:00",
    "2026-07-01 00:30 +14:00": "2026-06-30 10:30:00",
}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo"])
def test_a_time_with_a_zone_becomes_utc_wherever_the_source_is(load, facts, zone):
    assert read_dates(load, facts, ZONED, timezone=zone) == list(ZONED.values())


@pytest.mark.parametrize(
    ("zone", "written", "meant"),
    [
        ("Europe/Berlin", "2026-07-01 10:00", "2026-07-01 08:00:00"),
        ("Europe/Berlin", "2026-01-01", "2025-12-31 23:00:00"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30:00"),  # skipped that night: an hour later
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 01:30:00"),  # twice that night: the second
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00:00"),  # a day that began at one
        ("Asia/Kathmandu", "2026-07-01 10:00", "2026-07-01 04:15:00"),
        ("UTC", "2026-07-01T24:00:00", "2026-07-02 00:00:00"),
    ],
)
def test_a_time_without_a_zone_is_in_the_zone_of_the_source(load, facts, zone, written, meant):
    assert read_dates(load, facts, [written], timezone=zone) == [meant]


@pytest.mark.parametrize(
    ("formats", "meant"),
    [
        (
            ["%d.%m.%Y"],
            {
                "01.02.2026": "2026-02-01 00:00:00",
                "1.2.2026": "2026-02-01 00:00:00",
                "2026-02-01": "2026-02-01 00:00:00",
                "31.02.2026": None,
                "01.02.26": None,
                "01.02.2026 10:00": None,
            },
        ),
        (["%m/%d/%Y"], {"01/02/2026": "2026-01-02 00:00:00", "13/02/2026": None}),
        (["%m/%d/%y"], {"01/02/26": "2026-01-02 00:00:00", "1/2/99": "1999-01-02 00:00:00"}),
        (["%-d.%-m.%Y %H:%M"], {"1.2.2026 9:05": "2026-02-01 09:05:00"}),
        (["%m/%d/%Y %I:%M %p"], {"01/02/2026 01:30 PM": "2026-01-02 13:30:00", "01/02/2026 13:30 PM": None}),
        (
            ["%d/%m/%Y", "%m/%d/%Y"],
            {"01/02/2026": "2026-02-01 00:00:00", "12/31/2025": "2025-12-31 00:00:00"},
        ),
        (["%Y-%d-%m"], {"2026-02-01": "2026-01-02 00:00:00", "2026-02-13": None}),
        (
            ["excel"],
            {
                "45967": "2025-11-06 00:00:00",
                "45967.5": "2025-11-06 12:00:00",
                "45967,25": "2025-11-06 06:00:00",
                "1": None,
                "00001": None,
                "1.2.2026": None,
            },
        ),
        (["excel", "%d %B %Y"], {"45967": "2025-11-06 00:00:00", "1 February 2026": "2026-02-01 00:00:00"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_format_says_how_dates_are_written(load, facts, formats, meant):
    assert read_dates(load, facts, meant, date_formats=tuple(formats)) == list(meant.values())


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_format_with_a_zone_is_not_moved_twice(load, facts, zone):
    formats = ("%d.%m.%Y %H:%M %z", "%d.%m.%Y %H:%M")
    found = read_dates(
        load, facts, ["01.07.2026 10:00 +0530", "01.07.2026 10:00"], date_formats=formats, timezone=zone
    )
    assert found == ["2026-07-01 04:30:00", f"2026-07-01 {'10' if zone == 'UTC' else '08'}:00:00"]


def test_a_year_before_1900_is_quarantined_save_where_clocks_begin(load, facts, stored):
    written = ["01.02.26", "1899-06-30", "0001-01-01", "1899-12-31", "1900-01-01"]
    assert read_dates(load, facts, written, date_formats=("%d.%m.%Y",)) == [None] * 5
    assert stored("select line, reasons from quarantine order by line") == [
        (line, ["last_login: before the year 1900"]) for line in (2, 3)
    ]


def test_a_file_whose_dates_nobody_can_read_is_told_of_the_option(refused):
    assert "`--date-format %d.%m.%Y` reads" in refused(
        table(values("a", last_login="1.2.2026"), values("b", last_login="3.2.2026"))
    )


# --- columns -----------------------------------------------------------------------------------------------------


def test_a_source_may_name_its_columns_as_it_likes(load, stored):
    header = ("Matrikel", "Name", "E-Mail", *COLUMNS[3:], "Kurs")
    rows = [[*values("a", email="a@example.invalid"), "autumn"]]
    load(
        table(*rows, header=header),
        columns={"id": "matrikel", "email": "E-Mail", "cohort": "Kurs", "topic": "Kurs"},
    )
    assert stored("select id, email, cohort, topic from learners") == [
        ("a", "a@example.invalid", "autumn", "autumn")
    ]


@pytest.mark.parametrize(
    "swapped",
    [
        ("last_login", "completed_percent"),
        ("email", "last_login"),
        ("email", "completed_percent"),
        ("name", "completed_percent"),
        ("id", "email"),
    ],
    ids="-".join,
)
def test_a_header_with_two_names_swapped_refuses_the_file(refused, swapped):
    header = [dict([swapped, swapped[::-1]]).get(name, name) for name in COLUMNS]
    said = refused(
        table(values("a", email="a@example.invalid"), values("b", email="b@example.invalid"), header=header)
    )
    assert any(name in said for name in swapped)
    assert "`--map name=column`" in said


def test_a_first_row_in_place_of_the_header_is_not_repeated(refused):
    said = refused(text(row("a", name="Zebulon", email="zebulon@example.invalid"), row("b")))
    assert "ebulon" not in said


# --- what is refused, and what is left out -----------------------------------------------------------------------


@pytest.mark.parametrize(("share", "fits"), [(0.29, True), (0.28, False), (1.0, True), (0.0, False)])
def test_a_file_that_is_mostly_bad_can_be_refused(load, refused, share, fits):
    rows = [values(f"{n}", completed_percent="x" if n < 29 else "50") for n in range(100)]
    if fits:
        assert load(table(*rows), max_quarantine=share).quarantined == 29
    else:
        assert "29 of 100 rows refused, more than the share of" in refused(table(*rows), max_quarantine=share)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b""), "the file is empty"),
        (b"\0", "a file of some program"),
        (gzip.compress(text(HEADER, row("a")).encode())[:-4], "the gzip archive is truncated or damaged"),
        (gzip.compress(b"PK\x03\x04 a workbook"), "a zip archive"),
        (gzip.compress(gzip.compress(text(HEADER, row("a")).encode())), "a gzip archive, not a table"),
        (text(HEADER, row("a")).encode() + b"\x81\xff\n", "UTF-8 with broken bytes"),
        (
            text(HEADER, row("a"), row("b", name='"open'), *map(row, "cdef")).encode(),
            "a quote opened in line 3",
        ),
        (
            text(HEADER, row("a"), row("b", name=f'"{"x" * 2_000_000}"')).encode(),
            "the row in line 3 is longer than 2 MB",
        ),
        (
            text(HEADER, row("a"), row("b", name='"' + "x\n" * 1_200_000 + '"')).encode(),
            "the row in line 3 is longer",
        ),
        (("x" * 200_000 + "," + text(HEADER, row("a"))).encode(), "the header cannot be split"),
    ],
    ids=[
        "empty",
        "empty gzip",
        "NUL",
        "truncated gzip",
        "workbook in gzip",
        "gzip in gzip",
        "broken UTF-8",
        "open quote",
        "long line",
        "long text",
        "long name",
    ],
)
def test_what_is_no_table_is_refused_whole_in_words(refused, content, message):
    assert message in refused(content)


def test_a_row_in_whose_quotes_other_rows_stand_is_not_taken_for_one(load, stored):
    lines = [
        row("a", name='"open', completed_percent="10"),
        row("b"),
        row("c", name='closed"', completed_percent="90"),
    ]
    summary = load(text(HEADER, *lines, row("d", name='"two\nlines, a, b, c"')))
    assert (summary.rows, summary.accepted) == (2, 1)
    assert stored("select line, raw, reasons from quarantine") == [
        (2, "\n".join(lines), ["row: holds other rows; is a quote open?"])
    ]
    assert stored("select learner_id from learner_facts") == [("d",)]


def test_a_note_over_many_lines_is_no_other_row(load):
    note = "first\nsecond, with, commas\n\n" + ", ".join("abcdefghijklm")
    assert load(table([*values("a"), note], header=(*COLUMNS, "note"))).accepted == 1
    header = ("learner_id", "type", "timestamp", "metadata")
    metadata = '{\n"a": [1, 2, 3],\n"b": [1, 2, 3]\n}'
    content = table(["a", "login", "2026-11-01", metadata], header=header)
    assert load(content, module=events).accepted == 1


def test_a_file_that_is_read_within_a_staging_knows_only_its_own_ragged_rows(store, load):
    with store.staging():
        assert load(text(HEADER, row("a"), "ragged", "ragged, too")).quarantined == 2
        assert load(text(HEADER, row("a"), row("b"), row("c"), "ragged")).quarantined == 1


@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_what_is_no_file_is_refused_and_not_waited_for(store, tmp_path, kind):
    path = tmp_path / "pipe.csv"
    if kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(InvalidInput, match=r"pipe\.csv: there is no such file"):
        learners.load(store, path, observed_at=WHEN, loaded_at=WHEN)


def test_a_file_that_grows_while_it_is_read_is_refused(store, tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(text(HEADER, row("a")), encoding="utf-8")
    with validation.checked(store, path, LEARNERS, SourceFormat(), now=WHEN) as loaded:
        loaded.refuse_changed()
        with path.open("a", encoding="utf-8") as file:
            file.write(text(row("b")))
        with pytest.raises(InvalidInput, match=r"export\.csv: changed while it was read"):
            loaded.refuse_changed()
        path.unlink()
        with pytest.raises(InvalidInput, match="changed while it was read"):
            loaded.refuse_changed()


# --- any file at all ---------------------------------------------------------------------------------------------

any_file = settings(max_examples=16, suppress_health_check=list(HealthCheck))
numbers = itertools.count()
TABLES = ("learners", "learner_facts", "loads", "quarantine")
COUNTS = "select " + ", ".join(f"(select count(*) from {name})" for name in TABLES)
delimiters = st.sampled_from([",", ";", "\t", "|"])
newlines = st.sampled_from(["\n", "\r\n", "\r"])
encodings = st.sampled_from(ENCODINGS)
packings = st.sampled_from([bytes, gzip.compress])
pieces = st.lists(
    st.sampled_from(
        [
            '"',
            '""',
            ",",
            ";",
            "\t",
            "|",
            "\n",
            "\r",
            "\r\n",
            " ",
            "\0",
            "x",
            "é",
            "€",
            "'",
            "\\",
            "%",
            "sep=;",
            "50",
            "2026-11-01",
            "=1",
            "#",
        ]
    ),
    max_size=6,
).map("".join)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    made = Store(tmp_path_factory.mktemp("exports") / "store.duckdb")
    made.make()
    return made


def rows_of(store, sql):
    with store.read() as db:
        return db.execute(sql).fetchall()


@any_file
@given(
    lines=st.lists(
        st.one_of(pieces, st.just(""), st.builds(lambda one, two: row(one, name=two), pieces, pieces)),
        max_size=16,
    ),
    told=st.booleans(),
    delimiter=delimiters,
    newline=newlines,
    encoding=encodings,
    packed=packings,
    cut=st.one_of(st.none(), st.integers(0, 400)),
)
def test_any_export_adds_up_or_leaves_no_trace(  # noqa: PLR0917 (hypothesis names them)
    shared_store, tmp_path, lines, told, delimiter, newline, encoding, packed, cut
):
    first = [f"sep={delimiter}"] if told else []
    all_lines = [*first, HEADER, *lines, row(f"good{next(numbers)}", name="x")]
    content = newline.join(line.replace(",", delimiter) for line in all_lines)
    path = tmp_path / "any.csv"
    path.write_bytes(packed(content.encode(encoding))[:cut])
    before = rows_of(shared_store, COUNTS)
    try:
        summary = learners.load(shared_store, path, observed_at=WHEN, loaded_at=WHEN)
    except InvalidInput as error:
        assert "any.csv" in str(error)  # noqa: PT017 (either may come)
        assert rows_of(shared_store, COUNTS) == before
        return
    assert summary.rows == summary.accepted + summary.quarantined
    kept = rows_of(
        shared_store, f"select line, raw from quarantine where load_id = '{summary.load_id}' order by line"
    )
    assert len(kept) == summary.quarantined
    whole = content.encode(encoding)[:cut] if packed is bytes else content.encode(encoding)
    there = whole.decode(encoding, errors="ignore").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line, raw in kept:
        assert raw.split("\n")[0] == there[line - 1]


names = st.text(st.sampled_from("ab \"',;\t|\n.-éß=%#\\"), max_size=6)
percents = st.one_of(st.integers(2, 100), st.decimals(2, 100, places=3))


@any_file
@given(
    table_of=st.lists(st.tuples(names, percents, st.integers(0, 10_000)), min_size=1, max_size=16),
    blank=st.booleans(),
    delimiter=delimiters,
    newline=newlines,
    encoding=encodings,
    packed=packings,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_what_a_proper_writer_wrote_is_read_as_it_was(  # noqa: PLR0917 (hypothesis names them)
    shared_store, tmp_path, table_of, blank, delimiter, newline, encoding, packed, quoting
):
    batch = next(numbers)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerow(COLUMNS)
    for number, (name, percent, missed) in enumerate(table_of):
        writer.writerow(
            values(
                f"w{batch}-{number:02}",
                name=name,
                completed_percent=percent,
                consecutive_missed_sessions=missed,
            )
        )
        out.write("\n" * blank)
    path = tmp_path / "proper.csv"
    path.write_bytes(packed(out.getvalue().replace("\n", newline).encode(encoding)))

    summary = learners.load(shared_store, path, observed_at=WHEN, loaded_at=WHEN)
    assert (summary.rows, summary.accepted) == (len(table_of), len(table_of))
    found = rows_of(
        shared_store,
        f"""
        select id, replace(name, chr(13), ''), completed_percent, consecutive_missed_sessions
        from learners inner join learner_facts on id = learner_id
        where id like 'w{batch}-%' order by id
        """,
    )
    assert found == [
        (f"w{batch}-{number:02}", meant(name), float(percent), missed)
        for number, (name, percent, missed) in enumerate(table_of)
    ]


def meant(name):
    """What a name is kept as: trimmed, its line ends LF, none where it says nothing."""
    trimmed = name.replace("\r\n", "\n").replace("\r", "\n").strip()
    return None if trimmed in ("", "-", "--", "---", ".", "..", "...") else trimmed
