"""The notebooks show what the code does, and look the way notebooks here look."""

import ast
import json
import re
import statistics
import subprocess
import sys

import pytest

from engagement.settings import PROJECT
from tests.support.notebooks import IN_ORDER, NOTEBOOKS, shared_scratch_store

PATHS = [NOTEBOOKS / f"{name}.ipynb" for name in IN_ORDER]
ASKING = [path for path in PATHS if path.stem != "dashboard"]
LONGEST_CELL = 10
LONGEST_MEDIAN = 4
LARGEST_BYTES = 100_000
# A folder of some machine, an address of a person, a key, a trace of a failure.
UNWANTED = re.compile(
    r"/(home|root|tmp)/|/Users/|site-packages|[\w.+-]+@[\w-]+\.\w+|\bsk-[A-Za-z0-9]{8}|Traceback"
)
NBVAL = (
    *("--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", "-c", "/dev/null"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:socket", "-q", "--color=no", "-rfEp"),
    f"--rootdir={NOTEBOOKS}",
    *("-p", "tests.support.forked_kernels"),
)


def cells(path, kind="code"):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return cell["metadata"].get("tags", [])


def lines_of_code(path):
    return [
        len([line for line in source(cell).splitlines() if line.strip()])
        for cell in cells(path)
        if "parameters" not in tags(cell)
    ]


every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
every_question = pytest.mark.parametrize("path", ASKING, ids=lambda path: path.stem)


def test_every_notebook_is_executed_and_compared():
    assert sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")) == sorted(path.name for path in PATHS)


@every_question
def test_a_notebook_begins_with_its_question(path):
    first = json.loads(path.read_text())["cells"][0]
    assert first["cell_type"] == "markdown"
    title, _, rest = source(first).partition("\n\n")
    assert re.fullmatch(r"# \S.*", title)
    assert rest.startswith("**Question.** ")
    assert rest.partition("\n")[0].endswith("?")
    assert re.search(r"^Reads .+\. Writes .+", rest, re.MULTILINE)


@every_question
def test_every_parameter_has_a_type_and_a_comment(path):
    (cell,) = [cell for cell in cells(path) if "parameters" in tags(cell)]
    lines = source(cell).splitlines()
    tree = ast.parse(source(cell))
    assert len(tree.body) == len(lines) > 0
    assert all(isinstance(node, ast.AnnAssign) and node.value is not None for node in tree.body)
    assert [line for line in lines if not re.search(r"  # \S+", line)] == []


@every_notebook
def test_code_that_should_be_in_the_package_is_not_in_a_notebook(path):
    defined = [
        type(node).__name__
        for cell in cells(path)
        for node in ast.walk(ast.parse(source(cell)))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))
    ]
    assert defined == []


@every_notebook
def test_a_cell_holds_one_idea(path):
    assert max(lines_of_code(path)) <= LONGEST_CELL
    assert statistics.median(lines_of_code(path)) <= LONGEST_MEDIAN


@every_question
def test_a_notebook_ends_with_an_answer_in_words(path):
    *_, heading, code = json.loads(path.read_text())["cells"]
    assert source(heading) == "## Answer"
    (output,) = code["outputs"]
    assert output["name"] == "stdout"
    assert re.search(r"\d.* [a-z]+", "".join(output["text"]))


@every_notebook
def test_cell_ids_are_made_from_the_name_and_the_place(path):
    ids = [cell["id"] for cell in json.loads(path.read_text())["cells"]]
    prefix = path.stem.replace("_", "-")
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(rf"{prefix}-\d\d[a-z]?", name)] == []
    assert ids == sorted(ids)


@every_notebook
def test_nothing_is_stored_that_belongs_to_one_machine_person_or_moment(path):
    text = path.read_text()
    assert UNWANTED.findall(text) == []
    notebook = json.loads(text)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert [cell["id"] for cell in notebook["cells"] if set(cell["metadata"]) - {"tags"}] == []
    numbers = [cell["execution_count"] for cell in cells(path)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(text.encode()) < LARGEST_BYTES


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A copy of a notebook that shows another number in its last cell."""
    path = tmp_path_factory.mktemp("changed") / "changed.ipynb"
    notebook = json.loads((NOTEBOOKS / "explore_cohort.ipynb").read_text())
    answer = notebook["cells"][-1]["outputs"][0]
    told = "".join(answer["text"])
    answer["text"] = re.sub(r"\d+ of", "7 of", told, count=1)
    assert answer["text"] != told
    path.write_text(json.dumps(notebook))
    return path


@pytest.fixture(scope="module")
def compared(tmp_path_factory, changed):
    """What comparing says of the notebooks in their order and of the changed copy after them."""
    env = shared_scratch_store(tmp_path_factory) | {"PYTHONPATH": str(PROJECT)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        *NBVAL,
        f"--rootdir={NOTEBOOKS}",
        *map(str, PATHS),
        str(changed),
    ]
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=NOTEBOOKS, check=False)


def cells_that(outcome, finished, name):
    """Return the cells of a notebook with this outcome; a notebook outside the folder has no name there."""
    return re.findall(rf"^{outcome} {re.escape(name)}::.+", finished.stdout, re.MULTILINE)


@every_notebook
def test_a_notebook_shows_what_is_stored_in_it(compared, path):
    passed = cells_that("PASSED", compared, path.name)
    assert len(passed) == len(cells(path)), compared.stdout[-8000:] + compared.stderr[-2000:]


def test_a_stored_number_that_is_no_longer_true_is_found(compared, changed):
    failed, passed = cells_that("FAILED", compared, ""), cells_that("PASSED", compared, "")
    assert (len(failed), len(passed)) == (1, len(cells(changed)) - 1), compared.stdout[-3000:]
    assert f"Cell {len(cells(changed)) - 1}" in failed[0]
    assert compared.returncode == 1
