"""What goes wrong on the way, by chance and counted: parts that are lost, and parts in which one bit is flipped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from har_stream.bridge.chance import BIT, BYTE, CORRUPT, LOSS, uniform
from har_stream.bridge.payloads import Part

BITS: Final = 8


@dataclass
class Faults:
    """Shares of parts that are lost, and of those sent that are corrupt; and the counts, in samples."""

    seed: int
    loss: float = 0.0
    corrupt: float = 0.0
    sent: int = 0
    lost: int = 0
    corrupted: int = 0

    def pass_on(self, part: Part, row: int, number: int, *, untouched: int = 0) -> Part | None:
        """Return a part as it arrives, None where it does not; its last `untouched` bytes stay whole."""
        if self.loss and uniform(self.seed, LOSS, row, number) < self.loss:
            self.lost += part.samples
            return None
        self.sent += part.samples
        return self.damaged(part, row, number, untouched=untouched)

    def damaged(self, part: Part, row: int, number: int, *, untouched: int = 0) -> Part:
        """Return a part, in some with one bit of the first message flipped."""
        if not self.corrupt or uniform(self.seed, CORRUPT, row, number) >= self.corrupt:
            return part
        self.corrupted += part.samples
        first, *others = part.payloads
        data = bytearray(first)
        at = int(uniform(self.seed, BYTE, row, number) * (len(data) - untouched))
        data[at] ^= 1 << int(uniform(self.seed, BIT, row, number) * BITS)
        return replace(part, payloads=(bytes(data), *others))
