"""Tables that are exported together, as files of a folder or of a zip archive."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from engagement.errors import InvalidInput
from engagement.files.archives import members_of, unpacked
from engagement.files.encoding import plain_text
from engagement.ingest.platforms.exports import Asked, Table, table


@dataclass(frozen=True)
class Bundle:
    """A folder or an archive; where several of its files have one name, the one that lies least deep counts."""

    path: Path
    asked: Asked

    @cached_property
    def files(self) -> list[str]:
        """The names of all files with the folders they lie in, those that lie least deep first."""
        if self.path.is_dir():
            files = (each for each in self.path.rglob("*") if each.is_file())
            names = [each.relative_to(self.path).as_posix() for each in files]
        else:
            names = members_of(self.path)
        ours = (
            name for name in names if "__MACOSX" not in name and not name.rpartition("/")[2].startswith(".")
        )
        return sorted(ours, key=lambda name: (name.count("/"), name))

    @cached_property
    def _named(self) -> Mapping[str, str]:
        return {name.rpartition("/")[2].casefold(): name for name in reversed(self.files)}

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name, in any case."""
        return name.casefold() in self._named

    @contextmanager
    def opened(self, file: str) -> Iterator[Path]:
        """Yield where one of the files is read."""
        if self.path.is_dir():
            yield self.path / file
            return
        with unpacked(self.path, file) as place:
            yield place

    def table(self, name: str, wanted: Collection[str]) -> Table:
        """Return a file as a table, without the raw text of what was no row.

        Raises `InvalidInput` where there is none, or no row in it.
        """
        if not self.has(name):
            raise InvalidInput(f"{self.path.name}: there is no {name} in it")
        return self.table_of(self._named[name.casefold()], wanted)

    def table_of(self, file: str, wanted: Collection[str]) -> Table:
        """Return one of the files as a table, without the raw text of what was no row."""
        with self.opened(file) as place:
            return table(
                place, self.asked, wanted, keeps_raw=False, name=f"{self.path.name}/{Path(file).name}"
            )

    def rows(self, name: str, wanted: Collection[str]) -> pd.DataFrame:
        """Return some columns of a file as texts by these names; no rows where there is no such file, or none in it."""
        if not self.has(name) or not self.has_rows(self._named[name.casefold()]):
            return pd.DataFrame(columns=list(wanted), dtype="string")
        found = self.table(name, wanted)
        return pd.DataFrame({column: found.texts(column) for column in wanted})

    def has_rows(self, file: str) -> bool:
        """Return whether one of the files, a text, has anything below its header."""
        with self.opened(file) as place:
            if not place.stat().st_size:
                return False
            with (
                plain_text(place, self.asked.encoding) as plain,
                plain.path.open(encoding="utf-8-sig") as lines,
            ):
                written = (line for line in lines if line.strip())
                return next(written, None) is not None and next(written, None) is not None


def by_id(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return rows by their id, the last of several."""
    return rows[rows[name].notna()].drop_duplicates(name, keep="last").set_index(name)
