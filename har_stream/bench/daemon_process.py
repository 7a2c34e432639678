"""har-stream as the process that people run, looked at from outside: its labels, processor time, memory and books."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Final, Self

from prometheus_client.parser import text_string_to_metric_families

from har_stream.bench.figures import NotMeasured
from har_stream.settings import ENVIRONMENT_PREFIX, MQTT_PASSWORD

UP_S: Final = 60.0
END_S: Final = 10.0
ANSWER_S: Final = 30.0
"""For its books: with four times too much to do, on a machine that has other work too, it cuts a request or two."""
POLL_S: Final = 0.02
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
MB: Final = 2**20
LOOPBACK: Final = "127.0.0.1"
USER: Final = "@"
"""In the URI of a broker that asks who we are."""
BROKER_PREFIX: Final = f"{ENVIRONMENT_PREFIX}MQTT_"


def free_port() -> int:
    """Return a port of this machine that nobody has now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def environment(extra: Mapping[str, str], *, password: bool = False) -> dict[str, str]:
    """Return this process's environment; of har-stream's settings only how to get into a broker, and `extra`."""
    others = {
        key: value
        for key, value in os.environ.items()
        if key.startswith(BROKER_PREFIX) or not key.startswith(ENVIRONMENT_PREFIX)
    }
    if not password:  # without a user it would be a fault
        others.pop(MQTT_PASSWORD, None)
    return others | dict(extra)


class Child:
    """A process of ours that ends with us, and what it says on stderr. A Ctrl-C for us is none for it."""

    def __init__(self, words: list[str], extra: Mapping[str, str], output: int) -> None:
        self._said = TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", *words],
            stdout=output,
            stderr=self._said,
            env=environment(extra, password=any(USER in word for word in words)),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._said.close()

    def end(self) -> None:
        """Ask it to end, and see that it does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def said(self) -> str:
        """What it has written to stderr until now."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def check(self) -> None:
        """Raise NotMeasured with its last words where it has ended."""
        if self.process.poll() is not None:
            last = self.said.strip().splitlines()[-1:] or [f"ended with code {self.process.returncode}"]
            raise NotMeasured(last[0])

    def cpu_s(self) -> float:
        """Return the processor time that it has used, of all its threads."""
        # Behind the name, which may hold anything but a last parenthesis: state is field 3, the times 14 and 15.
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def rss_bytes(self) -> int:
        """Return how much memory it holds."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text("utf-8").split()[1]) * PAGE_BYTES


class DaemonProcess(Child):
    """A running har-stream. `max_devices` is what it makes room for; hop 0 is the model's own."""

    def __init__(
        self, source: str, sink: str, *, model: str, max_devices: int = 64, hop: int = 0, output: int | None = None
    ) -> None:
        self._http = f"{LOOPBACK}:{free_port()}"
        self.longest_answer_s = 0.0
        words = ["har_stream", "run", "--source", source, "--sink", sink, "--model", model]
        super().__init__(
            [*words, "--http", self._http, "--state", "off"],
            {"HAR_STREAM_INTAKE_MAX_DEVICES": str(max_devices), "HAR_STREAM_HOP": str(hop)},
            subprocess.DEVNULL if output is None else output,
        )

    def wait_until_ready(self) -> None:
        """Wait until samples can come in and labels go out. Raises NotMeasured with the reason why they cannot."""
        until_s = time.monotonic() + UP_S
        while self._get("readyz") is None:
            self.check()
            if time.monotonic() > until_s:
                raise NotMeasured("har-stream does not become ready")
            time.sleep(POLL_S)

    def books(self) -> dict[str, float]:
        """Return the counters of samples: in, buffered, used, refused/REASON and dropped/REASON. Raises NotMeasured."""
        text = self._metrics()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name, labels = sample.name.removeprefix("har_stream_"), sample.labels
                if name == "samples_in_total":
                    found["in"] = sample.value
                elif name == "samples_buffered":
                    found["buffered"] = sample.value
                elif name == "samples_total":
                    # Messages that found no room at the source are refused there, and dropped to anybody else.
                    reason = f"/{labels['reason']}" if labels.get("reason") else ""
                    found[labels["outcome"] + reason] = sample.value
        return found

    def _metrics(self) -> str:
        """Return what it counts, however often it has to be asked; note how long that took."""
        asked_s = time.monotonic()
        while (text := self._get("metrics")) is None:
            self.check()
            if time.monotonic() > asked_s + ANSWER_S:
                raise NotMeasured("har-stream does not answer for its books")
            time.sleep(POLL_S)
        self.longest_answer_s = max(self.longest_answer_s, time.monotonic() - asked_s)
        return text

    def _get(self, page: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://{self._http}/{page}", timeout=END_S) as answer:
                return str(answer.read(), "utf-8")
        except (OSError, HTTPException):  # not there yet, 503, or cut before or within its answer
            return None
