"""A result shows itself: its sentence and, in a notebook, the table that the sentence is about."""

from abc import ABC, abstractmethod
from html import escape

import pandas as pd


class Told(ABC):
    """A result with a sentence, `in_words`, and a small table, `shown`."""

    @property
    @abstractmethod
    def in_words(self) -> str:
        """What was found, as a sentence or two."""

    @property
    @abstractmethod
    def shown(self) -> pd.DataFrame:
        """The table that stands beneath the sentence in a notebook."""

    def __repr__(self) -> str:
        return self.in_words

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.in_words)}</p>{self.shown.to_html(index=False, border=0)}"
