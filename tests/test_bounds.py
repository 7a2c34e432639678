"""Whoever sends has no hold on memory: what 100,000 made-up ids cost, and what a scrape costs at its widest."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from har_stream.device_books import DeviceReading
from har_stream.plausibility import Suspicion
from har_stream.settings import MOST_TOLD
from har_stream.web.metrics import exposition
from tests.hostile_ids import IDS, PLACES
from tests.http_client import Metrics
from tests.stream_process import environment
from tests.watched import READING, WELL, Stream

MOST_GROWN_MIB = 20
LONGEST_SCRAPE_S = 0.1


def test_100_000_ids_that_somebody_made_up_cost_no_more_than_there_are_places_for(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "tests.hostile_ids", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, check=True, timeout=300, env=environment())
    told = json.loads(done.stdout)
    assert told["grown_mib"] < MOST_GROWN_MIB
    assert told["labels"] > IDS / 100
    held = [told[what] for what in ("present", "rows", "kept", "stood")]
    assert held == [PLACES] * len(held)
    assert (told["refused"], told["balance"]) == (0, 0)
    # Ids that somebody made up may fill the log no more than memory.
    assert len(done.stderr.splitlines()) < PLACES


def test_a_scrape_at_its_widest_has_so_many_series_and_takes_no_longer_than_it_may() -> None:
    devices = tuple(DeviceReading("x" * 60 + f"{number:04d}", 9, "walking", 1.0) for number in range(MOST_TOLD))
    suspicions = dict.fromkeys((one.device for one in devices), Suspicion.ACC_MS2)
    widest = replace(WELL, stream=replace(READING, of_devices=devices, suspicions=suspicions))
    took_s = []
    for _ in range(5):
        begun_s = time.process_time()
        text = exposition(Stream(widest))
        took_s.append(time.process_time() - begun_s)
    of_devices = [
        labels["device"] for labels in map(dict, (key[1] for key in Metrics(text).values)) if "device" in labels
    ]
    assert set(of_devices) == {one.device for one in devices}
    assert len(Metrics(text).values) < 4 * MOST_TOLD
    assert min(took_s) < LONGEST_SCRAPE_S
