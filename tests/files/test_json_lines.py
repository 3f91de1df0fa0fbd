"""JSON becomes an object on a line, however it was written."""

import gzip
import json

import pytest

from engagement.files.json_lines import beginning, json_lines

_OBJECTS = [{"a": 1, "b": "x } { ,"}, {"a": 2, "b": "line\nend"}, {"a": 3}]


def _read(path):
    with json_lines(path) as plain:
        return [line for line in plain.read_text(encoding="utf-8").splitlines() if line]


@pytest.mark.parametrize(
    "written",
    [
        "\n".join(map(json.dumps, _OBJECTS)),
        "\r\n".join(map(json.dumps, _OBJECTS)),
        json.dumps(_OBJECTS),
        json.dumps(_OBJECTS, indent=1),
        json.dumps({"statements": _OBJECTS, "more": "/xapi/more"}),
        json.dumps({"more": "", "statements": _OBJECTS}, indent=2),
    ],
    ids=["lines", "lines ended by CRLF", "an array", "an array for people", "a page", "a page for people"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_each_object_stands_on_a_line(tmp_path, written, packed):
    path = tmp_path / "statements.json"
    path.write_bytes(gzip.compress(written.encode()) if packed else b"\xef\xbb\xbf" + written.encode())
    assert [json.loads(line) for line in _read(path)] == _OBJECTS


def test_an_array_that_is_cut_off_or_damaged_in_the_middle_gives_the_others(tmp_path):
    path = tmp_path / "statements.json"
    path.write_text('[{"a": 1},\n{"a": 2, "b": tru},\n{"a": 3},\n{"a": 4, "b"', encoding="utf-8")
    assert [line for line in _read(path) if line != "{"] == ['{"a": 1}', '{"a": 3}']
    assert _read(path).count("{") == 2


def test_an_array_longer_than_a_line_may_be_is_read(tmp_path):
    path = tmp_path / "statements.json"
    path.write_text(json.dumps([{"at": at, "text": "x" * 1000} for at in range(20_000)]), encoding="utf-8")
    assert [json.loads(line)["at"] for line in _read(path)] == list(range(20_000))


def test_lines_in_utf8_are_read_where_they_lie(tmp_path):
    path = tmp_path / "statements.jsonl"
    path.write_text('{"a": "ö"}\n{"a"\n', encoding="utf-8")
    with json_lines(path) as plain:
        assert plain == path


def test_what_does_not_begin_with_json_has_no_beginning(tmp_path):
    path = tmp_path / "learners.csv"
    path.write_text("id,name\n1,Ana\n", encoding="utf-8")
    assert beginning(path, 10) == ""
