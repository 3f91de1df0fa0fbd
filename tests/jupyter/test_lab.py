"""`engagement explore` as an analyst has it: a real JupyterLab, its kernel, and what is left when it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
from nbformat import v4
from plotly.offline import get_plotlyjs

import engagement as eg
from engagement.cli import app
from engagement.errors import StoreUnusable
from engagement.jupyter import exports
from engagement.reporting.charts import runs as charts
from engagement.settings import PROJECT
from tests.support.cohort import LOW, learner, load, night, rows
from tests.support.processes import command_line, descendants

ANSWERS_S = 60


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def asked(url, token, method="GET", body=None):
    request = urllib.request.Request(
        url,
        method=method,
        headers={"Authorization": f"token {token}"},
        data=body and json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = answer.read().decode()
        return json.loads(found) if answer.headers.get_content_type() == "application/json" else found


@pytest.fixture
def known(store):
    load(store, learner("a"), learner("b", **LOW))
    night(store)
    return store


@pytest.fixture
def explored(known, tmp_path):
    """Start it; yield the process, its address and its token."""
    port, token = free_port(), "for-this-test"
    environment = os.environ | {
        "ENGAGEMENT_STORE": str(known.path),
        "JUPYTER_TOKEN": token,
        "BROWSER": "true",
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    command = [sys.executable, "-m", "engagement.cli", "explore", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            deadline = time.monotonic() + ANSWERS_S
            while True:
                try:
                    asked(f"http://127.0.0.1:{port}/api/status", token)
                    break
                except OSError:
                    assert process.poll() is None, process.stderr.read().decode()
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            yield process, f"http://127.0.0.1:{port}", token
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_an_analyst_asks_a_copy_while_the_store_is_written_and_nothing_is_left(
    monkeypatch, explored, known, tmp_path
):
    process, address, token = explored
    with known.write() as db:  # as long as this lasts nobody else could read the store
        (copy,) = tmp_path.glob(".explore-*/store.duckdb")
        monkeypatch.setenv("ENGAGEMENT_STORE", str(copy))
        assert eg.open_store().path == copy
        assert eg.learners(risk="high")["id"].tolist() == ["a"]
        with pytest.raises(StoreUnusable), eg.open_store().write():
            pass
        db.execute("update learners set topic = 'new'")
    assert rows(known, "select distinct topic from learners") == [("new",)]
    listed = {entry["name"] for entry in asked(f"{address}/api/contents", token)["content"]}
    assert "explore_cohort.ipynb" in listed
    assert "pyproject.toml" not in listed
    assert "apputils-extension:announcements" in asked(f"{address}/lab", token)  # among what is turned off
    kernel = asked(f"{address}/api/kernels", token, "POST")
    (words,) = (
        words
        for words in map(command_line, descendants(process.pid))
        if any(kernel["id"] in word for word in words)
    )
    (connection,) = (word for word in words if kernel["id"] in word)
    # What a kernel shows goes to whoever connects to its port, from any account of the machine.
    assert json.loads(Path(connection).read_text())["transport"] == "ipc"
    assert [path.stat().st_mode & 0o077 for path in (Path(connection), Path(connection).parent)] == [0, 0]
    process.terminate()
    process.wait(timeout=30)
    assert list(tmp_path.glob(".explore-*")) == []
    assert not Path(connection).parent.exists()
    assert "copy of the store" in process.stderr.read().decode()


HOSTILE = "</script><script>document.title='owned'</script>"


def drawn(names):
    """Return a notebook with a figure for each name, as a kernel has left it."""
    figures = [pd.DataFrame({"label": ["high"], "learners": [number + 20]}) for number, _ in enumerate(names)]
    made = [
        charts.label_counts(figure, title=name).to_plotly_json()
        for figure, name in zip(figures, names, strict=True)
    ]
    shown = [
        v4.new_output("display_data", data={exports.FIGURE: json.loads(json.dumps(one))}) for one in made
    ]
    return v4.new_notebook(cells=[v4.new_code_cell("figure", outputs=[one]) for one in shown])


def test_a_notebook_is_exported_with_its_figures_and_the_script_that_draws_them_once(explored, tmp_path):
    """From JupyterLab's menu, which asks the server, and by nbconvert in a terminal."""
    notebook = drawn(["First", HOSTILE])
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook))
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(tmp_path / "mine.ipynb")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    model = {"type": "notebook", "format": "json", "name": "mine.ipynb", "path": "", "content": notebook}
    _, address, token = explored
    for html in (
        (tmp_path / "mine.html").read_text(),
        asked(f"{address}/nbconvert/html", token, "POST", model),
    ):
        assert html.count("Plotly.newPlot(") == 2
        assert html.count("plotly.js v") == 1
        assert "cdn.plot.ly" not in html.replace(get_plotlyjs(), "")
        assert HOSTILE not in html


def test_git_does_not_see_what_an_analyst_does():
    ignored = ["notebooks/explore/x.ipynb", "data/.explore-x/store.duckdb"]
    done = subprocess.run(
        ["git", "check-ignore", *ignored], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ignored


def test_without_a_store_there_is_nothing_to_explore(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(tmp_path / "none.duckdb"))
    monkeypatch.setattr(sys, "argv", ["engagement", "explore"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 4
    assert "make demo" in capsys.readouterr().err
