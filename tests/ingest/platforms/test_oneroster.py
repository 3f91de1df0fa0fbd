"""OneRoster bundles: who is enrolled as of a day, what was due by then, and nothing that must not be stored."""

import zipfile

import pytest

from engagement.errors import InvalidInput
from tests.support.exports import differences, expected, load

MARKED = "hunter2"  # as a password
FILES = {
    "manifest.csv": "propertyName,value\noneroster.version,1.2\nfile.enrollments,bulk\n",
    "orgs.csv": "sourcedId,name\no,Invented High\n",
    "academicSessions.csv": "sourcedId,title,startDate\nt2,Late,2026-09-01\nt1,Fall,2026-08-24\n",
    "classes.csv": (
        'sourcedId,status,title,courseSourcedId,termSourcedIds\nc,,Biology A,,"t2, t1"\nd,tobedeleted,Old,,t1\n'
    ),
    "users.csv": (
        "sourcedId,status,enabledUser,givenName,familyName,email,sms,phone,password\n"
        f"u1,,true,Ana,Invented,ana@example.invalid,,+15550101,{MARKED}\n"
        f"u2,,TRUE,Bo,Invented,bo@example.invalid,,,{MARKED}\n"
        f"u3,active,false,Chi,Invented,,,,{MARKED}\n"
        f"u4,,true,ragged,{MARKED}\n"
    ),
    "enrollments.csv": (
        "sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate\n"
        "e1,,c,u1,student,,2026-10-31\ne2,,c,u2,student,2026-11-01,\ne3,,c,u3,student,,\n"
        "e4,,d,u1,student,,\ne5,,c,u2,teacher,,\ne6,tobedeleted,c,u2,student,,\ne7,,c,nobody,student,,\n"
    ),
    "lineItems.csv": (
        "sourcedId,status,classSourcedId,dueDate,resultValueMin,resultValueMax\n"
        "i1,,c,2026-09-15,0,10\ni2,,c,2026-12-01,10,20\ni3,,c,,0,0\ni4,tobedeleted,c,2026-09-01,0,1\n"
    ),
    "results.csv": (
        "sourcedId,status,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,missing\n"
        "r1,,i1,u1,fully graded,12,2026-09-16,\nr2,,i2,u1,partially graded,15,2026-09-20,\n"
        "r3,,i1,u2,fully graded,0,2026-09-16,true\nr4,,i2,u2,exempt,,,\nr5,,i3,u2,submitted,,2026-11-05,\n"
    ),
}
STATE = "select id, person_id, program, enrolled_at::date::text, active from learners order by id"


def bundle(folder, **changed):
    path = folder / "bundle"
    path.mkdir(exist_ok=True)
    for name, text in (FILES | changed).items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def zipped(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"../../nightly/{file.name}")
    return path


@pytest.mark.parametrize(
    "case", [*(f"oneroster_1_1/{case}" for case in range(3)), *(f"oneroster_1_2/{case}" for case in range(3))]
)
def test_a_bundle_gives_who_is_enrolled_as_of_a_day(store, exports, case):
    kind, _, number = case.partition("/")
    wanted = expected(exports / kind, int(number))
    (summary,) = load(
        store, [exports / kind / wanted["files"][0]], as_of=wanted["as_of"], zone=wanted["timezone"]
    )
    assert differences(store, wanted) == []
    assert sum(left["rows"] for left in summary.left_out.values()) == len(wanted["skipped"])


@pytest.mark.parametrize(
    "name", ["oneroster_1_1/catalyst", "oneroster_1_2/catalyst_full", "oneroster_1_2/invented"]
)
def test_an_archive_gives_what_its_folder_does(store, exports, stored, name):
    everything = (
        "select l.* exclude (load_id), f.* exclude (load_id) from learners as l "
        "left join learner_facts as f on l.id = f.learner_id"
    )
    load(store, [exports / name], as_of="2022-05-01")
    before = stored(f"{everything} order by l.id")
    load(store, [exports / f"{name}.zip"], as_of="2022-05-01")
    assert stored(f"{everything} order by l.id") == before


def test_a_bundle_of_two_days_gives_two_answers(store, stored, tmp_path):
    folder = bundle(tmp_path)
    (summary,) = load(store, [folder], as_of="2026-10-15")
    assert stored(STATE) == [
        ("e1", "u1", "Biology A", "2026-08-24", True),
        ("e3", "u3", "Biology A", "2026-08-24", False),
        ("e4", "u1", "Old", "2026-08-24", False),
    ]
    assert {why: left["lines"] for why, left in summary.left_out.items()} == {
        "no learner, by the role": [6],
        "gone, by the status": [7],
        "no such user in users.csv": [8],
        "begins later": [3],
    }
    load(store, [folder], as_of="2026-12-20")
    assert stored(STATE) == [
        ("e1", "u1", "Biology A", "2026-08-24", False),
        ("e2", "u2", "Biology A", "2026-11-01", True),
        ("e3", "u3", "Biology A", "2026-08-24", False),
        ("e4", "u1", "Old", "2026-08-24", False),
    ]
    facts = "completed_percent_due, round(completed_percent_course, 2), avg_quiz_score"
    newest = f"select learner_id, {facts} from learner_facts where learner_id < 'e3' order by 1"
    assert stored(newest) == [("e1", 100.0, 66.67, 75.0), ("e2", 0.0, 50.0, None)]


def test_the_last_day_of_an_enrolment_is_one_of_it(store, stored, tmp_path):
    for day, active in (("2026-10-31", True), ("2026-11-01", False)):
        load(store, [bundle(tmp_path)], as_of=day)
        assert stored("select active from learners where id = 'e1'") == [(active,)]


def test_a_result_of_a_later_day_is_not_there_yet(store, stored, tmp_path):
    enrolments = FILES["enrollments.csv"].replace("2026-11-01", "2026-09-01")
    folder = bundle(tmp_path, **{"enrollments.csv": enrolments})
    load(store, [folder], as_of="2026-11-04")
    assert stored("select completed_percent_course from learner_facts where learner_id = 'e2'") == [(0.0,)]


def test_who_is_known_and_gone_becomes_inactive(store, stored, tmp_path):
    load(store, [bundle(tmp_path)], as_of="2026-10-15")
    gone = FILES["enrollments.csv"].replace("e1,,c", "e1,tobedeleted,c")
    load(store, [bundle(tmp_path, **{"enrollments.csv": gone})], as_of="2026-10-16")
    assert stored("select active from learners where id = 'e1'") == [(False,)]


def test_no_password_is_kept_anywhere(store, tmp_path):
    ragged = FILES["enrollments.csv"] + f"e8,,c,{MARKED}\n"
    (summary,) = load(store, [zipped(bundle(tmp_path, **{"enrollments.csv": ragged}))], as_of="2026-10-15")
    assert summary.quarantined == 1
    assert MARKED.encode() not in store.path.read_bytes()


def test_nothing_is_unpacked_to_where_a_name_in_an_archive_says(store, tmp_path):
    (tmp_path / "deep").mkdir()
    path = zipped(bundle(tmp_path / "deep"))
    load(store, [path], as_of="2026-10-15")
    assert not (tmp_path / "nightly").exists()
    assert not (tmp_path.parent / "nightly").exists()


@pytest.mark.parametrize("missing", ["users.csv", "enrollments.csv"])
def test_a_bundle_without_its_lists_is_told_as_one(store, tmp_path, missing):
    folder = bundle(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(InvalidInput, match="none of the exports that are known"):
        load(store, [folder], as_of="2026-10-15")


def test_a_damaged_table_is_told_by_its_name_in_the_bundle(store, tmp_path):
    folder = bundle(tmp_path, **{"enrollments.csv": ""})
    with pytest.raises(InvalidInput, match=r"^bundle\.zip/enrollments\.csv: the file is empty"):
        load(store, [zipped(folder)], as_of="2026-10-15")
