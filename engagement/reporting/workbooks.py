"""Workbooks that pandas writes hold a learner's text as text, also where it begins like a formula or an address."""

from typing import Any

from pandas.io.excel import register_writer  # type: ignore[attr-defined]
from pandas.io.excel._xlsxwriter import XlsxWriter  # type: ignore[import-not-found]


class _TextsOnly(XlsxWriter):  # type: ignore[misc]
    def __init__(self, *given: Any, engine_kwargs: dict[str, Any] | None = None, **named: Any) -> None:
        asked = engine_kwargs or {}
        options = {"strings_to_formulas": False, "strings_to_urls": False} | asked.get("options", {})
        super().__init__(*given, engine_kwargs=asked | {"options": options}, **named)


def hold_texts() -> None:
    """Let `to_excel` write every text as one in this process; `engine_kwargs` can say otherwise."""
    register_writer(_TextsOnly)
