"""Files as they come: every row in one of two places, with its line and its text, or the file refused whole."""

import csv
import io
import itertools
import random
from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.store import Store

HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"
COLUMNS = HEADER.split(",")
WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
BACKSLASH = r"""row: quotes written as \", where CSV doubles them (in MySQL ESCAPED BY '"')"""
FEWER, MORE = "row: fewer columns than the header", "row: more columns than the header"


def row(learner, **changed):
    values = dict(
        zip(COLUMNS, (learner, "Invented", "", "", "P", "2026-11-01", "50", "60", "1"), strict=True)
    )
    return ",".join((values | changed).values())


def text(*lines):
    return "".join(f"{line}\n" for line in lines)


def table(*lines):
    return pd.DataFrame([line.split(",") for line in lines], columns=COLUMNS)


def write(folder, *lines, newline="\n", encoding="utf-8", name="learners.csv"):
    path = folder / name
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def load(store, source, **options):
    return learners.load(store, source, observed_at=WHEN, loaded_at=WHEN, **options)


def rows_of(store, sql):
    with store.read() as db:
        return db.execute(sql).fetchall()


def quarantine(store):
    return rows_of(store, "select line, raw, reasons from quarantine order by line")


def ids(store):
    return [learner for (learner,) in rows_of(store, "select id from learners order by id")]


def check_no_trace(store):
    for table in ("learners", "learner_facts", "loads", "quarantine"):
        assert rows_of(store, f"select count(*) from {table}") == [(0,)]


def check_refused(store, source, message, **options):
    store.make()
    with pytest.raises(InvalidInput, match=message):
        load(store, source, **options)
    check_no_trace(store)


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_each_bad_row_is_kept_with_its_line_and_text(store, tmp_path, newline):
    lines = [
        HEADER,
        row("a"),
        "",
        row("b", name=f'"two{newline}lines"', last_login="soon"),
        "c,too,few",
        row("d"),
        "",
        row("e") + ",too many",
        row("f", name='"closed" too early'),
        row("g"),
        row("h", name=r'"a \"quote\", a comma"'),
    ]
    summary = load(store, write(tmp_path, *lines, newline=newline))
    assert (summary.rows, summary.accepted, summary.quarantined) == (8, 3, 5)
    assert quarantine(store) == [
        (4, row("b", name='"two\nlines"', last_login="soon"), ["last_login: not an ISO date or time"]),
        (6, "c,too,few", [FEWER]),
        (9, row("e") + ",too many", [MORE]),
        (10, row("f", name='"closed" too early'), ["row: a quote in the wrong place"]),
        (12, row("h", name=r'"a \"quote\", a comma"'), [BACKSLASH]),
    ]
    assert ids(store) == ["a", "d", "g"]


def test_lines_are_counted_from_the_first_of_the_file_whatever_stands_above_the_header(store, tmp_path):
    above = ["Report, spring", "", "# made by hand", '"a title", in quotes', ",".join("x" * 12)]
    lines = [*above, HEADER, row("a"), "c,too,few", "", row("b", completed_percent="x"), row("d") + ",more"]
    summary = load(store, write(tmp_path, *lines))
    assert (summary.rows, summary.accepted) == (4, 1)
    assert [(line, raw) for line, raw, _ in quarantine(store)] == [
        (8, "c,too,few"),
        (10, row("b", completed_percent="x")),
        (11, row("d") + ",more"),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_ten_megabytes_of_empty_lines_are_nothing_or_told_as_that(store, tmp_path, newline):
    path, empty = tmp_path / "learners.csv", newline * (10_000_000 // len(newline))
    path.write_text(f"{HEADER}{newline}{empty}", newline="")
    check_refused(store, path, "no rows below the header")
    path.write_text(f"{empty}{HEADER}{newline}{row('a')}{newline}", newline="")
    check_refused(store, path, "the file is empty: more than [0-9,]+ empty lines")
    path.write_text(f"{HEADER}{newline}{empty}{row('a')}{newline}", newline="")
    with pytest.raises(InvalidInput, match=r"empty lines above line [0-9,]+; take them away"):
        load(store, path)
    path.write_text(f"{HEADER}{newline}{row('a')}{newline}{empty}", newline="")
    assert load(store, path).accepted == 1


def test_a_hundred_thousand_columns_are_told_as_that(store, tmp_path):
    header = ",".join([HEADER, *(f"c{n}" for n in range(100_000))])
    check_refused(
        store, write(tmp_path, header, row("a") + "," * 100_000), "100,009 columns, more than 10,000"
    )


def test_a_row_is_told_all_its_reasons(store, tmp_path):
    bad = ",N,no address,,,2026-02-30,101,x,1.5"
    summary = load(store, write(tmp_path, HEADER, row("a"), bad))
    reasons = [
        "id: missing",
        "program: missing",
        "last_login: not an ISO date or time; there is no such day or time; no `--date-format` reads it",
        "completed_percent: outside 0 to 100; `--cap 100` takes bonus points as 100",
        "avg_quiz_score: not a number; `--missing WORD` where it stands for nothing",
        "consecutive_missed_sessions: not a whole number",
    ]
    assert quarantine(store) == [(3, bad, reasons)]
    assert summary.reasons == dict.fromkeys(reasons, 1)
    assert rows_of(store, "select rows, accepted, quarantined from loads") == [(2, 1, 1)]


def test_a_byte_order_mark_is_no_part_of_the_header(store, tmp_path):
    assert load(store, write(tmp_path, HEADER, row("a"), encoding="utf-8-sig")).accepted == 1


def test_the_last_line_needs_no_line_end(store, tmp_path):
    path = tmp_path / "learners.csv"
    path.write_text(f"{HEADER}\n{row('a')}")
    assert load(store, path).accepted == 1


@pytest.mark.parametrize("delimiter", [";", "\t", "|"], ids=["semicolon", "tab", "bar"])
def test_other_delimiters_are_seen_in_the_header(store, tmp_path, delimiter):
    lines = [line.replace(",", delimiter) for line in (HEADER, row("a"), "b,too few")]
    assert load(store, write(tmp_path, *lines)).accepted == 1
    assert quarantine(store) == [(3, f"b{delimiter}too few", [FEWER])]


def test_columns_may_stand_in_any_order_and_case_among_others(store, tmp_path):
    header = " Program ,unknown,AVG_QUIZ_SCORE,id,consecutive_missed_sessions,completed_percent,last_login"
    header += ",phone,email,name"
    line = "P,ignored,61,a,2,52,2026-11-01,,a@example.invalid,Invented"
    assert load(store, write(tmp_path, header, line)).accepted == 1
    facts = "select completed_percent, avg_quiz_score, consecutive_missed_sessions from learner_facts"
    assert rows_of(store, facts) == [(52, 61, 2)]
    assert rows_of(store, "select id, name, program from learners") == [("a", "Invented", "P")]


@pytest.mark.parametrize("column", ["id", "program"])
def test_a_missing_column_refuses_the_file_and_is_named(store, tmp_path, column):
    header = HEADER.replace(column, "something_else")
    check_refused(store, write(tmp_path, header, row("a")), rf"learners.csv: column {column} missing")


def test_a_doubled_column_refuses_the_file_and_is_named(store, tmp_path):
    path = write(tmp_path, HEADER + ", Name", row("a") + ",again")
    check_refused(store, path, "column name stands more than once")


def test_a_header_over_the_wrong_contents_refuses_the_file(store, tmp_path):
    swapped = HEADER.replace("last_login,completed_percent", "completed_percent,last_login")
    lines = [swapped, *(row(f"a{n}") for n in range(20)), row("b", last_login="", completed_percent="")]
    check_refused(
        store, write(tmp_path, *lines), "not one value of last_login, completed_percent can be read"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\n\n \n", "the file is empty"),
        (HEADER.encode(), "no rows below the header"),
        (text(HEADER, "", "").encode(), "no rows below the header"),
        (
            text(HEADER, row("a"), row("b", name='"open'), row("c")).encode(),
            "opened in line 3 is never closed",
        ),
    ],
    ids=[
        *("empty", "BOM", "blank", "header", "header and blanks", "open quote"),
    ],
)
def test_what_cannot_be_split_into_rows_is_refused_whole(store, tmp_path, content, message):
    path = tmp_path / "learners.csv"
    path.write_bytes(content)
    check_refused(store, path, message)


def test_a_file_of_which_nothing_is_accepted_is_refused_with_its_reasons(store, tmp_path):
    path = write(tmp_path, HEADER, row("a", completed_percent="x"), row("b", completed_percent="101"), "c")
    check_refused(store, path, "none of 3 rows accepted: .*completed_percent: not a number")


def test_a_refusal_repeats_no_value(store, tmp_path):
    path = write(
        tmp_path, HEADER, row("Sentinel", name="Sentinel", email="Sentinel", completed_percent="Sentinel")
    )
    with pytest.raises(InvalidInput) as caught:
        load(store, path)
    assert "Sentinel" not in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder_is_refused(store, tmp_path):
    check_refused(store, tmp_path / "nowhere.csv", "nowhere.csv: there is no such file")
    check_refused(store, tmp_path, "there is no such file")
    check_refused(
        store, tmp_path / "~" / "a.csv", r"a\.csv: there is no such file; what ~ stands for only a shell"
    )


@pytest.mark.parametrize("content", [b"", b"no parquet" * 50, b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_a_damaged_parquet_file_is_refused(store, tmp_path, content):
    path = tmp_path / "learners.parquet"
    path.write_bytes(content)
    check_refused(store, path, "cannot be read as Parquet")


def test_a_flipped_bit_in_a_parquet_file_is_never_the_store_s(store, tmp_path):
    path = tmp_path / "learners.parquet"
    table(*(row(f"S-{n}") for n in range(50))).to_parquet(path)
    whole = path.read_bytes()
    some = random.Random(5)
    refused = set()
    for _ in range(15):
        flipped = bytearray(whole)
        flipped[some.randrange(len(whole))] ^= 1 << some.randrange(8)
        path.write_bytes(flipped)
        try:
            load(store, path)
        except InvalidInput as error:
            refused.add(str(error).partition(":")[0])
    assert refused == {"learners.parquet"}


@pytest.mark.parametrize(
    "rows", ["'S-' || i as id, repeat('A', 2000000) as name", "null as id, null as name"]
)
def test_a_parquet_file_that_holds_far_more_than_its_size_is_bounded(store, tmp_path, rows):
    path = tmp_path / "learners.parquet"
    count = 200 if "repeat" in rows else 7_000_000
    others = "null as email, null as phone, 'P' as program, null as last_login, 50 as completed_percent"
    with duckdb.connect() as engine:
        engine.execute(
            f"copy (select {rows}, {others}, 60 as avg_quiz_score, 1 as consecutive_missed_sessions "
            f"from range({count}) t(i)) to '{path}' (format parquet)"
        )
    check_refused(store, path, "longer than 20000" if "repeat" in rows else "unpacks to more than 200 times")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string(), pa.large_string()], ids=str)
def test_bytes_in_a_parquet_file_are_text_in_utf_8(store, tmp_path, kind):
    texts = {
        "id": ["S-1", "nł-2"],
        "name": ["Zoë", "नमस्ते"],
        "last_login": ["2026-11-01", None],
        "completed_percent": ["50", "41,5"],
    }
    columns = (
        {name: pa.array(["10", "11"]) for name in COLUMNS}
        | {
            name: pa.array(
                [
                    text and text.encode()
                    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
                    else text
                    for text in some
                ],
                kind,
            )
            for name, some in texts.items()
        }
        | {"email": pa.nulls(2)}
    )
    pq.write_table(pa.table(columns), tmp_path / "learners.parquet")
    assert load(store, tmp_path / "learners.parquet").accepted == 2
    assert rows_of(store, "select id, name from learners order by id") == [("S-1", "Zoë"), ("nł-2", "नमस्ते")]


def test_bytes_that_are_no_text_are_named_by_column_and_row(store, tmp_path):
    columns = {name: pa.array(["1", "2"]) for name in COLUMNS} | {
        "name": pa.array([b"Zo\xc3\xab", b"Zo\xeb"])
    }
    path = tmp_path / "learners.parquet"
    pq.write_table(pa.table(columns), path)
    check_refused(store, path, "name holds bytes that are no text in UTF-8 in 1 rows, first in row 2")


@pytest.mark.parametrize(
    ("value", "what"),
    [({"first": "Zoë"}, "a struct"), (["Zoë"], "a list"), ([("a", "b")], "a map")],
    ids=["struct", "list", "map"],
)
def test_a_nested_column_of_a_parquet_file_is_refused_by_name_where_it_is_read(store, tmp_path, value, what):
    kind = pa.map_(pa.string(), pa.string()) if what == "a map" else None
    plain = {name: pa.array(["7"]) for name in COLUMNS} | {
        "email": pa.nulls(1),
        "last_login": pa.array(["2026-11-01"]),
    }
    path = tmp_path / "learners.parquet"
    pq.write_table(pa.table(plain | {"name": pa.array([value], kind)}), path)
    check_refused(store, path, f"name is {what}, not text")
    pq.write_table(pa.table(plain | {"unread": pa.array([value], kind)}), path)
    assert load(store, path).accepted == 1


def test_wholly_empty_rows_of_a_parquet_file_or_a_frame_are_none(store, tmp_path):
    frame = table(row("a"), *["," * (len(COLUMNS) - 1)] * 3, row("b"))
    frame.loc[2] = None
    frame.to_parquet(tmp_path / "learners.parquet")
    for source in (frame, tmp_path / "learners.parquet"):
        loaded = load(store, source)
        assert (loaded.rows, loaded.accepted) == (2, 2)
    frame.iloc[1:4].to_parquet(tmp_path / "learners.parquet")
    check_count = len(ids(store))
    with pytest.raises(InvalidInput, match="no rows"):
        load(store, tmp_path / "learners.parquet")
    assert len(ids(store)) == check_count == 2


def test_of_a_refused_row_no_more_is_kept_than_somebody_reads(store, tmp_path):
    frame = table(row("S-1"), row("S-2", name="x" * 300_000))
    assert load(store, frame).quarantined == 1
    assert rows_of(store, "select length(raw) from quarantine") == [(100_001,)]


def test_parquet_and_a_frame_mean_what_the_csv_means(store, tmp_path):
    typed = pd.DataFrame(
        {
            "id": ["0008462", "9007199254740993", "c", "d"],
            "name": ["Invented", None, "x", "y"],
            "email": ["a@example.invalid", None, None, None],
            "phone": None,
            "program": ["P", "Q", None, "P"],
            "last_login": pd.to_datetime(["2026-11-01 10:30", None, None, "2026-11-02 00:00"]),
            "completed_percent": [40.5, None, 1, 100.5],
            "avg_quiz_score": [65, 0, 100, None],
            "consecutive_missed_sessions": pd.array([1, None, 2, 3], dtype="Int64"),
        }
    )  # fmt: skip
    typed.to_csv(tmp_path / "a.csv", index=False)
    typed.to_parquet(tmp_path / "a.parquet")
    stored = []
    for source in (tmp_path / "a.csv", tmp_path / "a.parquet", typed):
        one = Store(tmp_path / f"{len(stored)}.duckdb")
        counts = load(one, source).as_dict()
        counts["first_refused"].pop("line")  # which in a table without lines is the row's number
        tables = [
            rows_of(one, f"select * from {table} order by all") for table in ("learners", "learner_facts")
        ]
        stored.append((counts, tables, rows_of(one, "select reasons from quarantine order by line")))
    assert stored[0] == stored[1] == stored[2]
    assert stored[0][0]["accepted"] == 2
    assert stored[0][2] == [
        (["program: missing"],),
        (["completed_percent: outside 0 to 100; `--cap 100` takes bonus points as 100"],),
    ]


def test_a_row_of_a_frame_is_kept_by_its_number(store):
    frame = pd.DataFrame([row("a").split(","), row("b", completed_percent="x").split(",")], columns=COLUMNS)
    before = frame.copy()
    assert load(store, frame).quarantined == 1
    ((line, raw, reasons),) = quarantine(store)
    assert (line, reasons) == (
        2,
        ["completed_percent: not a number; `--missing WORD` where it stands for nothing"],
    )
    assert '"completed_percent":"x"' in raw
    pd.testing.assert_frame_equal(frame, before)


def test_an_empty_frame_is_refused(store):
    check_refused(store, pd.DataFrame(columns=COLUMNS), "data frame: no rows")


def test_lines_are_right_far_into_a_large_file(store, tmp_path):
    lines = [HEADER, *(row(f"L{n:06}") for n in range(30_000))]
    lines[9_000] = row("q", name='"a\n\nb"')
    lines[15_000] = "short"
    lines[29_999] = row("bad", completed_percent="-1")
    summary = load(store, write(tmp_path, *lines))
    assert (summary.rows, summary.accepted, summary.quarantined) == (30_000, 29_998, 2)
    assert [(line, raw) for line, raw, _ in quarantine(store)] == [
        (15_003, "short"),  # the line before last, two line breaks further down than its record
        (30_002, row("bad", completed_percent="-1")),
    ]


# --- any file at all -----------------------------------------------------------------------------------------

fragments = st.sampled_from(
    [
        '"',
        '""',
        ",",
        ";",
        "\n",
        "\r\n",
        " ",
        "\t",
        "'",
        "x",
        "é",
        "नमस्ते",
        "שלום",
        "🎓",
        "e\u0301",
        "=1+1",
        "<b>",
        "\\",
        "#",
    ]
)
texts = st.lists(fragments, max_size=5).map("".join)
dirty_values = st.one_of(
    texts, st.sampled_from(["", "50", "-1", "101", "nan", "1e2", "2026-11-01", "2026-02-30", "None"])
)
rows = st.one_of(
    st.lists(dirty_values, min_size=8, max_size=8),
    st.lists(dirty_values, min_size=0, max_size=10),
    st.just(None),  # a blank line
)
numbers = itertools.count()
any_file = settings(max_examples=12, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("intake") / "store.duckdb")


def record_places(text):
    """Where `csv.reader` says each record begins, and the lines it is made of."""
    reader = csv.reader(io.StringIO(text, newline=""))
    lines = text.split("\n")
    places, end = {}, 0
    for fields in reader:
        start, end = end + 1, reader.line_num
        if fields and start > 1:
            places[start] = ("\n".join(line.rstrip("\r") for line in lines[start - 1 : end]), fields)
    return places


@any_file
@given(
    table=st.lists(rows, max_size=20),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_are_accepted_or_quarantined_at_their_place_whatever_they_hold(
    shared_store, tmp_path, table, newline, quoting
):
    batch = next(numbers)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=newline, quoting=quoting)
    writer.writerow(COLUMNS)
    for number, values in enumerate([*table, row("").split(",")[1:]]):  # the last one is good
        if values is None:
            out.write(newline)
        else:
            writer.writerow([f"{batch}-{number}", *values])
    path = tmp_path / "any.csv"
    path.write_bytes(out.getvalue().encode())

    summary = load(shared_store, path)
    places = record_places(out.getvalue())
    refused = {
        line: (raw, reasons)
        for line, raw, reasons in rows_of(
            shared_store, f"select line, raw, reasons from quarantine where load_id = '{summary.load_id}'"
        )
    }
    there = dict(rows_of(shared_store, f"select id, name from learners where id like '{batch}-%'"))

    assert summary.rows == summary.accepted + summary.quarantined == len(places)
    assert len(refused) == summary.quarantined
    for line, (raw, fields) in places.items():
        spare = len(fields) > len(COLUMNS) and not any(
            fields[len(COLUMNS) :]
        )  # commas at the end say nothing
        if len(fields) != len(COLUMNS) and not spare:
            assert refused[line][1] in ([FEWER], [MORE])
        if line in refused:
            assert refused[line][0] == raw
        else:
            assert there.pop(fields[0]) == (fields[1].replace("\r\n", "\n").strip() or None)
    assert there == {}


@any_file
@given(
    lines=st.lists(st.one_of(texts, st.just(row("x")), texts.map(lambda t: row("y", name=t))), max_size=20)
)
def test_any_text_under_a_header_is_loaded_with_counts_that_add_up_or_leaves_no_trace(
    shared_store, tmp_path, lines
):
    path = write(tmp_path, HEADER, *lines, row(f"good{next(numbers)}"))
    tables = ("learners", "learner_facts", "loads", "quarantine")
    counts = "select " + ", ".join(f"(select count(*) from {table})" for table in tables)
    shared_store.make()
    before = rows_of(shared_store, counts)
    try:
        summary = load(shared_store, path)
    except InvalidInput:
        assert rows_of(shared_store, counts) == before
        return
    assert summary.rows == summary.accepted + summary.quarantined
    kept = rows_of(shared_store, f"select count(*) from quarantine where load_id = '{summary.load_id}'")
    assert kept == [(summary.quarantined,)]
