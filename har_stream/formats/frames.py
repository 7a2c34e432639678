"""Binary IMU frames: Nordic's data-forwarder protocol, whose codec is firmware_bridge. See its WIRE_FORMAT.md.

A session says rate, channels and name; its samples carry milliseconds in 32 bits, which are unwrapped here. Samples
that come before any session are taken as acc x y z, gyro x y z.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import decode, encode
from firmware_bridge.protocol import Corrupt, Sample, SessionInfo, Status
from har_stream.formats.format import CHANNELS, CHANNELS_REASON, CHECKSUM, FRAME, Decoded, Readings, Refusal

NAMES: Final = ("ax", "ay", "az", "gx", "gy", "gz")
WRAP_MS: Final = 2**32
IN_ORDER: Final = tuple(range(CHANNELS))

DAMAGED: Final = (Status.OVERSIZE, Status.BAD_COBS, Status.BAD_LENGTH, Status.BAD_CRC)
REASON_BY_STATUS: Final = {
    status: CHECKSUM if status in DAMAGED else CHANNELS_REASON if status is Status.WRONG_CHANNELS else FRAME
    for status in Status
}


class FramesDecoder:
    """Joins the samples of a push into one Readings, times unwrapped; a frame cannot be longer than 512 bytes."""

    def __init__(self) -> None:
        self._frames = decode.Decoder()
        self._session: SessionInfo | None = None
        self._columns: tuple[int, ...] | None = IN_ORDER
        self._last_ms: int | None = None

    def push(self, data: bytes) -> list[Decoded]:
        """Take bytes, give the readings of the frames that they complete, in order."""
        decoded: list[Decoded] = []
        samples: list[Sample] = []
        for frame in self._frames.push(data):
            if type(frame) is Sample and self._columns is not None and len(frame.values) >= CHANNELS:
                samples.append(frame)
                continue
            if samples and not (isinstance(frame, SessionInfo) and frame == self._session):
                decoded.append(self._readings(samples))
                samples = []
            self._turn(frame, decoded)
        if samples:
            decoded.append(self._readings(samples))
        return decoded

    def _turn(self, frame: SessionInfo | Sample | Corrupt, decoded: list[Decoded]) -> None:
        """Take a frame that is no reading."""
        if isinstance(frame, SessionInfo):
            self._begin(frame)
            return
        reason = REASON_BY_STATUS[frame.status] if isinstance(frame, Corrupt) else CHANNELS_REASON
        decoded.append(Refusal(reason))

    def _begin(self, session: SessionInfo) -> None:
        """Take what a session says; one with another id is a device that booted anew, and so did its clock."""
        if self._session is not None and session.session_id != self._session.session_id:
            self._last_ms = None
        self._session = session
        self._columns = columns_of(session.channel_names)

    def _readings(self, samples: list[Sample]) -> Readings:
        times_s, rows = [], []
        last_ms = samples[0].timestamp_ms if self._last_ms is None else self._last_ms
        for sample in samples:  # most often one
            last_ms += (sample.timestamp_ms - last_ms + WRAP_MS // 2) % WRAP_MS - WRAP_MS // 2
            times_s.append(last_ms / 1000)
            rows.append(sample.values)
        self._last_ms = last_ms  # counted on beyond 32 bits; a step back of less than half stays one
        session = self._session
        if session is None:  # only a session holds samples to one number of values
            return Readings(np.array([row[:CHANNELS] for row in rows], np.float32), np.array(times_s))
        values, columns = np.array(rows, np.float32), self._columns
        if columns != IN_ORDER or values.shape[1] > CHANNELS:
            values = values[:, columns]
        return Readings(values, np.array(times_s), None, float(session.rate_hz), session.name or None)


def columns_of(names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return where acc x y z, gyro x y z stand among named channels; None where they are not all there.

    Six channels by other names are taken in their order.
    """
    if set(NAMES) <= set(names):
        return tuple(names.index(name) for name in NAMES)
    return IN_ORDER if len(names) == CHANNELS and not set(NAMES) & set(names) else None


def encode_samples(values: ArrayLike, *, sequence: int, start_ms: int, rate_hz: float) -> bytes:
    """Give samples (n, 6) in the device's units as frames, their values rounded to float32, times to whole ms."""
    rows = np.asarray(values, np.float32).reshape(-1, CHANNELS).tolist()
    return b"".join(
        encode.encode_sample(
            Sample((sequence + at) % 2**32, (start_ms + round(1000 * at / rate_hz)) % WRAP_MS, tuple(row))
        )
        for at, row in enumerate(rows)
    )


def encode_session(*, session_id: int, rate_hz: int, name: str = "", dropped: int = 0) -> bytes:
    """Give the frame that begins a session of six channels, and is repeated every few seconds."""
    return encode.encode_session(SessionInfo(session_id, rate_hz, NAMES, dropped=dropped, name=name))
