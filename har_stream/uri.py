"""URIs of sources and sinks: scheme:rest?key=value&key=value, with every key checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from har_stream.errors import ConfigError, nearest

SLOWEST: Final = 1e-3
FASTEST: Final = 1e6

PASSWORD: Final = re.compile(r"(//[^/?:]*):.*@", re.DOTALL)
"""Where a URI holds what should not be there and must not be shown."""

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Uri:
    """A source's or sink's URI, taken apart; text is the whole, to be shown: on one line and without a password."""

    text: str
    scheme: str
    rest: str
    query: dict[str, str]

    def options(self, kind: type[T]) -> T:
        """Return the query as a struct of typed options. Raises ConfigError that names the key."""
        known = {field.name for field in msgspec.structs.fields(kind)}
        for key in self.query:
            if key not in known:
                raise ConfigError(f"{self.text}: unknown option {key!r}{nearest(key, known)}")
        try:
            return msgspec.convert(self.query, kind, strict=False)
        except UnicodeEncodeError:
            raise ConfigError(f"{self.text}: {_not_text(self.query)}: not UTF-8 text") from None
        except msgspec.ValidationError as error:
            reason, _, key = str(error).partition(" - at `$.")
            raise ConfigError(f"{self.text}: {key.rstrip('`')}: {reason}") from None


def _not_text(query: dict[str, str]) -> str:
    """Return the first key whose value came in bytes that are no UTF-8."""
    return next(key for key, value in query.items() if value != value.encode(errors="replace").decode())


def parse_uri(text: str) -> Uri:
    """Take a URI apart. Raises ConfigError where it has no scheme or a malformed query."""
    scheme, colon, rest = text.partition(":")
    text = PASSWORD.sub(r"\1:***@", text)
    if not colon or not scheme:
        raise ConfigError(f"{text!r} is no URI: expected scheme:..., such as sim: or stdout:")
    text = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    rest, _, query = rest.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ConfigError(f"{text}: options are key=value, joined by &") from None
    twice = next((key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at])), None)
    if twice is not None:
        raise ConfigError(f"{text}: option {twice!r} is given twice")
    return Uri(text, scheme, rest, dict(pairs))


def parse_speed(text: str, uri: Uri) -> float | None:
    """Return a replay's speed: a factor, None for "max". Raises ConfigError on anything else."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        raise ConfigError(f"{uri.text}: speed is a number from {SLOWEST:g} to {FASTEST:g}, or max, not {text!r}")
    return speed


def parse_subjects(text: str, where: str) -> frozenset[int]:
    """Return the volunteers of "1,3". Raises ConfigError where one is no number."""
    words = [word for word in text.split(",") if word]
    try:
        return frozenset(map(int, words))
    except ValueError:
        raise ConfigError(f"{where}: subject is a list of numbers such as 1,3, not {text!r}") from None
