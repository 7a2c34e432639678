"""har-stream: run the stream, check its configuration, list ports, size the machine, and more; see arguments.py."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from har_stream.arguments import COMMANDS, HISTORY, SETTINGS, add_settings, make_parser
from har_stream.commands import Parser, Stopped, guarded
from har_stream.completion import script
from har_stream.configuration import gather, load_settings
from har_stream.errors import ConfigError
from har_stream.logs import start_logging
from har_stream.settings import DEFAULT_CONFIG, WORKER, Settings

if TYPE_CHECKING:
    from har_stream.embedded_broker import EmbeddedBroker
    from har_stream.workers.seat import Seat


def main(words: list[str] | None = None) -> int:
    """Run har-stream; returns the exit code. A first word that is no command means run."""
    words = sys.argv[1:] if words is None else words
    if not words or words[0] not in (*COMMANDS, "-h", "--help", "--version"):
        words = ["run", *words]
    if words[0] == "bench":
        from har_stream.bench.command import main as bench  # noqa: PLC0415 - loaded only where it is needed

        return bench(words[1:])

    def parse_and_run() -> int:
        arguments = parser().parse_args(words)
        arguments.words = words
        return int(arguments.run(arguments))

    return guarded("har-stream", parse_and_run)


def parser() -> Parser:
    """Return what understands the command line."""
    runs = {
        "run": _run,
        "check": _check,
        "config": _config,
        "ports": _ports,
        "completion": _completion,
        "label": _label,
    }
    return make_parser({**runs, **{name: _on_history(name) for name in HISTORY}, "home-assistant": _remove})


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the command line gives."""
    return {key: value for key in SETTINGS if (value := getattr(arguments, key, None)) is not None}


def _run(arguments: argparse.Namespace) -> int:
    seat = _seat()

    def read() -> Settings:
        settings = load_settings(arguments.config, os.environ, _given(arguments))
        return settings if seat is None else seat.settings(settings)

    settings = read()
    start_logging(settings.log_level, "har-stream" if seat is None else f"har-stream: worker {seat.part.number}")
    stop = _stop_on_signals()

    try:
        # Settings' faults are told before anything is loaded.
        from har_stream.state_file import state_folder  # noqa: PLC0415

        folder = state_folder(settings, os.environ, on_command_line=arguments.state is not None)
        broker = _open_broker(settings)
        if arguments.calibrate is not None:
            task: Task = _calibrator(settings, folder, arguments.calibrate, stop)
        elif seat is None and settings.workers > 1:
            task = _supervisor(settings, arguments.words, stop)
        else:
            task = _daemon(settings, folder, stop, read, seat)
    except Exception:
        if stop.is_set():  # foreign code that was being loaded made an error of its own of Stopped
            raise Stopped from None
        raise
    stop.begun = True
    code = task.run()
    if broker is not None:
        broker.close()
    if task.hangs:
        # A thread that sits in a system call or in foreign code must not be torn down by the interpreter's end.
        sys.stderr.flush()
        os._exit(code)
    return code


def _open_broker(settings: Settings) -> EmbeddedBroker | None:
    if not settings.broker:
        return None
    from har_stream.embedded_broker import open_broker  # noqa: PLC0415 - who has a broker need not load it

    return open_broker(settings)


def _seat() -> Seat | None:
    """Return this process's place among the workers of a supervisor, if one has started it."""
    if WORKER not in os.environ:
        return None
    from har_stream.workers.seat import seat_of  # noqa: PLC0415 - who is no worker need not load it

    return seat_of(os.environ)


def _calibrator(settings: Settings, folder: Path | None, device: str, stop: _Stop) -> Task:
    from har_stream.calibrator import Calibrator  # noqa: PLC0415 - loaded only where it is needed

    return Calibrator(settings, device, stop, state=folder)


def _supervisor(settings: Settings, words: list[str], stop: _Stop) -> Task:
    from har_stream.parts import check_workers  # noqa: PLC0415 - as above
    from har_stream.workers.supervisor import Supervisor  # noqa: PLC0415 - as above

    check_workers(settings)
    supervisor = Supervisor(settings, words, stop)
    stop.on_hangup = supervisor.reload
    return supervisor


class Task(Protocol):
    """What `run` does."""

    @property
    def hangs(self) -> bool:
        """Tell whether something of it is still at work after run()."""

    def run(self) -> int:
        """Do it; returns the exit code."""


def _daemon(
    settings: Settings, folder: Path | None, stop: _Stop, reread: Callable[[], Settings], seat: Seat | None
) -> Task:
    from har_stream.daemon import Daemon  # noqa: PLC0415 - as above

    if seat is None:
        daemon = Daemon(settings, stop, state=folder, reread=reread)
    else:
        daemon = Daemon(settings, stop, state=folder, reread=reread, worker=seat.part)
        daemon.on_end = partial(seat.end, daemon)
        seat.serve(daemon, stop)
    stop.on_hangup = daemon.reload
    return daemon


class _Stop(Event):
    """Set by a signal; until the stream has begun, a signal ends what is being loaded instead."""

    begun = False
    asked = False
    on_hangup: Callable[[], None] | None = None

    def on_signal(self, *_: object) -> None:
        # Once only: a second signal must find neither this event's lock held nor the end under way.
        if self.asked:
            return
        self.asked = True
        self.set()
        if not self.begun:
            raise Stopped

    def hang_up(self, *_: object) -> None:
        """Read the settings again; what is still being loaded has just read them."""
        if self.on_hangup is not None:
            self.on_hangup()


def _stop_on_signals() -> _Stop:
    stop = _Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.on_signal)
    # A terminal that is closed hangs up too, and then the stream ends; under nohup it goes on.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop.on_signal if _has_terminal() else stop.hang_up)
    return stop


def _has_terminal() -> bool:
    """Tell whether a terminal controls this process, as none does of a service."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _ports(_: argparse.Namespace) -> int:
    from har_stream.sources.serial_ports import ports  # noqa: PLC0415 - as above

    found = ports()
    for port in found:
        lasting = port.by_id or port.serial_number or port.path
        print(f"{port.path}  serial:{lasting}  {port.product}")
    if not found:
        print("no serial port found", file=sys.stderr)
    return os.EX_OK if found else 1


def _check(arguments: argparse.Namespace) -> int:
    faults: list[str] = []
    settings = gather(arguments.config, os.environ, _given(arguments), faults)
    from har_stream.parts import check_parts  # noqa: PLC0415
    from har_stream.state_file import state_folder  # noqa: PLC0415

    folder = state_folder(settings, os.environ, on_command_line=arguments.state is not None)
    faults += check_parts(settings, state=folder, needs_source=arguments.config is None)
    _tell(faults)
    if not faults:
        print("the configuration is right" if settings.source else "the configuration is right; it names no source")
    return os.EX_CONFIG if faults else os.EX_OK


def _config(arguments: argparse.Namespace) -> int:
    if arguments.print_default:
        print(DEFAULT_CONFIG.read_text("utf-8"), end="")
        return os.EX_OK
    from har_stream.shown_settings import shown  # noqa: PLC0415 - as above

    faults: list[str] = []
    origins: dict[str, str] = {}
    settings = gather(arguments.config, os.environ, _given(arguments), faults, origins)
    for line in shown(settings, origins, os.environ):
        print(line)
    _tell(faults)
    return os.EX_CONFIG if faults else os.EX_OK


def _tell(faults: list[str]) -> None:
    for fault in faults:
        print(f"har-stream: {fault}", file=sys.stderr)


def _completion(arguments: argparse.Namespace) -> int:
    whole = parser()
    add_settings(whole)  # a first word that is no command means run
    print(script(whole, arguments.shell))
    return os.EX_OK


def _label(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ, _given(arguments))
    from har_stream.label_command import label  # noqa: PLC0415 - as above

    return label(arguments, settings)


def _remove(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ, _given(arguments))
    start_logging("warning")
    from har_stream.home_assistant.removal import remove  # noqa: PLC0415 - as above
    from har_stream.sinks import is_broker  # noqa: PLC0415

    brokers = [sink for sink in settings.sinks if is_broker(sink)]
    if not brokers:
        raise ConfigError("home-assistant remove: which broker? --sink mqtt://HOST/har")
    for sink in brokers:
        removed = remove(sink, settings, tuple(arguments.devices), own_topics=arguments.topics)
        print("\n".join(f"removed {device}" for device in removed) or f"{sink}: nothing to remove")
    return os.EX_OK


def _on_history(name: str) -> Callable[[argparse.Namespace], int]:
    """Return what one of HISTORY does."""

    def run(arguments: argparse.Namespace) -> int:
        settings = load_settings(arguments.config, os.environ, {})
        from har_stream.history import commands  # noqa: PLC0415 - as above

        does = {"history export": commands.export, "history erase": commands.erase, "report": commands.show_report}
        return does[name](arguments, settings)

    return run


if __name__ == "__main__":
    sys.exit(main())
