import time

import pytest

from engagement.dashboard import access
from engagement.dashboard.access import NotAllowed, Viewer
from engagement.errors import InvalidInput

SECRET = "s" * 32
NOW = 1_764_000_000


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.toml"
    path.write_text(
        """
        [users."ada@example.invalid"]
        role = "coordinator"
        programs = ["Nursing", "Data"]

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


def test_who_is_not_in_the_file_is_let_in_by_nothing(users):
    for source in ("local", "token", "proxy", "hub"):
        with pytest.raises(NotAllowed):
            access.viewer("stranger", source, users)


def test_a_change_of_the_file_counts_at_once(users):
    assert access.viewer("reader", "proxy", users).role == "viewer"
    text = users.read_text(encoding="utf-8").replace('role = "viewer"', 'role = "coordinator"')
    time.sleep(0.01)
    users.write_text(text, encoding="utf-8")
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


def test_a_proxy_vouches_for_a_name_for_five_minutes():
    signed = access.signature(SECRET, "ada", str(NOW))
    for now_s in (NOW - 300, NOW, NOW + 300):
        assert access.vouched_for(SECRET, "ada", str(NOW), signed, now_s=now_s)
    for now_s in (NOW - 301, NOW + 301):
        assert not access.vouched_for(SECRET, "ada", str(NOW), signed, now_s=now_s)


def test_the_signature_is_what_any_proxy_can_compute():
    # printf 'ada\n1764000000' | openssl dgst -sha256 -hmac ssssssssssssssssssssssssssssssss
    assert access.signature(SECRET, "ada", "1764000000") == (
        "4066a40df892df43ca2a870ee7ab91c780e61cffc81daf6b41625976fd1ac31b"
    )


@pytest.mark.parametrize(
    ("user", "timestamp", "signed"),
    [
        ("eve", str(NOW), access.signature(SECRET, "ada", str(NOW))),
        ("ada", str(NOW + 1), access.signature(SECRET, "ada", str(NOW))),
        ("ada", str(NOW), access.signature("t" * 32, "ada", str(NOW))),
        ("ada", str(NOW), ""),
        ("ada", str(NOW), "é"),
        ("", str(NOW), access.signature(SECRET, "", str(NOW))),
        ("ada", "", access.signature(SECRET, "ada", "")),
        ("ada", "-1", access.signature(SECRET, "ada", "-1")),
        ("ada", "١٢٣", access.signature(SECRET, "ada", "١٢٣")),
        ("ada\nroot", str(NOW), access.signature(SECRET, "ada\nroot", str(NOW))),
    ],
)
def test_a_forged_header_names_nobody(user, timestamp, signed):
    assert not access.vouched_for(SECRET, user, timestamp, signed, now_s=NOW)


def made(**other):
    named = {"name": "ada", "source": "proxy", "kernel_id": "k1", "now_s": NOW}
    return access.ticket(SECRET, **(named | other))


def test_a_ticket_tells_one_kernel_whom_it_serves():
    assert access.read_ticket(SECRET, made(), kernel_id="k1", now_s=NOW + 10) == ("ada", "proxy")


@pytest.mark.parametrize(
    "text",
    [
        made(kernel_id="k2"),
        made(now_s=NOW - 400),
        made()[:-1],
        made().replace("e", "f", 1),
        "",
        "a.b",
        "é.b",
        access.ticket("t" * 32, name="ada", source="proxy", kernel_id="k1", now_s=NOW),
    ],
)
def test_a_ticket_of_somebody_else_opens_nothing(text):
    with pytest.raises(NotAllowed):
        access.read_ticket(SECRET, text, kernel_id="k1", now_s=NOW)
