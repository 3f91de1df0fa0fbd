"""The dashboard's server, asked the way a hostile browser or a curious colleague would ask it."""

import asyncio
import json
import logging
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import websockets
from tornado.httputil import HTTPServerRequest, RequestStartLine

from engagement.cli import app
from engagement.dashboard import gate, log, server
from engagement.errors import InvalidInput
from engagement.settings import read_settings
from engagement.store import database
from tests.support.cohort import learner, load, night
from tests.support.dashboard_server import PROXY_SECRET, RawPage, get, opened, serving, signed
from tests.support.processes import descendants

USERS = """
[users.ada]
role = "coordinator"
programs = ["Data"]

[users.wim]
role = "coordinator"
programs = ["Welding"]

[users."Zoë"]
role = "viewer"
programs = "all"

[users.rea]
role = "viewer"
programs = "all"
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "store.duckdb"
    store = database.Store(path)
    load(
        store,
        learner("d1"),
        learner("d2"),
        learner("w1", program="Welding"),
        learner("w2", program="Welding"),
    )
    night(store)
    return path


@pytest.fixture(scope="module")
def proxied(cohort, tmp_path_factory):
    """A dashboard behind an authenticating proxy."""
    users = tmp_path_factory.mktemp("users") / "users.toml"
    users.write_text(USERS, encoding="utf-8")
    environment = {"ENGAGEMENT_USERS": str(users), "ENGAGEMENT_PROXY_SECRET": PROXY_SECRET}
    with serving(cohort, "--viewers", "6", environment=environment) as address:
        yield address


@pytest.fixture(scope="module")
def alone(cohort):
    """A dashboard for the one who started it; a test that opens its page leaves it."""
    with serving(cohort, "--viewers", "1") as address:
        yield address


@pytest.fixture(scope="module")
def loop():
    """The loop of every socket here, so that a page can stay open from one test to the next."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def ada_page(proxied, loop):
    """Ada's page, which has said hello: whom she may ask for what, her kernel decides anew each time."""
    page = RawPage(proxied, signed("ada"))
    loop.run(page.__aenter__())
    page.greeted = loop.run(page.hello())["result"]
    yield page
    loop.run(page.__aexit__())


@pytest.fixture
def ada(ada_page):
    """Ada's page, which has not heard anything yet in this test."""
    ada_page.heard.clear()
    return ada_page


def leave(address, kernel_id, headers=None):
    assert get(f"{address}/voila/api/shutdown/{kernel_id}", headers, method="POST")[0] == 204


@pytest.mark.parametrize(
    "path",
    [
        *(
            "voila/files/dashboard.ipynb",
            "voila/files/../pyproject.toml",
            "api/contents",
            "api/kernels",
            "api/terminals",
        ),
        *(
            "voila/tree",
            "voila/render/10_load.ipynb",
            "voila/templates/engagement/static/x",
            "dashboard.ipynb",
        ),
        *(
            "engagement/static/..%2fmethods.py",
            "engagement/static/../methods.py",
            "voila/api/themes/x",
            "login",
        ),
        *("voila/query/00000000-0000-4000-8000-000000000000", "engagement/static/%00", "engagement/static/"),
    ],
)
def test_there_is_nothing_but_the_page(proxied, path):
    assert get(f"{proxied}/{path}", signed("ada"))[0] in {403, 404}


def test_the_page_allows_no_other_host_and_no_script_of_its_own(proxied):
    status, headers, page = get(f"{proxied}/", signed("ada"))
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self'; style-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert "://" not in page
    assert "<script>" not in page


def test_scripts_come_compressed_and_are_kept(proxied):
    address = f"{proxied}/engagement/static/vendor/plotly-basic.min.js"
    status, headers, _ = get(address)
    assert (status, headers.get("Content-Encoding")) == (200, None)
    from urllib.request import Request, urlopen

    with urlopen(Request(address, headers={"Accept-Encoding": "gzip"}), timeout=10) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
    assert get(address, {"If-None-Match": headers["Etag"]})[0] == 304


def test_a_page_of_another_host_cannot_reach_this_machine(alone):
    rebound = alone.headers | {"Host": "rebound.example"}
    assert get(f"{alone}/", rebound)[0] == 403
    assert get(f"{alone}/engagement/ticket?kernel=x", rebound)[0] == 403
    leave(alone, opened(alone), alone.headers)


def test_who_was_not_told_the_address_gets_nothing_whatever_their_account(alone):
    for headers in ({}, {"Authorization": "token x"}, {"X-Engagement-User": "root"}):
        status, _, page = get(f"{alone}/", headers)
        assert status == 403
        assert "kernelId" not in page
        assert get(f"{alone}/engagement/ticket?kernel=x", headers)[0] in {403, 404}
    assert "finds the address in the terminal" in page


def test_no_other_account_sees_the_token_and_no_kernel_has_it(alone):
    """In the list of processes, in their environments, or beside the store."""
    token = alone.entrance.partition("?token=")[2].encode()
    assert len(token) >= 32
    family = descendants(alone.pid)
    assert len(family) >= 2  # the server, and those who make kernels
    for pid in family:
        for what in ("cmdline", "environ"):
            assert token not in Path(f"/proc/{pid}/{what}").read_bytes()


@pytest.mark.parametrize(("forwarded", "is_secure"), [("", False), ("https", True), ("https, http", True)])
def test_the_cookie_is_for_this_page_alone(alone, forwarded, is_secure):
    asked = f"{alone}/engagement/ticket?kernel=x&token={alone.entrance.partition('?token=')[2]}"
    _, headers, _ = get(asked, {"X-Forwarded-Proto": forwarded} if forwarded else {})
    attributes = {part.strip().lower() for part in headers["Set-Cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes
    assert ("secure" in attributes) == is_secure


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
    ids=["frame", "picture of another port", "older browser", "sandboxed"],
)
def test_what_another_site_asks_for_takes_no_kernel(proxied, headers):
    status, _, page = get(f"{proxied}/", signed("ada") | headers)
    assert status == 200
    assert "kernelId" not in page
    assert "engagement/static/again.js" in page  # by which a window comes in; nothing else runs it


def test_a_page_of_another_site_gets_no_socket(proxied, loop, ada):
    async def listen():
        socket = f"{proxied.replace('http', 'ws', 1)}/api/kernels/{ada.kernel_id}/channels"
        async with websockets.connect(
            socket, additional_headers=signed("ada"), origin="https://elsewhere.example"
        ):
            pass

    with pytest.raises(websockets.InvalidStatus, match="403"):
        loop.run(listen())


@pytest.mark.parametrize("chunked", [False, True], ids=["said", "chunked"])
@pytest.mark.parametrize("path", ["", "engagement/static/frame/page.css", "voila/api/shutdown/x"])
def test_a_body_that_is_too_large_is_refused_by_413(proxied, path, chunked):
    body = b"x" * (gate.LONGEST_BODY + 1)
    line = HTTPConnection(proxied.removeprefix("http://"), timeout=10)
    with closing(line):
        line.request("POST", f"/{path}", iter([body]) if chunked else body, encode_chunked=chunked)
        assert line.getresponse().status == 413


def test_no_log_has_the_token_of_a_request_that_failed(caplog):
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", "/?a=1&token=secret-0123456789&b=2", "HTTP/1.0")
    )
    log.hide_tokens()
    logging.getLogger("tornado.application").error(
        "Uncaught exception %s\n%r", "GET /?token=secret-01", request
    )
    assert "token=…&b=2" in caplog.text
    assert "secret" not in caplog.text


def test_a_time_of_five_thousand_digits_lets_nobody_in_and_the_log_says_why(proxied, cohort):
    kept = cohort.with_name("dashboard.log")
    before = kept.read_text() if kept.exists() else ""
    assert get(f"{proxied}/", signed("ada") | {"X-Engagement-Time": "9" * 5_000})[0] == 403
    (line,) = kept.read_text().removeprefix(before).splitlines()
    assert json.loads(line)["message"].startswith("a proxy's signature was refused: its time is none")
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Engagement-User": "ada"},
        signed("ada", secret="q" * 40),
        signed("ada", at=time.time() - 400),
        signed("ada") | {"X-Engagement-User": "wim"},
        signed("stranger"),
    ],
    ids=["none", "unsigned", "other secret", "too old", "another name", "not listed"],
)
def test_nobody_is_let_in_whom_the_proxy_does_not_vouch_for(proxied, headers):
    status, _, page = get(f"{proxied}/", headers)
    assert status == 403
    assert "kernelId" not in page


def test_a_name_that_is_not_ascii_comes_in(proxied):
    headers = signed("Zoë") | {"X-Engagement-User": "Zoë".encode().decode("latin-1")}
    leave(proxied, opened(proxied, headers), headers)


def test_nobody_reaches_the_kernel_of_another(proxied, ada):
    ticket = f"{proxied}/engagement/ticket?kernel={ada.kernel_id}"
    assert get(ticket, signed("ada"))[0] == 200
    for user in ("wim", "rea"):
        assert get(ticket, signed(user))[0] == 404
        shutdown = f"{proxied}/voila/api/shutdown/{ada.kernel_id}"
        assert get(shutdown, signed(user), method="POST")[0] == 404

    async def listen():
        async with RawPage(proxied, signed("wim"), kernel_id=ada.kernel_id):
            pass

    with pytest.raises(Exception, match="404"):
        asyncio.run(listen())
    assert get(ticket, signed("ada"))[0] == 200


def test_a_ticket_is_good_for_its_own_kernel_only(proxied, loop, ada):
    async def ask():
        async with RawPage(proxied, signed("ada")) as other:
            await other.widget()
            _, _, text = get(f"{proxied}/engagement/ticket?kernel={ada.kernel_id}", signed("ada"))
            assert (await other.call("overview"))["error"]["code"] == "no_viewer"
            said = await other.call("hello", ticket=json.loads(text)["ticket"])
            assert said["error"]["code"] == "not_allowed"
            assert (await other.call("overview"))["error"]["code"] == "no_viewer"
            leave(proxied, other.kernel_id, signed("ada"))

    loop.run(ask())


def test_a_coordinator_gets_nothing_of_another_program_through_the_raw_channel(proxied, loop, ada):
    async def ask():
        assert ada.greeted["programs"] == ["Data"]
        seen = (await ada.call("learners", page=1))["result"]
        assert {row["program"] for row in seen["rows"]} == {"Data"}
        mine = (await ada.call("queue", kind="nudge", page=1))["result"]["rows"]
        assert {row["program"] for row in mine} == {"Data"}
        async with RawPage(proxied, signed("wim")) as other:
            await other.hello()
            theirs = (await other.call("queue", kind="nudge", page=1))["result"]["rows"][0]
            item = {"id": theirs["id"], "version": theirs["version"]}
            for method, arguments in (
                ("learner", {"id": "w1"}),
                ("write_nudge", {"learner_id": "w1", "channel": "email"}),
                ("write_quiz", {"learner_id": "w1"}),
                ("note", {"learner_id": "w1", "text": "x"}),
                ("phoned", {"learner_id": "w1"}),
                ("edit_nudge", {**item, "subject": "x", "content": "x"}),
                ("rewrite_nudge", item),
                ("recalculate", {"program": "Welding"}),
            ):
                assert (await ada.call(method, **arguments))["error"]["code"] == "not_found", method
            moved = (await ada.call("move", kind="nudge", items=[item], to="approved"))["result"]
            assert moved["moved"] == []
            assert not any(conflict.get("name") for conflict in moved["conflicts"])
            after = (await other.call("queue", kind="nudge", page=1))["result"]["rows"][0]
            assert (after["status"], after["version"]) == ("draft", theirs["version"])
        assert (await ada.call("learners", page=1, program="Welding"))["result"]["total"] == 0

    loop.run(ask())


def test_who_only_reads_changes_nothing(proxied):
    async def ask():
        async with RawPage(proxied, signed("rea")) as page:
            await page.hello()
            assert (await page.call("learners", page=1))["result"]["total"] == 4
            for method, arguments in (
                ("write_nudge", {"learner_id": "d1", "channel": "email"}),
                ("note", {"learner_id": "d1", "text": "x"}),
                ("recalculate", {}),
            ):
                assert (await page.call(method, **arguments))["error"]["code"] == "not_allowed"

    asyncio.run(ask())


def test_a_browser_runs_nothing_in_its_kernel_and_hears_nothing_it_prints(loop, ada):
    async def ask():
        for kind, content in (
            ("execute_request", {"code": "print('hacked')", "silent": False}),
            ("inspect_request", {"code": "x", "cursor_pos": 1}),
            ("complete_request", {"code": "x", "cursor_pos": 1}),
            ("history_request", {}),
        ):
            await ada.send(kind, content)
        state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "TextModel"}
        opening = {"comm_id": "made", "target_name": "jupyter.widget", "data": {"state": state}}
        await ada.send("comm_open", opening)
        assert (await ada.call("ping"))["result"]
        asked = await ada.send("comm_info_request", {"target_name": "jupyter.widget"})
        reply = await ada.hear(
            lambda message: message["parent"] == asked and message["type"] == "comm_info_reply"
        )
        assert "made" not in reply["content"]["comms"]
        kinds = {message["type"] for message in ada.heard}
        assert kinds <= {
            "comm_open",
            "comm_msg",
            "comm_info_reply",
            "kernel_info_reply",
            "status",
            "iopub_welcome",
        }
        assert "hacked" not in json.dumps(ada.heard)

    loop.run(ask())


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("__init__", {}, "unknown_method"),
        ("answer", {}, "unknown_method"),
        ("learners", {"page": "1"}, "invalid"),
        ("learners", {"page": 0}, "invalid"),
        ("learners", {"page": 1, "sort": "name; drop table learners"}, "invalid"),
        ("learners", {"page": 1, "programs": ["Welding"]}, "invalid"),
        ("learners", [], "invalid"),
        ("learners", None, "invalid"),
        ("move", {"kind": "nudge", "items": [], "to": "approved"}, "invalid"),
        ("move", {"kind": "nudge", "items": [{"id": "x", "version": 1}], "to": "sent"}, "invalid"),
        ("learner", {"id": "x" * 501}, "invalid"),
        ("learner", {"id": "' or 1=1 --"}, "not_found"),
        ("note", {"learner_id": "d1", "text": "x" * 2001}, "invalid"),
    ],
)
def test_what_is_not_as_agreed_is_refused_without_a_trace(loop, ada, method, arguments, code):
    async def ask():
        ada._asked += 1
        content = {"id": ada._asked, "method": method, "arguments": arguments}
        await ada.send("comm_msg", {"comm_id": ada.comm_id, "data": {"method": "custom", "content": content}})
        return await ada.hear(
            lambda heard: heard["content"].get("data", {}).get("content", {}).get("id") == ada._asked
        )

    said = loop.run(ask())
    assert said["content"]["data"]["content"]["error"]["code"] == code
    assert "Traceback" not in json.dumps(ada.heard)


def test_the_widget_holds_nothing(loop, ada):
    async def ask():
        await ada.call("learners", page=1)
        await ada.call("learner", id="d1")
        ada.heard.clear()
        await ada.send("comm_msg", {"comm_id": ada.comm_id, "data": {"method": "request_state"}})
        state = await ada.hear(lambda message: "state" in message["content"].get("data", {}))
        assert "Example" not in json.dumps(state)
        assert "ticket" not in json.dumps(state).replace("engagement/ticket", "")

    loop.run(ask())


def test_the_next_viewer_reads_why_when_everybody_is_there(alone):
    kernel_id = opened(alone)
    time.sleep(2)  # until another kernel waits for the next page
    status, headers, page = get(f"{alone}/", alone.headers)
    assert status == 503
    assert headers["Retry-After"]
    assert "try again in a few minutes" in page
    assert get(f"{alone}/engagement/ticket?kernel={kernel_id}", alone.headers)[0] == 200
    leave(alone, kernel_id, alone.headers)
    leave(alone, opened(alone), alone.headers)


def test_a_token_opens_the_page_and_nothing_else_does(cohort):
    """Not even who sees the list of processes, where it was said on the command line."""
    with serving(cohort, "--token", "t" * 20) as address:
        server, *others = descendants(address.pid)
        assert b"tttt" not in Path(f"/proc/{server}/cmdline").read_bytes()
        assert not any(b"tttt" in Path(f"/proc/{pid}/environ").read_bytes() for pid in others)
        assert address.entrance.endswith("/?token=…")
        assert get(f"{address}/")[0] == 403
        assert get(f"{address}/?token=wrong")[0] == 403
        assert "a token was refused" in cohort.with_name("dashboard.log").read_text()
        status, headers, _ = get(f"{address}/?token={'t' * 20}")
        assert status == 200
        assert "HttpOnly" in headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ({"host": "0.0.0.0"}, {}, "others could open the page"),
        ({"host": "0.0.0.0", "token": "short"}, {}, "characters or more"),
        ({}, {"ENGAGEMENT_PROXY_SECRET": PROXY_SECRET}, "ENGAGEMENT_USERS"),
        ({}, {"ENGAGEMENT_PROXY_SECRET": "short"}, "at least 32"),
        ({}, {"ENGAGEMENT_USERS": "/nowhere/users.toml"}, "cannot be read"),
    ],
    ids=["open to all", "short token", "no users", "short secret", "no users file"],
)
def test_a_server_that_would_let_anybody_in_is_refused(monkeypatch, options, environment, said):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=said):
        server.check(server.Options(**options), read_settings(), None)


def test_a_server_that_is_refused_does_not_start(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["engagement", "dashboard", "--host", "0.0.0.0", "--token", "short"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "characters or more" in said
    assert "Traceback" not in said


def test_whoever_has_no_home_opens_the_page_as_well(store):
    with serving(store.path, environment={"HOME": "/dev/null/nowhere"}) as address:
        opened(address)
