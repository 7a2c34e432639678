"""har-bridge: play a device, look at one, or pass one on to a broker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from har_stream import __version__
from har_stream.bridge.stop import Stop
from har_stream.commands import Parser, Stopped, guarded
from har_stream.completion import add_completion
from har_stream.formats.registry import DECODERS
from har_stream.logs import start_logging
from har_stream.uri import FASTEST, SLOWEST

PROGRAM = "har-bridge"
FASTEST_HZ = 10_000.0
MOST_JITTER = 0.5
MOST_DEVICES = 100_000
LARGEST_BLOCK = 2000

EXAMPLES = """\
examples:
  har-bridge simulate --link /tmp/imu                        an IMU on a virtual serial port
  har-stream --source serial:/tmp/imu                        ... and its activity
  har-bridge sniff /tmp/imu                                  ... and what it sends
  har-bridge run /dev/ttyUSB0 --to mqtts://me@broker/har         a serial device for a daemon elsewhere
har-bridge COMMAND --help has more.

exit codes:
  0    ended as asked, or there was no more to send
  66   data that cannot be read
  74   an error of input or output
  78   a fault of the command line or configuration, which is named
environment:
  HAR_STREAM_MQTT_PASSWORD   the broker's password
"""
RUN_EXAMPLES = """\
examples:
  har-bridge run /dev/ttyUSB0 --to mqtts://me@broker/har
  har-bridge run '/dev/ttyUSB0?baud=9600&profile=witmotion' --to mqtts://me@broker/har --device belt --latency-ms 200
  har-stream --source mqtts://me@broker/har/+/imu                 the daemon, elsewhere

Options behind the port's ? are those of har-stream's serial: source: baud, format, profile, device, rate.
"""
SNIFF_EXAMPLES = """\
examples:
  har-bridge sniff /dev/ttyUSB0                              a live table
  har-bridge sniff '/dev/ttyUSB0?baud=9600' | cat            one JSON line a second
  har-bridge sniff mqtt://localhost/har/+/imu --raw          what is decoded, as it comes
"""
SIMULATE_EXAMPLES = """\
examples:
  har-bridge simulate --script walking:30,sitting:20         binary frames on a pseudo-terminal, which it prints
  har-bridge simulate --format lines --profile mpu6050-raw --rate 104 --jitter 0.1 --loss 0.01
  har-bridge simulate --from HAPT.zip --subject 1 --link /tmp/imu --speed 10
  har-bridge simulate --to mqtt://localhost/har --format sensor-logger
  har-bridge simulate --to mqtt://localhost/har --devices 5000 --duration 60    load for a broker and a daemon

On a terminal one sample is lost or damaged at a time, over MQTT one block. Damage flips one bit of it. Every few
seconds it tells on stderr what it sent, how fast, and how late it is: a generator that cannot keep up says so.
"""


def main(words: list[str] | None = None) -> int:
    """Run har-bridge; returns the exit code."""

    def parse_and_run() -> int:
        arguments = parser().parse_args(sys.argv[1:] if words is None else words)
        stop = Stop()
        stop.on_signals()
        start_logging("info", PROGRAM)
        try:
            return int(arguments.run(arguments, stop))
        except Exception:
            if (
                stop.is_set() and not stop.begun
            ):  # foreign code that was being loaded made an error of its own of Stopped
                raise Stopped from None
            raise

    return guarded(PROGRAM, parse_and_run)


def parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    whole = Parser(
        prog=PROGRAM,
        description="Play a device, look at one, or pass one on to a broker.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_sniff(commands)
    _add_simulate(commands)
    add_completion(commands, parser)
    return whole


def _add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    run = commands.add_parser(
        "run",
        help="a serial device on to a broker",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.set_defaults(run=_run)
    add = run.add_argument
    add("serial", metavar="SERIAL", help="the port's path, by-id name or serial number, as har-stream ports lists them")
    add(
        "--to",
        required=True,
        metavar="mqtts://USER@HOST:PORT/PREFIX",
        help="the broker; on this machine mqtt:// will do",
    )
    add("--device", metavar="ID", help="what the device is called (default: by its port)")
    size = run.add_mutually_exclusive_group()
    size.add_argument(
        "--block", type=_whole("block", 1, LARGEST_BLOCK), metavar="N", help="samples a message, at 50 Hz"
    )
    size.add_argument(
        "--latency-ms",
        type=_number("latency-ms", 1.0, 40_000.0),
        metavar="MS",
        help="how long a sample waits for its message at most (default 100)",
    )
    add(
        "--queue",
        type=_whole("queue", 1, 10_000_000),
        default=10_000,
        metavar="N",
        help="messages that wait while the broker is away (default 10000); then the oldest go",
    )
    add("--config", type=Path, help="a configuration file (TOML) with profiles")
    add("--every", type=_number("every", 0.1, 1e6), default=5.0, metavar="SECONDS", help="between reports (default 5)")


def _add_sniff(commands: argparse._SubParsersAction[Parser]) -> None:
    sniff = commands.add_parser(
        "sniff",
        help="what is on a line or a broker",
        epilog=SNIFF_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sniff.set_defaults(run=_sniff)
    add = sniff.add_argument
    add("source", metavar="SOURCE", help="a serial port, or mqtts://USER@HOST:PORT/TOPIC (default har/+/imu)")
    add("--raw", action="store_true", help="print what is decoded, one JSON line each")
    add("--seconds", type=_number("seconds", 0.1, 1e9), metavar="S", help="end after so long")
    add("--config", type=Path, help="a configuration file (TOML) with profiles")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    from har_stream.bridge.run import run  # noqa: PLC0415 - loaded only where it is needed

    return run(arguments, stop)


def _sniff(arguments: argparse.Namespace, stop: Stop) -> int:
    from har_stream.bridge.sniff import sniff  # noqa: PLC0415 - as above

    return sniff(arguments, stop)


def _add_simulate(commands: argparse._SubParsersAction[Parser]) -> None:
    simulate = commands.add_parser(
        "simulate",
        help="a virtual device on a pseudo-terminal, or thousands on a broker",
        epilog=SIMULATE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    simulate.set_defaults(run=_simulate)
    _add_motion(simulate)
    _add_faults(simulate)
    _add_fleet(simulate)
    add = simulate.add_argument
    add("--to", metavar="mqtts://USER@HOST:PORT/PREFIX", help="a broker; without it, a pseudo-terminal")
    add("--link", type=Path, metavar="PATH", help="a symbolic link to the pseudo-terminal")
    add("--wait-for-reader", action="store_true", help="begin when somebody has opened the pseudo-terminal")
    add("--format", choices=DECODERS, help="frames, on a broker cbor-block, if not given")
    add("--profile", help="the device's units, scales and mounting, by the name of a built-in profile")
    add("--speed", type=_speed, default=1.0, help="times real time, or max")
    add(
        "--duration",
        type=_number("duration", 0.001, 1e9),
        metavar="SECONDS",
        help="of the devices' time; without it, as long as there is motion",
    )
    add(
        "--start",
        type=_number("start", 0.0, 1e11),
        metavar="EPOCH_S",
        help="the time of the first sample in formats that tell it (default: now)",
    )
    add("--config", type=Path, help="a configuration file (TOML) that says how to get into the broker")
    add("--seed", type=_whole("seed", 0, 2**32), default=1, metavar="N", help="the same seed sends the same samples")
    add("--every", type=_number("every", 0.1, 1e6), default=5.0, metavar="SECONDS", help="between reports (default 5)")


def _add_motion(simulate: Parser) -> None:
    add = simulate.add_argument
    add("--script", default="day", help="day, or ACTIVITY:SECONDS,...; again and again")
    add(
        "--from",
        dest="recording",
        type=Path,
        metavar="PATH",
        help="a recording .csv or HAPT instead of simulated people",
    )
    add("--subject", default="", help="only these of HAPT's volunteers: 1,3")
    add("--rate", type=_number("rate", 1.0, FASTEST_HZ), help="samples a second (default: the profile's, else 50)")


def _add_faults(simulate: Parser) -> None:
    add = simulate.add_argument
    add(
        "--jitter",
        type=_number("jitter", 0.0, MOST_JITTER),
        default=0.0,
        metavar="SHARE",
        help="of an interval, by which a sample is taken early or late at most",
    )
    add(
        "--loss",
        type=_number("loss", 0.0, 1.0),
        default=0.0,
        metavar="SHARE",
        help="of samples or blocks that do not arrive",
    )
    add(
        "--corrupt",
        type=_number("corrupt", 0.0, 1.0),
        default=0.0,
        metavar="SHARE",
        help="of samples or blocks in which one bit is flipped",
    )


def _add_fleet(simulate: Parser) -> None:
    add = simulate.add_argument
    add("--device", metavar="ID", help="what a lone device is called")
    add(
        "--devices",
        type=_whole("devices", 1, MOST_DEVICES),
        default=1,
        metavar="N",
        help="how many simulated people, on a broker",
    )
    add(
        "--block",
        type=_whole("block", 1, LARGEST_BLOCK),
        default=25,
        metavar="N",
        help="samples a message, on a broker (default 25)",
    )


def _simulate(arguments: argparse.Namespace, stop: Stop) -> int:
    from har_stream.bridge.simulate import simulate  # noqa: PLC0415 - loaded only where it is needed

    return simulate(arguments, stop)


def _number(name: str, lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{name} is a number from {lowest:g} to {highest:g}, not {text!r}")
        return value

    return parse


def _whole(name: str, lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise argparse.ArgumentTypeError(f"{name} is a whole number from {lowest} to {highest}, not {text!r}")
        return int(text)

    return parse


def _speed(text: str) -> float | None:
    return None if text == "max" else _number("speed", SLOWEST, FASTEST)(text)
