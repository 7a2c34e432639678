"""A real Prometheus and promtool, of Debian's package, and a stream that they watch."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.broker import free_port, wait_for
from tests.http_client import ask, metrics, wait_to_serve
from tests.stream_process import running

DEPLOY = Path(__file__).parent.parent / "har_stream" / "deploy"
RULES = DEPLOY / "prometheus-rules.yml"
NAME = re.compile(r"\b(?:har_stream|process)_[a-z0-9_]+")

SCRAPES = """\
global: {{scrape_interval: 250ms, evaluation_interval: 250ms}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: har-stream
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextmanager
def watched_stream(folder: Path) -> Iterator[int]:
    """A stream with everything that has metrics, on the port that is given; it has labels of each of its devices."""
    (folder / "config.toml").write_text("[metrics]\nper_device = 2\n", "utf-8")
    port = free_port()
    words = ("--source", "sim:?devices=3&speed=20", "--sink", "jsonl:/dev/null", "--record", str(folder / "walks"))
    with running("--http", f"127.0.0.1:{port}", "--config", str(folder / "config.toml"), *words):
        wait_to_serve(port)
        wait_for(lambda: metrics(port).total("device_windows_total") > 0)
        yield port


class Prometheus:
    """A Prometheus that scrapes one target and holds our alarms against it."""

    def __init__(self, folder: Path, target: int) -> None:
        self._port = free_port()
        config = folder / "prometheus.yml"
        config.write_text(SCRAPES.format(port=target, rules=RULES), "utf-8")
        words = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}")
        self._process = subprocess.Popen(
            [_program("prometheus"), *words, f"--web.listen-address=127.0.0.1:{self._port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def api(self, path: str, **query: str) -> Any:
        """Return the data that its API answers with, None while it does not answer."""
        try:
            status, body = ask(self._port, f"/api/v1/{path}?{urlencode(query)}")
        except OSError:
            return None
        return json.loads(body)["data"] if status == 200 else None  # 503 while it starts

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression gives now."""
        found = self.api("query", query=expression)
        series: list[dict[str, Any]] = found["result"] if found else []
        return series

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def promtool(*words: str, given: bytes = b"") -> tuple[int, str]:
    """Return promtool's exit code and what it said."""
    done = subprocess.run([_program("promtool"), *words], input=given, capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/bin/{name}"
