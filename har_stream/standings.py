"""How devices stood: since when each is in its activity and what the smoother believes, and their bytes. No I/O.

    har-stream standings 1 <SHA-256 of the rest>
    MessagePack: {"outputs": [...], "devices": [...], "numbers": bytes}

numbers are float64, little-endian, (devices, NUMBERS + outputs): when the device was heard of last in s since the
epoch; in its own clock the end of its last window and since when the label in force is in force, both in s; the
label's index, -1 for unknown; the probability of each of the model's outputs after that window.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.state import UnreadableStateError

FORMAT: Final = 1
TITLE: Final = b"har-stream standings "
LONGEST_TITLE: Final = 120
NUMBERS: Final = 4
HEARD_S, END_S, SINCE_S, LABEL = range(NUMBERS)
"""Columns before those of the outputs."""

RESUME_WITHIN_S: Final = 30.0
"""From the last window that was kept to the first after a restart: ten seconds that were not written yet, ten as a gap
within a run may have, a window, and the start itself."""


@dataclass(frozen=True, eq=False, slots=True)
class Standings:
    """Devices and their numbers (devices, NUMBERS + outputs), of a model with these outputs."""

    outputs: tuple[str, ...]
    devices: tuple[str, ...]
    numbers: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> Standings:
        """Return the devices that a mask (devices,) chooses."""
        places = np.flatnonzero(chosen).tolist()
        return Standings(self.outputs, tuple(self.devices[at] for at in places), self.numbers[chosen])

    def recent(self, wall_s: float) -> Standings:
        """Return those that were heard of shortly before wall_s, in s since the epoch."""
        # Shortly after, too: a clock may have been put right in between.
        return self.only(np.abs(wall_s - self.numbers[:, HEARD_S]) <= RESUME_WITHIN_S)

    def with_others(self, others: Standings, limit: int) -> Standings:
        """Return these and, up to `limit` in all, the devices of others that are not among them, of the same model."""
        if others.outputs != self.outputs or not others.devices:
            return self
        ours = frozenset(self.devices)
        new = others.only(np.array([device not in ours for device in others.devices], np.bool_))
        room = max(0, limit - len(self.devices))
        numbers = np.concatenate([self.numbers, new.numbers[:room]])
        return Standings(self.outputs, self.devices + new.devices[:room], numbers)


NOBODY: Final = Standings((), (), np.zeros((0, NUMBERS)))


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outputs: tuple[str, ...]
    devices: tuple[str, ...]
    numbers: bytes


def encode(standings: Standings) -> bytes:
    """Return standings as the bytes of a file."""
    numbers = np.ascontiguousarray(standings.numbers, "<f8").tobytes()
    body = msgspec.msgpack.encode(_Body(standings.outputs, standings.devices, numbers))
    return b"%s%d %s\n%s" % (TITLE, FORMAT, hashlib.sha256(body).hexdigest().encode(), body)


def decode(data: bytes) -> Standings:
    """Return the standings that encode() made bytes of. Raises UnreadableStateError for any other bytes."""
    title, _, body = data[:LONGEST_TITLE].partition(b"\n")
    body = data[len(title) + 1 :]
    version, _, digest = title.removeprefix(TITLE).partition(b" ")
    if not title.startswith(TITLE) or not version.isdigit():
        raise UnreadableStateError("damaged", "damaged, or not one of har-stream's")
    if int(version) > FORMAT:
        raise UnreadableStateError("newer", f"of format {int(version)}, this har-stream knows {FORMAT}")
    if int(version) < FORMAT or digest != hashlib.sha256(body).hexdigest().encode():
        raise UnreadableStateError("damaged", "its checksum is wrong")
    return _standings(body)


def _standings(body: bytes) -> Standings:
    try:
        found = msgspec.msgpack.decode(body, type=_Body)
        numbers = np.frombuffer(found.numbers, "<f8").reshape(len(found.devices), NUMBERS + len(found.outputs))
    except (ValueError, RecursionError):  # all of msgspec's are ValueErrors
        raise UnreadableStateError("damaged", "damaged, or not one of har-stream's") from None
    return Standings(found.outputs, found.devices, numbers)
