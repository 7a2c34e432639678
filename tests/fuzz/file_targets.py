"""Fuzz targets for what is read from files: whatever it holds, a value or one typed error of one line."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from har_stream import standings as standings_file
from har_stream.configuration import gather, load_settings
from har_stream.datasets import Hapt, Selection, UciHar, open_data_set, read_recording
from har_stream.datasets.files import Files
from har_stream.datasets.recording import is_recording
from har_stream.datasets.uci_har import WINDOW
from har_stream.errors import ConfigError, InputError
from har_stream.manifest import CHANNELS
from har_stream.onnx_file import OnnxError, check_whole
from har_stream.profiles import Profiles
from har_stream.settings import Settings
from har_stream.state import UnreadableStateError, decode, encode
from tests.fuzz.limits import one_line
from tests.fuzz.parts import split

ZIP: Final = b"PK"
ALL: Final = Selection("all", frozenset())


def configuration(data: bytes) -> None:
    """Take bytes as config.toml."""
    path = _scratch() / "config.toml"
    path.write_bytes(data)
    faults: list[str] = []
    assert isinstance(gather(path, {}, {}, faults), Settings)
    assert all(fault and "\n" not in fault for fault in faults)
    try:
        settings = load_settings(path, {}, {})
    except ConfigError as error:
        one_line(error)
        assert faults
    else:
        assert not faults
        Profiles(settings.profiles, settings.devices)


def uci_har(data: bytes) -> None:
    """Take parts as UCI HAR's files: activities, volunteers, signals in turn; or all of it as a zip."""
    if data.startswith(ZIP):
        _zipped(data)
        return
    parts = iter([*split(data), b"", b""])
    codes, subjects = next(parts), next(parts)
    signals = cycle([part for part in parts if part] or [b""])
    names = [f"train/Inertial Signals/{channel}_train.txt" for channel in CHANNELS]
    held = dict(zip(names, map(_windows, islice(signals, len(names))), strict=True))
    held |= {"train/y_train.txt": codes, "train/subject_train.txt": subjects}
    _read(UciHar(Files(Path("uci"), frozenset(held), held.__getitem__), ""))


def _windows(data: bytes) -> bytes:
    """Let each word of a line stand for as many as a window needs, so that a small input makes whole ones."""
    lines = (b" ".join(islice(cycle(line.split()), WINDOW)) for line in data.split(b"\n") if line.strip())
    return b"\n".join(lines)


def hapt(data: bytes) -> None:
    """Take parts as HAPT's files: labels, acceleration, angular rate; or all of it as a zip."""
    if data.startswith(ZIP):
        _zipped(data)
        return
    parts = dict(enumerate(split(data)))
    held = {"RawData/labels.txt": parts.get(0, b"")}
    for sensor, number in (("acc", 1), ("gyro", 2)):
        held[f"RawData/{sensor}_exp01_user01.txt"] = parts.get(number, b"")
    _read(Hapt(Files(Path("hapt"), frozenset(held), held.__getitem__), ""))


def _zipped(data: bytes) -> None:
    path = _scratch() / "data.zip"
    path.write_bytes(data)
    try:
        found = open_data_set(path)
    except InputError as error:
        one_line(error)
    else:
        _read(found)


def _read(data_set: Hapt | UciHar) -> None:
    try:
        if isinstance(data_set, Hapt):
            for recording in data_set.recordings(ALL):
                assert recording.truth is not None
                assert len(recording.values) == len(recording.truth)
        else:
            table = data_set.windows(ALL)
            assert table.values.shape == (len(table.codes), WINDOW, len(CHANNELS))
    except InputError as error:
        one_line(error)


def recordings(data: bytes) -> None:
    """Take bytes as a recording, plain or gzipped."""
    path = _scratch() / "walk.csv"
    path.write_bytes(data)
    is_recording(path)
    try:
        recording = read_recording(path)
    except InputError as error:
        one_line(error)
        return
    assert len(recording.values) > 0
    assert np.isfinite(recording.rate_hz)
    assert recording.rate_hz > 0
    times_s = recording.times_s if recording.times_s is not None else np.array([recording.start_s])
    assert np.isfinite(times_s).all()


def state(data: bytes) -> None:
    """Take bytes as what is kept of devices across restarts: as a file, and as what stands in one that is whole."""
    digest = hashlib.sha256(data).hexdigest().encode()
    for kept in (data, b'{"format":1,"sha256":"%s","devices":%s}' % (digest, data)):
        try:
            states = decode(kept)
        except UnreadableStateError as error:
            one_line(error)
        else:
            assert decode(encode(states)) == states


def standings(data: bytes) -> None:
    """Take bytes as how devices stood before a restart: as a file, and as what stands in one that is whole."""
    digest = hashlib.sha256(data).hexdigest().encode()
    for kept in (data, b"%s1 %s\n%s" % (standings_file.TITLE, digest, data)):
        try:
            found = standings_file.decode(kept)
        except UnreadableStateError as error:
            one_line(error)
        else:
            assert len(found.numbers) == len(found.devices)
            again = standings_file.decode(standings_file.encode(found))
            assert (again.outputs, again.devices) == (found.outputs, found.devices)
            assert again.numbers.tobytes() == found.numbers.tobytes()  # a NaN is not equal to itself


def onnx(data: bytes) -> None:
    """Take bytes as the weights of a model."""
    try:
        check_whole(data)
    except OnnxError as error:
        one_line(error)


@cache
def _folder() -> TemporaryDirectory[str]:
    memory = Path("/dev/shm")  # noqa: S108 - no disk is to be worn out
    return TemporaryDirectory(dir=memory if memory.is_dir() else None)


def _scratch() -> Path:
    return Path(_folder().name)
