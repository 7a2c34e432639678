"""Which of several processes a device belongs to: each process finds the same answer for itself.

Rendezvous hashing (Thaler & Ravishankar 1998, "Using name-based mappings to increase hit rates"): of a device's scores
with all parts the highest wins. One part more takes 1/N of the devices, and no others move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.devices import WRIST
from har_stream.errors import ConfigError
from har_stream.samples import Block, FleetBlock, Tick

MOST_PARTS: Final = 1024
SHAPE: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})", re.ASCII)
REMEMBERED: Final = 65_536
"""Devices whose part is remembered; whoever sends could make up as many as they like."""
WORKERS_SALT: Final = 0x9E3779B97F4A7C15
"""So that the workers of a shard share its devices as if there were no shards."""


class Whose(IntEnum):
    """Whose a device is: ours, of another shard (which we are to count), or of another worker (which counts it)."""

    OURS = 0
    ELSEWHERE = 1
    SIBLING = 2


@dataclass(frozen=True, slots=True)
class Part:
    """Part `number` (from 1 on) of `count`."""

    number: int = 1
    count: int = 1


WHOLE: Final = Part()


def parse_part(text: str) -> Part:
    """Return the part that I/N names, the whole for "". Raises ConfigError."""
    if not text:
        return WHOLE
    match = SHAPE.fullmatch(text)
    part = Part(int(match[1]), int(match[2])) if match else None
    if part is None or not 1 <= part.number <= part.count <= MOST_PARTS:
        raise ConfigError(f"shard: {text!r}: expected I/N, such as 1/4: I from 1 to N, N up to {MOST_PARTS}")
    return part


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64-bit numbers well mixed: the last steps of SplitMix64 (Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hashed(device: str) -> int:
    """Return the 64-bit hash of a device's id, the same in every process."""
    return int.from_bytes(blake2b(device.encode(errors="surrogatepass"), digest_size=8).digest())


class Rendezvous:
    """Places devices in one of `count` parts."""

    def __init__(self, count: int, salt: int = 0) -> None:
        self._seeds = mixed(np.arange(1, count + 1, dtype=np.uint64) ^ np.uint64(salt))

    def part_of(self, device: str) -> int:
        """Return the number of the part, from 1 on, that a device belongs to."""
        # What is worn at the wrist comes in the messages of the phone, and so has to belong where these do.
        phone = device.removesuffix(f"-{WRIST}")
        return 1 + int(np.argmax(mixed(self._seeds ^ np.uint64(hashed(phone)))))


class Share:
    """The devices that this process serves: those of a shard, and of these one worker's.

    elsewhere counts what was not taken because it is another shard's: messages where their topic names the device, else
    blocks. Of a device of another shard one worker alone counts, so that the workers' counts add up. parts is how many
    processes share all devices.
    """

    def __init__(self, shard: Part = WHOLE, worker: Part = WHOLE) -> None:
        self._shard, self._worker = shard, worker
        self._shards, self._workers = Rendezvous(shard.count), Rendezvous(worker.count, WORKERS_SALT)
        self.parts = shard.count * worker.count
        self.whole = self.parts == 1
        self.whose = lru_cache(REMEMBERED)(self._whose)
        self._elsewhere = 0
        self._counting = Lock()

    @property
    def elsewhere(self) -> int:
        """What was not taken until now."""
        return self._elsewhere

    def takes(self, device: str) -> bool:
        """Tell whether what came of a device is to be taken, and count it where it is not."""
        whose = self.whose(device)
        if whose == Whose.ELSEWHERE:
            with self._counting:
                self._elsewhere += 1
        return whose == Whose.OURS

    def of(self, tick: Tick) -> Tick:
        """Return the blocks of a tick that are to be taken; those of no device are each process's own."""
        return tick if self.whole else [ours for block in tick for ours in self._of(block)]

    def _of(self, block: Block | FleetBlock) -> list[Block | FleetBlock]:
        if not isinstance(block, FleetBlock):
            return [block] if not block.device or self.takes(block.device) else []
        ours = np.array([self.takes(device) for device in block.devices])
        if ours.all():
            return [block]
        return [block.only(ours)] if ours.any() else []

    def _whose(self, device: str) -> Whose:
        if self._workers.part_of(device) != self._worker.number:
            return Whose.SIBLING
        return Whose.OURS if self._shards.part_of(device) == self._shard.number else Whose.ELSEWHERE


ALL: Final = Share()
"""What a process alone serves."""
