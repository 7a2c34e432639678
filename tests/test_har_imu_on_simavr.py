"""The Arduino sketch itself, on a simulated Uno: what its sensor measured comes out of its serial port."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_bridge.decode import Decoder
from firmware_bridge.protocol import Corrupt, Frame, Sample, SessionInfo, Status
from tests.held_up import held_up_s
from tests.simulated_uno import PER_COUNT, SimulatedUno, UnoBuild, build_uno, counts_of

RATE_HZ = 50
FLASH_BYTES, RAM_BYTES = 32256, 2048


@pytest.fixture(scope="module")
def uno(tmp_path_factory: pytest.TempPathFactory) -> UnoBuild:
    return build_uno(tmp_path_factory.mktemp("uno"))


def walking(samples: int) -> NDArray[np.float64]:
    """Two steps a second under gravity, in m/s2 and rad/s."""
    phase = 2 * np.pi * 2.0 * np.arange(samples) / RATE_HZ
    acceleration = [1.5 * np.sin(phase), 9.80665 + 3 * np.sin(phase + 1), 0.8 * np.cos(2 * phase)]
    rate = [0.6 * np.cos(phase), 0.2 * np.sin(2 * phase), -0.4 * np.sin(phase)]
    return np.column_stack(acceleration + rate)


def played(
    uno: UnoBuild, counts: NDArray[np.int16], folder: Path, *, absent_s: tuple[float, float] = (0, 0)
) -> tuple[list[Frame], str]:
    with SimulatedUno(uno, counts, folder, absent_s=absent_s) as board:
        heard = board.read()
        return Decoder().push(heard), board.last_words()


@pytest.fixture(scope="module")
def heard(uno: UnoBuild, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Frame], str]:
    """What came of six seconds of walking."""
    return played(uno, counts_of(walking(300)), tmp_path_factory.mktemp("walk"))


def samples_of(frames: list[Frame]) -> list[Sample]:
    return [frame for frame in frames if isinstance(frame, Sample)]


def test_every_sample_arrives_once_in_order_in_units_and_in_time(heard: tuple[list[Frame], str]) -> None:
    frames, words = heard
    samples = samples_of(frames)
    assert [sample.sequence for sample in samples] == list(range(300))
    values = np.array([sample.values for sample in samples])
    assert np.all(np.abs(values - walking(300)) <= PER_COUNT * 0.51)
    steps_ms = np.diff([sample.timestamp_ms for sample in samples])
    assert set(steps_ms.tolist()) <= {19, 20, 21}
    assert abs(samples[-1].timestamp_ms - samples[0].timestamp_ms - 299 * 20) <= 1
    assert "300 of 300 samples played" in words
    assert " 0 unheard" in words


def test_the_session_is_told_at_the_start_and_every_five_seconds(heard: tuple[list[Frame], str]) -> None:
    frames, _ = heard
    (first, session), (second, again) = [
        (at, frame) for at, frame in enumerate(frames) if isinstance(frame, SessionInfo)
    ]
    assert len(frames) == 300 + 2
    assert first == 0
    assert abs(second - 250) <= 2
    assert again == session
    assert session == SessionInfo(
        session.session_id, RATE_HZ, ("ax", "ay", "az", "gx", "gy", "gz"), sensor_type=1, dropped=0, name="MPU6050"
    )


def test_the_whole_range_of_counts_keeps_its_sign_and_scale(uno: UnoBuild, tmp_path: Path) -> None:
    counts = np.array([[-32768, 32767, -1, 1, -256, 255], [0, 256, -257, 128, -128, 4096]], np.int16)
    samples = samples_of(played(uno, counts, tmp_path)[0])
    np.testing.assert_allclose([sample.values for sample in samples], counts * PER_COUNT, rtol=2e-7)


def test_a_sensor_that_is_absent_is_told_and_awaited(uno: UnoBuild, tmp_path: Path) -> None:
    frames, _ = played(uno, counts_of(walking(10)), tmp_path, absent_s=(0, 1.5))
    line = "ERR no MPU6050 at I2C address 0x68; WHO_AM_I is 0x0\r\n"
    assert frames[:2] == [Corrupt(Status.BAD_COBS, len(line))] * 2
    assert isinstance(frames[2], SessionInfo)
    assert len(samples_of(frames)) == 10


def test_a_sensor_that_comes_back_goes_on_and_what_was_missed_is_counted(uno: UnoBuild, tmp_path: Path) -> None:
    frames, _ = played(uno, counts_of(walking(220)), tmp_path, absent_s=(1.0, 2.2))
    samples = samples_of(frames)
    session = next(frame for frame in reversed(frames) if isinstance(frame, SessionInfo))
    steps_ms = np.diff([sample.timestamp_ms for sample in samples])
    missed = np.round(steps_ms / 20) - 1
    assert [sample.sequence for sample in samples] == list(range(220))
    assert np.count_nonzero(missed) == 1
    assert missed.sum() == session.dropped
    assert 60 <= session.dropped <= 60 + 65  # it is looked for once a second


def test_every_boot_is_another_session(uno: UnoBuild, tmp_path: Path) -> None:
    boots = [played(uno, counts_of(walking(1)), tmp_path)[0][0] for _ in range(2)]
    assert isinstance(boots[0], SessionInfo)
    assert isinstance(boots[1], SessionInfo)
    assert boots[0].session_id != boots[1].session_id


def test_a_slow_reader_loses_nothing(uno: UnoBuild, tmp_path: Path) -> None:
    with SimulatedUno(uno, counts_of(walking(360)), tmp_path) as board:
        port = os.open(board.path, os.O_RDONLY | os.O_NOCTTY)
        time.sleep(2.0)  # by now the terminal is full: it holds 20 kB of 23
        heard = board.read()
        os.close(port)
        assert " 0 unheard" in board.last_words()
    assert [sample.sequence for sample in samples_of(Decoder().push(heard))] == list(range(360))


def test_without_a_reader_it_plays_on_and_says_what_was_unheard(uno: UnoBuild, tmp_path: Path) -> None:
    with SimulatedUno(uno, counts_of(walking(20)), tmp_path, at_once=True) as board:
        words = board.last_words()
    assert "20 of 20 samples played, 0 bytes sent" in words
    assert " 0 unheard" not in words


def test_it_plays_at_the_speed_that_was_asked_for(uno: UnoBuild, tmp_path: Path) -> None:
    started = time.monotonic()
    with SimulatedUno(uno, counts_of(walking(60)), tmp_path, speed=1) as board:
        board.read()
        took_s = time.monotonic() - started
        held_s = held_up_s(board.process.pid)  # it has ended, but nobody has asked for its exit code
    assert took_s >= 1.2
    assert took_s - held_s < 5


def test_sigterm_ends_it_well_and_takes_the_link_away(uno: UnoBuild, tmp_path: Path) -> None:
    link = tmp_path / "ttyUNO"
    with SimulatedUno(uno, counts_of(walking(5000)), tmp_path, link=link, speed=1, at_once=True) as board:
        time.sleep(0.3)
        assert link.resolve() == board.path
        board.process.terminate()
        assert "of 5000 samples played" in board.last_words()
    assert not link.is_symlink()


def test_both_sketches_leave_an_uno_half_of_its_memory(uno: UnoBuild) -> None:
    for sketch in (uno.har_imu, uno.har_imu_lsm6dsox):
        sizes = subprocess.run(["avr-size", str(sketch)], capture_output=True, text=True, check=True).stdout
        text, data, bss = map(int, sizes.splitlines()[1].split()[:3])
        assert text + data < FLASH_BYTES / 2
        assert data + bss < RAM_BYTES / 2
