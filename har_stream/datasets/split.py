"""The official split of UCI HAR and HAPT by volunteer, and the choice of volunteers that a user makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from har_stream.errors import InputError

Split = Literal["train", "test", "all"]

TEST_SUBJECTS: Final = frozenset({2, 4, 9, 10, 12, 13, 18, 20, 24})
"""The nine volunteers of UCI HAR's official test part; the other 21 train."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which volunteers to take: an official split, and of it all or the subjects named."""

    split: Split = "all"
    subjects: frozenset[int] = frozenset()

    def takes(self, subject: int) -> bool:
        """Tell whether a volunteer is among those chosen."""
        return self._in_split(subject) and (not self.subjects or subject in self.subjects)

    def of(self, present: Collection[int], where: str) -> list[int]:
        """Return the chosen ones of the volunteers present, in order.

        Raises InputError where a named volunteer is not there or nobody is left.
        """
        absent = sorted(self.subjects - set(present))
        chosen = sorted(filter(self.takes, present))
        if absent or not chosen:
            lacking = f"no subject {', '.join(map(str, absent))}" if absent else f"nobody of split={self.split}"
            if self.subjects and not absent:
                lacking = f"none of the subjects named is of split={self.split}"
            raise InputError(f"{where}: {lacking}; subjects present: {', '.join(map(str, sorted(present)))}")
        return chosen

    def _in_split(self, subject: int) -> bool:
        return self.split == "all" or (subject in TEST_SUBJECTS) == (self.split == "test")
