"""Copies of the notebooks that an analyst may change: git never sees them, and no pipeline runs them.

Copies come without outputs: what an original shows are figures of the sample, which a reader would take for their own.
A copy that was not changed follows its original. One that was is the analyst's: it is kept, and where the original has
changed since, the new one is laid beside it.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from engagement import private

FIRST: Final = "tour.ipynb"  # what JupyterLab opens
_NOT_FOR_ANALYSTS: Final = ("dashboard.ipynb",)
_KNOWN: Final = ".originals.json"  # the hash of what each copy was made from


def lay_out(originals: Path, folder: Path) -> list[str]:
    """Bring the copies up to date; return the names of new originals laid beside changed copies (`X.new.ipynb`).

    Parameters
    ----------
    originals
        The folder of notebooks; the copies are made of those in it.
    folder
        Where the copies lie; made where it is not there.
    """
    private.make_folder(folder)
    private.close_to_others(folder)
    known = _known(folder)
    beside = []
    for original in sorted(originals.glob("*.ipynb")):
        if original.name in _NOT_FOR_ANALYSTS:
            continue
        content, copy = _without_outputs(original.read_bytes()), folder / original.name
        if copy.is_file() and known.get(original.name) != _digest(copy.read_bytes()):
            newer = copy.with_suffix(".new.ipynb")
            if known.get(newer.name) != _digest(content) and known.get(original.name) != _digest(content):
                newer.write_bytes(content)
                known[newer.name] = _digest(content)
                beside.append(newer.name)
            continue
        copy.write_bytes(content)
        known[original.name] = _digest(content)
    (folder / _KNOWN).write_text(json.dumps(known, indent=1), encoding="utf-8")
    return beside


def _without_outputs(content: bytes) -> bytes:
    """Return a notebook as if nobody had run it; what is no notebook stays as it is."""
    try:
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
    except (ValueError, TypeError, KeyError):
        return content
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def _known(folder: Path) -> dict[str, str]:
    try:
        known = json.loads((folder / _KNOWN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
