"""The faults and what is promised of each. A test's name begins with the number of its row: test_02_..."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NUMBER: Final = re.compile(r"test_(\d\d)_")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the outcome that its tests hold the stream to."""

    kind: str
    what: str
    outcome: str


_BROKER = (
    ("down at start", "alive, `/readyz` names it; connected within 5 s of its start"),
    ("killed under load, for a minute", "no label lost, order kept"),
    ("away for longer than the queue lasts", "exactly the oldest labels above 10,000 dropped, counted"),
    ("hangs (SIGSTOP)", "noticed within two keepalives; memory grows by 10 MiB at most"),
    ("network half open (link down)", "noticed within two keepalives; memory grows by 10 MiB at most"),
    ("connection reset in mid-packet", "sent again; a repeated label carries the same id"),
    ("takes one byte a millisecond", "no deadlock; other sinks do not notice"),
    ("wrong password", "12 tries in 5 minutes at most, one clear line"),
    ("expired certificate, wrong host, wrong authority", "refused, never plaintext"),
    ("another client takes our client id", "logged with the remedy; no reconnect storm"),
    ("hostile: topics in bad UTF-8, broken packets", "the receiving thread lives"),
)
_SERIAL = (
    ("unplugged and back 100 times", "read again within 2 s each; no file descriptor lost"),
    ("back under another name", "followed by its by-id link"),
    ("one byte in a thousand flipped", "those frames refused and counted; the next one is read"),
    ("garbage or a wrong baud rate for a minute", "no window, 4 KiB held at most, a hint about the baud rate"),
    ("silent", "said in `/readyz` and metrics after 5 s"),
    ("in use", "a clear line that names the holder; tried again"),
)
_DATA = (
    ("NaN, infinities, 1e308, 1e6 g", "refused at the intake; the next windows are finite and right"),
    ("samples twice and late", "dropped, counted; labels unchanged"),
    ("gaps of one sample and of 10 s", "the first bridged, the second begins anew; no window spans it"),
    ("wall clock jumps by an hour and by ten years", "no stall, labels unchanged"),
    ("100,000 hostile device ids", "no more than `max_devices` taken, 20 MiB at most, a scrape within 100 ms"),
)
_PROCESS = (
    ("kill -9 while it records and keeps state", "all reopens, at most 1 s of recording lost, a torn end left out"),
    ("disk full while recording", "labels go on; told in `/readyz`, log and metrics"),
    ("SIGTERM under load; faulty configuration", "drained and out within 5 s, exit 0; exit 78 names the key"),
)

FAULTS: Final = tuple(
    Fault(kind, what, outcome)
    for kind, faults in (("Broker", _BROKER), ("Serial port", _SERIAL), ("Data", _DATA), ("Process", _PROCESS))
    for what, outcome in faults
)
"""In their order; the first is number 1."""


def row_of(test: str) -> int | None:
    """Return the number of the fault that a test is named by, None for one that is of none."""
    found = NUMBER.match(test)
    return int(found[1]) if found else None
