"""har-stream bench: measure one section after the other; what is done stands when it is interrupted."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from rich.console import Console

from har_stream.bench import machine
from har_stream.bench.figures import Figures, NotMeasured
from har_stream.bench.options import Options
from har_stream.bench.table import report
from har_stream.bridge.broker_uri import parse_broker_uri
from har_stream.commands import Parser, guarded
from har_stream.configuration import load_settings
from har_stream.errors import ConfigError, nearest
from har_stream.manifest import Engine, load_manifest, resolve

PROGRAM: Final = "har-stream"
SECTIONS: Final = {
    "latency": "latency",
    "throughput": "throughput",
    "mqtt": "through_broker",
    "startup": "startup",
    "memory": "memory",
    "models": "models",
    "overload": "overload",
}
"""Names, and the modules whose measure() gives their figures, in the order in which they are measured."""
DEFAULT: Final = tuple(name for name in SECTIONS if name != "overload")
MOST_DEVICES: Final = 100_000

ABOUT: Final = "Size this machine: how many people it serves, how fast, and in how much memory."
INTERRUPTED: Final = 128 + signal.SIGINT
EPILOG: Final = """\
sections:
  latency     one live device on a (virtual) serial port of a har-stream of its own. Time is made shorter: most samples
              of a hop are handed over at once, but the last six one by one, 20 ms apart and up to 1 ms early or
              late, as in life. Timed is from before the last is handed over until its label's line can be read, of
              250 windows, one at a time
  throughput  seconds of devices that a second of one core serves, from CBOR messages to predictions in this
              process, and what of it each stage takes (in a pass of its own)
  mqtt        the same with a har-stream of its own between a broker's topics, in and out, its processor time alone
              counted: on --broker, or on a Mosquitto that is started here
  startup     a fresh har-stream, from its start to its first label
  memory      a har-stream that waits for its first sample; and what each device adds
  models      what a window costs on each installed model
  overload    (only if asked for) four times as many devices as are served, each at its own pace, for ten seconds, with
              a window every 4 samples, so that few are too many: who is served, how late, memory, recovery

examples:
  har-stream bench                                  all but overload, about two minutes
  har-stream bench --quick --json figures.json      rougher, under a minute; for CI
  har-stream bench --only latency,startup
  har-stream bench --only throughput --devices 1,500
  har-stream bench --only mqtt --broker mqtt://broker.example
  har-stream bench --only models --engines onnx,tensorflow

Stop other programs first: latency tells of everything that runs. Ctrl-C ends with what is done.
"""


def main(words: list[str]) -> int:
    """Run the bench; returns the exit code."""
    return guarded(PROGRAM, lambda: bench(_options(_parser().parse_args(words))))


def bench(options: Options) -> int:
    """Measure what is asked for and tell it; 130 where it was interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    figures = _of_this_machine(options)
    code = os.EX_OK
    with Console(stderr=True).status("bench") as status:
        shown = dataclasses.replace(options, progress=status.update)
        try:
            for section in options.only or DEFAULT:
                _measure(section, shown, figures)
            figures.complete = True
        except KeyboardInterrupt:
            figures.notes.append("interrupted: the rest was not measured")
            code = INTERRUPTED
    Console().print(report(figures))
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    return code


def _of_this_machine(options: Options) -> Figures:
    return Figures(
        model=options.model,
        quick=options.quick,
        processor=machine.processor_name(),
        cores=machine.cores(),
        versions=machine.versions(),
        commit=machine.commit(),
    )


def _measure(section: str, options: Options, figures: Figures) -> None:
    """Fill in what a section finds, or note why it cannot be had here."""
    try:
        found: dict[str, Any] = import_module(f"har_stream.bench.{SECTIONS[section]}").measure(options)
    except NotMeasured as why:
        figures.notes.append(f"{section}: {why}")
        return
    for name, value in found.items():
        setattr(figures, name, value)


def _parser() -> Parser:
    parser = Parser(
        prog=f"{PROGRAM} bench",
        description=ABOUT,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a few seconds for each section, and rougher figures")
    add("--only", type=_sections, default=(), metavar="SECTION,...", help="these sections alone")
    add(
        "--devices",
        type=_devices,
        default=Options().devices,
        metavar="N,...",
        help="how many devices at a time (default 1,100,1000,10000); the most also bounds mqtt, memory and overload",
    )
    add("--model", default=Options().model, metavar="NAME|DIR", help="what classifies (default %(default)s)")
    add("--engines", type=_engines, default=("onnx",), metavar="ENGINE,...", help="for models: onnx, tensorflow")
    add("--broker", default="", metavar="mqtt://HOST:PORT", help="for mqtt and overload, instead of one started here")
    add("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    return parser


def _options(arguments: argparse.Namespace) -> Options:
    """Return the options, checked before the first section takes its time. Raises ConfigError."""
    options = Options(**vars(arguments))
    load_manifest(resolve(options.model))
    if options.broker:
        parse_broker_uri(options.broker, load_settings(None, os.environ, {}).mqtt)
    if options.json is not None and not os.access(options.json.absolute().parent, os.W_OK):
        raise ConfigError(f"--json: {options.json.absolute().parent}: no folder that can be written to")
    return options


def _sections(text: str) -> tuple[str, ...]:
    return tuple(_known(name, "section", SECTIONS) for name in text.split(","))


def _engines(text: str) -> tuple[str, ...]:
    return tuple(_known(name, "engine", get_args(Engine)) for name in text.split(","))


def _known(name: str, kind: str, known: Collection[str]) -> str:
    if name not in known:
        raise argparse.ArgumentTypeError(f"unknown {kind} {name!r}{nearest(name, known)}")
    return name


def _devices(text: str) -> tuple[int, ...]:
    counts = text.split(",")
    if not all(one.isascii() and one.isdigit() and 1 <= int(one) <= MOST_DEVICES for one in counts):
        raise argparse.ArgumentTypeError(f"devices are whole numbers from 1 to {MOST_DEVICES}, not {text!r}")
    return tuple(sorted({int(one) for one in counts}))
