"""replay:PATH - recordings as a stream, told apart by content: HAPT or UCI HAR (folder or zip), .csv recordings.

    replay:PATH?speed=1|N|max&split=train|test|all&subject=1,3&loop=no|yes&profile=NAME

Every recording is a device of its own and all begin together. HAPT and .csv recordings (one, or a folder of nothing
else) enter as raw samples, at their own rate or with their own times; profile names the units of .csv recordings.
UCI HAR's rows are windows already, a device each volunteer, and enter at the windows stage.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event
from typing import Final, Literal

import msgspec
import numpy as np

from har_stream.datasets import Hapt, Recording, Selection, UciHar, WindowTable, open_data_set, read_recording
from har_stream.datasets import uci_har as uci
from har_stream.datasets.recording import is_recording, recordings_in
from har_stream.datasets.split import Split
from har_stream.errors import ConfigError, InputError
from har_stream.intake import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from har_stream.manifest import Framing
from har_stream.profiles import Conversion, Profiles
from har_stream.progress import Progress
from har_stream.samples import Block, SampleBlock, WindowBlock, shifted
from har_stream.settings import LONGEST_BRIDGE_S, Settings
from har_stream.sources.source import Timeline, at_speed, block_samples
from har_stream.sources.timed_replay import clock_span_s, duration_s, timed_timeline
from har_stream.uri import Uri, parse_speed, parse_subjects
from har_stream.vigil import ASLEEP

LOOP_PAUSE_S: Final = 2 * LONGEST_BRIDGE_S
"""Silence between the laps of a loop: longer than any gap that is bridged, so that every lap begins anew."""

UNPACED_WINDOWS: Final = 64
"""Windows a block where UCI HAR's rows run as fast as they can."""


class ReplayOptions(msgspec.Struct, frozen=True):
    """What may follow the question mark."""

    speed: str = "1"
    split: Split = "all"
    subject: str = ""
    loop: Literal["yes", "no"] = "no"
    profile: str = ""


class Replay:
    """A recorded data set as a source. Raises InputError where it cannot be read, ConfigError for a faulty URI."""

    condition = ""
    reconnects = 0
    queue = None
    arrived_s: float | None = None
    vigil = ASLEEP
    progress: Progress | None = None

    def __init__(self, uri: Uri, settings: Settings | None = None) -> None:
        options = uri.options(ReplayOptions)
        if not uri.rest:
            raise ConfigError(f"{uri.text}: replay:PATH needs the path of a data set or recording")
        self._speed = parse_speed(options.speed, uri)
        self._loop = options.loop == "yes"
        self._recordings: list[Recording] = []
        self._windows: dict[str, WindowTable] = {}
        self._path = Path(uri.rest).expanduser()
        self._conversion = _conversion(options.profile, settings or Settings())
        self._read(Selection(options.split, parse_subjects(options.subject, uri.text)))
        self.paced = self._speed is not None
        self.devices: int | None = len(self._recordings) + len(self._windows)

    def fit(self, framing: Framing) -> None:
        """Raise ConfigError where windows are not the model's, InputError where a sampling rate is no device's."""
        if self._windows and (framing.window, framing.hop, framing.rate_hz) != (
            uci.WINDOW,
            uci.HOP,
            uci.RATE_HZ,
        ):
            raise ConfigError(
                f"{self._path}: UCI HAR's rows are windows of {uci.WINDOW}, hop {uci.HOP}, at {uci.RATE_HZ:g} Hz; "
                f"the model takes {framing.window}, hop {framing.hop}, at {framing.rate_hz:g} Hz"
            )
        for recording in self._recordings:
            if not LOWEST_RATE_HZ <= recording.rate_hz <= HIGHEST_RATE_HZ:
                raise InputError(
                    f"{self._path}: {recording.device} is sampled at {recording.rate_hz:g} Hz, "
                    f"which is not from {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz"
                )

    def blocks(self, stop: Event) -> Iterator[list[Block]]:
        """Yield the recordings' blocks, paced by speed."""
        timeline = self._laps() if self._loop else self._lap(0.0, 0.0)
        return at_speed(timeline, self._speed, stop)

    def _read(self, selection: Selection) -> None:
        paths = [self._path] if is_recording(self._path) else recordings_in(self._path)
        if paths:
            if selection != Selection():
                raise ConfigError(f"{self._path}: a recording has no split and no subjects to choose from")
            self._recordings = self._read_all(paths)
            return
        if self._conversion is not None:
            raise ConfigError(f"{self._path}: profile is for .csv recordings; a data set's units are known")
        data_set = open_data_set(self._path)
        if isinstance(data_set, Hapt):
            self._recordings = list(data_set.recordings(selection))
        elif isinstance(data_set, UciHar):
            table = data_set.windows(selection)
            subjects = np.unique(table.subject).tolist()
            self._windows = {f"subject{one:02d}": table.rows(table.subject == one) for one in subjects}

    def _read_all(self, paths: list[Path]) -> list[Recording]:
        if self._conversion is None:
            recordings = [read_recording(path) for path in paths]
        else:
            recordings = [read_recording(path, self._conversion.samples) for path in paths]
        names = [recording.device for recording in recordings]
        twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
        if twice is not None:
            raise InputError(f"{self._path}: two recordings are of a device {twice}: rename one of them")
        return recordings

    def _laps(self) -> Timeline:
        """Yield laps; a recording's clock may go farther than it takes, where silences are cut short."""
        lap_s = max([*map(duration_s, self._recordings), *map(_windows_duration_s, self._windows.values())])
        clock_s = max([lap_s, *map(clock_span_s, self._recordings)])
        for lap in count():
            yield from self._lap(lap * (lap_s + LOOP_PAUSE_S), lap * (clock_s + LOOP_PAUSE_S))

    def _lap(self, due_offset_s: float, offset_s: float) -> Timeline:
        uniform: dict[float, list[Recording]] = {}
        timelines = []
        for recording in self._recordings:
            if recording.times_s is None:
                uniform.setdefault(recording.rate_hz, []).append(recording)
            else:
                timelines.append(timed_timeline(recording, recording.times_s, self._speed))
        timelines += [_recordings_timeline(alike, self._speed) for alike in uniform.values()]
        timelines += [_windows_timeline(device, table, self._speed) for device, table in self._windows.items()]
        for due_s, blocks in heapq.merge(*timelines, key=lambda due: due[0]):
            yield due_s + due_offset_s, [shifted(block, offset_s) for block in blocks]


def _conversion(profile: str, settings: Settings) -> Conversion | None:
    """Return what brings a recording's columns to g and rad/s, None where they are that."""
    if not profile:
        return None
    return Conversion(Profiles(settings.profiles, settings.devices).named(profile))


def _recordings_timeline(recordings: list[Recording], speed: float | None) -> Timeline:
    """Yield a block of each of some recordings of one rate at a time, from their beginning to the longest's end."""
    rate_hz = recordings[0].rate_hz
    step = block_samples(speed, rate_hz)
    for start in range(0, max(len(recording.values) for recording in recordings), step):
        running = (recording for recording in recordings if start < len(recording.values))
        yield (start + step) / rate_hz, [_block(recording, start, start + step) for recording in running]


def _block(recording: Recording, start: int, stop: int) -> SampleBlock:
    return SampleBlock(
        recording.device,
        start,
        recording.start_s + start / recording.rate_hz,
        recording.rate_hz,
        recording.values[start:stop],
        None if recording.truth is None else recording.truth[start:stop],
    )


def _windows_timeline(device: str, table: WindowTable, speed: float | None) -> Timeline:
    """Yield one volunteer's windows, each when its last sample is due."""
    start_s = table.start / uci.RATE_HZ
    step = UNPACED_WINDOWS if speed is None else 1
    for first in range(0, len(start_s), step):
        part = slice(first, first + step)
        due_s = float(start_s[part][-1]) + uci.WINDOW / uci.RATE_HZ
        block = WindowBlock(
            device, start_s[part], table.continues[part], table.values[part], uci.HOP, table.codes[part]
        )
        yield due_s, [block]


def _windows_duration_s(table: WindowTable) -> float:
    return (int(table.start[-1]) + uci.WINDOW) / uci.RATE_HZ
