"""A serial port of the tests' own: a pseudo-terminal behind a link, which can be unplugged and come back."""

from __future__ import annotations

import contextlib
import os
import tty
from pathlib import Path


class Plug:
    """The device's end of a port whose path, a link, stays the same."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._device = -1

    @property
    def terminal(self) -> str:
        """The path behind the link now."""
        return str(self.link.readlink())

    def plug(self) -> None:
        """Let the port appear, as another pseudo-terminal each time."""
        self._device, port = os.openpty()
        tty.setraw(port)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(port))
        os.close(port)

    def heard(self) -> bool:
        """Tell whether somebody has opened the port."""
        name = self.terminal
        return any(_is_open(process, name) for process in Path("/proc").glob("[0-9]*"))

    def send(self, data: bytes) -> None:
        """Send bytes to whoever reads the port."""
        while data:
            data = data[os.write(self._device, data) :]

    def unplug(self) -> None:
        """Let the port vanish."""
        self.link.unlink(missing_ok=True)
        if self._device >= 0:
            with contextlib.suppress(OSError):
                os.close(self._device)
        self._device = -1


def _is_open(process: Path, terminal: str) -> bool:
    try:
        return any(str(link.readlink()) == terminal for link in (process / "fd").iterdir())
    except OSError:  # it has ended
        return False
