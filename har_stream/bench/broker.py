"""A broker to send the load through: the one that is given, or a Mosquitto on a free port of this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Final

from har_stream.bench.daemon_process import END_S, LOOPBACK, POLL_S, free_port
from har_stream.bench.figures import NotMeasured
from har_stream.bench.options import Options

PROGRAM: Final = "mosquitto"
ELSEWHERE: Final = "/usr/sbin/mosquitto"
"""Where Debian has it, which is not on everybody's path."""
START_S: Final = 10.0


@contextmanager
def broker(options: Options) -> Iterator[str]:
    """Give a URI with a prefix of topics that is ours alone. Raises NotMeasured where there is no broker."""
    prefix = f"har-bench-{token_hex(4)}"
    if options.broker:
        yield f"{options.broker.rstrip('/')}/{prefix}"
        return
    program = shutil.which(PROGRAM) or shutil.which(ELSEWHERE)
    if program is None:
        raise NotMeasured("no broker: Mosquitto is not installed here; install it, or give --broker mqtt://HOST")
    with TemporaryDirectory(prefix="har-bench-") as folder, _mosquitto(program, Path(folder)) as port:
        yield f"mqtt://{LOOPBACK}:{port}/{prefix}"


@contextmanager
def _mosquitto(program: str, folder: Path) -> Iterator[int]:
    """Run Mosquitto while the block lasts; give its port."""
    port, config = free_port(), folder / "mosquitto.conf"
    # Started by root it would become a user who may not read this folder.
    config.write_text(f"user root\nlistener {port} {LOOPBACK}\nallow_anonymous true\n", "utf-8")
    process = subprocess.Popen(  # noqa: S603 - the system's own
        [program, "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(process, port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    until_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(POLL_S)
        else:
            return
    raise NotMeasured("no broker: Mosquitto does not start")
