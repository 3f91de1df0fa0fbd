import json
import logging
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from engagement.cli import app
from engagement.errors import InvalidInput, RunFailed, StoreBusy
from engagement.operations import health, notifications
from engagement.settings import Settings, read_settings
from tests.support.cohort import AS_OF

NOTICE = notifications.Notice("nightly failed on here", "nightly", "failed", 1, "nightly-1")
KEEPS = """\
#!/bin/sh
/bin/cat > {folder}/message
env > {folder}/environment
echo "to nobody"; echo "to nobody" >&2
"""


class Chat(ThreadingHTTPServer):
    """A webhook on this machine: keeps what it is sent and answers as it is told to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Posted)
        self.got = []
        self.status = 200
        self.to = ""
        self.drips = False

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/hooks/secret-0123"


class _Posted(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], body))
        if self.server.drips:
            with suppress(OSError):
                while self.server.drips:
                    self.wfile.write(b"H")
                    time.sleep(0.05)
        self.send_response(self.server.status)
        if self.server.to:
            self.send_header("Location", self.server.to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.server.got.append((self.path, "GET", b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def chat():
    server = Chat()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(monkeypatch):
    """Make settings of what is given, and of nothing else that this machine says about notices."""

    def made(*, command="", webhook=""):
        monkeypatch.setenv("ENGAGEMENT_NOTIFY_COMMAND", command)
        monkeypatch.setenv("ENGAGEMENT_NOTIFY_WEBHOOK", webhook)
        return read_settings()

    return made


@pytest.fixture
def program(tmp_path):
    """Write a program into a folder with a blank in its name; return how a setting names it."""

    def written(text, name="tell"):
        folder = tmp_path / "a folder"
        folder.mkdir(exist_ok=True)
        file = folder / name
        file.write_text(text.format(folder=f"'{tmp_path}'"))
        file.chmod(0o755)
        return f"'{file}'"

    return written


def test_a_command_gets_the_message_and_what_it_is_about(settings, program, tmp_path, caplog):
    notifications.send(settings(command=program(KEEPS)), NOTICE)
    assert (tmp_path / "message").read_text() == "nightly failed on here\n"
    said = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())
    assert said["ENGAGEMENT_RUN_PIPELINE"] == "nightly"
    assert said["ENGAGEMENT_RUN_STATUS"] == "failed"
    assert said["ENGAGEMENT_RUN_EXIT_CODE"] == "1"
    assert said["ENGAGEMENT_RUN_ID"] == "nightly-1"
    assert said["PATH"] == os.environ["PATH"]
    assert caplog.text == ""


def test_a_command_is_split_as_a_shell_would_and_given_to_none(settings, program, tmp_path):
    keeps = program('#!/bin/sh\nfor word in "$@"; do echo "$word"; done > {folder}/words\n')
    notifications.send(settings(command=f"{keeps} -s 'two words' $HOME ; touch x | cat > y"), NOTICE)
    words = ["-s", "two words", "$HOME", ";", "touch", "x", "|", "cat", ">", "y"]
    assert (tmp_path / "words").read_text().splitlines() == words


def test_a_webhook_gets_json(settings, chat, caplog):
    notifications.send(settings(webhook=chat.address), NOTICE)
    ((path, kind, body),) = chat.got
    assert (path, kind) == ("/hooks/secret-0123", "application/json")
    assert json.loads(body) == {
        "text": "nightly failed on here",
        "pipeline": "nightly",
        "status": "failed",
        "exit_code": 1,
        "run_id": "nightly-1",
    }
    assert caplog.text == ""


def test_both_are_told(settings, chat, program, tmp_path):
    notifications.send(settings(command=program(KEEPS), webhook=chat.address), NOTICE)
    assert len(chat.got) == 1
    assert (tmp_path / "message").exists()


def test_without_a_setting_nobody_is_told(settings, caplog):
    notifications.send(settings(), NOTICE)
    assert caplog.text == ""


HOSTILE = "../x'; touch {here} #\n\x1b[2J $(touch {here}) `touch {here}` <!channel> @everyone {{7*7}} \u202e\0 \"}}, {{"


def test_a_hostile_text_is_a_text(settings, chat, program, tmp_path):
    error = InvalidInput(HOSTILE.format(here=tmp_path / "hacked"))
    notifications.send(
        settings(command=program(KEEPS), webhook=chat.address), notifications.failure(error, "x\n\0\x1b=$(y)")
    )
    body = json.loads(chat.got[0][2])
    message = (tmp_path / "message").read_text()
    assert message.count("\n") == 1
    assert "# \ufffd[2J $(touch" in message
    assert not {"\0", "\x1b", "\u202e"} & set(message + body["text"] + body["pipeline"])
    assert "‹!channel›" in body["text"]
    assert "＠everyone" in body["text"]
    assert not (tmp_path / "hacked").exists()
    assert body["pipeline"] == "x \ufffd\ufffd=$(y)"


def test_an_endless_text_is_cut():
    assert len(notifications.failure(InvalidInput("x" * 1_000_000), "nightly").text) == 2_000


@pytest.mark.parametrize(
    ("error", "code", "status", "said"),
    [
        (InvalidInput("risk: no"), 2, "failed", "exit code 2: risk: no."),
        (RunFailed("20_score failed"), 1, "failed", "exit code 1: 20_score failed."),
        (StoreBusy("another run works"), 75, "busy", "exit code 75: another run works."),
    ],
)
def test_a_failure_of_ours_is_told_in_its_own_words(error, code, status, said):
    error.run_id = "nightly-7"
    told = notifications.failure(error, "nightly")
    assert (told.exit_code, told.status, told.run_id) == (code, status, "nightly-7")
    assert told.text.startswith("nightly failed on ")
    assert said in told.text
    assert told.text.endswith("the same `engagement run nightly` goes on from there.")


def test_what_never_began_is_not_said_to_go_on():
    assert notifications.failure(InvalidInput("no"), "nightly").text.endswith(
        "`engagement run nightly` does it."
    )


def test_what_another_library_says_is_not_told():
    told = notifications.failure(ValueError("ada@example.invalid is no number"), "nightly")
    assert "ValueError" in told.text
    assert "ada" not in told.text
    assert (told.exit_code, told.run_id) == (1, "")


def test_a_run_to_look_at_is_told_with_its_report():
    run = SimpleNamespace(pipeline="nightly", run_id="nightly-9")
    told = notifications.to_look_at(
        SimpleNamespace(run=run, look="3 of 4 texts are templates", report="/r/report.html"), exit_code=3
    )
    assert (told.status, told.exit_code, told.run_id) == ("look", 3, "nightly-9")
    assert "please look: 3 of 4 texts are templates. The report: /r/report.html" in told.text


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(settings, chat, caplog, status):
    chat.status, chat.to = status, f"http://127.0.0.1:{chat.server_port}/elsewhere"
    notifications.send(settings(webhook=chat.address), NOTICE)
    assert [path for path, _, _ in chat.got] == ["/hooks/secret-0123"]
    assert caplog.messages == [f"no notice by the webhook: answered HTTP {status}"]


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_webhook_that_refuses_is_a_line_in_the_log_without_its_address(settings, chat, caplog, status):
    chat.status = status
    notifications.send(settings(webhook=chat.address), NOTICE)
    assert caplog.messages == [f"no notice by the webhook: answered HTTP {status}"]
    assert "secret" not in caplog.text


def test_a_webhook_that_is_not_there_is_a_line_in_the_log(settings, caplog):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    notifications.send(settings(webhook=f"http://127.0.0.1:{port}/hooks/secret-0123"), NOTICE)
    assert caplog.messages == ["no notice by the webhook: URLError"]


def test_a_webhook_on_this_machine_is_not_asked_by_way_of_a_proxy(settings, chat, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    notifications.send(settings(webhook=chat.address), NOTICE)
    assert len(chat.got) == 1


def test_a_webhook_that_drips_is_left_in_time(settings, chat, caplog, monkeypatch):
    monkeypatch.setattr(notifications, "MOST_S", 0.4)  # what is measured is that it ends, not ten seconds
    chat.drips = True
    began = time.monotonic()
    before = set(threading.enumerate())
    notifications.send(settings(webhook=chat.address), NOTICE)
    assert time.monotonic() - began < 3
    chat.drips = False
    for left_behind in set(threading.enumerate()) - before:
        left_behind.join(30)
    assert caplog.messages == ["no notice by the webhook: not through in 0.4 seconds"]


def test_a_command_that_hangs_is_ended_with_what_it_started(settings, program, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(notifications, "MOST_S", 0.4)
    hangs = program("#!/bin/sh\n(sleep 2; touch {folder}/survived) &\nsleep 60\n")
    began = time.monotonic()
    notifications.send(settings(command=hangs), NOTICE)
    assert time.monotonic() - began < 3
    assert caplog.messages == ["no notice by the command: not through in 0.4 seconds"]
    time.sleep(max(began + 2.7 - time.monotonic(), 0))
    assert not (tmp_path / "survived").exists()


def test_a_command_that_fails_reads_nothing_or_is_not_there_is_a_line_in_the_log(settings, program, caplog):
    big = replace(NOTICE, text="x" * 300_000)
    notifications.send(settings(command=program("#!/bin/sh\nexit 7\n")), big)
    notifications.send(settings(command="/nowhere/tell --token abc"), NOTICE)
    assert caplog.messages == [
        "no notice by the command: exit code 7",
        "no notice by the command: FileNotFoundError",
    ]


@pytest.mark.parametrize(
    "address",
    ["https://chat.example.invalid/hooks/1", "http://127.0.0.1:80/", "http://[::1]/", "http://localhost/x"],
)
def test_a_webhook_is_https_or_on_this_machine(settings, address):
    assert settings(webhook=address).notify_webhook.get_secret_value() == address


@pytest.mark.parametrize(
    "address",
    [
        "http://chat.example.invalid/secret-0123",
        "http://10.0.0.1/secret-0123",
        "http://localhost.example.invalid/secret-0123",
        "http://127.0.0.1@chat.example.invalid/secret-0123",
        "ftp://chat.example.invalid/secret-0123",
        "file:///secret-0123",
        "https:///secret-0123",
        "secret-0123",
        "http://[/secret-0123",
    ],
)
def test_another_address_is_refused_and_not_shown(settings, address):
    with pytest.raises(InvalidInput, match="ENGAGEMENT_NOTIFY_WEBHOOK") as refused:
        settings(webhook=address)
    assert "secret" not in str(refused.value)


def test_a_command_that_cannot_be_split_is_refused(settings):
    with pytest.raises(InvalidInput, match=r"ENGAGEMENT_NOTIFY_COMMAND: .*No closing quotation"):
        settings(command="mail 'ada")
    with pytest.raises(InvalidInput, match=r"ENGAGEMENT_NOTIFY_COMMAND: .*names no program"):
        settings(command="  ")


def test_a_webhooks_address_is_in_no_text_of_the_settings(settings):
    made = settings(webhook="https://chat.example.invalid/secret-0123")
    assert "0123" not in f"{made!r} {made} {made.model_dump_json()}"


def notices_check(made):
    return next(check for check in health.examine(made, now=AS_OF) if check.name == "notices")


def test_doctor_says_who_is_told_and_not_where(settings, program):
    assert notices_check(settings()).detail == "off: a run that fails tells nobody"
    both = notices_check(
        settings(command=f"{program(KEEPS)} --token abc", webhook="https://x.invalid/secret")
    )
    assert (both.ok, both.detail) == (True, "a run that fails tells it by the command tell and a webhook")


def test_doctor_finds_a_command_that_is_not_there(settings):
    missing = notices_check(settings(command="no-such-program --token abc"))
    assert not missing.ok
    assert "abc" not in missing.detail


@pytest.fixture
def engagement(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(tmp_path / "store.duckdb"))
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setattr(logging.getLogger("engagement"), "handlers", [])  # others may have left theirs

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["engagement", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("run", "nightly"), 4), (("run", "nocturnal"), 4), (("run", "nightly", "-p", "x"), 2)],
)
def test_a_run_that_fails_tells_and_ends_as_it_would_have(engagement, settings, chat, arguments, code):
    settings(webhook=chat.address)
    ended, err = engagement(*arguments)
    assert ended == code
    assert err.startswith("engagement: ")
    assert err.count("\n") == 1
    told = json.loads(chat.got[0][2])
    assert (told["status"], told["exit_code"], told["pipeline"]) == ("failed", code, arguments[1])
    assert err.removeprefix("engagement: ").strip() in told["text"]


def test_a_notice_that_fails_changes_nothing_but_a_line(engagement, settings):
    settings(command="/nowhere/tell")
    ended, err = engagement("run", "nightly")
    assert ended == 4
    logged, said = err.splitlines()
    assert json.loads(logged)["message"] == "no notice by the command: FileNotFoundError"
    assert said.startswith("engagement: ")


@pytest.mark.parametrize("arguments", [("run", "nightly", "--dry-run"), ("learners",), ("run", "--nonsense")])
def test_only_a_run_tells(engagement, settings, chat, arguments):
    settings(webhook=chat.address)
    assert engagement(*arguments)[0] != 0
    assert chat.got == []


def test_every_notice_setting_is_off_by_default():
    assert Settings.model_fields["notify_command"].default is None
    assert Settings.model_fields["notify_webhook"].default is None
