"""har-stream: run the stream, check its configuration, list ports, or size the machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from har_stream import __version__
from har_stream.commands import Parser, Stopped, guarded
from har_stream.logs import LEVELS, start_logging
from har_stream.settings import Settings, gather, load_settings

if TYPE_CHECKING:
    from har_stream.calibrator import Calibrator
    from har_stream.daemon import Daemon

RUN_EXAMPLES = """\
examples:
  har-stream --source serial:/dev/ttyUSB0                    a sensor on a serial port
  har-stream --source 'sim:?devices=3'                       three simulated people on the terminal
  har-stream --source 'replay:HAPT.zip?speed=max&subject=1'  a recorded volunteer, as fast as it goes
  har-stream --source 'mqtt://localhost/har/+/imu' --sink mqtt://localhost/har
                                                             from devices on a broker, and back to it
  har-stream --source sim: --sink mqtt://localhost/har --sink jsonl:labels.jsonl
  har-stream --source 'replay:phone.csv' --state kept --calibrate phone
                                                             learn from ten seconds of walking how phone is worn
  har-stream --source 'sim:?devices=3' --record walks        keep the raw samples, a .csv.gz for each device
  har-stream --source sim: --http 127.0.0.1:9500             health and metrics elsewhere than on 127.0.0.1:9478

sources:
  serial:PORT?baud=115200&format=auto|...&profile=NAME&device=ID&rate=HZ
                   a sensor on a serial port: its path, by-id name or serial number (har-stream ports lists them);
                   the format is told from the bytes, units and axes by the profile (see config.toml)
  mqtt://user@host:port/TOPIC,...?format=auto&profile=NAME   (mqtts:// with TLS)
                   devices on a broker, by default on har/+/imu (+ is the device) and sensor-logger; the password
                   in HAR_STREAM_MQTT_PASSWORD or mqtt.password_file
  replay:PATH?speed=1|N|max&split=train|test|all&subject=1,3&loop=no|yes
                   HAPT or UCI HAR (folder or .zip as downloaded), a recording .csv / .csv.gz, or a folder of such;
                   &profile=NAME for a recording whose columns are not g and rad/s
  sim:?devices=N&script=day|ACTIVITY:SECONDS,...&seed=N&speed=1|N|max&loop=yes|no
sinks:
  stdout:          a live table on a terminal, JSON lines in a pipe
  jsonl:FILE       JSON lines, appended to a file
  mqtt://host:port/prefix
"""
COMMANDS = ("run", "check", "ports", "bench")


def main(words: list[str] | None = None) -> int:
    """Run har-stream; returns the exit code. A first word that is no command means run."""
    words = sys.argv[1:] if words is None else words
    if not words or words[0] not in (*COMMANDS, "-h", "--help", "--version"):
        words = ["run", *words]
    if words[0] == "bench":
        from har_stream.bench.command import main as bench  # noqa: PLC0415 - loaded only where it is needed

        return bench(words[1:])

    def parse_and_run() -> int:
        arguments = _parser().parse_args(words)
        return int(arguments.run(arguments))

    return guarded("har-stream", parse_and_run)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="har-stream",
        description="Motion samples in, activity labels out, live. A first word that is no command means run; "
        "har-stream run --help lists its options.",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="stream labels (the default)",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check = commands.add_parser("check", help="name every fault of the configuration; exit 0 or 78")
    listed = commands.add_parser("ports", help="list the serial ports with their lasting names")
    listed.set_defaults(run=_ports)
    commands.add_parser("bench", help="size this machine: people a core serves, latency, memory, start-up")
    run.set_defaults(run=_run)
    check.set_defaults(run=_check)
    run.add_argument(
        "--calibrate",
        metavar="DEVICE",
        help="do not stream: take ten seconds of walking, keep which way DEVICE sits on the body, and end",
    )
    for command in (run, check):
        _add_settings(command)
    return parser


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", help="where samples come from, a URI")
    command.add_argument("--sink", action="append", dest="sinks", help="where labels go; may be given several times")
    command.add_argument("--model", help="name of an installed model, or its folder")
    command.add_argument("--engine", help="what computes the model: onnx or tensorflow")
    command.add_argument("--hop", help="samples from window to window, the model's own if not given")
    command.add_argument(
        "--state", help="folder that keeps what was learned about each device across restarts, or off; see config.toml"
    )
    command.add_argument("--record", help="folder to record the raw samples of all devices in, to replay them")
    command.add_argument(
        "--http",
        metavar="HOST:PORT",
        help="where to answer /healthz, /readyz and /metrics, or off; 127.0.0.1:9478 if not given and free",
    )
    command.add_argument("--log-level", help=f"how much is told on stderr: {', '.join(LEVELS)}")
    command.add_argument("--config", type=Path, help="a configuration file (TOML)")


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the command line gives."""
    keys = ("source", "sinks", "model", "engine", "hop", "state", "record", "http", "log_level")
    return {key: value for key in keys if (value := getattr(arguments, key)) is not None}


def _run(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ, _given(arguments))
    start_logging(settings.log_level)
    stop = _stop_on_signals()
    try:
        # Settings' faults are told before anything is loaded.
        from har_stream.state_file import state_folder  # noqa: PLC0415

        folder = state_folder(settings, os.environ, on_command_line=arguments.state is not None)
        task = _task(settings, folder, arguments.calibrate, stop)
    except Exception:
        if stop.is_set():  # foreign code that was being loaded made an error of its own of Stopped
            raise Stopped from None
        raise
    stop.begun = True
    code = task.run()
    if task.hangs:
        # A thread that sits in a system call or in foreign code must not be torn down by the interpreter's end.
        sys.stderr.flush()
        os._exit(code)
    return code


def _task(settings: Settings, folder: Path | None, device: str | None, stop: Event) -> Daemon | Calibrator:
    """Return what is to be done, ready to run: the stream, or the calibration of a device."""
    if device is None:
        from har_stream.daemon import Daemon  # noqa: PLC0415 - loaded only where it is needed

        return Daemon(settings, stop, state=folder)
    from har_stream.calibrator import Calibrator  # noqa: PLC0415 - as above

    return Calibrator(settings, device, stop, state=folder)


class _Stop(Event):
    """Set by a signal; until the stream has begun, a signal ends what is being loaded instead."""

    begun = False
    asked = False

    def on_signal(self, *_: object) -> None:
        # Once only: a second signal must find neither this event's lock held nor the end under way.
        if self.asked:
            return
        self.asked = True
        self.set()
        if not self.begun:
            raise Stopped


def _stop_on_signals() -> _Stop:
    stop = _Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.on_signal)
    return stop


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
    faults += check_parts(settings, state=folder)
    for fault in faults:
        print(f"har-stream: {fault}", file=sys.stderr)
    if not faults:
        print("the configuration is right")
    return os.EX_CONFIG if faults else os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
