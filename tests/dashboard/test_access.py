import os

import pytest

from engagement.dashboard import access
from engagement.dashboard.access import NotAllowed, Viewer
from engagement.errors import InvalidInput


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.toml"
    path.write_text(
        """
        [users."ada@example.invalid"]
        role = "coordinator"
        programs = ["Nursing", "Data"]

        [users."Zoe\u0308"]
        role = "viewer"

        [users.reader]
        role = "viewer"
        programs = "all"

        [users.chief]
        role = "admin"
        programs = ["Nursing"]

        [users.nobody]
        role = "coordinator"
        """,
        encoding="utf-8",
    )
    return path


def test_a_users_file_says_who_sees_which_programs(users):
    known = access.read_users(users)
    assert known["ada@example.invalid"] == Viewer("ada@example.invalid", "coordinator", ("Data", "Nursing"))
    assert known["reader"] == Viewer("reader", "viewer", None)
    assert known["chief"].programs is None
    assert known["nobody"].programs == ()


def test_an_accent_counts_however_it_is_written(users):
    assert access.viewer("Zo\u00eb", "proxy", users) == access.viewer("Zoe\u0308", "proxy", users)


def test_who_is_not_in_the_file_is_let_in_by_nothing(users):
    for source in ("local", "token", "proxy", "hub"):
        with pytest.raises(NotAllowed):
            access.viewer("stranger", source, users)


def test_a_change_of_the_file_counts_at_once(users):
    assert access.viewer("reader", "proxy", users).role == "viewer"
    text = users.read_text(encoding="utf-8").replace('role = "viewer"', 'role = "coordinator"')
    users.write_text(text, encoding="utf-8")
    os.utime(users, ns=(0, users.stat().st_mtime_ns + 1))  # as if a moment later
    assert access.viewer("reader", "proxy", users).role == "coordinator"
    users.write_text('[users.other]\nrole = "viewer"\n', encoding="utf-8")
    with pytest.raises(NotAllowed):
        access.viewer("reader", "proxy", users)


def test_without_a_file_only_this_machine_and_the_token_are_let_in():
    assert access.viewer("root", "local", None) == Viewer("root", "admin", None)
    assert access.viewer(access.SHARED, "token", None) == Viewer("shared", "coordinator", None)
    for source in ("proxy", "hub"):
        with pytest.raises(NotAllowed, match="ENGAGEMENT_USERS"):
            access.viewer("ada@example.invalid", source, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml", "is not a TOML file"),
        ('[users.a]\nrole = "owner"', "users.a.role"),
        ('[users.a]\nprograms = ["x"]', "users.a.role"),
        ('[users.a]\nrole = "viewer"\nprograms = "some"', "users.a.programs"),
        ('[users.a]\nrole = "viewer"\nextra = 1', "users.a.extra"),
        ("[people]", "users"),
    ],
)
def test_a_users_file_that_is_wrong_lets_nobody_in(tmp_path, text, said):
    path = tmp_path / "users.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=said):
        access.read_users(path)


def test_a_missing_users_file_is_said():
    with pytest.raises(InvalidInput, match="cannot be read"):
        access.read_users(access.Path("/nowhere/users.toml"))
