"""har-bridge simulate as a process: very many devices' CBOR blocks to a broker."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

from har_stream.bench.daemon_process import Child
from har_stream.bench.figures import NotMeasured
from har_stream.bench.fleet import BLOCK

EVERY_S: Final = "0.5"


class Load(Child):
    """`devices` people's messages on PREFIX/DEVICE/imu for `seconds` of their time, `speed` times as fast."""

    def __init__(
        self,
        uri: str,
        devices: int,
        seconds: float,
        *,
        speed: float = 1.0,
        start_s: float | None = None,
        name: str = "",
    ) -> None:
        words = ["--to", uri, "--devices", str(devices), "--duration", f"{seconds:.3f}", "--speed", f"{speed:.3f}"]
        words += ["--block", str(BLOCK), "--every", EVERY_S, "--format", "cbor-block"]
        words += [] if start_s is None else ["--start", f"{start_s:.3f}"]
        words += ["--device", name] if name else []
        super().__init__(["har_stream.bridge", "simulate", *words], {}, subprocess.DEVNULL)

    @property
    def told(self) -> dict[str, Any]:
        """What it said last of its work: samples sent, and how late it is."""
        reports = [line for line in self.said.splitlines() if line.startswith("{")]
        return dict(json.loads(reports[-1])) if reports else {}

    def wait(self, timeout_s: float) -> dict[str, Any]:
        """Wait until it has sent everything, and return its last words. Raises NotMeasured."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise NotMeasured("the load did not come to an end") from None
        if code or not self.told:
            self.check()
        return self.told
