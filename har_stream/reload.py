"""Settings that are read again while the stream runs: what of them holds at once, and what a restart must bring.

Sources and sinks are exchanged for new ones where what they are made from has changed; the engine goes on with the
states of all devices. What the engine itself is made from (model, intake, queues) stays as it was begun.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from har_stream.errors import ConfigError, HarStreamError
from har_stream.logs import set_level
from har_stream.manifest import Manifest
from har_stream.parts import fitting_source
from har_stream.settings import Settings
from har_stream.shard import Share
from har_stream.sources import is_live
from har_stream.sources.source import Source

if TYPE_CHECKING:
    from har_stream.feeder import Feeder
    from har_stream.sinks.outlets import Outlets

AT_ONCE: Final = frozenset(
    {"source", "sinks", "log_level", "profiles", "devices", "mqtt", "queues.messages", "queues.message_bytes"}
)
"""Sections and keys that hold as soon as they are read."""
FILE_KEYS: Final = "_file"

log = logging.getLogger(__name__)


class Reloader:
    """Takes settings anew into a running stream; `read` raises ConfigError where there is a fault."""

    def __init__(
        self,
        read: Callable[[], Settings],
        settings: Settings,
        manifest: Manifest,
        feeder: Feeder,
        outlets: Outlets,
        share: Share,
    ) -> None:
        self._read, self._settings, self._manifest = read, settings, manifest
        self._feeder, self._outlets, self._share = feeder, outlets, share

    def __call__(self) -> str:
        """Read, and take what can be taken; returns one line on what came of it. A fault leaves all as it was."""
        try:
            given = self._read()
            settings = with_what_holds_at_once(self._settings, given)
            source = self._new_source(settings)
            outlets = self._outlets.prepared(settings)
        except HarStreamError as error:
            told = f"reload: {error}; the old configuration goes on"
            log.error("%s", told)  # noqa: TRY400 - a fault of the user's is one line
            return told
        set_level(settings.log_level)
        if source is not None:
            self._feeder.replace(source, settings.source)
        new = [*([settings.source] if source is not None else []), *self._outlets.exchange(outlets)]
        waiting = needing_restart(self._settings, given)
        self._settings = settings
        return _told(new, waiting)

    def _new_source(self, settings: Settings) -> Source | None:
        """Return the source to take the place of the one that runs, None where that stays. Raises ConfigError."""
        if source_made_from(settings) == source_made_from(self._settings):
            return None
        source = fitting_source(settings, self._manifest, self._share)
        if source.paced != self._feeder.source.paced or is_live(settings.source) != is_live(self._settings.source):
            raise ConfigError(f"source: from {self._settings.source} to {settings.source} takes a restart")
        return source


def with_what_holds_at_once(old: Settings, new: Settings) -> Settings:
    """Return the old settings with those of the new that need no restart."""
    sections: dict[str, Any] = {key: getattr(new, key) for key in AT_ONCE if "." not in key}
    queues = {key.partition(".")[2]: None for key in AT_ONCE if key.startswith("queues.")}
    taken = msgspec.structs.replace(old.queues, **{key: getattr(new.queues, key) for key in queues})
    return msgspec.structs.replace(old, queues=taken, **sections)


def needing_restart(old: Settings, new: Settings) -> list[str]:
    """Return the keys that differ and do not hold before a restart."""
    held = dict(_values(with_what_holds_at_once(old, new)))
    return [key for key, value in _values(new) if held[key] != value]


def source_made_from(settings: Settings) -> object:
    """Return all that the source is made from."""
    queues = settings.queues
    own = (settings.source, settings.profiles, settings.devices, queues.messages, queues.message_bytes)
    return (own, settings.mqtt, files_of(settings)) if settings.source.startswith("mqtt") else own


def files_of(settings: Settings) -> tuple[bytes | None, ...]:
    """Return what the files of [mqtt] hold: a password or certificate that was renewed is a change, too."""
    texts = [value for key, value in _values(settings.mqtt) if key.endswith(FILE_KEYS)]
    return tuple(_held(text) if isinstance(text, str) and text else None for text in texts)


def _held(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        return None  # whoever needs it says what is wrong


def _values(struct: msgspec.Struct, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all keys, as faults name them, and their values."""
    for field in msgspec.structs.fields(type(struct)):
        value = getattr(struct, field.name)
        if isinstance(value, msgspec.Struct):
            yield from _values(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def _told(new: list[str], waiting: list[str]) -> str:
    told = f"reload: the configuration is taken; begun anew: {', '.join(new) or 'nothing'}"
    log.info("%s", told)
    if waiting:
        told = f"reload: {', '.join(waiting)}: changed, and needs a restart"
        log.warning("%s", told)
    return told
