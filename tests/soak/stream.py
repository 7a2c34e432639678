"""A stream under soak: the real process, its labels from a pipe, and what it takes of the machine."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, Final

from tests.broker import free_port, wait_for
from tests.http_client import Metrics, metrics, readiness, wait_to_serve
from tests.stream_process import books, command, environment

PATIENCE_S: Final = 60.0
KB_A_MB: Final = 1024


class SoakedStream:
    """Runs while the block lasts. labels has the id of each window that it told, said what it logged."""

    def __init__(self, name: str, folder: Path, source: str, sink: str) -> None:
        self.name, self.port = name, free_port()
        self.labels: list[str] = []
        self.said: list[str] = []
        self.config = folder / f"{name}.toml"
        self.config.write_text("mqtt.backoff_max_s = 1\n", "utf-8")
        words = ("--source", source, "--sink", "stdout:", "--sink", sink, "--config", str(self.config))
        folders = ("--record", str(folder / f"{name}-walks"), "--state", str(folder / f"{name}-state"))
        self.process = subprocess.Popen(
            command(*words, *folders, "--http", f"127.0.0.1:{self.port}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        self._readers = [
            Thread(target=self._read, args=(pipe, told), daemon=True)
            for pipe, told in ((self.process.stdout, self.labels), (self.process.stderr, self.said))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: IO[bytes], told: list[str]) -> None:
        for line in pipe:
            told.append(json.loads(line)["id"] if told is self.labels else line.decode().rstrip())

    def wait_until_ready(self) -> None:
        wait_to_serve(self.port)
        wait_for(lambda: readiness(self.port)[1]["ready"], PATIENCE_S)

    def metrics(self) -> Metrics:
        return metrics(self.port)

    @property
    def samples_in(self) -> int:
        return int(self.metrics().get("samples_in_total"))

    def reload(self, text: str) -> None:
        """Have it read another configuration."""
        self.config.write_text(text, "utf-8")
        self.process.send_signal(signal.SIGHUP)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let no file of its grow while the block lasts; pipes and sockets go on."""
        was = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, was[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, was)

    def usage(self) -> dict[str, float]:
        """Return what it holds now."""
        process = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text("utf-8").splitlines())
        return {
            "memory_mb": int(status["VmRSS"].split()[0]) / KB_A_MB,
            "descriptors": len(os.listdir(process / "fd")),  # noqa: PTH208 - Path.iterdir() asks for each what it is
            "threads": int(status["Threads"]),
        }

    def end(self) -> dict[str, int]:
        """End it as systemd would, and return the books that it told. Raises RuntimeError where it ends otherwise."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        if self.process.returncode:
            raise RuntimeError(f"{self.name}: exit code {self.process.returncode}: {self.said[-1:]}")
        return books("\n".join(self.said))

    def kill(self) -> None:
        """Have it gone, whatever became of it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
