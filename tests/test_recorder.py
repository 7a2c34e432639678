"""The recorder: what it keeps where disks, files and queues are at their ends."""

from __future__ import annotations

import errno
import gzip
import os
import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from har_stream import recorder as module
from har_stream.datasets import read_recording
from har_stream.errors import ConfigError
from har_stream.recorder import Recorder
from har_stream.recording_file import check_folder
from har_stream.samples import SampleBlock, TimedBlock, WindowBlock
from tests.broker import wait_for
from tests.held_up import HeldUp
from tests.motion import block, motion
from tests.test_record_replay import recordings, replayed

VALUES = motion(1, 1000)


def recorder(folder: Path, *, source_waits: bool = False, **changed: float) -> Recorder:
    return Recorder(recordings(folder, **changed), source_waits=source_waits, stop=Event())


def finish(one: Recorder) -> None:
    one.finish(time.monotonic() + 60)
    assert not one.thread.is_alive()


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def test_files_are_named_by_device_and_start_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    umask = os.umask(0)
    try:
        one = recorder(folder)
        one.start()
        one.put([block(VALUES, device="left-wrist")])
        finish(one)
    finally:
        os.umask(umask)
    (path,) = folder.iterdir()
    stamp = path.name.removeprefix("left-wrist_").removesuffix(".csv.gz")
    assert time.strptime(stamp, "%Y%m%dT%H%M%SZ")
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (one.recorded, one.files, one.lost) == (1000, 1, 0)


def test_what_came_is_in_the_file_within_a_second(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.start()
    for at in range(3):
        one.put([block(VALUES[at * 100 : at * 100 + 100], at * 100)])
        held_up, put_s = HeldUp(), time.monotonic()
        wait_for(lambda at=at: one.recorded == at * 100 + 100)
        assert time.monotonic() - put_s - held_up.look() < 1.5  # half a second, and the disk
    (path,) = tmp_path.iterdir()
    assert len(read_recording(path).values) == 300
    finish(one)


def test_a_full_file_is_followed_by_the_next(tmp_path: Path) -> None:
    store = recordings(tmp_path, max_mb=0.05)
    for at in range(0, 1000, 100):
        store.write([[block(motion(at, 500), at * 500)]])
    paths = sorted(tmp_path.iterdir())
    assert len(paths) == store.files > 2
    assert all(path.stat().st_size <= 50_000 for path in paths)
    assert sum(len(read_recording(path).values) for path in paths) == store.recorded == 5000


def test_an_old_file_is_followed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, now_s = recordings(tmp_path, max_h=2.0), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    for passed_s, files in ((0.0, 1), (7200.0, 1), (0.5, 2), (7199.0, 2), (2.0, 3)):
        now_s += passed_s
        store.write([[block(VALUES[:10])]])
        assert store.files == files
    assert sum(len(read_recording(path).values) for path in tmp_path.iterdir()) == 50


def test_of_devices_beyond_the_most_the_longest_silent_ones_file_ends(tmp_path: Path) -> None:
    store = recordings(tmp_path, max_devices=2)
    for device in ("a", "b", "a", "c", "a", "b"):
        store.write([[block(VALUES[:10], device=device)]])
    assert store.files == 4
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["a", "b", "b", "c"]


def test_a_thousand_devices_need_no_more_than_a_descriptor(tmp_path: Path) -> None:
    store = recordings(tmp_path, max_devices=1000)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough
    for at in range(2):
        store.write([[block(VALUES[:5], 5 * at, device=f"d{number}") for number in range(1000)]])
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208 - what earlier tests left may close
    assert store.files == len(list(tmp_path.iterdir())) == 1000


def test_an_earlier_recording_is_never_overwritten(tmp_path: Path) -> None:
    for _ in range(3):
        recordings(tmp_path).write([[block(VALUES[:10])]])
    assert len(list(tmp_path.iterdir())) == 3


def test_with_the_first_label_of_a_device_a_file_with_labels_begins(tmp_path: Path) -> None:
    truth = np.full(10, 4, np.uint8)
    store = recordings(tmp_path)
    store.write([[block(VALUES[:10], device="a", truth=truth), block(VALUES[:10], device="b")]])
    store.write([[block(VALUES[:10], 10, device="a"), block(VALUES[:10], 10, device="b", truth=truth)]])
    first, *second = (lines(path) for path in sorted(tmp_path.iterdir(), key=lambda path: path.name[0]))
    assert first[0].endswith(",label")
    assert [line.rpartition(",")[2] for line in first[1:]] == ["sitting"] * 10 + [""] * 10
    plain, labelled = sorted(second, key=lambda one: one[0].count(","))
    assert {line.count(",") for line in plain} == {6}
    assert [line.rpartition(",")[2] for line in labelled] == ["label"] + ["sitting"] * 10
    assert len(plain) == 11


def test_samples_without_a_lawful_time_cannot_be_placed_and_count(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.start()
    times_s = np.array([0, np.nan, 0.02, np.inf, 0.04, 1e13])
    one.put([TimedBlock("a", times_s, VALUES[:6]), SampleBlock("b", 0, 0.0, float("nan"), VALUES[:7])])
    finish(one)
    assert (one.recorded, one.lost) == (3, 10)


def test_ready_made_windows_are_told_once_and_not_recorded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    window = WindowBlock("a", np.zeros(1), np.zeros(1, np.bool_), np.zeros((1, 128, 9), np.float32), 64)
    recordings(tmp_path).write([[window], [window]])
    assert list(tmp_path.iterdir()) == []
    assert caplog.text.count("hold no raw samples and are not recorded") == 1


def test_a_full_disk_is_told_once_and_what_was_written_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.02)
    write, full = os.write, Event()

    def to_disk(descriptor: int, data: bytes) -> int:
        if full.is_set():
            if len(data) > 100:
                return write(descriptor, data[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", to_disk)
    one = recorder(tmp_path)
    one.start()
    one.put([block(VALUES[:100])])
    wait_for(lambda: one.recorded == 100)
    full.set()
    for at in range(1, 4):
        one.put([block(VALUES[:100], at * 100), block(VALUES[:50], device="new")])
        wait_for(lambda at=at: one.lost == at * 150)
    assert one.failing
    assert len(list(tmp_path.iterdir())) == 1
    full.clear()
    one.put([block(VALUES[:100], 400)])
    finish(one)
    assert not one.failing
    assert (one.recorded, one.lost) == (200, 450)
    recording = read_recording(next(tmp_path.iterdir()))
    assert recording.times_s is not None
    assert len(recording.values) == 200
    assert caplog.text.count("No space left on device; samples are not recorded until it can be written") == 1
    assert caplog.text.count("can be written again; 450 samples are not recorded") == 1
    assert "torn" not in caplog.text


def test_a_file_that_cannot_be_mended_is_left_and_another_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = recordings(tmp_path)
    store.write([[block(VALUES[:100])]])
    with monkeypatch.context() as broken:

        def tears(descriptor: int, data: bytes, write=os.write) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
            if len(data) > 100:
                return int(write(descriptor, data[:100]))
            raise OSError(errno.EIO, "Input/output error")

        def refuses(*_: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        broken.setattr(os, "write", tears)
        broken.setattr(os, "ftruncate", refuses)
        assert store.write([[block(VALUES[:100], 100)]]) is not None
    assert store.write([[block(VALUES[:100], 200)]]) is None
    assert [len(read_recording(path).values) >= 100 for path in tmp_path.iterdir()] == [True, True]


def test_a_file_that_was_deleted_is_followed_by_another(tmp_path: Path) -> None:
    store = recordings(tmp_path)
    store.write([[block(VALUES[:100])]])
    next(tmp_path.iterdir()).unlink()
    assert store.write([[block(VALUES[:100], 100)]]) is not None
    assert store.write([[block(VALUES[:100], 200)]]) is None
    assert len(lines(next(tmp_path.iterdir()))) == 101


def test_where_the_disk_is_slow_the_oldest_go_counted_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 500)
    one = recorder(tmp_path)  # not started: as slow as can be
    held_up, began_s = HeldUp(), time.monotonic()
    for at in range(10):
        one.put([block(VALUES[at * 100 : at * 100 + 100], at * 100)])
    assert time.monotonic() - began_s - held_up.look() < 0.5
    assert one.lost == 500
    assert caplog.text.count("the disk is too slow") == 1
    one.start()
    finish(one)
    assert (one.recorded, one.lost) == (500, 500)
    (path,) = tmp_path.iterdir()
    assert read_recording(path).start_s == 10.0


def test_a_source_that_can_wait_does_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 500)
    one = recorder(tmp_path, source_waits=True)
    one.start()
    for at in range(50):
        one.put([block(motion(at, 100), at * 100)])
    one.flush()
    assert (one.recorded, one.lost) == (5000, 0)
    finish(one)


def test_a_source_that_can_wait_does_not_wait_for_a_failing_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 500)
    one = recorder(tmp_path / "gone", source_waits=True)
    (tmp_path / "gone").rmdir()
    one.start()
    began_s = time.monotonic()
    for at in range(50):
        one.put([block(VALUES[:100], at * 100)])
    finish(one)
    assert time.monotonic() - began_s < 5
    assert (one.recorded, one.lost) == (0, 5000)


def test_a_fault_of_its_own_is_told_and_what_comes_after_counts_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = recorder(tmp_path, source_waits=True)
    monkeypatch.setattr("har_stream.recordings.uniform", lambda _: 1 / 0)
    one.start()
    one.put([block(VALUES)])
    one.flush()
    one.put([block(VALUES)])
    assert "stopped by a fault of its own: ZeroDivisionError" in caplog.text
    assert one.lost == 2000
    finish(one)


@pytest.mark.parametrize("name", ["file", "file/below", "a\0b"])
def test_a_folder_that_cannot_be_is_a_fault_of_the_configuration(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="record: "):
        check_folder(tmp_path / name)
    with pytest.raises(ConfigError, match="record: "):
        recorder(tmp_path / name)


def test_a_folder_of_recordings_replays_side_by_side(tmp_path: Path) -> None:
    recordings(tmp_path).write([[block(VALUES, device="a"), block(VALUES, device="b")]])
    first = replayed(tmp_path)[0]
    assert [one.device[0] for one in first] == ["a", "b"]
