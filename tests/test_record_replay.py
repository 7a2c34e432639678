"""A recording replays to the labels that were given live, whatever the device sent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.datasets import read_recording
from har_stream.recordings import Recordings
from har_stream.samples import Block, Prediction, SampleBlock, Samples, TimedBlock
from har_stream.sources.replay import Replay
from har_stream.uri import parse_uri
from tests.motion import motion, pipeline
from tests.property_examples import share_of_examples

SECONDS = 40
REWIND_S = 2.0


def recordings(folder: Path, **changed: float) -> Recordings:
    given = {"max_mb": 64.0, "max_h": 24.0, "max_devices": 64, "rate_hz": 50.0, "rewind_s": REWIND_S} | changed
    return Recordings(folder, **given)  # type: ignore[arg-type]  # numbers of whichever key


def recorded(folder: Path, ticks: Sequence[list[Block]]) -> Path:
    """Record ticks, and return the only file."""
    assert recordings(folder).write(ticks) is None
    (path,) = folder.iterdir()
    return path


def labels(ticks: Sequence[list[Block]]) -> tuple[list[Prediction], Accounting]:
    accounting = Accounting()
    one = pipeline(accounting)
    return [told for tick in ticks for told in one.push(tick, 0.0)], accounting


def replayed(path: Path, options: str = "speed=max") -> list[list[Block]]:
    return list(Replay(parse_uri(f"replay:{path}?{options}")).blocks(Event()))


def assert_replays_to_the_same_labels(folder: Path, ticks: Sequence[list[Block]], *, within_s: float = 1e-6) -> None:
    live, _ = labels(ticks)
    again, _ = labels(replayed(recorded(folder, ticks)))
    assert len(live) > 5
    assert [(p.label, p.raw, p.truth, p.settled is None) for p in again] == [
        (p.label, p.raw, p.truth, p.settled is None) for p in live
    ]
    assert [p.start_s for p in again] == pytest.approx([p.start_s for p in live], abs=within_s)
    for one, other in zip(again, live, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def uniform(values: Samples, *, rate_hz: float = 50.0, start_s: float = 0.0, size: int = 10) -> list[list[Block]]:
    return [
        [SampleBlock("a", at, start_s + at / rate_hz, rate_hz, values[at : at + size])]
        for at in range(0, len(values), size)
    ]


def jittered(rate_hz: float, *, start_s: float = 0.0, jitter: float = 0.3) -> tuple[np.ndarray, Samples]:
    samples = round(SECONDS * rate_hz)
    off = np.random.default_rng(1).uniform(-jitter, jitter, samples)
    return start_s + (np.arange(samples) + off) / rate_hz, motion(1, samples)


def timed(times_s: np.ndarray, values: Samples, *, size: int = 13, rate_hz: float | None = None) -> list[list[Block]]:
    return [
        [TimedBlock("a", times_s[at : at + size], values[at : at + size], rate_hz)]
        for at in range(0, len(values), size)
    ]


@pytest.mark.parametrize("start_s", [0.0, 0.07, 12345.678, 1.7e9 + 1 / 3])
def test_a_stream_at_the_models_rate_comes_back_bit_for_bit(tmp_path: Path, start_s: float) -> None:
    values = motion(1, SECONDS * 50)
    ticks = uniform(values, start_s=start_s)
    recording = read_recording(recorded(tmp_path / "", ticks))
    assert (recording.rate_hz, recording.start_s, recording.times_s) == (50.0, start_s, None)
    assert recording.values.tobytes() == values.tobytes()
    for path in tmp_path.iterdir():
        path.unlink()
    assert_replays_to_the_same_labels(tmp_path, ticks)


@pytest.mark.parametrize("rate_hz", [25.0, 52.0, 104.0, 1000 / 3])
def test_a_uniform_stream_at_another_rate(tmp_path: Path, rate_hz: float) -> None:
    assert_replays_to_the_same_labels(tmp_path, uniform(motion(1, round(SECONDS * rate_hz)), rate_hz=rate_hz))


def test_a_clock_that_is_a_little_off(tmp_path: Path) -> None:
    # Windows take their times from the block that completes them: a replay's blocks are other ones.
    ticks = uniform(motion(1, SECONDS * 50), rate_hz=49.97)
    assert_replays_to_the_same_labels(tmp_path, ticks, within_s=0.02)


@pytest.mark.parametrize("told_hz", [None, 104.0])
@pytest.mark.parametrize("start_s", [0.0, 1.7e9])
def test_a_stream_with_jitter_at_104_hz(tmp_path: Path, told_hz: float | None, start_s: float) -> None:
    assert_replays_to_the_same_labels(tmp_path, timed(*jittered(104, start_s=start_s), rate_hz=told_hz))


@pytest.mark.parametrize("jitter", [0.001, 0.05, 0.45])
def test_a_stream_with_jitter_at_the_models_rate(tmp_path: Path, jitter: float) -> None:
    assert_replays_to_the_same_labels(tmp_path, timed(*jittered(50, jitter=jitter)))


@pytest.mark.parametrize("gap_s", [0.06, 10.0, -100.0])
def test_a_stream_with_a_gap_or_a_clock_set_back(tmp_path: Path, gap_s: float) -> None:
    ticks = uniform(motion(1, 1000)) + uniform(motion(2, 1000), start_s=20.0 + gap_s)
    assert_replays_to_the_same_labels(tmp_path / "", ticks)
    for path in tmp_path.iterdir():
        path.unlink()
    times_s, values = jittered(104)
    later = times_s + times_s[-1] + gap_s
    assert_replays_to_the_same_labels(tmp_path, timed(times_s, values) + timed(later, values[::-1]))


def test_samples_that_are_refused_are_recorded_and_refused_again(tmp_path: Path) -> None:
    values = motion(1, SECONDS * 50)
    values[200] = np.nan
    values[300:303, 1] = np.inf
    values[700:800, 0] = 1e6
    ticks = uniform(values)
    _, live = labels(ticks)
    path = recorded(tmp_path, ticks)
    _, again = labels(replayed(path))
    for accounting in (live, again):
        accounting.enter(len(values))
    assert live.line(0) == again.line(0)
    path.unlink()
    assert_replays_to_the_same_labels(tmp_path, ticks)
    next(tmp_path.iterdir()).unlink()
    times_s, _ = jittered(50)
    assert_replays_to_the_same_labels(tmp_path, timed(times_s, values))


@pytest.mark.parametrize("wander_s", [0.001, 0.004])
def test_blocks_whose_clock_wanders(tmp_path: Path, wander_s: float) -> None:
    off = np.random.default_rng(3).uniform(-wander_s, wander_s, 200)
    blocks = [uniform(motion(at, 10), start_s=at * 0.2 + off[at])[0] for at in range(200)]
    assert_replays_to_the_same_labels(tmp_path, blocks)


def test_blocks_that_come_twice_or_too_late(tmp_path: Path) -> None:
    blocks = uniform(motion(1, SECONDS * 50))
    assert_replays_to_the_same_labels(tmp_path, [*blocks[:20], blocks[19], *blocks[20:40], blocks[35], *blocks[40:]])


@pytest.mark.parametrize("rate_hz", [50, 104])
def test_samples_out_of_order_within_and_across_ticks(tmp_path: Path, rate_hz: int) -> None:
    times_s, values = jittered(rate_hz, jitter=1.9)
    assert_replays_to_the_same_labels(tmp_path, timed(times_s, values, size=9))


def test_bursts_of_one_time_that_ticks_cut_apart(tmp_path: Path) -> None:
    times_s, values = jittered(104)
    assert_replays_to_the_same_labels(tmp_path, timed(np.ceil(times_s * 25) / 25, values, size=7))


def test_ticks_of_several_blocks(tmp_path: Path) -> None:
    blocks = [tick[0] for tick in timed(*jittered(104, jitter=0.9), size=3)]
    ticks = [[*reversed(blocks[at : at + 4])] for at in range(0, len(blocks), 4)]
    assert_replays_to_the_same_labels(tmp_path, ticks)


def test_uniform_blocks_of_another_rate_that_overtook_one_another(tmp_path: Path) -> None:
    blocks = [tick[0] for tick in uniform(motion(1, SECONDS * 104), rate_hz=104.0)]
    ticks = [[*reversed(blocks[at : at + 2])] for at in range(0, len(blocks), 2)]
    assert_replays_to_the_same_labels(tmp_path, ticks)


def test_truth_is_kept_where_the_stream_carries_it(tmp_path: Path) -> None:
    truth = np.repeat(np.array([0, 1, 5, 8], np.uint8), 500)
    ticks: list[list[Block]] = [
        [SampleBlock("a", at, at / 50, 50.0, motion(1, 2000)[at : at + 50], truth[at : at + 50])]
        for at in range(0, 2000, 50)
    ]
    path = recorded(tmp_path, ticks)
    recording = read_recording(path)
    assert recording.truth is not None
    assert recording.truth.tolist() == truth.tolist()
    path.unlink()
    assert_replays_to_the_same_labels(tmp_path, ticks)


FLOATS = st.floats(width=32, allow_subnormal=True)
TIMES = st.floats(-1e12, 1e12)
ROWS = st.lists(st.tuples(TIMES, *[FLOATS] * 6), min_size=2, max_size=20, unique_by=lambda row: row[0])


@given(rows=ROWS)
def test_every_number_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]]
) -> None:
    times_s = np.sort(np.array([row[0] for row in rows]))
    values = np.array([row[1:] for row in rows], np.float32)
    path = recorded(tmp_path_factory.mktemp("any"), [[TimedBlock("a", times_s, values)]])
    try:
        recording = read_recording(path)
    except Exception as error:  # noqa: BLE001 - only times as no device has them are no recording
        assert "no sampling rate" in str(error)  # noqa: PT017
        return
    found_s = recording.start_s + np.arange(len(rows)) / recording.rate_hz
    if recording.times_s is not None:
        assert recording.times_s.tolist() == times_s.tolist()
    else:
        assert found_s == pytest.approx(times_s, abs=0.11 / recording.rate_hz)
    assert np.array_equal(recording.values, values, equal_nan=True)
    assert (np.signbit(recording.values) == np.signbit(values))[~np.isnan(values)].all()


@given(cuts=st.lists(st.integers(1, 400), min_size=1, max_size=40), seed=st.integers(0, 100))
@share_of_examples(0.04)  # each records and replays 19 s twice: 50 ms
def test_however_ticks_are_cut_a_replay_gives_the_labels_of_that_cut(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], seed: int
) -> None:
    samples = 2000
    generator = np.random.default_rng(seed)
    times_s = (np.arange(samples) + generator.uniform(-1.2, 1.2, samples)) / 104
    edges = np.unique(np.minimum(np.cumsum([0, *cuts, samples]), samples)).tolist()
    ticks: list[list[Block]] = [
        [TimedBlock("a", times_s[start:stop], motion(seed, samples)[start:stop])] for start, stop in pairwise(edges)
    ]
    assert_replays_to_the_same_labels(tmp_path_factory.mktemp("cut"), ticks)
