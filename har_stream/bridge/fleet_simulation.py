"""har-bridge simulate on a broker: one device or many thousands, a block of each at a time, spread evenly in time.

Block n of all devices comes before block n + 1 of any. What is due is sent in one write a tick. Where all are alike, as
simulated people with CBOR blocks are, the whole tick is computed in arrays; else message by message.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.bridge.cbor_array import CborArray
from har_stream.bridge.chance import BIT, BYTE, CORRUPT, LOSS, uniform
from har_stream.bridge.faults import BITS, Faults
from har_stream.bridge.line_simulation import PROGRAM, times_s
from har_stream.bridge.motion import Motions, Rows
from har_stream.bridge.pace import Pace
from har_stream.bridge.payloads import Device, message_part
from har_stream.bridge.post import Post, as_packets, packet, packet_head
from har_stream.bridge.report import tell
from har_stream.bridge.stop import Stop
from har_stream.profiles import Profile

TICK_S: Final = 0.005
LARGEST_TICK: Final = 2000
"""Messages that are computed and written at once, 1.3 MB of blocks of 25."""

APP_TOPIC: Final = "sensor-logger"
"""Where the app Sensor Logger publishes by itself."""

PLAIN: Final = Profile()


@dataclass(frozen=True, slots=True)
class Wave:
    """How devices send: format, profile, rate, samples a block, seed, jitter, and when it all began (epoch s)."""

    format: str
    profile: Profile
    rate_hz: float
    block: int
    seed: int
    jitter: float
    start_s: float


class FleetSimulation:
    """Virtual devices on a broker, their way there, and their books."""

    def __init__(self, motions: Motions, wave: Wave, *, prefix: str, faults: Faults, duration_s: float | None) -> None:
        self._motions, self._wave, self._faults = motions, wave, faults
        devices = len(motions.names)
        self._period_s = wave.block / wave.rate_hz
        self._phase_s = np.arange(devices) / devices * self._period_s
        lasts_s = np.minimum(motions.lasts_s, np.inf if duration_s is None else duration_s)
        self._samples = np.minimum(np.rint(lasts_s * wave.rate_hz), 2.0**62).astype(np.int64)
        self._devices = [
            Device(row, name, wave.seed, wave.rate_hz, wave.profile, wave.start_s + float(self._phase_s[row]))
            for row, name in enumerate(motions.names)
        ]
        app = wave.format == APP_TOPIC
        self._topics = [APP_TOPIC if app else f"{prefix}/{name}/imu" for name in motions.names]
        self._arrays = _Arrays(wave, self._topics) if _alike(wave, self._topics) else None
        self._next = 0
        self._messages = self._unsent = self._told = 0

    def run(self, post: Post, speed: float | None, every_s: float, stop: Stop) -> None:
        """Send until all motions or the time are over, or the end is asked for."""
        while not post.service() and not stop.is_set():
            stop.wait(TICK_S)
        pace, told_s = Pace(speed, stop), time.monotonic()
        while not self._over() and pace.wait_until(self._due_s(self._next)):
            self._tick(post, pace.now_s)
            if speed is not None:
                stop.wait(TICK_S)
            if time.monotonic() - told_s >= every_s:
                told_s = time.monotonic()
                self._tell(pace, speed, "simulating")
        self._tell(pace, speed, "ended")

    def _due_s(self, turn: int) -> float:
        """Return when a device's block is whole, for turns that go round the devices."""
        round_, row = divmod(turn, len(self._devices))
        return round_ * self._period_s + float(self._phase_s[row]) + (self._wave.block - 1) / self._wave.rate_hz

    def _over(self) -> bool:
        return bool(self._next // len(self._devices) * self._wave.block >= self._samples.max())

    def _tick(self, post: Post, now_s: float) -> None:
        """Send the blocks that are due, of one round at most; while the broker is away they go nowhere, counted."""
        devices = len(self._devices)
        round_, row = divmod(self._next, devices)
        ready_s = now_s - self._due_s(round_ * devices)
        due = devices if np.isinf(ready_s) else int(ready_s / self._period_s * devices) + 1
        rows = np.arange(row, min(max(due, row + 1), devices, row + LARGEST_TICK))
        first = round_ * self._wave.block
        counts = np.clip(self._samples[rows] - first, 0, self._wave.block)
        self._next += len(rows)
        for count in np.unique(counts[counts > 0]).tolist():
            self._send(post, rows[counts == count], first, count)

    def _send(self, post: Post, rows: Rows, first: int, count: int) -> None:
        """Send a block of each device, count samples from number `first` on."""
        wave = self._wave
        numbers = np.broadcast_to(first + np.arange(count), (len(rows), count))
        at_s = times_s(wave.seed, rows, numbers, wave.rate_hz, wave.jitter)
        values = self._motions.at(rows, at_s)
        kept = uniform(wave.seed, LOSS, rows, first) >= self._faults.loss
        self._faults.lost += int((~kept).sum()) * count
        rows, values, at_s = rows[kept], values[kept], at_s[kept]
        if not len(rows):
            return
        if self._arrays is not None:
            start_s = wave.start_s + self._phase_s[rows] + first / wave.rate_hz
            messages, data = len(rows), self._arrays.packets(rows, start_s, first, values, self._faults)
        else:
            messages, data = self._one_by_one(rows, first, at_s, values)
        if post.service() and post.send(data):
            self._messages += messages
            self._faults.sent += len(rows) * count
        else:
            self._unsent += len(rows) * count

    def _one_by_one(
        self, rows: Rows, first: int, at_s: NDArray[np.float64], values: NDArray[np.float64]
    ) -> tuple[int, bytes]:
        """Return how many messages there are for a block of each device, and their packets."""
        packets: list[bytes] = []
        for lane, row in enumerate(rows.tolist()):
            part = message_part(self._wave.format, self._devices[row], first, at_s[lane], values[lane])
            part = self._faults.damaged(part, row, first)
            packets += [packet(self._topics[row], payload) for payload in part.payloads]
        return len(packets), b"".join(packets)

    def _tell(self, pace: Pace, speed: float | None, what: str) -> None:
        faults, worst_s = self._faults, pace.worst_lag_s()
        samples = faults.sent + faults.lost + self._unsent
        rate_hz, self._told = (samples - self._told) / pace.since_last_s(), samples
        wanted_hz = len(self._devices) * self._wave.rate_hz * speed if speed is not None else None
        facts = {
            "simulate": what,
            "devices": len(self._devices),
            "format": self._wave.format,
            "sent": faults.sent,
            "lost": faults.lost,
            "corrupted": faults.corrupted,
            "unsent": self._unsent,
            "messages": self._messages,
            "samples_per_s": round(rate_hz, 1),
            "wanted_per_s": wanted_hz,
            "lag_s": round(worst_s, 4),
        }
        wanted = f" (wanted {wanted_hz:.0f})" if wanted_hz is not None else ""
        unsent = f", {self._unsent} while the broker was away" if self._unsent else ""
        line = (
            f"{what}: {len(self._devices)} devices, {rate_hz:.0f} samples/s{wanted}, late by "
            f"{worst_s * 1000:.0f} ms; {self._messages} messages with {faults.sent} samples sent, {faults.lost} lost, "
            f"{faults.corrupted} corrupted{unsent}"
        )
        tell(PROGRAM, facts, line)


def _alike(wave: Wave, topics: Sequence[str]) -> bool:
    """Tell whether all devices' messages have the same length and need no conversion."""
    plain = (wave.profile.acc_unit, wave.profile.gyro_unit, wave.profile.axes, wave.profile.acc_sign)
    same = (PLAIN.acc_unit, PLAIN.gyro_unit, PLAIN.axes, PLAIN.acc_sign)
    return wave.format == "cbor-block" and plain == same and len({len(topic.encode()) for topic in topics}) == 1


class _Arrays:
    """The packets of CBOR blocks of devices whose topics are equally long."""

    def __init__(self, wave: Wave, topics: Sequence[str]) -> None:
        self._wave, self._topics = wave, topics
        self._by_count: dict[int, tuple[CborArray, NDArray[np.uint8]]] = {}

    def packets(
        self, rows: Rows, start_s: NDArray[np.float64], first: int, values: NDArray[np.float64], faults: Faults
    ) -> bytes:
        """Return the packets of a block (d, n, 6) of each device, damaged as chance will."""
        count = values.shape[1]
        if count not in self._by_count:
            array = CborArray(count, self._wave.rate_hz)
            heads = b"".join(packet_head(topic, array.length) for topic in self._topics)
            self._by_count[count] = array, np.frombuffer(heads, np.uint8).reshape(len(self._topics), -1)
        array, heads_of_all = self._by_count[count]
        messages = array.messages(start_s, np.full(len(rows), first), values)
        if faults.corrupt:
            faults.corrupted += count * _damage(messages, rows, first, faults)
        return as_packets(heads_of_all[rows], messages)


def _damage(messages: NDArray[np.uint8], rows: Rows, first: int, faults: Faults) -> int:
    """Flip one bit of as many of the messages (d, length) as chance will; return of how many."""
    hit = np.flatnonzero(uniform(faults.seed, CORRUPT, rows, first) < faults.corrupt)
    at = (uniform(faults.seed, BYTE, rows[hit], first) * messages.shape[1]).astype(np.intp)
    bits = (uniform(faults.seed, BIT, rows[hit], first) * BITS).astype(np.uint8)
    messages[hit, at] ^= np.left_shift(np.uint8(1), bits)
    return len(hit)
