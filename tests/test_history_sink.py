"""The sink history: - segments that grow, commits, a disk that is full."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from msgspec.structs import replace

from har_stream.day_report import report
from har_stream.errors import ConfigError
from har_stream.history import sink as sink_module
from har_stream.history.sink import HistorySink, history_sink
from har_stream.history.store import Store
from har_stream.samples import Prediction, Settled
from har_stream.settings import HistorySettings, Settings
from har_stream.sinks import history_file, open_sink
from har_stream.sinks.worker import SinkWorker
from har_stream.today import Today
from tests.history_file import read
from tests.predictions import packed, prediction

NOON_S = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
HOP_S = 1.28


def windows(*labels: str, start: int = 10, device: str = "watch") -> list[Prediction]:
    """Windows that end every hop, each settled as one of the labels."""
    made = []
    for number, label in enumerate(labels, start):
        end_s = number * HOP_S
        settled = Settled(end_s - 3 * HOP_S, end_s - 2 * HOP_S, label)
        one = prediction(device, end_s, label, raw=label, settled=settled)
        shares = packed(*[0.3] * len(one.labels))
        made.append(replace(one, wall_s=NOON_S + end_s, shares=shares))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def sink(path: Path) -> HistorySink:
    return history_sink(path, HistorySettings(), max_devices=8)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write commits what came before it."""
    monkeypatch.setattr(sink_module, "COMMIT_EVERY_S", 0.0)


def test_a_segment_goes_on_while_the_label_stays(path: Path, sink: HistorySink) -> None:
    assert sink.write(windows("sitting", "sitting", "walking", "walking", "walking", "sitting")) == 6
    sink.close(0.0)
    found = read(path)
    assert [one.label for one in found] == ["sitting", "walking", "sitting"]
    assert [one.seconds for one in found] == pytest.approx([2 * HOP_S, 3 * HOP_S, HOP_S])
    assert found[0].end_s == found[1].start_s
    assert [one.confidence for one in found] == pytest.approx([0.3] * 3)


def test_a_gap_ends_a_segment(path: Path, sink: HistorySink) -> None:
    sink.write([*windows("sitting", "sitting"), *windows("sitting", start=40)])
    sink.close(0.0)
    assert [one.label for one in read(path)] == ["sitting", "sitting"]


@pytest.mark.usefixtures("at_once")
def test_a_segment_stays_one_row_over_commits(path: Path, sink: HistorySink) -> None:
    for start in range(10, 30):
        sink.write(windows("sitting", start=start))
        sink.idle()
    (row,) = read(path)
    assert row.seconds == pytest.approx(20 * HOP_S)
    sink.close(0.0)


def test_commits_are_seconds_apart(path: Path, sink: HistorySink) -> None:
    sink.write(windows("sitting"))
    assert not path.exists()
    sink.idle()
    sink.write(windows("sitting", start=11))
    sink.write(windows("walking", start=12))
    assert not path.exists()
    sink.close(0.0)
    assert len(read(path)) == 2


@pytest.mark.usefixtures("at_once")
def test_a_device_that_is_erased_while_it_sends_begins_anew(path: Path, sink: HistorySink) -> None:
    sink.write(windows("sitting", "sitting"))
    sink.idle()
    with closing(Store(path)) as store:
        store.erase("watch")
    sink.write(windows("sitting", start=12))
    sink.idle()
    sink.write(windows("sitting", start=13))
    sink.close(0.0)
    (row,) = read(path)
    assert row.seconds == pytest.approx(HOP_S)


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("at_once")
def test_where_the_disk_is_full_labels_are_lost_and_counted_and_what_was_taken_is_kept(
    path: Path, sink: HistorySink
) -> None:
    worker = SinkWorker(sink, limit=100, source_waits=True, on_closed=lambda: None)
    with full_disk(5000):
        worker.start()
        worker.put(windows("sitting"))
        worker.flush(Event())
        for start in range(11, 15):
            worker.put(windows("sitting", start=start))
            worker.flush(Event())
        assert "cannot be written" in worker.condition
        assert (worker.written, worker.dropped) == (1, 4)
    worker.put(windows("walking", start=15))
    worker.flush(Event())
    assert worker.condition == ""
    worker.finish(time.monotonic() + 10)
    assert (worker.written, worker.dropped) == (2, 4)
    assert [one.label for one in read(path)][-1] == "walking"
    assert read(path)[0].label == "sitting"


def test_what_could_not_be_written_at_the_end_is_told(sink: HistorySink, caplog: pytest.LogCaptureFixture) -> None:
    with full_disk(5000):
        sink.write(windows("sitting", "sitting", "sitting"))
        sink.close(0.0)
    assert "the last 3 labels are not in it" in caplog.text


@pytest.mark.usefixtures("at_once")
def test_what_is_old_is_dropped_while_it_runs(path: Path) -> None:
    sink = history_sink(path, HistorySettings(keep_days=1), max_devices=8)
    days = 86_400.0 * 3
    sink.write(windows("sitting"))
    sink.write([replace(one, wall_s=one.wall_s + days) for one in windows("walking", start=100)])
    sink.idle()
    assert [one.label for one in read(path)] == ["walking"]
    sink.close(0.0)


def test_minutes_today_and_the_report_agree(path: Path, sink: HistorySink) -> None:
    told = [*windows(*["sitting"] * 30, *["walking"] * 9, *["sitting"] * 4), *windows(*["laying"] * 5, start=58)]
    today = Today(limit=8, zone=UTC)
    today.note([], told, now_s=0.0)
    sink.write(told)
    sink.close(0.0)
    standing = today.standing("watch", NOON_S)
    assert standing is not None
    of_report = report("watch", read(path), NOON_S - 3600, NOON_S + 3600, zone=UTC).seconds
    assert {label: seconds for label, seconds in of_report.items() if seconds} == pytest.approx(standing.seconds_today)
    assert sum(standing.seconds_today.values()) == pytest.approx((30 + 9 + 4 + 5) * HOP_S + 5 * HOP_S)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("history:", "expected history:FILE.sqlite"),
        ("history:x?mode=1", "expected history:FILE.sqlite"),
        ("history:/nowhere/x", "no such folder"),
        ("history:/proc", "is a folder"),
        ("history:/dev/null", "is no file"),
        ("history:a\x00b", "null"),
    ],
)
def test_a_path_that_cannot_be_is_told(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        open_sink(text, Settings())


def test_the_file_of_a_history_is_found_among_sinks() -> None:
    assert history_file(["stdout:", "history:/a/b", "history:/c"]) == Path("/a/b")
    assert history_file(["stdout:"]) is None
