"""Replays as a source: who comes when, again and again, and what does not fit the model."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.errors import ConfigError, InputError
from har_stream.manifest import Framing
from har_stream.samples import Block, SampleBlock
from har_stream.settings import LONGEST_BRIDGE_S
from har_stream.sources.replay import LOOP_PAUSE_S, Replay
from har_stream.uri import parse_uri
from tests.motion import motion, pipeline
from training.chain import UCI_HAR_FRAMING


def recording(folder: Path, samples: int = 500, rate_hz: float = 50.0) -> Path:
    path = folder / "watch.csv"
    rows = np.hstack([np.arange(samples)[:, np.newaxis] / rate_hz, motion(1, samples)])
    header = "time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads"
    np.savetxt(path, rows, fmt="%.9g", delimiter=",", header=header, comments="")
    return path


def blocks_of(text: str, most: int = 10**6) -> list[Block]:
    ticks = Replay(parse_uri(text)).blocks(Event())
    return [block for tick in islice(ticks, most) for block in tick]


@pytest.mark.parametrize("speed", ["max", "1e6"])
def test_a_recording_comes_whole_and_in_order(tmp_path: Path, speed: str) -> None:
    blocks = blocks_of(f"replay:{recording(tmp_path)}?speed={speed}")
    values = np.concatenate([block.values for block in blocks if isinstance(block, SampleBlock)])
    assert values == pytest.approx(motion(1, 500), abs=1e-6)
    assert {block.device for block in blocks} == {"watch"}


def test_a_loop_begins_anew_with_every_lap(tmp_path: Path) -> None:
    blocks = blocks_of(f"replay:{recording(tmp_path)}?speed=max&loop=yes", most=3)
    assert [block.start_s for block in blocks if isinstance(block, SampleBlock)] == pytest.approx([0.0, 30.0, 60.0])
    told = pipeline(Accounting(), max_gap_s=LONGEST_BRIDGE_S).push(blocks, 0.0)
    assert [round(p.start_s, 2) for p in told if p.settled is None] == [0, 1.28, 30, 31.28, 60, 61.28]


def test_the_pause_between_laps_is_longer_than_any_bridge() -> None:
    assert LOOP_PAUSE_S > LONGEST_BRIDGE_S


def test_a_set_stop_ends_it(tmp_path: Path) -> None:
    stop = Event()
    blocks = Replay(parse_uri(f"replay:{recording(tmp_path)}?loop=yes&speed=max")).blocks(stop)
    next(blocks)
    stop.set()
    assert list(blocks) == []


@pytest.mark.parametrize(("rate_hz", "fits"), [(1, True), (100, True), (10_000, True), (0.5, False), (20_000, False)])
def test_rates_that_no_device_has_are_told(tmp_path: Path, rate_hz: float, *, fits: bool) -> None:
    replay = Replay(parse_uri(f"replay:{recording(tmp_path, rate_hz=rate_hz)}"))
    if fits:
        replay.fit(UCI_HAR_FRAMING)
        return
    with pytest.raises(InputError, match=f"watch is sampled at {rate_hz:g} Hz, which is not from 1 to 10000 Hz"):
        replay.fit(UCI_HAR_FRAMING)


def test_uci_hars_rows_need_uci_hars_windows(uci_zip: Path) -> None:
    replay = Replay(parse_uri(f"replay:{uci_zip}?subject=7"))
    replay.fit(UCI_HAR_FRAMING)
    with pytest.raises(ConfigError, match="hop 64"):
        replay.fit(Framing(rate_hz=50.0, window=128, hop=32))


def test_a_recording_has_no_split_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no split"):
        Replay(parse_uri(f"replay:{recording(tmp_path)}?split=test"))


def test_volunteers_run_side_by_side(hapt_zip: Path) -> None:
    first = next(Replay(parse_uri(f"replay:{hapt_zip}?speed=max&subject=1,3")).blocks(Event()))
    assert [block.device for block in first] == ["exp01_user01", "exp02_user01", "exp05_user03", "exp06_user03"]
