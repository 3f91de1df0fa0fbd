"""What a run is made by, beside its data and its numbers: notebooks, templates, prompts, the package, and data outside.

Whoever edits one of them gets another run for the same day. Of a run that stopped, the steps that are done stay done
while their own notebooks are as they were: to mend the one that failed is how it goes on.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from engagement.content import templates
from engagement.errors import InvalidInput
from engagement.llm import prompts
from engagement.pipeline.config import Pipeline, Step
from engagement.settings import read_settings

PROGRAM: Final = "[program]"  # its place among a run's parameters by step; no step can be called so
_READS_OUTSIDE: Final = "real_data("  # in a notebook: the folder that ENGAGEMENT_DATA names
_TEXTS: Final = ("*.json", "*.toml", "*.j2", "*.md", "*.txt")


def of(pipeline: Pipeline) -> dict[str, Any]:
    """Return digests of what the pipeline is made by: of each step's notebook, and of `all` that they share."""
    sources = {step.notebook: _source(step) for step in pipeline.steps}
    shared = [version("engagement"), *_contents(templates.FOLDER), *_contents(prompts.FOLDER)]
    if any(_READS_OUTSIDE in source for source in sources.values()):
        shared += _outside()
    return {
        "all": _digest(shared),
        "steps": {name: _digest([source]) for name, source in sources.items()},
    }


def is_same(kept: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether a run was made by what is there now; of one that says nothing of it nobody knows better."""
    return not kept or kept == now


def can_go_on(kept: Mapping[str, Any], now: Mapping[str, Any], done: Iterable[str]) -> bool:
    """Return whether the steps that a run has done would be done alike now."""
    if not kept:
        return True
    was, are = kept["steps"], now["steps"]
    return bool(kept["all"] == now["all"] and all(was.get(step) == are.get(step) for step in done))


def _source(step: Step) -> str:
    """Return what the notebook says; what it shows is of no account."""
    try:
        cells = json.loads(step.path.read_text(encoding="utf-8"))["cells"]
        return json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells])
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(f"{step.path.name}: cannot be read as a notebook") from None


def _contents(folder: Path) -> list[str]:
    files = sorted(file for pattern in _TEXTS for file in folder.rglob(pattern))
    return [f"{file.relative_to(folder)} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]


def _outside() -> list[str]:
    folder = read_settings().data
    if folder is None or not folder.is_dir():
        return [str(folder)]
    # By size and time: it may be gigabytes.
    files = [(file, file.stat()) for file in sorted(folder.rglob("*")) if file.is_file()]
    return [str(folder), *(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in files)]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()
