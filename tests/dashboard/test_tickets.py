import hmac
import re
from email.header import Header
from urllib.parse import quote

import pytest

from engagement.dashboard import tickets
from engagement.dashboard.access import NotAllowed

SECRET = "s" * 32
NOW = 1_764_000_000
LONG = f"=?utf-8?q?a?={' ' * 200}=?utf-8?q?da?="


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
        ("ada", "1" * 5_000, tickets.signature(SECRET, "ada", "1" * 5_000)),
        ("ada\nroot", str(NOW), tickets.signature(SECRET, "ada\nroot", str(NOW))),
        # Somebody may be called by what reads as a code of another's name, also where that is too long for a name.
        (LONG, str(NOW), tickets.signature(SECRET, LONG, str(NOW))),
    ],
)
def test_a_forged_header_names_nobody_and_the_log_says_why(caplog, user, timestamp, signed):
    assert not tickets.vouched_for(SECRET, user, timestamp, signed, now_s=NOW)
    (said,) = [record.getMessage() for record in caplog.records]
    assert re.match(r"a proxy's signature was refused: (its time|the name|it) \w+", said)
    assert "ada" not in said
    assert signed[:8] not in said or not signed


def as_sent(name, encoding):
    """Return a header as a server sees it: each byte a character."""
    return name.encode(encoding).decode("latin-1")


@pytest.mark.parametrize("name", ["Zoë", "Łukasz Żak", "zoë@hochschule.invalid", "李 雷"])
def test_a_name_comes_in_however_a_proxy_writes_it(name):
    ways = [
        as_sent(name, "utf-8"),
        quote(name),
        quote(name, safe=""),
        f"UTF-8''{quote(name)}",
        f"utf-8'de'{quote(name, safe='')}",
        Header(name, "utf-8").encode(),
    ]
    signed = tickets.signature(SECRET, name, str(NOW))
    assert {tickets.vouched_for(SECRET, way, str(NOW), signed, now_s=NOW) for way in ways} == {name}


def test_a_name_in_the_older_encoding_comes_in_by_either_signature():
    of_its_bytes = hmac.new(SECRET.encode(), b"Zo\xeb\n%d" % NOW, "sha256").hexdigest()
    for signed in (of_its_bytes, tickets.signature(SECRET, "Zoë", str(NOW))):
        assert tickets.vouched_for(SECRET, as_sent("Zoë", "latin-1"), str(NOW), signed, now_s=NOW) == "Zoë"


@pytest.mark.parametrize("name", ["a%64a", "UTF-8''a%64a", "=?utf-8?q?ada?="])
def test_a_name_that_looks_like_a_code_stays_what_was_signed(name):
    signed = tickets.signature(SECRET, name, str(NOW))
    assert tickets.vouched_for(SECRET, name, str(NOW), signed, now_s=NOW) == name


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
def test_a_ticket_of_somebody_else_opens_nothing_and_the_log_says_why(caplog, text):
    with pytest.raises(NotAllowed):
        tickets.read_ticket(SECRET, text, kernel_id="k1", now_s=NOW)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("a ticket was refused: the page's ticket ")
