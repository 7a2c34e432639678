"""Two network namespaces with a cable between them, which can be drawn: nothing of the machine's own is touched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from tests.broker import wait_for

NEAR: Final = "10.213.7.1"
FAR: Final = "10.213.7.2"
HOLD: Final = ("unshare", "--net", "sleep", "3600")


@dataclass(frozen=True, slots=True)
class Cable:
    """The processes that hold two namespaces, `near` and `far`, each with its address on the cable."""

    near: int
    far: int

    def draw(self) -> None:
        """Take the link down at the far end: neither end hears a word of it from the other."""
        self._far_end("down")

    def mend(self) -> None:
        """Let it carry again."""
        self._far_end("up")

    def within(self, end: int) -> tuple[str, ...]:
        """Return what a command must begin with to run at one of the ends."""
        return ("nsenter", f"--net=/proc/{end}/ns/net", "--")

    def _far_end(self, state: str) -> None:
        subprocess.run([*self.within(self.far), "ip", "link", "set", "cable-far", state], check=True)


@contextmanager
def cable() -> Iterator[Cable]:
    """Lay a cable; skips the test where the machine has no namespaces for us."""
    holders = []
    try:
        for _ in range(2):
            holders.append(_holder())  # noqa: PERF401 - so that the first is ended where there is no second
        near, far = (holder.pid for holder in holders)
        laid = Cable(near, far)
        _ip(laid, near, "link", "add", "cable-near", "type", "veth", "peer", "name", "cable-far", "netns", str(far))
        for end, name, address in ((near, "cable-near", NEAR), (far, "cable-far", FAR)):
            _ip(laid, end, "addr", "add", f"{address}/24", "dev", name)
            _ip(laid, end, "link", "set", name, "up")
            _ip(laid, end, "link", "set", "lo", "up")
        yield laid
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


def _holder() -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(HOLD, stderr=subprocess.PIPE)
    wait_for(lambda: holder.poll() is not None or b"sleep" in _line(holder.pid))
    if holder.poll() is not None:
        _, said = holder.communicate()
        pytest.skip(f"no network namespace can be had: {said.decode().strip()}")
    return holder


def _line(pid: int) -> bytes:
    with open(f"/proc/{pid}/comm", "rb") as told:  # noqa: PTH123 - /proc, as it stands
        return told.read()


def _ip(laid: Cable, end: int, *words: str) -> None:
    done = subprocess.run([*laid.within(end), "ip", *words], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no veth can be had: {done.stderr.decode().strip()}")
