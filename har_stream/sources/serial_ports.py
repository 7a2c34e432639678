"""The serial ports of this machine: found by path, by-id name or serial number, and why one cannot be opened."""

from __future__ import annotations

import errno
import grp
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools import list_ports

BY_ID: Final = Path("/dev/serial/by-id")
"""Where udev keeps a link for each port, whose name stays when the port's own changes."""

LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A port: path as of now, name of its by-id link, serial number and what it says it is; "" where there is none."""

    path: str
    by_id: str
    serial_number: str
    product: str


def ports(by_id: Path = BY_ID) -> list[PortInfo]:
    """Return the serial ports that are there, but for those of the board that have nothing behind them."""
    links = _links(by_id)
    found = sorted(list_ports.comports(), key=lambda port: str(port.device))
    return [
        PortInfo(port.device, links.get(port.device, ""), port.serial_number or "", port.description or "")
        for port in found
        if port.hwid != "n/a" or port.device in links
    ]


def path_of(name: str, by_id: Path = BY_ID) -> str | None:
    """Return the path of the port that a path, by-id name or serial number means now; None where it is not there."""
    if name.startswith("/"):
        return name if Path(name).exists() else None
    if (by_id / name).exists():
        return str(by_id / name)
    return next((port.path for port in ports(by_id) if name == port.serial_number), None)


def lasting_name(path: str, by_id: Path = BY_ID) -> str:
    """Return the by-id link of the port at a path, which follows it to its next name; the path where it has none."""
    link = _links(by_id).get(os.path.realpath(path))
    return str(by_id / link) if link else path


def device_id(path: str, by_id: Path = BY_ID) -> str:
    """Return the lawful device id nearest to a port's by-id name, or to its own: what an id may not hold becomes _."""
    name = Path(lasting_name(path, by_id)).name
    return re.sub(r"[^A-Za-z0-9_-]", "_", name.removeprefix("usb-"))[:LONGEST_ID] or "serial"


def _links(by_id: Path) -> dict[str, str]:
    """Return the names of by-id links by the path that they lead to."""
    try:
        return {str(link.resolve()): link.name for link in sorted(by_id.iterdir())}
    except OSError:
        return {}


def why_not(path: str, error: BaseException) -> str:
    """Return why a port could not be opened, with the remedy where there is one."""
    number = getattr(error, "errno", None) or next((arg for arg in error.args if isinstance(arg, int)), None)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return "not there: is it plugged in?"
    if number in (errno.EACCES, errno.EPERM):
        group = _group(path)
        return f"no permission: it belongs to the group {group}: sudo usermod -aG {group} $USER, then log in again"
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or "lock" in str(error):
        return f"in use{_holders(path)}: only one program can read a serial port"
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR) or "configure port" in str(error):
        return "is no serial port"
    return os.strerror(number) if number else str(error)


def _group(path: str) -> str:
    """Return the group that may use a port, dialout where that cannot be told."""
    try:
        return grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _holders(path: str) -> str:
    """Return " by NAME (pid)" of the processes that have a port open, as far as we may see them."""
    real = os.path.realpath(path)
    others = (process for process in Path("/proc").glob("[0-9]*") if process.name != str(os.getpid()))
    names = [f"{_command(process)} ({process.name})" for process in others if _has_open(process, real)]
    return f" by {', '.join(names)}" if names else ""


def _has_open(process: Path, real: str) -> bool:
    try:
        return any(str(link.readlink()) == real for link in (process / "fd").iterdir())
    except OSError:  # it has ended, or is somebody else's
        return False


def _command(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a process"
