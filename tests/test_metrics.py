"""What /metrics tells of a stream, series by series."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace

import numpy as np
import pytest

from har_stream import __version__
from har_stream.device_books import DeviceReading
from har_stream.plausibility import Suspicion
from har_stream.vitals import QueueVitals, Vitals, WorkerVitals
from har_stream.web.metrics import exposition
from tests.http_client import Metrics
from tests.watched import READING, WELL, Stream, sink


def told_of(vitals: Vitals) -> Metrics:
    return Metrics(exposition(Stream(vitals)))


def test_every_counter_of_the_books_is_told() -> None:
    told = told_of(WELL)
    assert told.get("samples_in_total") == 100
    assert told.get("samples_total", outcome="used", reason="") == 60
    assert told.get("samples_total", outcome="refused", reason="not_finite") == 5
    assert told.get("samples_total", outcome="dropped", reason="gap") == 4
    assert told.get("samples_buffered") == 30
    assert told.get("samples_bridged_total") == 2
    assert told.get("windows_total") == 4
    assert told.get("predictions_total", label="walking") == 3
    assert told.get("recording_samples_total", outcome="lost") == 10
    assert told.get("recording_failing") == 0


def test_a_sinks_name_that_is_no_text_and_two_of_one_name_break_no_scrape() -> None:
    odd = sink('jsonl:\udcff\n"x', "", 2, 1)
    told = told_of(replace(WELL, sinks=(odd, odd), recording=None))
    assert told.get("sink_labels_total", sink='jsonl:?\n"x', outcome="written") == 4
    assert told.total("recording_failing") == 0


def test_a_distribution_is_told_as_totals_up_to_each_bound() -> None:
    told = told_of(replace(WELL, sinks=(sink("a:"), sink("b:"), sink("b:"))))
    name = "end_to_end_latency_seconds"
    assert [told.get(f"{name}_bucket", sink="a:", le=bound) for bound in ("0.1", "1.0", "+Inf")] == [3, 3, 4]
    assert [told.get(f"{name}_bucket", sink="b:", le=bound) for bound in ("0.1", "1.0", "+Inf")] == [6, 6, 8]
    assert (told.get(f"{name}_sum", sink="a:"), told.get(f"{name}_count", sink="a:")) == (5.5, 4)
    assert (told.get(f"{name}_sum", sink="b:"), told.get(f"{name}_count", sink="b:")) == (11, 8)
    assert told.get("inference_latency_seconds_bucket", le="0.01") == 4
    assert told.get("inference_latency_seconds_sum") == 0.004


def test_devices_are_told_by_state_and_suspicion() -> None:
    suspected = {"belt": Suspicion.ACC_MS2, "watch": Suspicion.ACC_MS2, "hat": Suspicion.RAW}
    told = told_of(replace(WELL, stream=replace(READING, suspicions=suspected)))
    states = {state: told.get("devices", state=state) for state in ("streaming", "suspicious", "stale", "refused")}
    assert states == {"streaming": 1, "suspicious": 1, "stale": 2, "refused": 3}
    assert told.get("devices_limit") == 64
    assert told.get("suspicious_devices", suspicion="acc_ms2") == 2
    assert told.get("suspicious_devices", suspicion="raw") == 1
    assert told.get("suspicious_devices", suspicion="no_gyro") == 0


def test_queues_are_told_with_their_limits() -> None:
    queues = (QueueVitals("blocks", 7, 10_000), QueueVitals("messages", 3, 20_000))
    told = told_of(replace(WELL, queues=queues, sinks=(sink("b:"), sink("b:"))))
    assert told.get("queue_length", queue="blocks", sink="") == 7
    assert told.get("queue_limit", queue="messages", sink="") == 20_000
    assert told.get("queue_length", queue="labels", sink="b:") == 2
    assert told.get("queue_limit", queue="labels", sink="b:") == 20


def test_a_sink_is_connected_where_all_by_its_name_are() -> None:
    told = told_of(replace(WELL, source="away", sinks=(sink("a:"), sink("b:", "not connected"), sink("b:"))))
    assert (told.get("sink_connected", sink="a:"), told.get("sink_connected", sink="b:")) == (1, 0)
    assert told.get("source_connected") == 0


def test_what_an_alarm_looks_for_is_there_before_it_happens() -> None:
    told = told_of(replace(WELL, stream=replace(READING, labels={})))
    assert told.get("samples_total", outcome="dropped", reason="queue_full") == 0
    assert told.get("samples_total", outcome="refused", reason="source_full") == 0
    assert {told.get("predictions_total", label=label) for label in (*WELL.model.labels, "unknown")} == {0}
    assert told.get("sink_labels_total", sink="stdout:", outcome="dropped") == 0


def test_what_runs_is_told() -> None:
    build = told_of(WELL).facts("build_info")
    assert (build["version"], build["python"]) == (__version__, platform.python_version())
    assert build["numpy"] == np.__version__
    assert told_of(WELL).facts("model_info") == {"name": "sway-lstm", "engine": "onnx", "sha256": "ab12"}


def test_the_engine_and_the_process_are_told() -> None:
    told = Metrics(exposition(Stream(WELL, alive=False, beat_age_s=3.0)))
    assert told.get("engine_alive") == 0
    assert 3.0 <= told.get("engine_beat_age_seconds") < 60.0
    process = {name: value for (name, _), value in told.values.items() if name.startswith("process_")}
    assert process["process_open_fds"] > 0
    assert 0 < time.time() - process["process_start_time_seconds"] < 86_400
    assert process["process_resident_memory_bytes"] > 1e6


def test_workers_are_told_as_one_process_that_began_with_the_first() -> None:
    alone = told_of(WELL)
    shared = told_of(replace(WELL, workers=WorkerVitals(wanted=2, pids=(os.getpid(), os.getpid()), restarts=3)))
    begun, held = (name_of(f"process_{what}") for what in ("start_time_seconds", "virtual_memory_bytes"))
    assert shared.values[begun] == alone.values[begun]
    assert shared.values[held] == pytest.approx(3 * alone.values[held], rel=0.2)
    assert (shared.get("workers", state="wanted"), shared.get("workers", state="running")) == (2, 2)
    assert shared.get("worker_restarts_total") == 3


def name_of(series: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A series that has no labels."""
    return series, frozenset()


def test_devices_have_series_of_their_own_where_that_is_asked_for() -> None:
    of_devices = (DeviceReading("watch", 9, "walking", time.monotonic() - 5), DeviceReading("replayed", 1, "laying", 0))
    told = told_of(replace(WELL, stream=replace(READING, of_devices=of_devices)))
    assert told.get("device_windows_total", device="watch") == 9
    assert told.get("device_activity", device="watch", label="walking") == 1
    assert time.time() - told.get("device_last_sample_timestamp_seconds", device="watch") == pytest.approx(5, abs=2)
    assert told.total("device_windows_total") == 10
    with pytest.raises(KeyError):
        told.get("device_last_sample_timestamp_seconds", device="replayed")


def test_ten_thousand_devices_cost_no_series() -> None:
    many = {f"device{number}": Suspicion.ACC_MS2 for number in range(10_000)}
    told = told_of(replace(WELL, stream=replace(READING, suspicions=many)))
    assert told.values.keys() == told_of(WELL).values.keys()
