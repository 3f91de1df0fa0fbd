"""A print is there or it is said why not, within a minute, and no process is left."""

import os
import time
from pathlib import Path

import pytest

from engagement.errors import EngagementError
from engagement.reporting import printing
from tests.support.elements import chromium

PAGE = "<!doctype html><meta charset='utf-8'><title>One</title><h1>One</h1><p>Some words</p>"

WRITES_WORDS = 'for a; do case "$a" in --print-to-pdf=*) echo no > "${a#*=}";; esac; done'


@pytest.fixture
def html(tmp_path):
    path = tmp_path / "a page.html"
    path.write_text(PAGE)
    return path


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program of that text in place of Chromium."""

    def put(script, name="chromium"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")

    return put


def is_there(pid):
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_machine_without_chromium_is_told_so(html, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngagementError, match="there is no Chromium on the PATH"):
        printing.pdf(html)


def test_a_chromium_that_fails_says_with_which_exit_code(html, program):
    program("exit 1")
    with pytest.raises(EngagementError, match="Chromium ended with exit code 1"):
        printing.picture(html, width=10, height=10, scale=1)


@pytest.mark.parametrize("script", ["exit 0", WRITES_WORDS, "echo no"])
def test_a_chromium_that_writes_no_print_is_no_success(html, program, script):
    program(script)
    with pytest.raises(EngagementError, match="wrote nothing that can be read"):
        printing.pdf(html)


def test_a_chromium_that_hangs_is_ended_with_what_it_has_started(html, program, monkeypatch, tmp_path):
    monkeypatch.setattr(printing, "MOST_S", 0.7)
    program(f"sleep 60 & echo $! > {tmp_path}/child; wait")
    started = time.monotonic()
    with pytest.raises(EngagementError, match=r"Chromium was not through in 0\.7 seconds"):
        printing.pdf(html)
    assert time.monotonic() - started < 10
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 3
    while is_there(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_there(child)


def test_chromium_is_asked_for_a_new_profile_no_network_and_a_sandbox_unless_for_root(
    html, program, monkeypatch, tmp_path
):
    program(
        f'printf "%s\\n" "$@" > {tmp_path}/asked; echo "$TMPDIR" > {tmp_path}/folder; exit 3', "google-chrome"
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")  # and no other browser
    for user, expected in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        with pytest.raises(EngagementError, match="exit code 3"):
            printing.pdf(html)
        asked = (tmp_path / "asked").read_text().splitlines()
        assert ("--no-sandbox" in asked) is expected
        assert "--host-resolver-rules=MAP * ~NOTFOUND" in asked
        assert "--no-pdf-header-footer" in asked
        profile = (tmp_path / "folder").read_text().strip()
        assert f"--user-data-dir={profile}" in asked
        assert not Path(profile).exists()
        assert asked[-1] == html.as_uri()


def test_a_print_is_a_pdf_and_a_picture_has_its_size(html):
    chromium()
    assert printing.pdf(html).startswith(b"%PDF-")
    picture = printing.picture(html, width=300, height=200, scale=2)
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (600, 400)
