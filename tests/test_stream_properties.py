"""What always holds of the stream as a whole. Of the properties that are promised, each has a test:

any split of bytes gives the same windows   below; of every format: test_FORMAT, same_in_any_cut
a replay twice gives the same bytes         test_end_to_end
live equals replay                          below; test_record_replay
devices are isolated                        below; test_pipeline, test_preprocessing, test_resampling, test_smoothing
decode(encode(x)) == x                      test_wire_decode, test_FORMAT, test_state, test_recording, test_uri
resynchronised after any garbage            test_wire_decode, test_lines, test_witmotion
nothing unlawful in a filter's state        below; test_intake
no window spans a gap                       below; test_pipeline, test_examples
memory is at most a + b * max_devices       below: places are laid out at the start, more devices take none
a queue keeps its bound and its order       test_block_queue, test_outbound_queue, test_wire
the books balance                           below; test_pipeline, test_resampling, test_alignment, test_accounting
every topic is lawful                       below; test_home_assistant_payloads
a configuration is a value or one error     test_settings, test_uri, test_manifest; fuzz target config
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.datasets import read_recording
from har_stream.formats import frames
from har_stream.framed import FramedWindows
from har_stream.pipeline import Pipeline
from har_stream.profiles import Profiles
from har_stream.recordings import Recordings
from har_stream.samples import Block, Codes, Rows, Samples, TimedBlock
from har_stream.settings import IntakeSettings
from har_stream.translation import Translator
from har_stream.windows import WindowBatch
from tests.fuzz.parts import join
from tests.fuzz.stream_targets import topics
from tests.motion import RATE_HZ, block, model, motion, pipeline
from tests.property_examples import share_of_examples

SAMPLES = 400
WINDOW = 128
LONGEST_GAP = 5
"""Samples of intake.max_gap_s, that may be bridged."""
Windows = list[tuple[str, int, bytes]]


def windows_of(stream: Pipeline, parts: Iterable[FramedWindows | None]) -> Windows:
    """Each window with its device, the number of its first sample and its values."""
    found: Windows = []
    for part in parts:
        if part is not None:
            names = [stream._devices.name(row) for row in part.rows]  # noqa: SLF001 - rows alone mean nothing
            starts = np.rint(part.start_s * RATE_HZ).astype(int).tolist()
            found += zip(names, starts, [values.tobytes() for values in part.values], strict=True)
    return found


@cache
def line() -> bytes:
    """What a device sends on a line: a session now and then, frames, some broken."""
    values, sent = motion(3, SAMPLES), []
    for at in range(0, SAMPLES, 50):
        sent.append(frames.encode_session(session_id=1, rate_hz=50, name="watch"))
        sent.append(frames.encode_samples(values[at : at + 50], sequence=at, start_ms=20 * at, rate_hz=RATE_HZ))
        sent.append(b"\x07broken\0" if at % 100 else b"")
    return b"".join(sent)


def through_line(pieces: list[bytes]) -> tuple[Windows, Accounting]:
    """The windows that come of a line's pieces, and the books."""
    books = Accounting()
    stream = pipeline(books)
    translator = Translator(Profiles(), model_rate_hz=RATE_HZ, stream=True, format_name="frames")
    ticks = [translator.push(piece, 0.0) for piece in pieces]
    books.enter(sum(one.samples for tick in ticks for one in tick))
    told = windows_of(stream, [stream.frame(tick, 0.0) for tick in ticks])
    assert books.balance(stream.buffered) == 0
    return told, books


@cache
def whole_line() -> tuple[Windows, Accounting]:
    return through_line([line()])


@share_of_examples(0.4)  # each takes 400 samples through all stages but the model: 8 ms
@given(st.lists(st.integers(0, len(line())), max_size=12).map(sorted))
def test_any_split_of_a_byte_stream_gives_the_same_windows(cuts: list[int]) -> None:
    edges = zip([0, *cuts], [*cuts, len(line())], strict=True)
    told, books = through_line([line()[start:end] for start, end in edges])
    expected, expected_books = whole_line()
    assert told == expected
    assert len(told) == (SAMPLES - 1 - WINDOW) // 64 + 1
    assert books.snapshot() == expected_books.snapshot()


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=4), gaps=st.lists(st.integers(0, 40), min_size=4))
def test_no_window_spans_a_gap(lengths: list[int], gaps: list[int]) -> None:
    stream, at, runs = pipeline(), 0, [(0, 0)]
    told: Windows = []
    for length, gap in zip(lengths, gaps, strict=False):
        told += windows_of(stream, [stream.frame([block(motion(length, length), at)], 0.0)])
        runs[-1] = (runs[-1][0], at + length)
        at += length + gap
        if gap > LONGEST_GAP:
            runs.append((at, at))
    for _, start, _ in told:
        assert any(begin <= start and start + WINDOW <= end for begin, end in runs)


ANY = st.sampled_from([float("nan"), float("inf"), -float("inf"), 3e38, 1e6, 33.0, -81.0]) | st.floats(width=32)


def at_rate(values: Samples, at: int, rate_hz: float) -> Block:
    """Samples from the at-th on: as they are at the model's own rate, at another to be resampled."""
    if rate_hz == RATE_HZ:
        return block(values, at)
    return TimedBlock("a", (at + np.arange(len(values))) / rate_hz, values, rate_hz)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@share_of_examples(0.5)  # each takes 1,150 samples through the filters: 10 ms
@given(
    broken=st.dictionaries(st.tuples(st.integers(0, 149), st.integers(0, 5)), ANY, max_size=30),
    rate_hz=st.sampled_from([RATE_HZ, 52.0, 104.0]),
)
def test_nothing_unlawful_reaches_a_filter_and_the_next_windows_are_right(
    broken: dict[tuple[int, int], float], rate_hz: float
) -> None:
    values = motion(1, 150)
    for place, value in broken.items():
        values[place] = value
    books = Accounting()
    stream, after = pipeline(books), at_rate(motion(2, 500), 1000, rate_hz)
    pushed, push = list[Samples](), stream._framer._preprocessing.push  # noqa: SLF001 - where the filters begin

    def noting(rows: Rows, values: Samples, truth: Codes) -> WindowBatch:
        pushed.append(values)
        return push(rows, values, truth)

    stream._framer._preprocessing.push = noting  # type: ignore[method-assign]  # noqa: SLF001
    books.enter(len(values))
    stream.frame([at_rate(values, 0, rate_hz)], 0.0)
    assert books.balance(stream.buffered) == 0
    limits = np.repeat([IntakeSettings().acc_limit_g, IntakeSettings().gyro_limit_rads], 3)
    assert all((np.abs(samples) <= limits).all() for samples in pushed)  # which a NaN is not
    fresh = pipeline()
    expected = windows_of(fresh, [fresh.frame([after], 0.0)])
    assert windows_of(stream, [stream.frame([after], 0.0)]) == expected
    assert expected


@share_of_examples(0.5)  # as above
@given(others=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 399), ANY), max_size=12), cut=st.integers(1, 299))
def test_what_others_send_changes_nothing(others: list[tuple[int, int, float]], cut: int) -> None:
    values = motion(5, 300)
    alone, together = pipeline(), pipeline()
    expected = windows_of(alone, [alone.frame([block(values)], 0.0)])
    ticks: list[list[Block]] = [[block(values[:cut])], [block(values[cut:], cut)]]
    for number, (device, at, value) in enumerate(others):
        ticks[number % 2].append(block(np.full((at // 8 + 1, 6), value, np.float32), at, f"other-{device}"))
    told = windows_of(together, [together.frame(tick, 0.0) for tick in ticks])
    assert [one for one in told if one[0] == "a"] == expected


@share_of_examples(0.2)  # each writes and reads a file: 10 ms
@given(cuts=st.lists(st.integers(1, SAMPLES - 1), max_size=8).map(sorted), rate_hz=st.sampled_from([50.0, 52.0, 104.0]))
def test_live_equals_the_replay_of_what_was_recorded(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], rate_hz: float
) -> None:
    values, times_s = motion(4, SAMPLES), np.arange(SAMPLES) / rate_hz
    edges = zip([0, *cuts], [*cuts, SAMPLES], strict=True)
    ticks = [[TimedBlock("a", times_s[start:end], values[start:end])] for start, end in edges if start < end]
    folder: Path = tmp_path_factory.mktemp("live")
    Recordings(folder, max_mb=1, max_h=24, max_devices=1, rate_hz=RATE_HZ, rewind_s=2).write(ticks)
    (path,) = folder.iterdir()
    recording = read_recording(path)
    read_s = recording.times_s if recording.times_s is not None else np.arange(SAMPLES) / recording.rate_hz
    live, replayed = pipeline(), pipeline()
    told = windows_of(live, [live.frame(tick, 0.0) for tick in ticks])
    assert told == windows_of(replayed, [replayed.frame([TimedBlock("a", read_s, recording.values)], 0.0)])
    assert told


def held_bytes(devices: int, max_devices: int) -> int:
    """How much a pipeline and its translator hold after a few blocks of so many devices."""
    gc.collect()
    tracemalloc.start()
    stream = Pipeline(*model(), IntakeSettings(max_devices=max_devices), Accounting())
    translator = Translator(Profiles(), model_rate_hz=RATE_HZ, stream=False, max_devices=max_devices)
    values = b"\n".join(b"0.1,0.2,1,0,0,0" for _ in range(10))
    for number in range(devices):
        for arrival_s in (1.0, 1.5, 2.0, 2.5):
            stream.frame(translator.push(values, arrival_s, f"device-{number}"), arrival_s)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


A_BYTES, B_BYTES = 150_000, 16_000
"""Of nobody, and of each device that has a place."""


@share_of_examples(0.006)  # each fills four pipelines under tracemalloc: 1 s
@given(devices=st.integers(1, 150), max_devices=st.integers(1, 40))
def test_memory_is_bounded_by_the_devices_that_have_a_place(devices: int, max_devices: int) -> None:
    held_bytes(1, max_devices)  # what is learned once stays
    assert held_bytes(devices, max_devices) <= A_BYTES + B_BYTES * max_devices
    few = held_bytes(max_devices, max_devices)
    assert held_bytes(max_devices + devices, max_devices) <= few + A_BYTES / 4


@given(st.text(max_size=20), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.text(max_size=20))
def test_every_topic_is_lawful(topic: str, device: str, prefix: str) -> None:
    topics(join(text.encode(errors="replace") for text in (topic, device, topic, prefix)))
