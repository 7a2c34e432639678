"""Where the numbers lie in a CBOR block: a device's messages are alike but for them, and need no parser.

    {"t": ........ "hz": 50.0, "seq": .... "val": tag(............)}
     same    t      same        any    same           val

A layout is learned from a message that the parser has read, and proved by the parser: with other bytes in those places
the message still reads the same but for these fields, whose width is fixed. So it takes nothing that the parser would
not take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import itemgetter
from struct import Struct
from typing import Any, Final
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from har_stream.formats.format import CHANNELS, Values

Fields = dict[Any, Any]

TIME: Final = b"\x61t\xfb"
"""The key "t" and the head of a double."""
TIME_BYTES: Final = 8
OTHER_TIME: Final = -1.5
SEQUENCE: Final = b"\x63seq"
SEQUENCE_BYTES: Final = {0x18: 1, 0x19: 2, 0x1A: 4, 0x1B: 8}
"""Width of an integer by its head; a small one is the head itself."""
VALUES: Final = b"\x63val\xd8\x55"
"""The key "val" and the tag of little-endian float32."""
VALUES_HEADS: Final = {0x58: 2, 0x59: 3, 0x5A: 5, 0x5B: 9}
"""Width of a byte string's head by its first byte."""
CODES: Final = {"seq": "x", "val": "s"}
"""How struct takes a field: passes it over, or gives its bytes."""
MOST_FIXED: Final = 512
"""Bytes beside these fields, of which a layout keeps several copies; whoever sends more is read by the parser."""
FLOAT32: Final = np.dtype("<f4")
TIMES: Final = np.dtype(">f8")


class Layout:
    """Messages of one layout; fields is what they say beside t, seq and val.

    There is one object of each, whoever learned it: devices that send alike share it.
    """

    def __init__(self, data: bytes, places: dict[str, slice], fields: Fields) -> None:
        self.fields = fields
        self.rate_hz = float(fields["hz"])
        self.units: tuple[str | None, str | None] = fields.get("acc_unit"), fields.get("gyro_unit")
        self._places = places
        self._fixed = _fixed(data, places)
        self._template = np.frombuffer(data, np.uint8)[self._fixed]
        self._shape = (places["val"].stop - places["val"].start) // (CHANNELS * FLOAT32.itemsize), CHANNELS
        kinds, at = "", 0
        number: dict[str, int] = {}
        for name, place in sorted(places.items(), key=lambda one: one[1].start):
            kinds += f"{place.start - at}s" + ("d" if name == "t" else f"{place.stop - place.start}{CODES[name]}")
            number[name] = 2 * len(number) + 1 - ("seq" in number)
            at = place.stop
        self._unpack = Struct(f">{kinds}{len(data) - at}s").unpack
        # seq is passed over; time and values stand among what is the same in all messages.
        self._time, self._values = number["t"], number["val"]
        self._rest = itemgetter(*({*range(len(self._unpack(data)))} - {self._time, self._values}))
        self._same = self._rest(self._unpack(data))

    def read(self, data: bytes) -> tuple[float, Values] | None:
        """Return the time of the first sample and the samples (n, 6) of a message as long as the one that was learned.

        None for one of another layout.
        """
        told = self._unpack(data)
        if self._rest(told) != self._same:
            return None
        return told[self._time], np.ndarray(self._shape, FLOAT32, told[self._values])

    def read_all(self, messages: Sequence[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.float64], Values]:
        """Read messages (d,), each as long as the one that was learned.

        Return which are of this layout (d,), the times of their first samples (d,) and their samples (d, n, 6); those
        of others mean nothing.
        """
        whole = np.frombuffer(b"".join(messages), np.uint8).reshape(len(messages), -1)
        alike = (whole[:, self._fixed] == self._template).all(axis=1)
        times_s = whole[:, self._places["t"]].copy().view(TIMES)[:, 0].astype(np.float64)
        values = whole[:, self._places["val"]].copy().view(FLOAT32)
        return alike, times_s, values.reshape(len(messages), *self._shape)


_KNOWN: Final[WeakValueDictionary[tuple[Any, ...], Layout]] = WeakValueDictionary()
"""Layouts by what tells them apart, for as long as anybody has them."""


def learn(data: bytes, parse: Callable[[bytes], Fields | None]) -> Layout | None:
    """Return the layout of a message that can be parsed; None where t is no double or val not of float32."""
    places = _places(data)
    if places is None:
        return None
    other = bytearray(data)
    for place in places.values():
        other[place] = bytes(byte ^ 1 for byte in other[place])
    other[places["t"]] = Struct(">d").pack(OTHER_TIME)
    before, after = parse(data), parse(bytes(other))
    if before is None or after is None or after.pop("t", None) != OTHER_TIME:
        return None
    flipped, moved = after.pop("val", None), after.pop("seq", None) != before.pop("seq", None)
    if getattr(flipped, "value", None) != other[places["val"]] or moved != ("seq" in places):
        return None
    fields = {key: value for key, value in before.items() if key not in ("t", "val")}
    if type(fields.get("hz")) not in (int, float):
        return None
    return _one_of_a_kind(data, places, fields) if fields == after else None


def _one_of_a_kind(data: bytes, places: dict[str, slice], fields: Fields) -> Layout:
    same = np.frombuffer(data, np.uint8)[_fixed(data, places)].tobytes()
    kind = same, *((name, place.start, place.stop) for name, place in sorted(places.items()))
    return _KNOWN.get(kind) or _KNOWN.setdefault(kind, Layout(data, places, fields))


def _fixed(data: bytes, places: dict[str, slice]) -> NDArray[np.intp]:
    """Return where a message has the bytes that are the same in all of its layout."""
    return np.delete(np.arange(len(data)), np.concatenate([np.r_[place] for place in places.values()]))


def _places(data: bytes) -> dict[str, slice] | None:
    """Return where t, seq and val seem to lie; seq is left out where its head holds it or there is none."""
    time_at, values_at, sequence_at = data.find(TIME), data.find(VALUES), data.find(SEQUENCE)
    if time_at < 0 or values_at < 0:
        return None
    time_at, values_at, sequence_at = time_at + len(TIME), values_at + len(VALUES), sequence_at + len(SEQUENCE)
    head = VALUES_HEADS.get(data[values_at], 0) if values_at < len(data) else 0
    length = int.from_bytes(data[values_at + 1 : values_at + head])
    values = slice(values_at + head, values_at + head + length)
    if not length or length % (CHANNELS * FLOAT32.itemsize) or values.stop > len(data):
        return None
    places = {"t": slice(time_at, time_at + TIME_BYTES), "val": values}
    width = SEQUENCE_BYTES.get(data[sequence_at], 0) if len(SEQUENCE) <= sequence_at < len(data) else 0
    if width:
        places["seq"] = slice(sequence_at + 1, sequence_at + 1 + width)
    if len(data) - sum(place.stop - place.start for place in places.values()) > MOST_FIXED:
        return None
    edges = sorted((place.start, place.stop) for place in places.values())
    apart = all(stop <= start for (_, stop), (start, _) in pairwise(edges))
    return places if apart and edges[-1][1] <= len(data) else None
