"""Our metrics as Prometheus itself reads them, and the alarms that are made for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker import wait_for
from tests.http_client import ask, metrics
from tests.prometheus import NAME, RULES, Prometheus, promtool, watched_stream

STEPS = 20
INSTANCE = {"instance": "home:9478", "job": "har-stream"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with watched_stream(tmp_path_factory.mktemp("stream")) as at:
        yield at


def test_promtool_finds_nothing_to_say_of_our_metrics(port: int) -> None:
    assert promtool("check", "metrics", given=ask(port, "/metrics")[1]) == (0, "")


def test_a_real_prometheus_scrapes_it_and_computes_with_it(port: int, tmp_path: Path) -> None:
    prometheus = Prometheus(tmp_path, port)
    try:
        wait_for(lambda: prometheus.query("har_stream_windows_total"))
        # A scrape that a busy machine held up for longer than 250 ms counts as failed, until the next one.
        wait_for(lambda: prometheus.query("up")[0]["value"][1] == "1")
        wait_for(lambda: prometheus.api("targets")["activeTargets"][0]["lastError"] == "")
        scraped = {name for name in prometheus.api("label/__name__/values") if NAME.fullmatch(name)}
        assert scraped == {name for name, _ in metrics(port).values}
        wait_for(lambda: prometheus.query("sum(rate(har_stream_predictions_total[5s])) > 0"))
        wait_for(lambda: prometheus.query("histogram_quantile(0.5, har_stream_end_to_end_latency_seconds_bucket) < 60"))
        (build,) = prometheus.query("har_stream_build_info")
        assert build["metric"].keys() >= {"version", "python", "onnxruntime", "numpy"}
        rules = prometheus.api("rules")["groups"][0]["rules"]
        wait_for(lambda: {rule["health"] for rule in prometheus.api("rules")["groups"][0]["rules"]} == {"ok"})
        assert [rule["name"] for rule in rules] == re.findall(r"alert: (\w+)", RULES.read_text())
        assert prometheus.query("ALERTS{alertstate='firing'}") == []
    finally:
        prometheus.close()


def test_the_alarms_are_lawful_and_ask_for_what_there_is(port: int) -> None:
    code, said = promtool("check", "rules", "--lint-fatal", str(RULES))
    assert code == 0, said
    there = {name for name, _ in metrics(port).values}
    assert set(NAME.findall(RULES.read_text())) - there == set()


ALARMS: list[tuple[str, str, list[int], int, bool]] = [
    ("HarStreamDown", "up", [0] * STEPS, 2, True),
    ("HarStreamEngineStuck", "har_stream_engine_alive", [0] * STEPS, 2, True),
    ("HarStreamEngineStuck", "har_stream_engine_beat_age_seconds", [60 * step for step in range(STEPS)], 3, True),
    ("HarStreamEngineStuck", "har_stream_engine_beat_age_seconds", [1] * STEPS, 5, False),
    ("HarStreamSourceDown", "har_stream_source_connected", [0] * STEPS, 2, True),
    ("HarStreamSourceDown", "har_stream_source_connected", [1, 0, 1, 0, 1, 0], 5, False),
    ("HarStreamSinkDown", "har_stream_sink_connected{sink='mqtt'}", [0] * STEPS, 2, True),
    ("HarStreamDevicesStale", "har_stream_devices{state='stale'}", [2] * STEPS, 6, True),
    ("HarStreamDevicesStale", "har_stream_devices{state='streaming'}", [2] * STEPS, 6, False),
    ("HarStreamDevicesRefused", "har_stream_devices{state='refused'}", [2] * STEPS, 2, True),
    ("HarStreamSuspiciousDevices", "har_stream_suspicious_devices{suspicion='acc_ms2'}", [1] * STEPS, 2, True),
    ("HarStreamSamplesDropped", "har_stream_samples_total{outcome='dropped',reason='queue_full'}", [0, 0, 9], 2, True),
    ("HarStreamSamplesDropped", "har_stream_samples_total{outcome='dropped',reason='gap'}", [0, 0, 9], 2, False),
    ("HarStreamLabelsDropped", "har_stream_sink_labels_total{outcome='dropped',sink='mqtt'}", [0, 0, 9], 2, True),
    ("HarStreamLabelsDropped", "har_stream_sink_labels_total{outcome='written',sink='mqtt'}", [0, 0, 9], 2, False),
    ("HarStreamCannotWrite", "har_stream_recording_failing", [1] * STEPS, 2, True),
    ("HarStreamCannotWrite", "har_stream_state_failing", [1] * STEPS, 2, True),
]


def test_each_alarm_fires_when_it_should_and_not_otherwise(tmp_path: Path) -> None:
    tests = [_case([(series, values)], alarm, minute, fires=fires) for alarm, series, values, minute, fires in ALARMS]
    silent = [("har_stream_samples_in_total", [7] * STEPS), ("har_stream_source_connected", [1] * STEPS)]
    tests.append(_case(silent, "HarStreamNoSamples", 12, fires=True))
    refused = "har_stream_samples_total{outcome='refused',reason='late'}"
    for share, fires in ((5, False), (20, True)):
        steps = range(STEPS)
        books = [("har_stream_samples_in_total", [100 * n for n in steps]), (refused, [share * n for n in steps])]
        tests.append(_case(books, "HarStreamSamplesRefused", 12, fires=fires))
    for bound, fires in (("0.5", False), ("10", True)):
        bucket = f"har_stream_end_to_end_latency_seconds_bucket{{sink='mqtt',le='{bound}'}}"
        every = bucket.replace(bound, "+Inf")
        counts = [60 * n for n in range(STEPS)]
        tests.append(_case([(bucket, counts), (every, counts)], "HarStreamSlow", 12, fires=fires))
    tested = set(re.findall(r"alertname='(\w+)'", str(tests)))
    assert tested == set(re.findall(r"alert: (\w+)", RULES.read_text()))
    path = tmp_path / "tests.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": tests}), "utf-8")
    code, said = promtool("test", "rules", str(path))
    assert code == 0, said


def _case(series: list[tuple[str, list[int]]], alarm: str, minute: int, *, fires: bool) -> dict[str, Any]:
    """Return a test of promtool's: whether an alarm fires after minutes in which series had values, one a minute."""
    given = [{"series": _with_instance(name), "values": " ".join(map(str, values))} for name, values in series]
    count = f"count(ALERTS{{alertname='{alarm}',alertstate='firing'}})"
    told = [{"labels": "{}", "value": 1}] if fires else []
    return {
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [{"expr": count, "eval_time": f"{minute}m", "exp_samples": told}],
    }


def _with_instance(series: str) -> str:
    name, _, labels = series.rstrip("}").partition("{")
    own = ",".join(f"{key}='{value}'" for key, value in INSTANCE.items())
    return f"{name}{{{own}{',' if labels else ''}{labels}}}"
