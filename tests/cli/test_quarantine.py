"""`engagement quarantine` tells where refused rows stand and why, and what stood in them only where asked."""

import pytest

HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"


@pytest.fixture
def loaded(engagement, tmp_path):
    file = tmp_path / "learners.csv"
    good, bad = "S-1,Zebulon,,,P,,50,60,1", "S-2,Zebulon,z@example.invalid,,P,,140,101,1"
    file.write_text("\n".join([HEADER, good, bad, "c,too,few"]) + "\n")
    code, out, _ = engagement("load", file)
    assert code == 0
    return out


def test_a_load_names_its_first_refused_row_and_the_command_that_lists_them(loaded, engagement):
    said = "the first refused row is in line 3 (id S-2); `engagement quarantine --load L000002` lists them"
    assert said in loaded.splitlines()
    code, out, _ = engagement("quarantine", "--load", "L000002")
    assert code == 0
    assert "S-2" in out
    assert "completed_percent: outside 0 to 100" in out.replace("\n", " ") or "completed_percent" in out
    assert "ebulon" not in out


def test_a_program_gets_the_rows_without_what_stood_in_them(loaded, as_json):
    rows = as_json("quarantine")
    assert [
        (row["line"], row["id"], [reason.partition(":")[0] for reason in row["reasons"]]) for row in rows
    ] == [
        (3, "S-2", ["completed_percent", "avg_quiz_score"]),
        (4, None, ["row"]),
    ]
    assert "raw" not in rows[0]
    assert as_json("quarantine", "--raw", "--limit", "1")[0]["raw"].startswith("S-2,Zebulon,z@")


def test_a_load_that_is_not_there_exits_4(loaded, refused):
    code, said = refused("quarantine", "--load", "L000007")
    assert (code, said.count("there is none")) == (4, 1)
