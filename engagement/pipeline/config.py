"""Pipelines and the parameters of their notebooks, read and checked before anything runs.

A pipeline is a TOML file: which notebooks, in which order, with which parameters. A notebook says in its
`parameters` cell what it takes, with types. A name that no notebook takes, or a value of another type, stops the
run before it begins: papermill itself would only print a line.
"""

import ast
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engagement.errors import InvalidInput, NotFound
from engagement.pipeline.incoming.source_config import Sources
from engagement.policy import RiskPolicy
from engagement.settings import PROJECT

__all__ = [
    "Pipeline",
    "Report",
    "Sources",
    "Step",
    "Value",
    "declared_types",
    "parameters_of",
    "read_pipeline",
]

NOTEBOOKS: Final = PROJECT / "notebooks"
PIPELINES: Final = PROJECT / "pipelines"
LOAD: Final = "10_load"  # the step that loads a pipeline's sources
GIVEN_BY_THE_RUN: Final = ("as_of", "run_id", "learner_files", "event_files")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Value = str | int | float | bool | list[str]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Strict):
    """One notebook of a pipeline."""

    notebook: Name
    parameters: dict[str, Value] = {}
    retries: int = Field(0, ge=0, le=5)
    timeout_s: int = Field(600, gt=0)

    @property
    def path(self) -> Path:
        """The notebook's file."""
        return NOTEBOOKS / f"{self.notebook}.ipynb"


class Page(NamedTuple):
    """A page people read: the step it is made of, what it is called, and its file in the folder of the run."""

    step: str
    title: str
    file: str


class Report(_Strict):
    """Which steps become the pages people read, what they are called, and whether they are made ready for mail."""

    step: Name
    title: str
    also: dict[Name, str] = {}
    for_mail: bool = False

    @property
    def pages(self) -> list[Page]:
        """The pages in their order; the first one's step is `step`."""
        others = [Page(step, title, f"report-{step}.html") for step, title in self.also.items()]
        return [Page(self.step, self.title, "report.html"), *others]


class Pipeline(_Strict):
    """A pipeline as its file says it."""

    name: Name
    schedule: str = ""
    sources: Sources = Sources()
    risk: dict[str, Any] = {}
    max_fallback_rate: float | None = Field(None, ge=0, le=1)
    report: Report | None = None
    steps: list[Step] = Field(min_length=1)

    @property
    def policy(self) -> RiskPolicy:
        """The numbers of the risk formula; `InvalidInput` where they make no sense."""
        return RiskPolicy.from_table(self.risk, source=f"{self.name}.toml")


def read_pipeline(name: str, folder: Path = PIPELINES) -> Pipeline:
    """Return the pipeline of that name; `NotFound`, or `InvalidInput` that says what is wrong in the file."""
    path = folder / f"{name}.toml"
    names = sorted(file.stem for file in folder.glob("*.toml"))
    if name not in names:
        raise NotFound(f"no pipeline {name!r}; there is {', '.join(names) or 'none'}")
    try:
        pipeline = Pipeline.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path.name}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if wrong := [said for said, is_so in _contradictions(pipeline, name) if is_so]:
        raise InvalidInput(f"{path.name}: {wrong[0]}")
    _ = pipeline.policy  # refused now rather than when somebody is scored
    try:
        pipeline.sources.source_format("UTC")
    except InvalidInput as error:
        raise InvalidInput(f"{path.name}: sources: {error}") from None
    return pipeline


def _contradictions(pipeline: Pipeline, name: str) -> list[tuple[str, bool]]:
    """Return what may not be in a file of that name although each value is allowed, and whether it is so here."""
    steps = [step.notebook for step in pipeline.steps]
    sources = pipeline.sources
    found = [
        (f"name is {pipeline.name!r}, and must be the file's", pipeline.name != name),
        ("a notebook stands twice in steps", len(set(steps)) < len(steps)),
        (
            f"sources are loaded by {LOAD}, which is not one of the steps",
            sources.is_used and LOAD not in steps,
        ),
        (
            "sources.if_nothing_new is about an inbox, and there is none",
            sources.if_nothing_new == "fail" and not sources.inboxes,
        ),
    ]
    if report := pipeline.report:
        found += [
            (f"report.step {report.step!r} is not one of the steps", report.step not in steps),
            (
                f"report.also {report.step!r} has a page already, as report.step",
                report.step in report.also,
            ),
            *((f"report.also {step!r} is not one of the steps", step not in steps) for step in report.also),
        ]
    return found


def parameters_of(pipeline: Pipeline, given: Mapping[str, str]) -> dict[str, dict[str, Value]]:
    """Return the parameters of each step: from the pipeline's file, then from `given` texts (`-p name=value`).

    A given parameter goes to every step that takes it. Raises `InvalidInput` for a name that none takes, or a
    value that is not of the declared type.
    """
    declared = {step.notebook: declared_types(step.path) for step in pipeline.steps}
    known = sorted({name for types in declared.values() for name in types} - set(GIVEN_BY_THE_RUN))
    if unknown := sorted(set(given) - set(known)):
        raise InvalidInput(
            f"parameter {', '.join(unknown)}: no notebook takes it; allowed are {', '.join(known)}"
        )
    result: dict[str, dict[str, Value]] = {}
    for step in pipeline.steps:
        types = declared[step.notebook]
        for name, value in step.parameters.items():
            if name not in types or name in GIVEN_BY_THE_RUN:
                raise InvalidInput(f"{pipeline.name}.toml: {step.notebook} takes no parameter {name}")
            _check(name, value, types[name])
        texts = {name: _read(name, text, types[name]) for name, text in given.items() if name in types}
        result[step.notebook] = {**step.parameters, **texts}
    return result


def declared_types(notebook: Path) -> dict[str, str]:
    """Return the parameters a notebook takes, name to type, from its cell tagged `parameters`.

    Raises `NotFound`, and `InvalidInput` for a file that is no notebook or a type that no text can be read as.
    """
    if not notebook.is_file():
        raise NotFound(f"no notebook {notebook.name}")
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
        tree = ast.parse("".join(tagged[0]["source"])) if tagged else ast.parse("")
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError):
        raise InvalidInput(f"{notebook.name}: cannot be read as a notebook with a parameters cell") from None
    types = {
        node.target.id: ast.unparse(node.annotation)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for name, kind in types.items():
        if kind not in _TYPES:
            raise InvalidInput(f"{notebook.name}: {name} is a {kind}; allowed are {', '.join(_TYPES)}")
    return types


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list[str]": (list,),
}
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}
_READERS: Final[dict[str, Callable[[str], Value]]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: _FLAGS[text.lower()],
    "list[str]": lambda text: [item.strip() for item in text.split(",") if item.strip()],
}


def _check(name: str, value: Value, kind: str) -> None:
    if not isinstance(value, _TYPES[kind]) or (kind == "bool") != isinstance(value, bool):
        raise InvalidInput(f"parameter {name}: {kind} is needed, not {type(value).__name__}")


def _read(name: str, text: str, kind: str) -> Value:
    try:
        return _READERS[kind](text)
    except (ValueError, KeyError):
        raise InvalidInput(f"parameter {name}: {kind} is needed, not {text[:40]!r}") from None
