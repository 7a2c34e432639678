"""What systemd is told of a service: lines KEY=VALUE to the socket that NOTIFY_SOCKET names (man sd_notify).

Without such a socket everything is said to nobody. Nothing here ever raises or waits: the stream goes on, whatever
becomes of its supervisor.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"

ABSTRACT: Final = "@"
US_PER_S: Final = 1e6


class Notifier:
    """Speaks to the supervisor that the environment names, if there is one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A name that begins with @ is in Linux's abstract namespace, where it begins with a zero.
        self._address = f"\0{address[1:]}" if address.startswith(ABSTRACT) else address
        self.watchdog_s = _watchdog_s(environment) if address else None

    @property
    def heard(self) -> bool:
        """Tell whether anybody listens."""
        return bool(self._address)

    def tell(self, *lines: str) -> bool:
        """Send lines as one message; returns whether somebody took it."""
        if not self._address:
            return False
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto("\n".join(lines).encode(errors="replace"), socket.MSG_DONTWAIT, self._address)
            return True
        return False


def status(text: str) -> str:
    """Return the line of `systemctl status`; never more than one, whatever the text holds."""
    return f"STATUS={' '.join(text.split())}"


def reloading() -> tuple[str, str]:
    """Return what is told when settings are about to be read again; READY follows when that is over."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return within how many seconds the watchdog wants to hear of us, None for never."""
    text, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not (text.isascii() and text.isdigit()) or int(text) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(text) / US_PER_S
