"""The C side of the wire format, compiled on the spot by gcc and called through ctypes."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable
from pathlib import Path

from firmware_bridge.protocol import (
    CHANNEL_NAME_MAX,
    CHANNELS_MAX,
    FRAME_MAX,
    MICRO,
    NAME_MAX,
    Corrupt,
    Frame,
    Sample,
    SessionInfo,
    Status,
)

C_FOLDER = Path(__file__).parents[1] / "firmware_bridge" / "c"
CODEC = C_FOLDER / "har_wire.c"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
NOTHING, SESSION, SAMPLE = 0, 1, 2


class CSession(ctypes.Structure):
    _fields_ = (
        ("session_id", ctypes.c_uint32),
        ("rate_hz", ctypes.c_uint16),
        ("channels", ctypes.c_uint8),
        ("sensor_type", ctypes.c_uint8),
        ("dropped", ctypes.c_uint32),
        ("channel_names", ctypes.c_char * (CHANNEL_NAME_MAX + 1) * CHANNELS_MAX),
        ("name", ctypes.c_char * (NAME_MAX + 1)),
    )


class CValues(ctypes.Union):
    _fields_ = (("real", ctypes.c_float * CHANNELS_MAX), ("micro", ctypes.c_int32 * CHANNELS_MAX))


class CSample(ctypes.Structure):
    _fields_ = (
        ("sequence", ctypes.c_uint32),
        ("timestamp_ms", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
        ("micro", ctypes.c_bool),
        ("values", CValues),
    )


class CEither(ctypes.Union):
    _fields_ = (("session", CSession), ("sample", CSample))


class CFrame(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("status", ctypes.c_int), ("length", ctypes.c_uint32), ("of", CEither))


class CDecoder(ctypes.Structure):
    _fields_ = (
        ("buffer", ctypes.c_void_p),
        ("room", ctypes.c_size_t),
        ("length", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
    )


def compile_c(folder: Path) -> ctypes.CDLL:
    """Build har_wire into `folder` as a shared library; a compiler that is missing or complains is an error."""
    library = folder / "har_wire.so"
    subprocess.run(["gcc", *STRICT, "-O1", "-shared", "-fPIC", str(CODEC), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.har_decode.restype = ctypes.c_size_t
    return loaded


class WireC:
    """The C codec with the shape of the Python one."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self.restart()

    def restart(self) -> None:
        """Begin a stream, with no session heard."""
        self._buffer = ctypes.create_string_buffer(FRAME_MAX)
        self._decoder = CDecoder()
        self._library.har_decoder_begin(ctypes.byref(self._decoder), self._buffer, ctypes.c_size_t(FRAME_MAX))

    def push(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        while data:
            frame = CFrame()
            size = ctypes.c_size_t(len(data))
            data = data[self._library.har_decode(ctypes.byref(self._decoder), data, size, ctypes.byref(frame)) :]
            if frame.kind != NOTHING:
                frames.append(_python_of(frame))
        return frames

    def encode(self, message: SessionInfo | Sample, *, crc: bool = True, room: int = FRAME_MAX) -> bytes:
        """Give the frame, or nothing where `room` bytes do not hold it."""
        out = ctypes.create_string_buffer(room)
        one_of = "session" if isinstance(message, SessionInfo) else "sample"
        c = _c_session(message) if isinstance(message, SessionInfo) else _c_sample(message)
        write = self._library[f"har_encode_{one_of}"]
        write.restype = ctypes.c_size_t
        written: int = write(ctypes.byref(c), ctypes.c_bool(crc), out, ctypes.c_size_t(room))
        return out.raw[:written]


def _c_session(session: SessionInfo) -> CSession:
    c = CSession(session.session_id, session.rate_hz, session.channels, session.sensor_type, session.dropped)
    for at, name in enumerate(session.channel_names):
        c.channel_names[at].value = name.encode()
    c.name = session.name.encode()
    return c


def _c_sample(sample: Sample) -> CSample:
    c = CSample(sample.sequence, sample.timestamp_ms, len(sample.values), sample.micro)
    for at, value in enumerate(sample.values):
        if sample.micro:
            c.values.micro[at] = round(value * MICRO)
        else:
            c.values.real[at] = value
    return c


def _python_of(frame: CFrame) -> Frame:
    if frame.kind == SESSION:
        return _session_of(frame.of.session)
    if frame.kind == SAMPLE:
        return _sample_of(frame.of.sample)
    return Corrupt(Status(frame.status), frame.length)


def _session_of(c: CSession) -> SessionInfo:
    names = tuple(c.channel_names[at].value.decode() for at in range(c.channels))
    return SessionInfo(c.session_id, c.rate_hz, names, c.sensor_type, c.dropped, c.name.decode())


def _sample_of(c: CSample) -> Sample:
    if c.micro:
        values = tuple(c.values.micro[at] / MICRO for at in range(c.channels))
    else:
        values = tuple(c.values.real[at] for at in range(c.channels))
    return Sample(c.sequence, c.timestamp_ms, values, c.micro)


def comparable(frames: Iterable[Frame]) -> list[str]:
    """Give frames as texts that are equal where the frames are: NaN equals NaN, -0.0 is not 0.0."""
    return [repr(frame) for frame in frames]
