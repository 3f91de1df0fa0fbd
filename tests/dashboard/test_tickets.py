import pytest

from engagement.dashboard import tickets
from engagement.dashboard.access import NotAllowed

SECRET = "s" * 32
NOW = 1_764_000_000


def test_a_proxy_vouches_for_a_name_for_five_minutes():
    signed = tickets.signature(SECRET, "ada", str(NOW))
    for now_s in (NOW - 300, NOW, NOW + 300):
        assert tickets.vouched_for(SECRET, "ada", str(NOW), signed, now_s=now_s)
    for now_s in (NOW - 301, NOW + 301):
        assert not tickets.vouched_for(SECRET, "ada", str(NOW), signed, now_s=now_s)


def test_the_signature_is_what_any_proxy_can_compute():
    # printf 'ada\n1764000000' | openssl dgst -sha256 -hmac ssssssssssssssssssssssssssssssss
    assert tickets.signature(SECRET, "ada", "1764000000") == (
        "4066a40df892df43ca2a870ee7ab91c780e61cffc81daf6b41625976fd1ac31b"
    )


@pytest.mark.parametrize(
    ("user", "timestamp", "signed"),
    [
        ("eve", str(NOW), tickets.signature(SECRET, "ada", str(NOW))),
        ("ada", str(NOW + 1), tickets.signature(SECRET, "ada", str(NOW))),
        ("ada", str(NOW), tickets.signature("t" * 32, "ada", str(NOW))),
        ("ada", str(NOW), ""),
        ("ada", str(NOW), "é"),
        ("", str(NOW), tickets.signature(SECRET, "", str(NOW))),
        ("ada", "", tickets.signature(SECRET, "ada", "")),
        ("ada", "-1", tickets.signature(SECRET, "ada", "-1")),
        ("ada", "١٢٣", tickets.signature(SECRET, "ada", "١٢٣")),
        ("ada\nroot", str(NOW), tickets.signature(SECRET, "ada\nroot", str(NOW))),
    ],
)
def test_a_forged_header_names_nobody(user, timestamp, signed):
    assert not tickets.vouched_for(SECRET, user, timestamp, signed, now_s=NOW)


def made(**other):
    named = {"name": "ada", "source": "proxy", "kernel_id": "k1", "now_s": NOW}
    return tickets.ticket(SECRET, **(named | other))


def test_a_ticket_tells_one_kernel_whom_it_serves():
    assert tickets.read_ticket(SECRET, made(), kernel_id="k1", now_s=NOW + 10) == ("ada", "proxy")


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
        tickets.ticket("t" * 32, name="ada", source="proxy", kernel_id="k1", now_s=NOW),
    ],
)
def test_a_ticket_of_somebody_else_opens_nothing(text):
    with pytest.raises(NotAllowed):
        tickets.read_ticket(SECRET, text, kernel_id="k1", now_s=NOW)
