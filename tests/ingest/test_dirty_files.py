"""Files that nobody thought of: each is loaded with every row accounted for, or refused in a sentence."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import contextlib
import gzip
import io
from datetime import date, datetime, timedelta

import pandas as pd
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import EngagementError
from engagement.ingest import events, learners
from engagement.ingest.schema import EVENTS, LEARNERS, NAME_PARTS, ROLE
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Store

NOW = datetime(2026, 11, 20, 12)
SECRETS = ("Quillfeather", "quill@example.invalid", "+49 30 5550199")  # stand in no message
NAMES = [column.name for column in (*LEARNERS, *NAME_PARTS, ROLE, *EVENTS)]
ELSEWHERE = [
    "Last Access",
    "Grade/10.00",
    "Student ID",
    "",
    "E-Mail",
    " id ",
    "Name\u00a0",
    "ID",
    "Ünïcode",
    "x" * 300,
]
TEXTS = st.one_of(
    st.sampled_from(
        [
            *("", " ", "-", "NULL", "\\N", "NaN", "#N/A", "Never", "Nie", "0000-00-00", "1970-01-01", "null"),
            *(
                "2026-11-19",
                "19.11.2026",
                "11/19/2026 8:12",
                "2026-11-19T08:12:00Z",
                "45981",
                "1763539920",
                "8:12",
            ),
            *(
                "0",
                "1",
                "0.5",
                "0,5",
                "50",
                "50 %",
                "104.2",
                "1.234,5",
                "-3",
                "1e3",
                "١٢",
                "½",
                "inf",
                "9" * 400,
            ),
            *(
                "yes",
                "no",
                "Unsubscribed",
                "ja",
                "e-mail",
                "whatsapp",
                "de",
                "Europe/Berlin",
                "Mars/Base",
                "student",
            ),
            *(
                '="0008462"',
                "'0008462",
                "#1",
                "a\u200bb",
                "ﬁ",
                "İ",
                "\ud7ff",
                "🦉",
                "Points Possible",
                "Average",
            ),
            *(
                "=1+1",
                "<b>",
                "a;b",
                "a,b",
                'a"b',
                '"',
                "a\tb",
                "a\nb",
                "\r",
                "\x1a",
                "\x00",
                "\\",
                "{",
                '{"a": NaN}',
            ),
            *SECRETS,
        ]
    ),
    st.text(max_size=12),
)
DELIMITERS = st.sampled_from([",", ";", "\t", "|", ",", ", "])
ABOVE = ["# a comment", "sep=;", ";;;;", ",,,,", "Course: Data", "a,b,c,d,e,f", '"']
LOADS = st.sampled_from([learners.load, learners.load, learners.load_full, events.load])
ENCODINGS = st.sampled_from(
    [
        "utf-8",
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-32",
        "cp1252",
        "cp1250",
        "cp1251",
        "cp437",
        "shift_jis",
    ]
)
HEADERS = st.lists(st.sampled_from([*NAMES, *ELSEWHERE]), min_size=1, max_size=9).flatmap(
    lambda names: st.sampled_from(
        [names, ["id", "program", *names], ["learner_id", "type", "timestamp", *names]]
    )
)
FORMATS = st.sampled_from(
    [
        *(
            SourceFormat(),
            SourceFormat(),
            SourceFormat("Europe/Berlin", date_formats=("%d.%m.%Y", "%m/%d/%Y %H:%M")),
        ),
        *(
            SourceFormat(percent_scale={"completed_percent": 1}, cap=100),
            SourceFormat(values={"program": "Data"}),
        ),
        *(SourceFormat(key="email"), SourceFormat(key="name+program"), SourceFormat(missing=("EX", "0"))),
        *(
            SourceFormat(encoding="cp1250"),
            SourceFormat(date_formats=("excel", "unix")),
            SourceFormat(sheet="Two"),
        ),
        *(
            SourceFormat(columns={"id": "Student ID"}),
            SourceFormat(groups={"sex": "cohort"}, name_order="family-first"),
        ),
    ]
)


@st.composite
def tables(draw):
    header = draw(HEADERS)
    width = len(header)
    row = st.lists(TEXTS, min_size=width, max_size=width)
    rows = draw(st.lists(row, max_size=8))
    for number, cells in enumerate(rows):  # most rows name somebody
        if header[:2] == ["id", "program"] and draw(st.integers(0, 5)):
            cells[:2] = [f"e{number}", "Data"]
        if header[:3] == ["learner_id", "type", "timestamp"] and draw(st.integers(0, 5)):
            cells[:3] = ["e1", "login", f"2026-11-1{number}T08:00:00"]
    return header, rows


def as_text(draw, header, rows):
    delimiter = draw(DELIMITERS)
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))

    def field(text):
        quoted = draw(st.integers(0, 8)) or any(sign in text for sign in f'{delimiter}"\r\n')
        return '"' + text.replace('"', '""') + '"' if quoted else text

    lines = [delimiter.join(map(field, cells)) for cells in (header, *rows)]
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(lines)))
        lines.insert(
            at,
            draw(
                st.sampled_from(["# a comment", "sep=;", delimiter * 4, "Course: Data", "a,b,c,d,e,f", '"'])
            ),
        )
    return end.join(lines) + draw(st.sampled_from(["", end]))


def as_bytes(draw, text):
    data = text.encode(draw(ENCODINGS), errors="replace")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "put", "drop", "double"])):
            case "cut":
                data = data[:at]
            case "put":
                data = data[:at] + draw(st.binary(min_size=1, max_size=3)) + data[at:]
            case "drop":
                data = data[:at] + data[at + 1 :]
            case "double":
                data = data[:at] * 2 + data[at:]
    return data


def as_workbook(draw, header, rows):
    whole = io.BytesIO()
    with xlsxwriter.Workbook(
        whole, {"in_memory": True, "nan_inf_to_errors": True, "strings_to_urls": False}
    ) as book:
        for name in ("One", "Two")[: draw(st.integers(1, 2))]:
            sheet = book.add_worksheet(name)
            days = book.add_format({"num_format": "dd/mm/yyyy"})
            for y, cells in enumerate((header, *rows)):
                for x, text in enumerate(cells):
                    match draw(st.integers(0, 9)):
                        case 0:
                            sheet.write_number(y, x, draw(st.floats(allow_nan=True)))
                        case 1:
                            sheet.write_datetime(y, x, datetime(2026, 11, 19, 8, 12), days)
                        case 2:
                            sheet.write_boolean(y, x, True)
                        case 3:
                            sheet.write_formula(y, x, "=1/0", value="#DIV/0!")
                        case _:
                            sheet.write_string(y, x, text)
    return whole.getvalue()


def as_parquet(draw, header, rows):
    values = st.one_of(
        st.none(), TEXTS, st.integers(-(2**31), 2**31), st.floats(), st.binary(max_size=4), st.booleans(),
        st.sampled_from([date(2026, 11, 19), datetime(2026, 11, 19, 8), timedelta(hours=3), ["a"], {"a": 1}]),
    )  # fmt: skip
    columns = {}
    for at, name in enumerate(header):
        like = draw(values)
        columns[name or f"c{at}"] = [
            like if draw(st.booleans()) else draw(st.just(like) | st.none()) for _ in rows
        ]
    whole = io.BytesIO()
    pd.DataFrame(columns).to_parquet(whole)
    return whole.getvalue()


@st.composite
def files(draw):
    """A file's ending and its bytes."""
    header, rows = draw(tables())
    kind = draw(st.sampled_from([".csv", ".csv", ".csv", ".csv.gz", ".xlsx", ".parquet", ".txt"]))
    if kind == ".xlsx":
        return kind, as_workbook(draw, header, rows)
    if kind == ".parquet":
        with contextlib.suppress(Exception):  # what the writer does not take is no file
            return kind, as_parquet(draw, header, rows)
    data = as_bytes(draw, as_text(draw, header, rows))
    return kind, gzip.compress(data) if kind == ".csv.gz" else data


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    file=files(),
    source_format=FORMATS,
    load=LOADS,
)
def test_a_dirty_file_is_loaded_with_every_row_told_of_or_refused_in_a_sentence(
    tmp_path_factory, empty_file, file, source_format, load
):
    ending, data = file
    folder = tmp_path_factory.mktemp("dirty")
    store = Store(folder / "store.duckdb")
    store.path.write_bytes(empty_file.read_bytes())
    known = pd.DataFrame(
        {"id": ["e1"], "program": ["Data"], "name": ["Ex Ample"], "email": ["e1@example.invalid"]}
    )
    learners.load(store, known, observed_at=NOW, loaded_at=NOW)
    path = folder / f"export{ending}"
    path.write_bytes(data)
    try:
        summary = load(
            store, path, observed_at=NOW, loaded_at=NOW + timedelta(hours=1), source_format=source_format
        )
    except EngagementError as error:
        said = str(error)
    else:
        assert summary.rows == summary.accepted + summary.quarantined
        said = " ".join([*summary.reasons, *summary.notes, *summary.odd_cells, *summary.unlike])
        with store.read() as db:
            (kept,) = db.execute("select count(*) from quarantine").fetchall()[0]
        assert kept == summary.quarantined
    assert said.isprintable() or "\n" not in said
    assert not any(secret in said for secret in SECRETS)
    path.unlink()
    store.path.unlink()
