"""Replays of recordings whose times are not uniform: when their blocks come, and where they are cut."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from har_stream.datasets.recording_lines import header_line, sample_lines
from har_stream.errors import ConfigError, InputError
from har_stream.profiles import G
from har_stream.samples import SampleBlock, Samples, TimedBlock
from har_stream.settings import Settings
from har_stream.sources.replay import LOOP_PAUSE_S, Replay
from har_stream.sources.timed_replay import LONGEST_SILENCE_S, timed_timeline
from har_stream.uri import parse_uri
from tests.held_up import HeldUp
from tests.motion import motion
from tests.stream_process import run


def write(path: Path, times_s: np.ndarray, values: Samples | None = None) -> Path:
    values = motion(1, len(times_s)) if values is None else values
    path.write_bytes(header_line(labelled=False) + sample_lines(times_s, values, None))
    return path


def jittered(samples: int = 1000, rate_hz: float = 104.0) -> np.ndarray:
    return (np.arange(samples) + np.random.default_rng(1).uniform(-0.3, 0.3, samples)) / rate_hz


def timeline(path: Path, speed: float | None = None) -> list[tuple[float, TimedBlock | SampleBlock]]:
    (recording,) = Replay(parse_uri(f"replay:{path}"))._recordings  # noqa: SLF001 - what no output tells
    assert recording.times_s is not None
    ticks = timed_timeline(recording, recording.times_s, speed)
    return [(due_s, one) for due_s, blocks in ticks for one in blocks if isinstance(one, (TimedBlock, SampleBlock))]


def test_a_recording_comes_whole_in_blocks_that_are_due_with_their_last_sample(tmp_path: Path) -> None:
    times_s = 500 + jittered()
    found = timeline(write(tmp_path / "a.csv", times_s), 1.0)
    assert all(isinstance(one, TimedBlock) for _, one in found)
    assert np.concatenate([one.times_s for _, one in found if isinstance(one, TimedBlock)]).tolist() == times_s.tolist()
    assert np.concatenate([one.values for _, one in found]).tobytes() == motion(1, 1000).tobytes()
    due = [due_s for due_s, _ in found]
    assert due == pytest.approx([one.times_s[-1] - times_s[0] for _, one in found if isinstance(one, TimedBlock)])
    assert max(np.diff(due)) < 0.15


def test_uniform_stretches_come_as_uniform_blocks(tmp_path: Path) -> None:
    times_s = np.concatenate([np.arange(100) / 50, 12 + np.arange(100) / 50])
    found = timeline(write(tmp_path / "a.csv", times_s))
    assert [(one.start_s, one.samples) for _, one in found if isinstance(one, SampleBlock)] == [(0.0, 100), (12.0, 100)]
    assert [due_s for due_s, _ in found] == pytest.approx([1.98, 13.98])


def test_what_comes_before_a_silence_does_not_wait_for_its_end(tmp_path: Path) -> None:
    times_s = np.concatenate([jittered(15), 10 + jittered(15)])
    due = [due_s for due_s, _ in timeline(write(tmp_path / "a.csv", times_s), 1.0)]
    assert [round(one, 1) for one in due] == [0.1, 0.1, 10.1, 10.1]


@pytest.mark.parametrize("jump_s", [-1e9, 1e9])
def test_a_clock_that_was_set_does_not_stop_the_replay_for_as_long(tmp_path: Path, jump_s: float) -> None:
    times_s = np.concatenate([jittered(100), jump_s + 1 + jittered(100)])
    last_due_s = timeline(write(tmp_path / "a.csv", times_s), 1.0)[-1][0]
    assert last_due_s < 5 + (LONGEST_SILENCE_S if jump_s > 0 else 0)


def test_late_samples_begin_a_block_and_samples_of_one_time_share_one(tmp_path: Path) -> None:
    times_s = np.repeat(np.arange(200) / 10, 10)
    times_s[1500] = 0.0
    for _, one in timeline(write(tmp_path / "a.csv", times_s), 1.0):
        assert isinstance(one, TimedBlock)
        assert (np.diff(one.times_s) >= 0).all()
        assert one.times_s[0] == 0 or one.samples % 10 in (0, 9)


def test_a_loop_begins_anew_with_every_lap_and_its_clock_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", np.concatenate([jittered(1000), 1e6 + jittered(1000)]))
    ticks = Replay(parse_uri(f"replay:{path}?speed=max&loop=yes")).blocks(Event())
    starts = [one.times_s[0] for tick in islice(ticks, 6) for one in tick if isinstance(one, TimedBlock)]
    lap_s = 1e6 + jittered(1000)[-1] - jittered(1)[0] + 1 / 104 + LOOP_PAUSE_S
    assert starts == pytest.approx([at * lap_s + off for at in range(3) for off in (0, 1e6)], abs=0.1)


def test_a_paced_replay_is_in_step_with_the_wall(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", jittered(208))
    held_up, began_s = HeldUp(), time.monotonic()
    for tick in Replay(parse_uri(f"replay:{path}?speed=4")).blocks(Event()):
        (one,) = tick
        assert isinstance(one, TimedBlock)
        behind_s = time.monotonic() - began_s - one.times_s[-1] / 4
        assert behind_s > -0.01
        assert behind_s - held_up.look() < 0.5


def test_replay_as_fast_as_it_can_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", jittered(3000))
    write(tmp_path / "b.csv", np.arange(3000) / 100)
    write(tmp_path / "c.csv", np.arange(1500) / 50)
    first, second = (run("--source", f"replay:{tmp_path}?speed=max") for _ in range(2))
    assert first.code == 0
    assert {line["device"] for line in first.lines} == {"a", "b", "c"}
    assert first.output == second.output


def test_a_profile_brings_other_units_to_g_and_rad_per_s(tmp_path: Path) -> None:
    values = motion(1, 100)
    path = write(tmp_path / "a.csv", np.arange(100) / 50, values * np.array([G, G, G, 1, 1, 1], np.float32))
    (tick,) = Replay(parse_uri(f"replay:{path}?speed=max&profile=phyphox")).blocks(Event())
    assert isinstance(tick[0], SampleBlock)
    assert tick[0].values == pytest.approx(values, abs=1e-6)


def test_a_profile_of_ones_own_serves_and_an_unknown_one_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", np.arange(100) / 50)
    settings = Settings(profiles={"belt": {"axes": "-y,x,z"}})
    (tick,) = Replay(parse_uri(f"replay:{path}?speed=max&profile=belt"), settings).blocks(Event())
    assert isinstance(tick[0], SampleBlock)
    assert tick[0].values[:, :2].tolist() == (motion(1, 100)[:, [1, 0]] * np.array([-1, 1], np.float32)).tolist()
    with pytest.raises(ConfigError, match="no profile 'bolt'"):
        Replay(parse_uri(f"replay:{path}?profile=bolt"), settings)


def test_a_data_sets_units_are_known(small_uci: Path) -> None:
    with pytest.raises(ConfigError, match=r"profile is for \.csv recordings"):
        Replay(parse_uri(f"replay:{small_uci}?profile=phyphox"))


def test_two_recordings_of_one_device_cannot_run_side_by_side(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", np.arange(100) / 50)
    (tmp_path / "a.csv.gz").write_bytes((tmp_path / "a.csv").read_bytes())
    with pytest.raises(InputError, match="two recordings are of a device a"):
        Replay(parse_uri(f"replay:{tmp_path}"))
