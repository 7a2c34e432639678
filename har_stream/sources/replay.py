"""replay:PATH - recordings as a stream: HAPT or UCI HAR (folder or zip) or a recording .csv, told apart by content.

    replay:PATH?speed=1|N|max&split=train|test|all&subject=1,3&loop=no|yes

Every recording is a device of its own and all begin together. HAPT and .csv recordings enter as raw samples;
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
from har_stream.datasets.recording import is_recording
from har_stream.datasets.split import Split
from har_stream.errors import ConfigError, InputError
from har_stream.manifest import Framing
from har_stream.samples import Block, SampleBlock, WindowBlock, same_rate, shifted
from har_stream.settings import LONGEST_BRIDGE_S
from har_stream.sources.source import Timeline, at_speed, block_samples
from har_stream.uri import Uri, parse_speed, parse_subjects

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


class Replay:
    """A recorded data set as a source. Raises InputError where it cannot be read, ConfigError for a faulty URI."""

    def __init__(self, uri: Uri) -> None:
        options = uri.options(ReplayOptions)
        if not uri.rest:
            raise ConfigError(f"{uri.text}: replay:PATH needs the path of a data set or recording")
        self._speed = parse_speed(options.speed, uri)
        self._loop = options.loop == "yes"
        self._recordings: list[Recording] = []
        self._windows: dict[str, WindowTable] = {}
        self._path = Path(uri.rest).expanduser()
        self._read(Selection(options.split, parse_subjects(options.subject, uri.text)))
        self.paced = self._speed is not None
        self.devices: int | None = len(self._recordings) + len(self._windows)

    def fit(self, framing: Framing) -> None:
        """Raise ConfigError where windows are not the model's, InputError where the sampling rate is not."""
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
            if not same_rate(recording.rate_hz, framing.rate_hz):
                raise InputError(
                    f"{self._path}: {recording.device} is sampled at {recording.rate_hz:g} Hz, "
                    f"the model takes {framing.rate_hz:g} Hz"
                )

    def blocks(self, stop: Event) -> Iterator[list[Block]]:
        """Yield the recordings' blocks, paced by speed."""
        timeline = self._laps() if self._loop else self._lap(0.0)
        return at_speed(timeline, self._speed, stop)

    def _read(self, selection: Selection) -> None:
        if is_recording(self._path):
            if selection != Selection():
                raise ConfigError(f"{self._path}: a recording has no split and no subjects to choose from")
            self._recordings = [read_recording(self._path)]
            return
        data_set = open_data_set(self._path)
        if isinstance(data_set, Hapt):
            self._recordings = list(data_set.recordings(selection))
        elif isinstance(data_set, UciHar):
            table = data_set.windows(selection)
            subjects = np.unique(table.subject).tolist()
            self._windows = {f"subject{one:02d}": table.rows(table.subject == one) for one in subjects}

    def _laps(self) -> Timeline:
        lap_s = max([*map(_duration_s, self._recordings), *map(_windows_duration_s, self._windows.values())])
        for lap in count():
            yield from self._lap(lap * (lap_s + LOOP_PAUSE_S))

    def _lap(self, offset_s: float) -> Timeline:
        recordings = _recordings_timeline(self._recordings, self._speed)
        rows = (_windows_timeline(device, table, self._speed) for device, table in self._windows.items())
        for due_s, blocks in heapq.merge(recordings, *rows, key=lambda due: due[0]):
            yield due_s + offset_s, [shifted(block, offset_s) for block in blocks]


def _recordings_timeline(recordings: list[Recording], speed: float | None) -> Timeline:
    """Yield a block of each recording at a time, from their common beginning to the end of the longest."""
    if not recordings:
        return
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


def _duration_s(recording: Recording) -> float:
    return len(recording.values) / recording.rate_hz


def _windows_duration_s(table: WindowTable) -> float:
    return (int(table.start[-1]) + uci.WINDOW) / uci.RATE_HZ
