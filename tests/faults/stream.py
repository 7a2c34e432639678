"""The real har-stream with its labels in a file, asked from outside how it stands."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.broker import free_port, wait_for
from tests.held_up import held_up_s, in_time
from tests.http_client import Metrics, metrics, readiness, wait_to_serve
from tests.stream_process import Ended, books, command, environment, open_files

PATIENCE_S: Final = 60.0
OF_A_SINK: Final = re.compile(r": (\d+) labels written, (\d+) dropped$", re.MULTILINE)


class Stream:
    """A running har-stream: `labels` hold its JSON lines, `log` what it says."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
        self.process, self.port = process, port
        self.labels, self.log = folder / "labels.jsonl", folder / "log"

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The labels so far, without one that is half written."""
        text = self.labels.read_text() if self.labels.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    @property
    def metrics(self) -> Metrics:
        return metrics(self.port)

    @property
    def unready(self) -> list[str]:
        """Why it is not ready; the status of the answer says the same."""
        status, told = readiness(self.port)
        assert (status == 200) == (not told["reasons"])
        reasons: list[str] = told["reasons"]
        return reasons

    def labels_by(self, sink: str) -> tuple[int, int]:
        """How many labels a sink wrote and dropped."""
        told = self.metrics
        written, dropped = (told.get("sink_labels_total", sink=sink, outcome=one) for one in ("written", "dropped"))
        return int(written), int(dropped)

    @property
    def memory_mib(self) -> float:
        (line,) = (one for one in self._of_process("status").splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    @property
    def held_up_s(self) -> float:
        """How long it waited for a processor so far, all its threads together."""
        return held_up_s(self.process.pid)

    @property
    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def has_open(self, path: str) -> bool:
        return path in open_files(self.process.pid)

    @property
    def labelled(self) -> int:
        """How many labels it gave so far."""
        return self.labels.read_bytes().count(b"\n") if self.labels.exists() else 0

    def wait_to_say(self, words: str, times: int = 1, timeout_s: float = PATIENCE_S) -> None:
        wait_for(lambda: self.said.count(words) >= times, timeout_s)

    def end(self, within_s: float = PATIENCE_S) -> Ended:
        """Ask it to end: it does in time, without a traceback, and its books of samples and of labels balance.

        Returns what it left.
        """
        self.process.send_signal(signal.SIGTERM)
        code = in_time(self.process, within_s, self.process.wait)
        said = self.said
        assert code == 0
        assert "Traceback" not in said
        balanced(said)
        told = [int(written) + int(dropped) for written, dropped in OF_A_SINK.findall(said)]
        assert told
        assert set(told) == {self.labelled}, "every sink wrote or dropped each label"
        return Ended(code, self.labels.read_bytes() if self.labels.exists() else b"", said)

    def _of_process(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text()


def balanced(said: str) -> dict[str, int]:
    """Hold the books that were told at the end against each other: in = used + refused + dropped + buffered."""
    account = books(said)
    assert account["in"] == sum(account[fate] for fate in ("used", "refused", "dropped", "buffered"))
    assert "do not balance" not in said
    return account


@contextmanager
def stream(
    folder: Path,
    source: str,
    *words: str,
    config: str = "",
    before: tuple[str, ...] = (),
    program: str | None = None,
    http: bool = True,
    variables: dict[str, str] | None = None,
) -> Iterator[Stream]:
    """Run har-stream until the block ends.

    `before` stands before its command, `program` is run in its place, and `variables` go to
    its environment.
    """
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(config)
    port = free_port()
    own = ("--source", source, "--sink", f"jsonl:{folder / 'labels.jsonl'}", "--config", str(folder / "config.toml"))
    words = (*own, *words, *(("--http", f"127.0.0.1:{port}") if http else ()))
    if not any(word == "--state" for word in words):
        words = (*words, "--state", "off")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*before, *_line(words, program)],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=environment(**(variables or {})),
        )
    try:
        if http:
            wait_to_serve(port)
        yield Stream(process, folder, port)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _line(words: tuple[str, ...], program: str | None) -> list[str]:
    return command(*words) if program is None else [sys.executable, "-c", program, *words]
