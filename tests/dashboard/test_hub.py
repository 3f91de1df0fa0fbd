"""The dashboard as a service of a JupyterHub, which says who somebody is."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.cookiejar import Cookie, CookieJar
from urllib.parse import urlsplit

import pytest

from engagement.cli import app
from engagement.dashboard import server
from engagement.dashboard.hub import told as told_by
from engagement.errors import InvalidInput
from engagement.settings import PROJECT, read_settings
from engagement.store import database
from tests.support import fake_hub
from tests.support.cohort import learner, load, night
from tests.support.dashboard_server import PROXY_SECRET, RawPage, free_port, get, serving
from tests.support.fake_hub import PREFIX, SIGNED_IN

USERS = """
[users.ada]
role = "coordinator"
programs = ["Data"]

[users.bo]
role = "viewer"
programs = "all"
"""
NOTES_ENVIRONMENT = """
import json, os, pathlib
pathlib.Path(os.environ["KERNEL_NOTES"], f"{os.getpid()}.json").write_text(json.dumps(dict(os.environ)))
"""


class Browser:
    """A browser, as far as signing in needs it: it keeps cookies and follows where it is sent."""

    def __init__(self, hub, name=None):
        self.jar = CookieJar()
        if name:
            self.jar.set_cookie(_cookie(SIGNED_IN, name, path="/hub/"))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self._still = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), _Stay)

    def open(self, address, headers=None):
        """Return status, text and the address it ended at."""
        return _answer(self._opener, address, headers)

    def sent_from(self, address):
        """Return the address that the browser would be sent to next."""
        with pytest.raises(urllib.error.HTTPError) as sent, self._still.open(address, timeout=30):
            pass
        with sent.value as answer:
            assert answer.code == 302
            return answer.headers["Location"]

    def cookie(self, name):
        return next((cookie.value for cookie in self.jar if cookie.name == name), None)

    @property
    def headers(self):
        """What a socket sends, which has no jar of its own."""
        ours = [cookie for cookie in self.jar if cookie.path == PREFIX]
        return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in ours)}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_, **__):
        return None


def _answer(opener, address, headers=None):
    try:
        request = urllib.request.Request(address, headers=headers or {})
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.url
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.url


def _cookie(name, value, *, path):
    return Cookie(
        0, name, value, None, False, "127.0.0.1", True, False, path, True, False, None, False, None, None, {}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    store = database.Store(folder / "store.duckdb")
    load(store, learner("d1"), learner("w1", program="Welding"))
    night(store)
    (folder / "users.toml").write_text(USERS, encoding="utf-8")
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "note.py").write_text(NOTES_ENVIRONMENT, encoding="utf-8")
    (folder / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def hub():
    with fake_hub.running() as hub:
        yield hub


@pytest.fixture(scope="module")
def served(hub, folder):
    """The dashboard as the Hub starts it, which chooses address and port; what else is said does not count."""
    port = free_port()
    environment = hub.environment(port) | {
        "ENGAGEMENT_USERS": str(folder / "users.toml"),
        "IPYTHONDIR": str(folder / "ipython"),
        "KERNEL_NOTES": str(folder / "notes"),
    }
    options = ("--port", str(free_port()), "--viewers", "20")
    with serving(
        folder / "store.duckdb", *options, environment=environment, port=port, base=PREFIX[:-1]
    ) as address:
        yield address


def test_somebody_listed_signs_in_at_the_hub_and_comes_back_to_the_page(hub, served):
    hub.knows("ada")
    browser = Browser(hub, "ada")
    status, page, address = browser.open(f"{served}/?from=a-link")
    assert (status, address) == (200, f"{served}/?from=a-link")
    assert "kernelId" in page


def test_the_page_belongs_to_who_signed_in_with_their_programs(hub, served):
    hub.knows("ada")
    browser = Browser(hub, "ada")
    browser.open(f"{served}/")

    async def ask():
        async with RawPage(served, browser.headers) as page:
            greeted = (await page.hello())["result"]
            assert greeted["viewer"]["name"] == "ada"
            assert greeted["programs"] == ["Data"]
            hub.knows("bo")
            other = Browser(hub, "bo")
            other.open(f"{served}/")
            ticket = f"{served}/engagement/ticket?kernel={page.kernel_id}"
            assert get(ticket, other.headers)[0] == 404

    asyncio.run(ask())


def test_who_is_not_in_the_users_file_reads_why(hub, served):
    hub.knows("stranger")
    status, page, _ = Browser(hub, "stranger").open(f"{served}/")
    assert status == 403
    assert "You are not on the list" in page
    assert "kernelId" not in page


def test_who_has_no_access_to_the_service_is_refused_and_not_sent_in_circles(hub, served):
    hub.knows("ada", scopes=["access:services!service=another"])
    status, page, _ = Browser(hub, "ada").open(f"{served}/")
    assert status == 403
    assert "nobody has given you access to it in JupyterHub" in page
    assert "kernelId" not in page


def test_a_service_of_the_hub_that_is_called_like_a_person_is_not_that_person(hub, served):
    person, service = hub.knows("ada"), hub.knows("ada", kind="service")
    assert get(f"{served}/", {"Authorization": f"token {person}"})[0] == 200
    status, _, page = get(f"{served}/", {"Authorization": f"token {service}"})
    assert status == 403
    assert "kernelId" not in page


@pytest.mark.parametrize("whose", ["invented", "of another browser", "used"])
def test_a_forged_state_is_refused(hub, served, whose):
    hub.knows("ada")
    victim, attacker = Browser(hub, "ada"), Browser(hub, "ada")
    victim.sent_from(f"{served}/")
    callback = attacker.sent_from(attacker.sent_from(f"{served}/"))
    if whose == "invented":
        callback = re.sub("state=[^&]*", "state=invented", callback)
    elif whose == "used":
        victim = attacker
        assert attacker.open(callback)[0] == 200
        attacker.jar.clear()
    status, page, _ = victim.open(callback)
    assert status == 403
    assert "Signing in did not work" in page
    assert victim.cookie(fake_hub.CLIENT) is None


def test_what_comes_back_from_the_hub_as_an_error_is_told_without_its_text(served):
    status, headers, page = get(f"{served}/oauth_callback?error=x&error_description=%3Cb%3Ehacked")
    assert status == 400
    assert "hacked" not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture(scope="module")
def open_page(hub, served):
    """Ada's browser, with a page open, and the number of its kernel."""
    hub.knows("ada")
    browser = Browser(hub, "ada")
    _, page, _ = browser.open(f"{served}/")
    return browser, re.search(r'"kernelId": "([0-9a-f-]+)"', page)[1]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "engagement/ticket?kernel={kernel}"),
        ("POST", "voila/api/shutdown/{kernel}"),
        ("GET", "api/kernels/{kernel}/channels"),
    ],
)
def test_who_has_not_signed_in_is_sent_on_from_the_page_alone(open_page, served, method, path):
    browser, kernel = open_page
    status, _, text = get(f"{served}/{path.format(kernel=kernel)}", method=method)
    assert status in {403, 404}
    assert "sign in" not in text
    assert get(f"{served}/engagement/ticket?kernel={kernel}", browser.headers)[0] == 200  # it is there


def test_a_script_on_another_page_of_the_hub_gets_no_ticket(open_page, served):
    browser, kernel = open_page
    ticket = f"{served}/engagement/ticket?kernel={kernel}"
    fetched = browser.headers | {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    assert get(ticket, fetched)[0] in {403, 404}
    assert get(ticket, fetched | {"X-XSRFToken": browser.cookie("_xsrf")})[0] == 200


def test_a_page_that_is_opened_later_can_ask_for_its_ticket_too(hub, served):
    hub.knows("ada")
    browser = Browser(hub, "ada")
    browser.open(f"{served}/")
    browser.jar.set_cookie(
        _cookie("jupyterhub-session-id", "another", path=PREFIX)
    )  # who signed in there anew
    _, page, _ = browser.open(f"{served}/")
    kernel = re.search(r'"kernelId": "([0-9a-f-]+)"', page)[1]
    fetched = browser.headers | {"Sec-Fetch-Mode": "cors", "X-XSRFToken": browser.cookie("_xsrf")}
    assert get(f"{served}/engagement/ticket?kernel={kernel}", fetched)[0] == 200


def test_a_token_that_the_hub_takes_back_is_none(hub, served):
    hub.knows("ada")
    browser = Browser(hub, "ada")
    _, page, _ = browser.open(f"{served}/")
    kernel = re.search(r'"kernelId": "([0-9a-f-]+)"', page)[1]
    assert get(f"{served}/engagement/ticket?kernel={kernel}", browser.headers)[0] == 200
    hub.tokens.clear()  # as it does when somebody signs out there, which ends the session too
    browser.jar.set_cookie(_cookie("jupyterhub-session-id", "ended", path=PREFIX))
    assert get(f"{served}/engagement/ticket?kernel={kernel}", browser.headers)[0] in {403, 404}
    assert fake_hub.CLIENT in browser.sent_from(f"{served}/")


def test_a_hub_that_does_not_answer_is_said_to_people_as_such(hub, served):
    hub.is_down = True
    try:
        status, _, page = get(f"{served}/", {"Authorization": "token of-nobody-yet"})
    finally:
        hub.is_down = False
    assert status == 503
    assert "try again in a minute" in page
    assert hub.address not in page


def test_kernels_do_not_know_the_hubs_token(hub, served, folder):
    hub.knows("ada")
    browser = Browser(hub, "ada")
    browser.open(f"{served}/")
    deadline = time.monotonic() + 30
    while not (notes := list((folder / "notes").glob("*.json"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    environments = [json.loads(note.read_text(encoding="utf-8")) for note in notes]
    assert environments
    for environment in environments:
        assert "ENGAGEMENT_STORE" in environment
        assert hub.api_token not in environment.values()


@pytest.mark.parametrize(
    ("options", "changed", "said"),
    [
        ({}, {"ENGAGEMENT_USERS": ""}, "ENGAGEMENT_USERS says who may see what"),
        ({"token": "t" * 20}, {}, "a JupyterHub says who somebody is here"),
        ({}, {"ENGAGEMENT_PROXY_SECRET": PROXY_SECRET}, "a JupyterHub says who somebody is here"),
        ({}, {"JUPYTERHUB_API_TOKEN": ""}, "JUPYTERHUB_API_TOKEN: not set"),
        ({}, {"JUPYTERHUB_SERVICE_PREFIX": ""}, "JUPYTERHUB_SERVICE_PREFIX: not set"),
        (
            {},
            {"JUPYTERHUB_SERVICE_URL": "https://127.0.0.1:8866"},
            "JUPYTERHUB_SERVICE_URL: an address such as",
        ),
        (
            {},
            {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:port"},
            "JUPYTERHUB_SERVICE_URL: an address such as",
        ),
    ],
    ids=["no users", "token", "proxy", "no api token", "no prefix", "https", "no port"],
)
def test_a_server_that_two_could_answer_for_is_refused(*, monkeypatch, hub, folder, options, changed, said):
    users = {"ENGAGEMENT_USERS": str(folder / "users.toml")}
    environment = hub.environment(free_port()) | users | changed
    for name in ("ENGAGEMENT_USERS", "ENGAGEMENT_PROXY_SECRET"):
        monkeypatch.setenv(name, environment.get(name, ""))
    with pytest.raises(InvalidInput, match=said) as refusal:
        server.check(server.Options(**options), read_settings(), told_by(environment))
    assert hub.api_token not in str(refusal.value)


def test_a_server_that_two_could_answer_for_does_not_start(monkeypatch, capsys, hub, folder):
    environment = hub.environment(free_port()) | {"ENGAGEMENT_USERS": str(folder / "users.toml")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["engagement", "dashboard", "--token", "t" * 20])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "a JupyterHub says who somebody is here" in said
    assert "Traceback" not in said
    assert hub.api_token not in said


def test_without_the_package_a_server_under_a_hub_does_not_start(hub):
    hidden = "import sys; sys.modules['jupyterhub'] = None; from engagement.cli import main; main()"
    done = started(environment=hub.environment(free_port()), command=("-c", hidden, "dashboard"))
    assert done.returncode == 2
    assert "engagement[hub]" in done.stderr


def test_a_server_whose_port_is_taken_ends_in_place_of_listening_where_the_hub_does_not_look(
    hub, served, folder
):
    environment = hub.environment(urlsplit(served).port) | {"ENGAGEMENT_USERS": str(folder / "users.toml")}
    done = started(environment=environment | {"ENGAGEMENT_STORE": str(folder / "store.duckdb")})
    assert done.returncode == 1


def test_what_a_hub_says_is_read_once():
    environment = fake_hub.FakeHub(1, "secret").environment(8866)
    told = told_by(environment)
    assert (told.token.get_secret_value(), told.base_url, told.listen) == (
        "secret",
        PREFIX,
        ("127.0.0.1", 8866),
    )
    assert "secret" not in environment.values()
    assert "secret" not in repr(told)
    with pytest.raises(InvalidInput):
        told_by(environment)
    assert told_by({}) is None


def test_a_hub_that_names_no_host_means_every_address():
    environment = fake_hub.FakeHub().environment(0) | {
        "JUPYTERHUB_SERVICE_URL": "http://:8888/services/engagement/"
    }
    assert told_by(environment).listen == ("0.0.0.0", 8888)


def started(*options, environment, command=("-m", "engagement.cli", "dashboard")):
    return subprocess.run(
        [sys.executable, *command, *options],
        env=os.environ | environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
