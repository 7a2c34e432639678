"""The keeper: between the pipeline and the file, and nothing lost where others write too."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from har_stream.keeper import KEEP_EVERY_S, Keeper
from har_stream.standings import END_S, HEARD_S, NOBODY, RESUME_WITHIN_S, Standings
from har_stream.state import DeviceState, States
from har_stream.state_file import StateFile
from har_stream.upright import UprightState
from tests.broker import wait_for

LONG_S = 1000.0


def state(windows: int) -> DeviceState:
    return DeviceState(UprightState((1.0, 0.0, 0.0), windows))


def standings(*devices: str, end_s: float = 0.0, heard_s: float | None = None) -> Standings:
    numbers = np.zeros((len(devices), 5))
    numbers[:, HEARD_S], numbers[:, END_S] = time.time() if heard_s is None else heard_s, end_s
    return Standings(("walking",), devices, numbers)


class Known:
    """Stands for a pipeline."""

    def __init__(self, states: States) -> None:
        self.states = states

    def snapshot(self) -> States:
        return dict(self.states)

    def restore(self, states: States) -> None:
        self.states |= states


def test_what_is_handed_over_is_written_and_what_was_kept_is_given_at_the_start(tmp_path: Path) -> None:
    StateFile(tmp_path).write({"a": state(1)})
    keeper = Keeper(StateFile(tmp_path), limit=8)
    assert keeper.kept == {"a": state(1)}
    pipeline = Known(dict(keeper.kept))
    pipeline.states["a"] = state(2)
    keeper.exchange(pipeline, NOBODY)
    keeper.sync()
    assert StateFile(tmp_path).read() == {"a": state(2)}


def test_what_another_process_wrote_reaches_the_pipeline_and_goes_before_what_it_knew(tmp_path: Path) -> None:
    keeper, pipeline = Keeper(StateFile(tmp_path), limit=8), Known({"a": state(1), "b": state(1)})
    keeper.exchange(pipeline, NOBODY)
    keeper.sync()
    StateFile(tmp_path).write({"a": state(200), "b": state(1)})
    pipeline.states |= {"a": state(2), "b": state(2)}
    keeper.exchange(pipeline, NOBODY)
    keeper.sync()
    assert StateFile(tmp_path).read() == {"a": state(200), "b": state(2)}
    pipeline.states["b"] = state(3)
    keeper.exchange(pipeline, NOBODY)
    assert pipeline.states == {"a": state(200), "b": state(3)}
    pipeline.states["a"] = state(199)
    keeper.exchange(pipeline, NOBODY)
    keeper.sync()
    assert StateFile(tmp_path).read() == {"a": state(199), "b": state(3)}


def test_nothing_new_is_not_written_again_and_a_file_that_was_removed_is(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    keeper = Keeper(file, limit=8)
    keeper.exchange(Known({"a": state(1)}), NOBODY)
    keeper.sync()
    before = file.path.stat()
    keeper.sync()
    assert file.path.stat() == before
    file.path.unlink()
    keeper.sync()
    assert StateFile(tmp_path).read() == {"a": state(1)}


def test_it_asks_now_and_then_and_writes_at_the_end(tmp_path: Path) -> None:
    keeper, pipeline = Keeper(StateFile(tmp_path), limit=8, every_s=0.01), Known({"a": state(1)})
    keeper.start()
    wait_for(lambda: keeper.asks)
    keeper.exchange(pipeline, NOBODY)
    wait_for(lambda: StateFile(tmp_path).read() == {"a": state(1)})
    pipeline.states["a"] = state(2)
    keeper.exchange(pipeline, NOBODY)
    keeper.finish(time.monotonic() + 60.0)
    assert not keeper.thread.is_alive()
    assert StateFile(tmp_path).read() == {"a": state(2)}


def test_what_is_handed_over_while_it_writes_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keeper, in_hand, go_on = Keeper(StateFile(tmp_path), limit=8, every_s=0.01), Event(), Event()
    write = StateFile.write

    def slow(file: StateFile, states: States) -> None:
        in_hand.set()
        go_on.wait()
        write(file, states)

    monkeypatch.setattr(StateFile, "write", slow)
    keeper.exchange(Known({"a": state(1)}), NOBODY)
    keeper.start()
    in_hand.wait()
    keeper.exchange(Known({"a": state(2)}), NOBODY)
    keeper.finish(time.monotonic())
    assert "not written in time" in caplog.text
    go_on.set()
    keeper.thread.join()
    assert StateFile(tmp_path).read() == {"a": state(2)}


def test_the_end_does_not_wait_for_the_next_time(tmp_path: Path) -> None:
    keeper = Keeper(StateFile(tmp_path), limit=8, every_s=LONG_S)
    keeper.start()
    keeper.exchange(Known({"a": state(1)}), NOBODY)
    keeper.finish(time.monotonic() + 60.0)
    assert StateFile(tmp_path).read() == {"a": state(1)}


def test_a_disk_that_fails_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    keeper, tries = Keeper(StateFile(tmp_path), limit=8, every_s=0.01), []

    def full(descriptor: int) -> None:
        tries.append(descriptor)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        keeper.exchange(Known({"a": state(1)}), NOBODY)
        keeper.start()
        wait_for(lambda: keeper.asks)
        keeper.exchange(Known({"a": state(2)}), NOBODY)
        wait_for(lambda: len(tries) > 1)
    keeper.finish(time.monotonic() + 60.0)
    assert StateFile(tmp_path).read() == {"a": state(2)}
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "No space left on device" in told[0]
    assert "can be written again" in told[1]


def test_what_another_wrote_is_taken_once_though_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, pipeline = Keeper(StateFile(tmp_path), limit=8), Known({"b": state(1)})
    StateFile(tmp_path).write({"a": state(200)})
    keeper.exchange(pipeline, NOBODY)
    monkeypatch.setattr(StateFile, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        keeper.sync()
    keeper.exchange(pipeline, NOBODY)
    pipeline.states["a"] = state(199)
    with pytest.raises(OSError, match="full"):
        keeper.sync()
    keeper.exchange(pipeline, NOBODY)
    assert pipeline.states == {"a": state(199), "b": state(1)}


def kept_standings(folder: Path) -> dict[str, float]:
    """The ends of the last windows that a folder keeps."""
    found = StateFile(folder).standings.read()
    return dict(zip(found.devices, found.numbers[:, END_S].tolist(), strict=True))


def test_how_devices_stood_is_there_for_the_next_process(tmp_path: Path) -> None:
    keeper = Keeper(StateFile(tmp_path), limit=8)
    keeper.exchange(Known({}), standings("a", "b", end_s=7.0))
    keeper.sync()
    again = Keeper(StateFile(tmp_path), limit=8)
    assert again.standings.devices == ("a", "b")
    again.sync()
    assert kept_standings(tmp_path) == {"a": 7.0, "b": 7.0}


def test_what_is_old_is_not_taken_up(tmp_path: Path) -> None:
    keeper = Keeper(StateFile(tmp_path), limit=8)
    keeper.exchange(Known({}), standings("a", heard_s=time.time() - RESUME_WITHIN_S - 1))
    keeper.sync()
    assert Keeper(StateFile(tmp_path), limit=8).standings.devices == ()


def test_processes_that_share_a_file_keep_each_others_devices_for_a_while(tmp_path: Path) -> None:
    ours, theirs = Keeper(StateFile(tmp_path), limit=3), Keeper(StateFile(tmp_path), limit=3)
    theirs.exchange(Known({}), standings("x", "y", end_s=1.0))
    theirs.sync()
    ours.exchange(Known({}), standings("a", "x", end_s=2.0))
    ours.sync()
    assert kept_standings(tmp_path) == {"a": 2.0, "x": 2.0, "y": 1.0}
    long_ago_s = time.time() - RESUME_WITHIN_S - 1
    theirs.exchange(Known({}), standings("y", end_s=3.0, heard_s=long_ago_s))
    theirs.sync()
    ours.exchange(Known({}), standings("a", end_s=4.0))
    ours.sync()
    assert kept_standings(tmp_path) == {"a": 4.0, "x": 2.0}


def test_standings_that_cannot_be_read_are_set_aside_and_stop_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "devices.standings").write_bytes(b"nothing of ours")
    keeper = Keeper(StateFile(tmp_path), limit=8)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "damaged, or not one of har-stream's; set aside as devices.standings.damaged, begun anew"
    ]
    keeper.exchange(Known({}), standings("a", end_s=7.0))
    keeper.sync()
    assert kept_standings(tmp_path) == {"a": 7.0}
    assert (tmp_path / "devices.standings.damaged").read_bytes() == b"nothing of ours"


DEVICES = [f"d{number}" for number in range(1000)]


def _keep_for_ever(folder: Path) -> None:
    keeper = Keeper(StateFile(folder), limit=len(DEVICES))
    for number in count(1):
        keeper.exchange(Known(dict.fromkeys(DEVICES, state(number))), standings(*DEVICES, end_s=number))
        keeper.sync()


def test_killed_at_any_moment_of_a_save_it_leaves_whole_files_of_the_last_one_or_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    moment = random.Random(1)  # noqa: S311 - when to kill is no secret
    path = StateFile(tmp_path).standings.path
    for _ in range(12):
        path.unlink(missing_ok=True)
        process = multiprocessing.get_context("fork").Process(target=_keep_for_ever, args=(tmp_path,))
        process.start()
        wait_for(path.exists)
        time.sleep(0.02 * moment.random())
        killed_s = time.time()
        process.kill()
        process.join()
        found, stood = StateFile(tmp_path).read(), StateFile(tmp_path).standings.read()
        (states_of,) = {one.upright.windows for one in found.values() if one.upright}
        (standings_of,) = set(stood.numbers[:, END_S].tolist())
        assert (len(found), len(stood.devices)) == (len(DEVICES), len(DEVICES))
        assert states_of - standings_of in (0, 1)
        assert killed_s - stood.numbers[0, HEARD_S] < KEEP_EVERY_S
    assert not caplog.records
