"""What is logged: lines on stderr, readable by people and by a journal."""

from __future__ import annotations

import logging
import sys

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class StderrHandler(logging.Handler):
    """Writes to what sys.stderr is at that moment: a live table on the terminal puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201 - this is where log lines go


def start_logging(level: str, program: str = "har-stream") -> None:
    """Log to stderr from `level` on, each line in the name of `program`."""
    handler = StderrHandler()
    handler.setFormatter(logging.Formatter(f"{program}: %(levelname)s: %(message)s"))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)


def set_level(level: str) -> None:
    """Log from another level on."""
    logging.getLogger().setLevel(LEVELS[level])
