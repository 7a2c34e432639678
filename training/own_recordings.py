"""har-stream's own recordings as a data set: at the model's rate, in pieces without a gap, told apart by people.

They go through the daemon's own stages, so that what is trained on is what the stream makes of the same samples. A
file is of the person that its name begins with: DEVICE in DEVICE_20261130T080000Z.csv.gz, as --record names it, else
the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from har_stream.accounting import Accounting
from har_stream.batch import NEW
from har_stream.bridging import Bridging, UniformBatch
from har_stream.datasets import Recording, Selection, read_recording
from har_stream.datasets.recording import is_recording, recordings_in, spans_of
from har_stream.errors import ConfigError, InputError
from har_stream.intake import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, Intake
from har_stream.manifest import Framing
from har_stream.resampling import Resampling
from har_stream.samples import Refused, SampleBlock, TimedBlock, WindowBlock, with_times
from har_stream.settings import IntakeSettings
from har_stream.sources.timed_replay import timed_timeline

NAME: Final = re.compile(r"(?P<person>.+?)(_[0-9]{8}T[0-9]{6}Z(-[0-9]+)?)?\.csv(\.gz)?")
OWN_DATA: Final = "Own recordings"
OWN_LICENCE: Final = "not published"
ONE_ROW: Final = IntakeSettings(max_devices=1)


def paths_of(data: Path) -> list[Path]:
    """Return the recordings that a path names, a file or a folder of nothing else; none where it is neither."""
    return [data] if is_recording(data) else recordings_in(data)


def own_recordings(data: Path, selection: Selection, framing: Framing) -> list[Recording] | None:
    """Return the labelled recordings of a file or folder, None where it is another data set.

    All that is there is to train on. Raises ConfigError where a part of it is asked for, InputError.
    """
    paths = paths_of(data)
    if not paths:
        return None
    if selection.split == "test" or selection.subjects:
        raise ConfigError(f"{data}: recordings have no official split and no numbers of volunteers to choose by")
    people = {name: number for number, name in enumerate(sorted({person_of(path) for path in paths}), 1)}
    found: list[Recording] = []
    for path in paths:
        recording = read_recording(path)
        if recording.truth is not None and recording.truth.any():
            found += _pieces(replace(recording, subject=people[person_of(path)]), framing, first=len(found) + 1)
    if not found:
        raise InputError(f"{data}: no sample in it is labelled: har-stream label, or the live page, label a recording")
    return found


def person_of(path: Path) -> str:
    """Return whose recording a file is, by its name."""
    match = NAME.fullmatch(path.name)
    return match["person"] if match else path.name


def _pieces(recording: Recording, framing: Framing, *, first: int) -> Iterator[Recording]:
    """Yield what is between gaps and as long as a window, each an experiment of its own from `first` on."""
    if not LOWEST_RATE_HZ <= recording.rate_hz <= HIGHEST_RATE_HZ:
        raise InputError(f"{recording.device}: sampled at {recording.rate_hz:g} Hz, which is no device's rate")
    pieces: list[list[UniformBatch]] = []
    for one in _uniform(recording, framing):
        if one.begins[0] or not pieces:
            pieces.append([])
        pieces[-1].append(one)
    number = 0
    for piece in pieces:
        values = np.concatenate([one.batch.values[0] for one in piece])
        truth = np.concatenate([one.batch.truth[0] for one in piece])
        if len(values) < framing.window:
            continue
        number += 1
        yield replace(
            recording,
            device=f"{recording.device}-{number}" if number > 1 else recording.device,
            experiment=first + number - 1,
            rate_hz=framing.rate_hz,
            start_s=float(piece[0].batch.start_s[0]),
            values=values,
            truth=truth,
            spans=spans_of(truth),
            times_s=None,
        )


def _uniform(recording: Recording, framing: Framing) -> Iterator[UniformBatch]:
    """Yield a recording at the model's rate, as the pipeline takes it from a replay."""
    settings, accounting, rate_hz = ONE_ROW, Accounting(), framing.rate_hz
    intake = Intake(settings, accounting, rate_hz=rate_hz)
    bridging = Bridging(rate_hz=rate_hz, max_gap_s=settings.max_gap_s, rows=1)
    resampling = Resampling(
        rate_hz=rate_hz, max_gap_s=settings.max_gap_s, rewind_s=settings.rewind_s, rows=1, accounting=accounting
    )
    for block in _blocks(recording):
        if isinstance(block, SampleBlock) and not intake.at_other_rate(block):
            for batch in intake.admit([(0, block)] if intake.lawful(block) else []):
                yield from bridging.push(batch)
        else:
            timed = with_times(block) if isinstance(block, SampleBlock) else block
            for batch in resampling.push(intake.sifted([(0, timed)])):
                yield UniformBatch(batch, batch.missing == NEW)


def _blocks(recording: Recording) -> Iterable[SampleBlock | TimedBlock]:
    if recording.times_s is None:
        start_s, rate_hz = recording.start_s, recording.rate_hz
        return [SampleBlock(recording.device, 0, start_s, rate_hz, recording.values, recording.truth)]
    blocks = (block for _, some in timed_timeline(recording, recording.times_s, None) for block in some)
    return (block for block in blocks if not isinstance(block, WindowBlock | Refused))
