"""Four times what this machine can serve, for some seconds, through a broker; and how the stream comes through.

A lone device, the probe, sends in real time before, during and after; the load is a fleet of others. Told are the
samples that the daemon dropped and counted, what the broker lost before it, memory, how late labels were, and how long
after the load's end the queue was empty and the probe had a label in time again (which takes a window of 2.56 s).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from har_stream.bench import through_broker
from har_stream.bench.broker import broker
from har_stream.bench.daemon_process import MB, DaemonProcess
from har_stream.bench.figures import Latency, Overload
from har_stream.bench.labels import Label, Labels
from har_stream.bench.latency import summary
from har_stream.bench.load import Load
from har_stream.bench.options import Options
from har_stream.bench.retained import clear_retained
from har_stream.manifest import Framing, load_manifest, resolve

TIMES: Final = 4
DEVICES: Final = 1_000
QUICK_DEVICES: Final = 100
SECONDS: Final = 10.0
QUICK_SECONDS: Final = 3.0
BEFORE_S: Final = 4.0
AFTER_S: Final = 20.0
IN_TIME_S: Final = 1.0
"""A label of the probe is in time where its window's last sample is no older; a block spans half a second."""
POLL_S: Final = 0.1
PROBE: Final = "probe"


@dataclass
class Watch:
    """What was seen of the daemon: its memory, its books and labels."""

    daemon: DaemonProcess
    labels: Labels
    rss_most: int = 0
    seen: list[Label] = field(default_factory=list)

    def look(self) -> Mapping[str, float]:
        """Look once; return the books."""
        self.rss_most = max(self.rss_most, self.daemon.rss_bytes())
        self.seen += self.labels.take()
        return self.daemon.books()


def measure(options: Options) -> dict[str, Any]:
    """Return overload. Raises NotMeasured."""
    framing = load_manifest(resolve(options.model)).framing
    per_core = float(through_broker.measure(options)["mqtt_devices_per_core"])
    devices = min(QUICK_DEVICES if options.quick else DEVICES, max(options.devices))
    with broker(options) as uri:
        try:
            return {"overload": _overload(uri, devices, TIMES * per_core, framing, options)}
        finally:
            if options.broker:
                clear_retained(uri)


def _overload(uri: str, devices: int, offered: float, framing: Framing, options: Options) -> Overload:
    seconds, speed = QUICK_SECONDS if options.quick else SECONDS, offered / devices
    source = f"{uri}/+/imu?format=cbor-block"
    room = devices + 1
    with DaemonProcess(source, "stdout:", model=options.model, max_devices=room, output=subprocess.PIPE) as daemon:
        daemon.wait_until_ready()
        watch = Watch(daemon, Labels(daemon.process.stdout))
        with Load(uri, 1, 600.0, start_s=time.time(), name=PROBE):
            options.progress("overload: before")
            _look_for(watch, BEFORE_S)
            begins, rss_before, begins_s = watch.look(), daemon.rss_bytes(), time.time()
            options.progress(f"overload: {offered:.0f} devices for {seconds:.0f} s")
            with Load(uri, devices, seconds * speed, speed=speed, start_s=begins_s) as load:
                while load.process.poll() is None:
                    watch.look()
                    time.sleep(POLL_S)
                told = load.wait(1.0)
            ended_s = time.time()
            options.progress("overload: after")
            drained_s = _drained_s(watch, ended_s)
            recovery_s = _recovery_s(watch, ended_s)
            ends = watch.look()
    received = int(ends["in"] - begins["in"])
    probes = round((time.time() - begins_s) * framing.rate_hz)
    labels = [one for one in watch.seen if one.device != PROBE]
    return Overload(
        offered_devices=offered,
        seconds=seconds,
        sent=told["sent"],
        received=received,
        lost_before=max(0, told["sent"] + probes - received),
        not_used=_not_used(begins, ends),
        labels=len(labels),
        served_share=len(labels) * framing.hop / max(1, told["sent"]),
        label_lag_s=_lag(labels, begins_s, speed),
        rss_mb_before=rss_before / MB,
        rss_mb_most=watch.rss_most / MB,
        drained_s=drained_s,
        recovery_s=recovery_s,
    )


def _look_for(watch: Watch, seconds: float) -> None:
    until_s = time.time() + seconds
    while time.time() < until_s:
        watch.look()
        time.sleep(POLL_S)


def _drained_s(watch: Watch, ended_s: float) -> float | None:
    """Return after how long no more of the load came; None where it still did at the end of patience."""
    before = watch.look()["in"]
    while time.time() < ended_s + AFTER_S:
        time.sleep(POLL_S)
        now = watch.look()["in"]
        if now - before <= 2 * through_broker.QUICK_DEVICES:  # the probe alone
            return time.time() - ended_s
        before = now
    return None


def _recovery_s(watch: Watch, ended_s: float) -> float | None:
    """Return after how long the probe had a label in time, None where it had none."""
    while time.time() < ended_s + AFTER_S:
        watch.look()
        for label in watch.seen:
            if label.device == PROBE and label.at_s > ended_s and label.at_s - label.end_s < IN_TIME_S:
                return label.at_s - ended_s
        time.sleep(POLL_S)
    return None


def _lag(labels: list[Label], begins_s: float, speed: float) -> Latency | None:
    """Return how late labels were: behind the moment when, at that speed, their window's last sample was due."""
    if not labels:
        return None
    return summary(np.array([one.at_s - (begins_s + (one.end_s - begins_s) / speed) for one in labels]))


def _not_used(begins: Mapping[str, float], ends: Mapping[str, float]) -> dict[str, int]:
    grown = {key: int(count - begins.get(key, 0)) for key, count in ends.items() if "/" in key}
    return {key: count for key, count in grown.items() if count}
