"""Four times what this machine can serve, for some seconds, through a broker; and how the stream comes through.

Windows are cut so often that few devices are too many, and one sender can bring them all, each at its own pace. A lone
device, the probe, sends in real time before, during and after; the load is a fleet of others. Told are the
samples that the daemon dropped and counted, what the broker lost before it, memory, how late labels were, and how long
after the load's end the queue was empty and the probe had a label in time again (which takes a window of 2.56 s).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from har_stream.bench import through_broker
from har_stream.bench.broker import broker
from har_stream.bench.daemon_process import MB, DaemonProcess
from har_stream.bench.figures import Latency, NotMeasured, Overload
from har_stream.bench.fleet import BLOCK
from har_stream.bench.labels import Label, Labels
from har_stream.bench.latency import summary
from har_stream.bench.load import Load
from har_stream.bench.options import Options
from har_stream.bench.retained import clear_retained
from har_stream.manifest import Framing, load_manifest, resolve
from har_stream.sources.inbox import FULL, OVERDUE, OVERLOAD

TIMES: Final = 4
HOP: Final = 4
"""Samples from window to window: with the model's own hop, four times too much is more than one sender can bring."""
FIRST_DEVICES: Final = 125
"""To find out how many are served."""
HALVINGS: Final = 2
"""Then it is known to a fifth: what a core serves grows with what there is to do, and so with how much is tried."""
SECONDS: Final = 10.0
QUICK_SECONDS: Final = 3.0
BEFORE: Final = 3
"""Labels of the probe before the load."""
START_S: Final = 60.0
LONG_S: Final = 3600.0
AFTER_S: Final = 60.0
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
    framing = msgspec.structs.replace(load_manifest(resolve(options.model)).framing, hop=HOP)
    served = through_broker.measure(options, most=FIRST_DEVICES, hop=HOP, halvings=HALVINGS)
    per_core = float(served["mqtt_devices_per_core"])
    devices = min(round(TIMES * per_core), max(options.devices))
    with broker(options) as uri:
        try:
            return {"overload": _overload(uri, devices, per_core, framing, options)}
        finally:
            if options.broker:
                clear_retained(uri)


def _overload(uri: str, devices: int, per_core: float, framing: Framing, options: Options) -> Overload:
    seconds = QUICK_SECONDS if options.quick else SECONDS
    with _daemon(uri, devices + 1, options) as daemon, Load(uri, 1, LONG_S, name=PROBE):
        daemon.wait_until_ready()
        watch = Watch(daemon, Labels(daemon.process.stdout))
        options.progress("overload: before")
        usual_s = _usual_lag_s(watch)
        begins, begins_s, rss, cpu_s = watch.look(), time.time(), daemon.rss_bytes(), daemon.cpu_s()
        options.progress(f"overload: {devices} devices for {seconds:.0f} s")
        with Load(uri, devices, seconds, start_s=begins_s) as load:
            told = _watched(watch, load)
        ended_s, cpu_s = time.time(), daemon.cpu_s() - cpu_s
        options.progress("overload: after")
        drained_s = _drained_s(watch, ended_s, framing.rate_hz)
        recovery_s = _recovery_s(watch, ended_s, usual_s)
        ends, ends_s = watch.look(), time.time()
    received = _received(begins, ends) - round((ends_s - begins_s) * framing.rate_hz)  # less the probe's
    labels = [one for one in watch.seen if one.device != PROBE]
    return Overload(
        per_core=per_core,
        offered_devices=devices,
        seconds=seconds,
        sent=told["sent"],
        received=received,
        lost_before=max(0, told["sent"] - received),
        not_used=_not_used(begins, ends),
        labels=len(labels),
        served_share=len(labels) * framing.hop / max(1, told["sent"]),
        capacity_kept=len(labels) * framing.hop / framing.rate_hz / cpu_s / per_core,
        label_lag_s=_lag(labels),
        sender_late_s=told["lag_s"],
        answer_s=daemon.longest_answer_s,
        rss_mb_before=rss / MB,
        rss_mb_most=watch.rss_most / MB,
        drained_s=drained_s,
        recovery_s=recovery_s,
    )


def _daemon(uri: str, most: int, options: Options) -> DaemonProcess:
    """Start a har-stream with room for so many devices, whose labels can be read."""
    source, output = f"{uri}/+/imu?format=cbor-block", subprocess.PIPE
    return DaemonProcess(source, "stdout:", model=options.model, max_devices=most, hop=HOP, output=output)


def _received(begins: Mapping[str, float], ends: Mapping[str, float]) -> int:
    """Return how many samples came from the broker; of messages that were not decoded the books count one each."""
    undecoded = sum(_grown(begins, ends, f"refused/{reason}") for reason in (FULL, OVERLOAD, OVERDUE))
    return _grown(begins, ends, "in") + undecoded * (BLOCK - 1)


def _watched(watch: Watch, load: Load) -> dict[str, Any]:
    """Look on until the load has ended; returns what it tells."""
    while load.process.poll() is None:
        watch.look()
        time.sleep(POLL_S)
    return load.wait(1.0)


def _usual_lag_s(watch: Watch) -> float:
    """Return by how much labels of the probe seem late while there is nothing else: its clock began before it did."""
    until_s = time.time() + START_S
    while time.time() < until_s:
        watch.look()
        probes = [one for one in watch.seen if one.device == PROBE]
        if len(probes) >= BEFORE:
            return min(one.at_s - one.end_s for one in probes)
        time.sleep(POLL_S)
    raise NotMeasured("the probe has no labels")


def _drained_s(watch: Watch, ended_s: float, rate_hz: float) -> float | None:
    """Return after how long no more of the load came; None where it still did at the end of patience."""
    before = watch.look()["in"]
    while time.time() < ended_s + AFTER_S:
        time.sleep(POLL_S)
        now = watch.look()["in"]
        if now - before <= rate_hz:  # the probe alone
            return time.time() - ended_s
        before = now
    return None


def _recovery_s(watch: Watch, ended_s: float, usual_s: float) -> float | None:
    """Return after how long the probe had a label in time, None where it had none."""
    while time.time() < ended_s + AFTER_S:
        watch.look()
        for one in watch.seen:
            if one.device == PROBE and one.at_s > ended_s and one.at_s - one.end_s - usual_s < IN_TIME_S:
                return one.at_s - ended_s
        time.sleep(POLL_S)
    return None


def _grown(begins: Mapping[str, float], ends: Mapping[str, float], key: str) -> int:
    return int(ends.get(key, 0) - begins.get(key, 0))


def _lag(labels: list[Label]) -> Latency | None:
    """Return how late labels were, against the one that was least so: nobody else knows when it began."""
    if not labels:
        return None
    late_s = np.array([one.at_s - one.end_s for one in labels])
    return summary(late_s - late_s.min())


def _not_used(begins: Mapping[str, float], ends: Mapping[str, float]) -> dict[str, int]:
    grown = {key: _grown(begins, ends, key) for key in ends if "/" in key}
    return {key: count for key, count in grown.items() if count}
