"""What is logged: lines on stderr, readable by people and by a journal; bounded in length and in number.

What devices and brokers send may stand in a line, so neither is left to them: from each place in the code only so many
lines a minute are told, and the next one says how many were not.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

MOST_A_MINUTE: Final = 30
"""Lines from one place in the code."""
MINUTE_S: Final = 60.0
LONGEST_LINE: Final = 2000

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Limit(logging.Filter):
    """Passes MOST_A_MINUTE records of each place in the code; the next minute's first tells what was held back."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[tuple[str, int], _Place] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record passes."""
        place = self._places.setdefault((record.pathname, record.lineno), _Place(record.created))
        if not 0 <= record.created - place.begun_s < MINUTE_S:
            if place.held_back:
                record.msg, record.args = f"{record.getMessage()} ({place.held_back} like this were not told)", None
            place.begun_s, place.told, place.held_back = record.created, 0, 0
        if place.told < MOST_A_MINUTE:
            place.told += 1
            return True
        place.held_back += 1
        return False


class _Place:
    """How many lines came from a place in the code since begun_s."""

    def __init__(self, begun_s: float) -> None:
        self.begun_s, self.told, self.held_back = begun_s, 0, 0


class StderrHandler(logging.Handler):
    """Writes to what sys.stderr is at that moment: a live table on the terminal puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        line = self.format(record)
        if len(line) > LONGEST_LINE:
            line = f"{line[:LONGEST_LINE]} ..."
        if not line.isprintable():
            line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is where log lines go


def start_logging(level: str, program: str = "har-stream") -> None:
    """Log to stderr from `level` on, each line in the name of `program`."""
    handler = StderrHandler()
    handler.addFilter(Limit())
    handler.setFormatter(logging.Formatter(f"{program}: %(levelname)s: %(message)s"))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)


def set_level(level: str) -> None:
    """Log from another level on."""
    logging.getLogger().setLevel(LEVELS[level])
