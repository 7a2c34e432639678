"""Simulated devices that know, of all they send, how many samples a stream must have in its books."""

from __future__ import annotations

import random
from typing import Final, Protocol

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.formats import cbor_blocks, frames
from tests.broker import wait_for
from tests.motion import RATE_HZ, motion
from tests.serial_pair import Plug

BLOCK: Final = 50
WALK: Final = motion(1, 20 * BLOCK)
KINDS: Final = ("plain", "not finite", "out of range", "double", "gap", "garbage")
HOSTILE: Final = ("a b", "ü", "x" * 200, "..", "$SYS", "a\\b", "\u200d", "DROP TABLE", "-" * 65)


class Devices(Protocol):
    """Some devices on one way into a stream."""

    def send(self, kind: str) -> int:
        """Send about a second of each device; return how many samples that makes in the books.

        Raises OSError where it surely does not arrive.
        """


class WirelessDevices:
    """Devices that publish blocks on a broker, with QoS 0: what it does not take now is lost."""

    def __init__(self, port: int, count: int, dice: random.Random) -> None:
        self._names, self._dice, self._second = [f"watch-{n:02}" for n in range(count)], dice, 0
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_for(self._client.is_connected)

    def wait_until_connected(self) -> None:
        wait_for(self._client.is_connected)

    def send(self, kind: str) -> int:
        self._second += 1 + 9 * (kind == "gap")
        values = self._values(kind)
        block = cbor_blocks.encode(values, rate_hz=RATE_HZ, start_s=float(self._second))
        garbage = self._dice.randbytes(self._dice.randrange(1, 300))
        sent = 0
        for name in self._names:
            sent += self._publish(f"har/{name}/imu", block, BLOCK)
            if kind == "double":
                sent += self._publish(f"har/{name}/imu", block, BLOCK)
            if kind == "garbage":
                sent += self._publish(f"har/{name}/imu", b"\xff" + garbage, 1)  # no format begins so
        return sent

    def send_hostile_ids(self, count: int) -> int:
        """Send a block each of devices that nobody knows, most by ids that are none."""
        values = WALK[:BLOCK]
        block = cbor_blocks.encode(values, rate_hz=RATE_HZ, start_s=0.0)
        ids = (f"{self._dice.choice(HOSTILE)}{self._dice.randrange(10**6)}" for _ in range(count))
        return sum(self._publish(f"har/{one}/imu", block, BLOCK) for one in ids)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _values(self, kind: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        start = BLOCK * (self._second % 20)
        values = WALK[start : start + BLOCK].copy()
        if kind in ("not finite", "out of range"):
            at = self._dice.randrange(BLOCK)
            values[at : at + 3] = np.nan if kind == "not finite" else 1e6
        return values

    def _publish(self, topic: str, payload: bytes, samples: int) -> int:
        self._client.publish(topic, payload, qos=0)
        return samples


class WiredDevice:
    """A device on a serial line that sends binary frames."""

    def __init__(self, plug: Plug, dice: random.Random) -> None:
        self.plug, self._dice, self._at = plug, dice, 0

    def send(self, kind: str) -> int:
        self._at += 10 * BLOCK * (kind == "gap")
        values = WALK[:BLOCK].copy()
        if kind in ("not finite", "out of range"):
            values[5:8] = np.nan if kind == "not finite" else 1e6
        start_ms = round(1000 * self._at / RATE_HZ)
        stream = frames.encode_samples(values, sequence=self._at, start_ms=start_ms, rate_hz=RATE_HZ)
        self._at += BLOCK
        sent = BLOCK
        if kind == "double":
            stream, sent = stream + stream, 2 * BLOCK
        if kind == "garbage":  # a frame that cannot be one, and one with a bit that was flipped
            broken = bytearray(stream[: stream.index(b"\0") + 1])
            broken[self._dice.randrange(5, 20)] ^= 1
            stream, sent = b"\x01\xff\0" + bytes(broken).replace(b"\0", b"") + b"\0" + stream, BLOCK + 2
        self.plug.send(stream)
        return sent
