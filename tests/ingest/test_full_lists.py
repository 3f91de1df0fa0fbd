"""Lists of everybody: who is absent becomes inactive, and nobody else ever."""

import gzip
from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners

HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"
MONDAY = datetime.fromisoformat("2026-11-16 12:00:00")
TUESDAY = datetime.fromisoformat("2026-11-17 12:00:00")
WEDNESDAY = datetime.fromisoformat("2026-11-18 12:00:00")
TEN = [f"00{number:02}" for number in range(10)]
NOT_SAID = "refused rows do not say for certain whose they are"


def row(learner, *, name="Invented", percent="50", email=""):
    return f"{learner},{name},{email},,P,2026-11-01,{percent},60,1"


@pytest.fixture
def load(store, tmp_path):
    def load(*lines, by=learners.load_full, header=HEADER, observed_at=TUESDAY, **options):
        path = tmp_path / "everybody.csv"
        path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
        return by(store, path, observed_at=observed_at, loaded_at=WEDNESDAY, **options)

    return load


@pytest.fixture
def ten(load):
    """Ten learners who are active since Monday."""
    load(*map(row, TEN), by=learners.load, observed_at=MONDAY)


@pytest.fixture
def inactive(store):
    def inactive():
        with store.read() as db:
            found = db.execute("select id from learners where not active order by id").fetchall()
        return [learner for (learner,) in found]

    return inactive


@pytest.mark.usefixtures("ten")
def test_who_is_absent_becomes_inactive_and_is_counted(load, inactive, store):
    summary = load(*map(row, TEN[:8]), row("new"))
    assert summary.as_dict() == {"rows": 9, "accepted": 9, "quarantined": 0, "reasons": {}, "inactivated": 2}
    assert inactive() == ["0008", "0009"]
    with store.read() as db:
        changed = db.execute("select id from learners where load_id = 'L000002' order by id").fetchall()
    assert changed == [("0008",), ("0009",), ("new",)]


@pytest.mark.usefixtures("ten")
def test_without_full_nobody_becomes_inactive(load, inactive):
    assert load(row("0000"), by=learners.load).inactivated is None
    assert inactive() == []


@pytest.mark.usefixtures("ten")
def test_who_is_there_again_is_active_again(load, inactive):
    load(*map(row, TEN[:8]))
    assert load(*map(row, TEN), observed_at=WEDNESDAY).inactivated == 0
    assert inactive() == []


@pytest.mark.usefixtures("ten")
def test_what_the_list_itself_says_of_activity_counts(load, inactive):
    lines = [f"{row(learner)},{'no' if learner == '0003' else 'yes'}" for learner in TEN[:9]]
    assert load(*lines, header=f"{HEADER},active").inactivated == 1
    assert inactive() == ["0003", "0009"]


@pytest.mark.usefixtures("ten")
def test_an_older_list_makes_nobody_inactive_of_whom_something_newer_is_known(load, inactive):
    load(row("0009", name="Renamed"), by=learners.load, observed_at=WEDNESDAY)
    load(*map(row, TEN[:8]), observed_at=TUESDAY)
    assert inactive() == ["0008"]


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(
    "line",
    [
        row("0009", percent="x"),
        row(" 0009 ", percent="101"),
        f"{row('0009')}\n{row('0009')}",
        "0009,too few",
        "\u200b0009 ,too few",
        "0009",
        row("0009") + ",too many",
        row("0009", name='"closed" too early'),
        row("0009", name='"two\nlines"', percent="x"),
    ],
)
def test_who_was_quarantined_is_not_absent(load, inactive, line):
    summary = load(*map(row, TEN[:9]), line)
    assert (summary.quarantined, summary.inactivated) == (1, 0)
    assert inactive() == []


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(
    "lines",
    [
        [row("")],
        [row("#N/A")],
        [row("9.0")],
        [row("9E+00")],
        [row("0009\0")],
        [row("0009" + "x" * 200)],
        ["00"],
        ["00", "09,Invented,,,P,2026-11-01,50,60,1"],
        ['"0009"x,too few'],
        ['"0009,too', 'few"'],
        ["Invented,0009,too few"],
        ["\0"],
        [row("0008", name='"open'), row("0009", name='closed"')],
    ],
    ids=[
        *(
            "empty",
            "missing",
            "float",
            "exponent",
            "NUL",
            "long",
            "cut",
            "broken",
            "quoted",
            "over lines",
            "shifted",
        ),
        *("only NUL", "swallowed"),
    ],
)
def test_a_refused_row_that_may_be_anybodys_refuses_the_list(load, inactive, store, lines):
    with pytest.raises(InvalidInput, match=NOT_SAID):
        load(*map(row, TEN[:8]), *lines)
    assert inactive() == []
    with store.read() as db:
        assert db.execute("select count(*) from loads").fetchall() == [(1,)]


def test_a_row_shifted_before_its_id_is_nobodys_absence(load, inactive):
    header = "name,id," + HEADER.split(",", 2)[2]
    lines = [f"Invented,{learner},,,P,2026-11-01,50,60,1" for learner in TEN]
    load(*lines, header=header, by=learners.load, observed_at=MONDAY)
    with pytest.raises(InvalidInput, match=f"1 {NOT_SAID}"):
        load(*lines[:9], lines[9].replace("Invented", "Invented, Doctor"), header=header)
    assert inactive() == []


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(("there", "fits"), [(8, True), (7, False), (0, False)])
def test_more_than_a_fifth_absent_is_hardly_the_whole_list(load, inactive, there, fits):
    lines = [*map(row, TEN[:there]), row("new")]
    if fits:
        assert load(*lines).inactivated == 10 - there
        return
    with pytest.raises(
        InvalidInput, match=f"{10 - there} of 10 active learners are not in it, more than 20 %.*`--yes`"
    ):
        load(*lines)
    assert inactive() == []
    assert load(*lines, max_absent=1.0).inactivated == 10 - there
    assert inactive() == TEN[there:]


@pytest.mark.usefixtures("ten")
def test_new_learners_make_no_room_for_absent_ones(load, inactive):
    with pytest.raises(InvalidInput, match="5 of 10 active learners"):
        load(*map(row, TEN[:5]), *(row(f"new {number}") for number in range(90)))
    assert inactive() == []


@pytest.mark.usefixtures("ten")
def test_who_is_inactive_already_is_not_absent_again(load):
    load(*map(row, TEN[:8]))
    assert load(*map(row, TEN[:7]), observed_at=WEDNESDAY).inactivated == 1


def test_a_first_list_of_everybody_is_a_list(load, inactive):
    assert load(*map(row, TEN)).inactivated == 0
    assert inactive() == []


@pytest.mark.usefixtures("ten")
def test_a_truncated_list_is_no_list(store, tmp_path, inactive):
    path = tmp_path / "everybody.csv.gz"
    path.write_bytes(gzip.compress("\n".join((HEADER, *map(row, TEN))).encode())[:-10])
    with pytest.raises(InvalidInput, match="truncated"):
        learners.load_full(store, path, observed_at=TUESDAY, loaded_at=WEDNESDAY)
    assert inactive() == []


@pytest.mark.usefixtures("ten")
def test_an_older_list_makes_nobody_inactive_whom_a_newer_one_only_confirmed(load, inactive):
    load(*map(row, TEN), observed_at=WEDNESDAY)
    assert load(*map(row, TEN[1:]), observed_at=TUESDAY).inactivated == 0
    assert inactive() == []


@pytest.mark.usefixtures("ten")
def test_who_is_in_the_list_is_active_whatever_an_empty_field_leaves_open(load, inactive):
    load(*map(row, TEN[1:]))
    assert inactive() == ["0000"]
    load(*(f"{row(learner)}," for learner in TEN), header=f"{HEADER},active", observed_at=WEDNESDAY)
    assert inactive() == []


def test_a_learner_who_comes_back_under_another_id_has_the_address(load, inactive):
    others = [row(learner) for learner in TEN]
    load(*others, row("f", email="x@example.invalid"), by=learners.load, observed_at=MONDAY)
    summary = load(*others, row("g", email="x@example.invalid"))
    assert (summary.quarantined, summary.sharing_an_address, summary.inactivated) == (0, 0, 1)
    assert inactive() == ["f"]
