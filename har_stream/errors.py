"""The errors that end a command: one clear line on stderr and an exit code of sysexits.h, no traceback."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class HarStreamError(Exception):
    """A fault that the person at the keyboard can mend; the message is the whole line they see."""

    exit_code = 1


class ConfigError(HarStreamError):
    """The command line, environment or configuration file asks for what cannot be (exit 78)."""

    exit_code = os.EX_CONFIG


class InputError(HarStreamError):
    """A file or data set is missing, unreadable or not what it should be (exit 66)."""

    exit_code = os.EX_NOINPUT


class UnavailableError(HarStreamError):
    """A server on the network cannot be reached or does not serve what is asked of it (exit 69)."""

    exit_code = os.EX_UNAVAILABLE


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, else the known words."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (known: {', '.join(choices)})"
