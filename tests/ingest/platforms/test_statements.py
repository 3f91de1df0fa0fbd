"""Logs of statements and events: what each kind gives is what must come out, and no line stops the others."""

import gzip
import json
from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.platforms.statements import rules
from tests.support.exports import differences, expected, load

# The course's name is its program; what EXPECTED leaves unknown is then what the file says, or somebody.
_PROGRAM_IS_TOLD = ("program",)


def _events(store):
    with store.read() as db:
        return db.execute(
            "select learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S'), metadata from events "
            "order by timestamp, learner_id, type, metadata"
        ).fetchall()


@pytest.mark.parametrize(
    ("kind", "case", "besides"),
    [
        ("xapi_moodle", 0, _PROGRAM_IS_TOLD),
        ("xapi_moodle", 1, (*_PROGRAM_IS_TOLD, "name")),  # several names for one account: the last one counts
        ("xapi_openedx", 0, _PROGRAM_IS_TOLD),
        ("xapi_h5p", 0, _PROGRAM_IS_TOLD),
        ("xapi_cmi5", 0, ()),
        ("caliper_canvas", 0, ()),
        ("caliper_canvas", 1, _PROGRAM_IS_TOLD),
        ("caliper_canvas", 2, ()),
        ("openedx_tracking_logs", 0, ()),
    ],
)
def test_each_kind_gives_what_must_come_out(store, exports, kind, case, besides):
    folder = exports / kind
    wanted = expected(folder, case)
    load(store, [folder / name for name in wanted["files"]], as_of=wanted["as_of"], program="Said")
    assert differences(store, wanted, besides=besides) == []
    found = _events(store)
    # an event that stands twice is one
    assert {each[:3] for each in found} == {
        (each["learner_id"], each["type"], each["timestamp"][:19]) for each in wanted["events"]
    }
    scores = {each["metadata"]["score"] for each in wanted["events"] if "score" in each["metadata"]}
    assert {json.loads(each[3])["score"] for each in found if "score" in json.loads(each[3])} == scores


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("xapi_moodle", {"after as_of": 24, "no timestamp": 22, "no user": 23, "the same id again": 21}),
        ("xapi_h5p", {"no timestamp": 10, "no user": 8}),
        (
            "caliper_canvas",
            {"actor is an application": 16, "somebody else acts on the learner": 13, "the same id again": 17},
        ),
        (
            "openedx_tracking_logs",
            {"no user": 13, "not JSON (cut off)": 16, "somebody else acts on the learner": 12},
        ),
    ],
)
def test_what_is_nobodys_act_is_left_out_with_its_line(store, exports, kind, reasons):
    wanted = expected(exports / kind)
    first, *_ = load(
        store, [exports / kind / name for name in wanted["files"]], as_of=wanted["as_of"], program="Said"
    )
    assert {why: left["lines"] for why, left in first.left_out.items()} == {
        why: [line] for why, line in reasons.items()
    }


def _statement(verb, at, *, who="7", kind="", **besides):
    return {
        "actor": {
            "account": {"homePage": "https://lms.example.invalid", "name": who},
            "name": "Ana Beispiel",
        },
        "verb": {"id": f"https://verbs.example.invalid/{verb}"},
        "object": {"id": "https://lms.example.invalid/x", "definition": {"type": f"https://types/{kind}"}},
        "timestamp": at,
        **besides,
    }


def _written(path, *statements):
    path.write_text("\n".join(map(json.dumps, statements)), encoding="utf-8")
    return path


def _facts(store):
    with store.read() as db:
        return db.execute(
            "select learner_id, strftime(last_login, '%Y-%m-%dT%H:%M:%S'), login_is_unknown, avg_quiz_score "
            "from learner_facts order by learner_id, observed_at"
        ).fetchall()


def test_the_same_statements_as_lines_as_an_array_and_packed_are_the_same(store, tmp_path):
    statements = [
        _statement("login", "2026-11-02T10:00:00+01:00"),
        _statement("viewed", "2026-11-03T10:00:00Z", who="8"),
    ]
    lines = _written(tmp_path / "a.jsonl", *statements)
    array = tmp_path / "b.json"
    array.write_text(json.dumps({"statements": statements, "more": ""}), encoding="utf-8")
    packed = tmp_path / "c.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    for file in (lines, array, packed):
        load(store, [file], as_of="2026-11-20", program="Maths")
        assert _facts(store) == [
            ("7", "2026-11-02T09:00:00", False, None),
            ("8", "2026-11-03T10:00:00", False, None),
        ]
    assert len(_events(store)) == 1


def test_statements_make_the_store_where_there_is_none(no_store, tmp_path):
    path = _written(tmp_path / "a.jsonl", _statement("login", "2026-11-02T10:00:00Z"))
    load(no_store, [path], as_of="2026-11-20", program="Maths")
    assert _facts(no_store) == [("7", "2026-11-02T10:00:00", False, None)]


def test_several_files_are_one_log(store, tmp_path):
    files = [
        _written(tmp_path / "2.jsonl", _statement("login", "2026-11-12T10:00:00Z")),
        _written(tmp_path / "1.jsonl", _statement("login", "2026-11-02T10:00:00Z"), {"no": "statement"}),
    ]
    first, _ = load(store, files, as_of="2026-11-20", program="Maths")
    assert _facts(store) == [("7", "2026-11-12T10:00:00", False, None)]
    assert first.left_out["no user"]["lines"] == [3]
    assert len(_events(store)) == 2


def test_nothing_of_addresses_devices_and_texts_is_stored(store, tmp_path):
    secrets = ("203.0.113.77", "Mozilla/5.0", "tok-4711", "a text that was handed in")
    besides = dict(zip(("ip", "agent", "token", "body"), secrets, strict=True))
    url = "https://lms.example.invalid/x?token=tok-4711"
    statement = _statement("evaluated", "2026-11-02T10:00:00Z", context={"extensions": besides})
    statement["object"]["id"] = url
    statement["result"] = {"score": {"raw": 1, "max": 2}, "response": secrets[3]}
    path = _written(tmp_path / "a.jsonl", statement)
    path.write_text(path.read_text(encoding="utf-8") + f'\n{{"ip": "{secrets[0]}", "agent', encoding="utf-8")
    load(store, [path], as_of="2026-11-20", program="Maths")
    assert _events(store)[0][1] == "quiz_completed"
    with store.write() as db:
        db.execute("checkpoint")
    held = b"".join(each.read_bytes() for each in store.path.parent.glob(f"{store.path.name}*"))
    assert not [each for each in secrets if each.encode() in held]


def test_who_is_known_by_an_address_or_a_persons_number_is_that_learner(store, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "id,person_id,name,email,program,last_login\n"
        "E-1,7,Ana Beispiel,,Maths,\n"
        "E-2,S-2,Ida Tester,Ida@example.invalid,Art,\n",
        encoding="utf-8",
    )
    day = datetime.fromisoformat("2026-11-01")
    learners.load(store, roster, observed_at=day, loaded_at=day)
    by_mail = _statement("login", "2026-11-03T10:00:00Z")
    by_mail["actor"] = {"mbox": "mailto:ida@EXAMPLE.invalid"}
    path = _written(tmp_path / "a.jsonl", _statement("login", "2026-11-02T10:00:00Z"), by_mail)
    load(store, [path], as_of="2026-11-20")
    assert [each[:2] for each in _events(store)] == [("E-1", "login"), ("E-2", "login")]
    with store.read() as db:
        known = db.execute("select id, program, name from learners order by id").fetchall()
    assert known == [("E-1", "Maths", "Ana Beispiel"), ("E-2", "Art", "Ida Tester")]


def test_what_is_known_stands_where_a_log_says_less(store, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "id,name,email,program,enrolled_at,last_login,avg_quiz_score\n"
        "7,Ana B.,ana@example.invalid,Maths,2026-09-01,2026-10-30T10:00:00,65\n"
        "8,Ida T.,ida@example.invalid,Maths,2026-09-01,2026-11-10T10:00:00,70\n",
        encoding="utf-8",
    )
    day = datetime.fromisoformat("2026-11-15T12:00:00")
    learners.load(store, roster, observed_at=day, loaded_at=day)
    statements = [
        _statement("login", "2026-11-02T10:00:00Z"),
        _statement("earned", "2026-11-02T10:00:00Z", who="8"),
    ]
    for statement in statements:
        del statement["actor"]["name"]
    load(store, [_written(tmp_path / "a.jsonl", *statements)], as_of="2026-11-20")
    assert _facts(store) == [
        ("7", "2026-10-30T10:00:00", False, 65.0),
        ("7", "2026-11-02T10:00:00", False, 65.0),
        ("8", "2026-11-10T10:00:00", False, 70.0),  # nothing of it has changed
    ]
    with store.read() as db:
        known = db.execute(
            "select name, email, strftime(enrolled_at, '%Y-%m-%d') from learners order by id"
        ).fetchall()
    assert known == [
        ("Ana B.", "ana@example.invalid", "2026-09-01"),
        ("Ida T.", "ida@example.invalid", "2026-09-01"),
    ]


def test_a_login_is_never_where_the_enrolment_is_in_the_log_and_unknown_elsewhere(store, tmp_path):
    enrolled = _statement("enrolled", "2026-11-02T10:00:00Z")
    only_passed = _statement("passed", "2026-11-02T10:00:00Z", who="8", kind="course")
    load(store, [_written(tmp_path / "a.jsonl", enrolled, only_passed)], as_of="2026-11-20", program="Maths")
    assert _facts(store) == [("7", None, False, None), ("8", None, True, None)]


def test_types_that_no_rule_names_are_told_with_their_numbers(store, tmp_path):
    path = _written(
        tmp_path / "a.jsonl",
        *(_statement("hummed", f"2026-11-0{day}T10:00:00Z", kind="song") for day in range(1, 4)),
    )
    (summary,) = load(store, [path], as_of="2026-11-20", program="Maths")
    assert any("hummed song (3)" in note and "--map-type" in note for note in summary.notes)


def test_a_time_without_a_zone_is_in_the_zone_that_is_said(store, tmp_path):
    path = _written(
        tmp_path / "a.jsonl",
        _statement("login", "2026-11-02T10:00:00"),
        _statement("login", "2026-11-02T08:59:00Z", who="8"),
    )
    load(store, [path], as_of="2026-11-20", zone="Europe/Berlin", program="Maths")
    assert [each[1] for each in _facts(store)] == ["2026-11-02T09:00:00", "2026-11-02T08:59:00"]


@pytest.mark.parametrize(
    "damage", ["\x01\x01", "\x00", "{" * 5_000, '"', "\xa0", "[[[", "null", '{"data": 7}'], ids=ascii
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_damaged_line_stops_no_other(store, tmp_path, damage, ending):
    lines = [
        json.dumps(_statement("login", "2026-11-02T10:00:00Z")),
        damage,
        "  ",
        json.dumps(_statement("login", "2026-11-03T10:00:00Z")),
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(ending.join(lines).encode("latin-1"))
    first, _ = load(store, [path], as_of="2026-11-20", program="Maths")
    assert len(_events(store)) == 2
    assert [left["lines"] for left in first.left_out.values()] == [[2]]


def test_who_is_refused_is_named_by_the_first_of_their_statements(store, tmp_path):
    path = _written(
        tmp_path / "a.jsonl",
        _statement("login", "2026-11-02T10:00:00Z", kind="course"),
        _statement("login", "2026-11-02T10:00:00Z", who="8"),
        _statement("login", "2026-11-03T10:00:00Z", who="8"),
    )
    first, second = load(store, [path], as_of="2026-11-20")
    assert (first.first_refused.id, first.first_refused.line) == ("8", 2)
    assert first.reasons == {"program: missing": 1}
    assert (second.first_refused.id, second.first_refused.line) == ("8", 2)


def test_a_log_of_nobody_says_why(store, tmp_path):
    with pytest.raises(InvalidInput, match=r"nothing in it is a learner's: no timestamp \(1\)"):
        load(store, [_written(tmp_path / "a.jsonl", _statement("login", None))], as_of="2026-11-20")


def test_a_table_that_somebody_has_broken_is_named(tmp_path, monkeypatch):
    (tmp_path / "odd.toml").write_text('[places]\n[[rule]]\nverb = ["x"]\nkind = "y"\n', encoding="utf-8")
    monkeypatch.setattr(rules, "_TABLES", tmp_path)
    with pytest.raises(InvalidInput, match=r"odd\.toml: cannot be read .*kind"):
        rules.rules_of("odd")


def test_a_grade_is_the_learners_whoever_gave_it_and_a_later_one_takes_its_place(store, tmp_path):
    def event(kind, action, at, **besides):
        actor = {"id": "urn:x:user:9", "type": "Person"}
        return {"data": [{"type": kind, "action": action, "eventTime": at, "actor": actor, **besides}]}

    graded = {"object": {"assignee": {"id": "urn:x:user:7"}}, "group": {"id": "urn:x:course:5"}}
    events = [
        {"sensor": "s"}
        | event("GradeEvent", "Graded", f"2026-11-0{day}T10:00:00Z", **graded, generated=score)
        for day, score in enumerate(
            [
                {"id": "one", "scoreGiven": 9, "maxScore": 10},
                {"id": "one", "scoreGiven": 4, "maxScore": 10},
                {"id": "two", "scoreGiven": 5, "maxScore": 1},
            ],
            start=1,
        )
    ]
    load(store, [_written(tmp_path / "a.jsonl", *events)], as_of="2026-11-20", program="Maths")
    assert _facts(store) == [("7", None, True, 70.0)]


def test_a_line_of_a_tracking_log_may_have_something_before_it(store, tmp_path):
    def line(at, **besides):
        said = {"name": "page_close", "time": at, "username": "ana", "event": "{}"}
        return json.dumps(said | {"context": {"user_id": 7, "course_id": "course-v1:x"}} | besides)

    path = tmp_path / "tracking.log"
    path.write_text(
        f"Nov 20 01:02:03 lms tracking: {line('2026-11-02T10:00:00+00:00')}\n"
        f"{line('2026-11-03T10:00:00+00:00', username='')}\n",
        encoding="utf-8",
    )
    load(store, [path], as_of="2026-11-20")
    assert _facts(store) == [("7", "2026-11-02T10:00:00", False, None)]
