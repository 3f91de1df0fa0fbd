"""The checkout itself: what it names, what it needs, how large it is."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain

import pytest

from engagement.settings import PROJECT, Settings

MAX_README_LINES = 150
MAX_MODULE_LINES = 450
MAX_NAMES = 30  # a listing of the package is seen at a glance
MAX_MODULES = 12  # in a room, or a part of one
MAX_FILE_BYTES = 2_000_000

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("python" + "hosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
]
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = PROJECT / "engagement"
MODULES = sorted(PACKAGE.rglob("*.py"))


def text(name):
    return (PROJECT / name).read_text(encoding="utf-8")


def canonical(requirement):
    """Return the name of a requirement as a lock writes it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


@pytest.fixture(scope="module")
def tracked():
    """Every file that git knows and that is there."""
    if not (PROJECT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return [PROJECT / name for name in listed.split("\0") if name and (PROJECT / name).is_file()]


def files_with(files, found):
    return [
        str(path.relative_to(PROJECT))
        for path in files
        if found(path.read_text(encoding="utf-8", errors="ignore"))
    ]


def test_readme_is_short_and_names_the_two_commands():
    readme = text("README.md")
    if len(readme.splitlines()) < 3:
        pytest.skip("README.md has a title only")
    assert len(readme.splitlines()) <= MAX_README_LINES
    assert "make demo" in readme
    assert "make test" in readme


def test_changelog_has_a_section_for_what_is_not_released():
    assert "\n## Unreleased\n" in text("CHANGELOG.md")


def test_no_file_names_a_registry(tracked):
    assert files_with(tracked, lambda content: any(host in content for host in REGISTRIES)) == []


def test_the_lock_names_packages_and_hashes_and_no_address():
    lock = text("requirements.lock")
    assert "://" not in lock
    assert set(re.findall(r"--[a-z-]+", lock)) == {"--hash"}


def test_no_file_says_where_this_checkout_lies(tracked):
    assert files_with(tracked, lambda content: f"{PROJECT}/" in content) == []


def test_no_file_is_larger_than_two_megabytes(tracked):
    assert [path.name for path in tracked if path.stat().st_size > MAX_FILE_BYTES] == []


def test_nothing_is_marked_as_unfinished(tracked):
    assert files_with(tracked, UNFINISHED.search) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_is_at_most_450_lines(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


def test_a_listing_is_seen_at_a_glance():
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= MAX_NAMES
    for room in {module.parent for module in MODULES} - {PACKAGE}:
        modules = [path for path in room.glob("*.py") if not path.stem.startswith("__")]
        assert len(modules) <= MAX_MODULES, room


def test_every_imported_package_is_a_dependency():
    imported = set()
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    distributions = packages_distributions()
    outside = imported - sys.stdlib_module_names - {"engagement"}
    needed = {canonical(name) for package in outside for name in distributions.get(package, [package])}
    project = PYPROJECT["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["hub"]
    assert needed - {canonical(line) for line in declared} == set()


def test_every_dependency_is_locked():
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    locked = set(
        re.findall(r"^([a-z0-9-]+)(?:\[[\w,-]+\])?==", text("requirements.lock"), flags=re.MULTILINE)
    )
    assert {canonical(line) for line in wanted} - locked == set()


def test_a_server_gets_what_it_runs_on_and_nothing_that_only_the_tests_need():
    parts = text("requirements.lock").split("\n# what the tests need besides\n")
    server, besides = (set(re.findall(r"^([a-z0-9-]+)==", part, flags=re.MULTILINE)) for part in parts)
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    assert {canonical(line) for line in [*project["dependencies"], *extras["hub"]]} <= server
    assert {canonical(line) for line in extras["test"]} <= besides
    assert server.isdisjoint({"streamlit", "playwright", "pytest", "hypothesis", "mypy", "ruff", "pyarrow"})


QUERIES = {f"{path.parents[1].name}/{path.stem}": path for path in PACKAGE.glob("*/sql/*.sql")}


def asked_by(module):
    """The queries that the code of a module names, as `room/name`."""
    code = ast.parse(module.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(code) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z_]+/[a-z_]+", text)}


def rooms_below():
    """For each room, the rooms whose line is below its own."""
    lines = [re.findall(r"\w+", line) for line in PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]]
    return {
        room: set(chain.from_iterable(lines[place + 1 :]))
        for place, line in enumerate(lines)
        for room in line
    }


def test_every_query_is_asked_by_a_module():
    asked = set(chain.from_iterable(map(asked_by, MODULES)))
    assert QUERIES
    assert QUERIES.keys() - asked == set()


def test_a_room_asks_only_its_own_queries_and_those_of_rooms_below():
    below = rooms_below()
    for module in MODULES:
        room = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in asked_by(module) & QUERIES.keys():
            assert name.partition("/")[0] in {room, *below.get(room, ())}, f"{module}: {name}"


def test_every_query_a_module_asks_is_there():
    asked = set()
    for module in MODULES:
        asked |= set(re.findall(r'\bquery\(\s*"([\w/]+)"', module.read_text(encoding="utf-8")))
    assert asked
    assert asked - QUERIES.keys() == set()


def test_every_text_and_page_of_the_package_is_named_by_another_file(tracked):
    package = PROJECT / "engagement"
    parts = [path for path in tracked if path.is_relative_to(package) and path.suffix not in {".py", ".sql"}]
    for part in parts:
        others = [path for path in [*MODULES, *parts, PROJECT / "pyproject.toml"] if path != part]
        assert files_with(
            others, lambda content, part=part: part.name in content or f'"{part.stem}"' in content
        ), part


def test_every_setting_is_shown_in_the_example():
    settings = {field.validation_alias for field in Settings.model_fields.values()}
    assert set(re.findall(r"^#?([A-Z_]+)=", text(".env.example"), flags=re.MULTILINE)) == settings


def test_make_without_a_target_names_every_command():
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    commands = {"help", "demo", "install", "test", "lint", "bench", "notebooks", "airflow", "lock", "clean"}
    assert set(re.findall(r"^  make (\w+)", shown.stdout, flags=re.MULTILINE)) == commands


def test_ci_runs_what_people_run():
    assert os.access(PROJECT / ".ci" / "run", os.X_OK)
    assert "run: .ci/run" in text(".github/workflows/ci.yml")
    assert text(".ci/run").splitlines()[-1] == "make lint test"
