"""Exports that were cut, mixed up or opened and saved by something: a plain sentence, or what can be read of them."""

import os
import shutil
import zipfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from engagement.errors import EngagementError
from engagement.ingest.platforms import recognition
from engagement.store import Store
from tests.ingest.platforms import test_canvas, test_gradebooks, test_meetings, test_oneroster
from tests.support.exports import load

EXAMPLES = 60 if settings.get_current_profile_name() == "repeatable" else 3_000
LARGEST = 60_000  # bytes of a sample
OF_A_FOLDER = 15  # samples of it: what is damaged is the kind, not the file
NO_SAMPLES = {".py", ".md", ".pyc"}
AS_OF = "2026-11-20"
ODD_CELLS = (
    "",
    '"',
    "#",
    "∞",
    "1e999",
    "NaN",
    "9" * 400,
    "=1+1",
    "2026-02-31",
    "{",
    "null",
    "-1",
    "\x00",
    "Å",
    ",",
    "\n",
)
DELIMITERS = (b",", b";", b"\t", b"|")
OPEN_EDX = (
    "Student ID,Username,Email,Grade,Lab 1: Light,Lab (Avg),Exam,Enrollment Status\n"
    "1,ana,ana@example.invalid,0.4,0.8,0.4,0.0,enrolled\n2,bo,,0,Not Attempted,0.0,0.0,enrolled\n"
)
ANSWERS = (
    "username,title,block_key,state\nana,Light,block-v1:x+ART+1+type@problem+block@a,"
    '"{""score"": {""raw_earned"": 1, ""raw_possible"": 2}, ""last_submission_time"": ""2026-11-19T07:00:00Z""}"\n'
)
GRADES = "Username,Last Name,First Name,Quiz Points Grade <Numeric MaxPoints:10>,End\n#ana,I,Ana,5,#\n#bo,J,Bo,,#\n"
DASHBOARD = (
    "Last Name,First Name,User Name,User ID,Average Grade,Last Accessed System\n"
    'I,A,a,7,5 %,"Nov 19, 2026 6:02 PM"\n'
)
GRADEBOOK = (
    f"Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Essay (12),Current Score\n{test_canvas.ABOVE}\n"
    '"Invented, Ana",1,S1,ana,A,8.00,EX,80.00\n"Student, Test",9,,0f3c5b6e2d,A,,,\n'
)
ERFUNDEN = "Erfunden\tAna\tana\t007\t19.11.2026 18:02:11\tJa\t18,5\t8,5\t30,0\t1\tgut\t50\t"
BLACKBOARD = f"{test_gradebooks.GERMAN}\n{ERFUNDEN}\n"
MEETING = "Name (original name),Email,Total duration (minutes),Guest\nAna Invented,,88,No\nBo,bo@example.invalid,3,No\n"
ACCESSES = f'{test_canvas.ACCESS}\n1,S1,"Invented, Ana",2026-11-19T21:40:11-07:00,203.0.113.7\n2,,,,\n'


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Small exports of every kind, each in a folder: paths that are loaded together."""
    root = tmp_path_factory.mktemp("samples")
    texts = {
        "gradebook": {"2026-11-20T0932_Grades-BIO101.csv": GRADEBOOK},
        "accesses": {"report.csv": ACCESSES},
        "blackboard": {"gc_ART_fullgc_2026.xls": BLACKBOARD.encode("utf-16")},
        "grades": {"ART_GradesExport.csv": GRADES},
        "register": {"register.csv": "\n".join(test_gradebooks.REGISTER)},
        "dashboard": {"dashboard.csv": DASHBOARD},
        "meetings": {"list.csv": test_meetings.ROSTER, "zoom_2026-11-03.csv": MEETING},
        "teams": {"list.csv": test_meetings.ROSTER, "teams.csv": test_meetings.TEAMS_DE.encode("utf-16")},
        "open_edx": {"x_ART_1_grade_report_1.csv": OPEN_EDX, "answers.csv": ANSWERS},
        "bundle": test_oneroster.FILES,
    }
    for name, files in texts.items():
        (root / name).mkdir()
        for file, text in files.items():
            (root / name / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, write in (
        ("lines", test_canvas.as_lines),
        ("tabs", test_canvas.as_tabs),
        ("pq", test_canvas.as_parquet),
    ):
        (root / name).mkdir()
        for table, rows in test_canvas.TABLES.items():
            write(root / name, table, rows)
    whole = [[root / name] for name in ("bundle", "lines", "tabs", "pq")]
    with zipfile.ZipFile(root / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (root / "bundle").iterdir():
            archive.write(file, file.name)
    apart = [sorted((root / name).iterdir()) for name in texts if name != "bundle"]
    return [*whole, [root / "bundle.zip"], *apart, *shared()]


def shared():
    """Yield what is exported there, where it is: files one by one, and folders that are an export."""
    folder = Path(os.environ.get("ENGAGEMENT_EXPORTS", ""))
    if not os.environ.get("ENGAGEMENT_EXPORTS") or not folder.is_dir():
        return
    for kind in sorted(each for each in folder.iterdir() if each.is_dir()):
        files = sorted(
            file
            for file in kind.rglob("*")
            if file.is_file() and file.suffix not in NO_SAMPLES and file.name.casefold() != "expected.json"
        )
        small = [file for file in files if 0 < file.stat().st_size <= LARGEST]
        yield from ([file] for file in small[:: max(1, len(small) // OF_A_FOLDER)] if kind_of(file))
        yield from ([each] for each in kind.iterdir() if each.is_dir() and kind_of(each))


def kind_of(path):
    try:
        return recognition.recognised(path)
    except EngagementError:
        return None


def test_every_kind_has_a_sample(samples):
    platforms = {kind.platform for paths in samples if (kind := kind_of(paths[-1]))}
    assert platforms >= {"canvas", "blackboard", "brightspace", "open_edx", "oneroster", "zoom_teams"}


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@hypothesis.given(data=st.data())
def test_a_damaged_export_ends_in_a_plain_sentence(samples, empty_file, tmp_path, data):
    work = tmp_path / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    chosen = data.draw(st.sampled_from(range(len(samples))), label="sample")
    paths = [copied(path, work) for path in samples[chosen]]
    files = sorted(
        file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()
    )
    for _ in range(data.draw(st.integers(1, 3), label="damages")):
        damage(data.draw(st.sampled_from(files), label="file"), data)
    shutil.copyfile(empty_file, work / "store.duckdb")
    store = Store(work / "store.duckdb")
    platform = "zoom_teams" if any(path.name == "list.csv" for path in paths) else ""
    try:
        if any(recognition.recognised(path, platform=platform) is None for path in paths):
            return
        loaded = load(store, paths, as_of=AS_OF, platform=platform, program="Told")
    except EngagementError as error:
        told = str(error)
        assert told
        assert not {"Traceback", "Invented", "hunter2"} & set(told.split())
    else:
        assert all(summary.rows == summary.accepted + summary.quarantined for summary in loaded)


def copied(path, folder):
    target = folder / path.name
    if path.is_dir():
        shutil.copytree(path, target)
        target.chmod(0o755)
        for each in target.rglob("*"):
            each.chmod(0o755)
    else:
        shutil.copyfile(path, target)
    return target


def damage(file, data):
    """Damage a file in one of the ways that files are damaged."""
    if not file.exists():
        return
    content = file.read_bytes()
    ways = [cut, mixed, other_delimiter, without_a_column, line_twice, without_a_line, odd_cell]
    way = data.draw(st.sampled_from([*ways, None]), label="way")
    if way is None:
        file.unlink() if data.draw(st.booleans()) and file.parent.name != "work" else file.write_bytes(b"")
        return
    file.write_bytes(way(content, data))


def cut(content, data):
    return content[: data.draw(st.integers(0, max(0, len(content) - 1)), label="kept")]


def mixed(content, data):
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 5), label="bytes")):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    return bytes(changed)


def delimiter_of(content):
    first = content.split(b"\n", 1)[0]
    return max(DELIMITERS, key=first.count)


def other_delimiter(content, data):
    return content.replace(delimiter_of(content), data.draw(st.sampled_from([*DELIMITERS, b"\x01"])))


def without_a_column(content, data):
    delimiter = delimiter_of(content)
    lines = [line.split(delimiter) for line in content.split(b"\n")]
    at = data.draw(st.integers(0, max(0, len(lines[0]) - 1)), label="column")
    return b"\n".join(delimiter.join(line[:at] + line[at + 1 :]) for line in lines)


def line_twice(content, data):
    lines = content.split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1), label="line")
    return b"\n".join([*lines[: at + 1], *lines[at:]])


def without_a_line(content, data):
    lines = content.split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1), label="line")
    return b"\n".join([*lines[:at], *lines[at + 1 :]])


def odd_cell(content, data):
    delimiter = delimiter_of(content)
    lines = content.split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1), label="line")
    cells = lines[at].split(delimiter)
    cells[data.draw(st.integers(0, len(cells) - 1), label="cell")] = data.draw(
        st.sampled_from(ODD_CELLS)
    ).encode()
    lines[at] = delimiter.join(cells)
    return b"\n".join(lines)
