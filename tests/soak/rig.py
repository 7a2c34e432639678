"""Two streams, their broker and their devices, and the books that are kept on what was sent.

    devices -> Mosquitto -> stream "wireless" -> Mosquitto -> a subscriber
    device  -> a pty     -> stream "wired"    -> Mosquitto -> the same

While nothing is broken each sample sent must come in; while something is, at most what was sent may.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.broker import Broker, Listener, persistent, wait_for
from tests.http_client import readiness
from tests.serial_pair import Plug
from tests.soak.devices import Devices, WiredDevice, WirelessDevices
from tests.soak.stream import PATIENCE_S, SoakedStream

STEADY: Final = 3
"""Looks in a row at which as much has come in as before."""
LOOK_S: Final = 0.2


class Ledger:
    """What a stream was sent: surely had, or perhaps."""

    def __init__(self) -> None:
        self.sure = self.at_risk = self.came_at_risk = 0
        self.faults: list[str] = []


class Rig:
    """Everything of a soak, from the first process to the last; it pauses after each second of motion."""

    def __init__(self, folder: Path, *, devices: int, seed: int, pause_s: float) -> None:
        self._pause_s = pause_s
        self.dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.broker = Broker(folder, *persistent(folder))
        self.broker.start()
        self.listener = Listener(self.broker.port, "out/#", lasting=True)
        self.broker.save()
        self.plug = Plug(folder / "port")
        self.plug.plug()
        url = f"mqtt://127.0.0.1:{self.broker.port}"
        wired = f"serial:{self.plug.link}?format=frames&device=wired"
        self.streams = (
            SoakedStream("wireless", folder, f"{url}/har/+/imu", f"{url}/out/wireless"),
            SoakedStream("wired", folder, wired, f"{url}/out/wired"),
        )
        self.wireless = WirelessDevices(self.broker.port, devices, self.dice)
        self.wired = WiredDevice(self.plug, self.dice)
        self.devices: dict[str, Devices] = {"wireless": self.wireless, "wired": self.wired}
        self.ledgers = {stream.name: Ledger() for stream in self.streams}
        self._known = dict.fromkeys(self.ledgers, 0)

    def quiet_round(self, kind: str, more: Callable[[], int] = lambda: 0) -> None:
        """Send what must all come in, and see that it does, to the sample; `more` sends to the wireless stream."""
        for stream in self.streams:
            sent = self.devices[stream.name].send(kind) + (more() if stream.name == "wireless" else 0)
            expected = self._known[stream.name] + sent
            reached = _reached(stream, expected)
            if reached != expected:
                self.ledgers[stream.name].faults.append(f"{kind}: sent {sent}, {reached - expected:+} came")
            self.ledgers[stream.name].sure += sent
            self._known[stream.name] = reached
        time.sleep(self._pause_s)

    def risky_round(self) -> None:
        """Send what may be lost."""
        for stream in self.streams:
            with contextlib.suppress(OSError):  # there is no port now
                self.ledgers[stream.name].at_risk += self.devices[stream.name].send("plain")
        time.sleep(self._pause_s)

    def recover(self) -> None:
        """Wait until both streams work again and all that could come has come."""
        until_s = time.monotonic() + PATIENCE_S
        while not all(readiness(stream.port)[1]["ready"] for stream in self.streams):
            if time.monotonic() > until_s:
                raise TimeoutError(str([readiness(stream.port)[1] for stream in self.streams]))
            self.risky_round()
        self.wireless.wait_until_connected()
        for stream in self.streams:
            came = _steady(partial(getattr, stream, "samples_in")) - self._known[stream.name]
            ledger = self.ledgers[stream.name]
            ledger.came_at_risk += came
            if not 0 <= ledger.came_at_risk <= ledger.at_risk:
                ledger.faults.append(f"{ledger.at_risk} at risk, {ledger.came_at_risk} came")
            self._known[stream.name] += came

    def caught_up(self) -> None:
        """Wait until no more labels come and the subscriber has all: what a broker has for it dies with the broker."""
        _steady(lambda: sum(len(stream.labels) for stream in self.streams))
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not self.missing(), PATIENCE_S)
        if missing := sorted(self.missing()):
            raise TimeoutError(f"{len(missing)} labels were told and not published, of them {missing[:5]}")

    def missing(self) -> set[str]:
        """Return the labels that were told and not published yet."""
        return {one for stream in self.streams for one in list(stream.labels)} - set(self.published())

    def published(self) -> list[str]:
        """Return the ids of labels in the order in which the subscriber saw them."""
        lines = [payload for topic, payload, _ in list(self.listener.heard) if topic.endswith("/prediction")]
        return [json.loads(line)["id"] for line in lines]

    def close(self) -> None:
        for stream in self.streams:
            stream.kill()
        self.wireless.close()
        self.listener.close()
        self.plug.unplug()
        self.broker.stop()


def _reached(stream: SoakedStream, expected: int) -> int:
    """Return how many samples came in: as many as expected, or what is there when nothing more comes."""
    until_s = time.monotonic() + PATIENCE_S
    while (now := stream.samples_in) < expected and time.monotonic() < until_s:
        time.sleep(LOOK_S / 4)
    return now


def _steady(look: Callable[[], int]) -> int:
    """Return what is seen when it has stopped growing."""
    looks = [look()]
    while len(looks) < STEADY or len(set(looks[-STEADY:])) > 1:
        time.sleep(LOOK_S)
        looks.append(look())
    return looks[-1]
