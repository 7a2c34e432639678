"""What har-stream understands on its command line, and what --help says of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from har_stream import __version__
from har_stream.activities import ACTIVITIES
from har_stream.commands import Parser
from har_stream.completion import SHELLS, complete_files
from har_stream.history.arguments import add_history, add_report
from har_stream.logs import LEVELS
from har_stream.manual import CHECK_END, COMPLETION_END, CONFIG_END, END, LABEL_END, REMOVE_END, RUN_END

COMMANDS: Final = (
    *("run", "check", "config", "ports", "completion", "label", "home-assistant", "history", "report", "bench"),
)
HISTORY: Final = ("history export", "history erase", "report")
"""What asks a history."""
SETTINGS: Final = (
    *("source", "sinks", "model", "engine", "hop", "state", "record", "broker", "shard", "workers", "http"),
    *("log_level", "trust_keras", "home_assistant.enabled"),
)
"""What the command line can set."""

Run = Callable[[argparse.Namespace], int]


def make_parser(runs: Mapping[str, Run]) -> Parser:
    """Return the parser; `runs` has what each of COMMANDS does."""
    parser = Parser(
        prog="har-stream",
        description="Motion samples in, activity labels out, live. A first word that is no command means run; "
        "har-stream run --help lists its options.",
        epilog=END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__, help="print the version and end")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = {
        "run": _command(commands, "run", "stream labels (the default)", RUN_END),
        "check": _command(commands, "check", "name every fault of the configuration; exit 0 or 78", CHECK_END),
        "config": _command(commands, "config", "print the default configuration, or the settings in force", CONFIG_END),
        "ports": _command(commands, "ports", "list the serial ports with their lasting names; exit 1 if none", ""),
        "completion": _command(commands, "completion", "print what completes commands in a shell", COMPLETION_END),
    }
    made["run"].add_argument(
        "--calibrate",
        metavar="DEVICE",
        help="do not stream: take ten seconds of walking, keep which way DEVICE sits on the body, and end",
    )
    _add_printed(made["config"])
    made["completion"].add_argument("shell", choices=SHELLS, help="the shell")
    for name in ("run", "check", "config"):
        add_settings(made[name])
    made["label"] = _add_label(commands)
    made["home-assistant"] = _add_removal(commands)
    made |= add_history(commands, _command)
    made["report"] = add_report(commands, _command)
    commands.add_parser("bench", help="size this machine: people a core serves, latency, memory, start-up")
    for name, one in made.items():
        one.set_defaults(run=runs[name])
    return parser


def _add_printed(command: argparse.ArgumentParser) -> None:
    """Add what config prints."""
    printed = command.add_mutually_exclusive_group(required=True)
    printed.add_argument(
        "--print-default", action="store_true", help="a configuration file: every key with its default and a comment"
    )
    printed.add_argument(
        "--show", action="store_true", help="the settings in force, each with where it comes from; secrets are masked"
    )


def _add_label(commands: argparse._SubParsersAction[Parser]) -> Parser:
    one = _command(commands, "label", "say what a device's body really does, while its samples are recorded", LABEL_END)
    one.add_argument("device", nargs="?", metavar="DEVICE", help="its id; without an activity: show what was said")
    one.add_argument("activity", nargs="?", metavar="ACTIVITY", help=f"{', '.join(ACTIVITIES)}; none or stop: no label")
    one.add_argument("--http", metavar="HOST:PORT", help="where har-stream answers (default: 127.0.0.1:9478)")
    complete_files(one.add_argument("--config", metavar="FILE", type=Path, help="a configuration file (TOML)"))
    return one


def _add_removal(commands: argparse._SubParsersAction[Parser]) -> Parser:
    """Add home-assistant remove; returns the parser of the latter."""
    about = "take devices out of Home Assistant again"
    home_assistant = commands.add_parser("home-assistant", help=about, description=f"{about.capitalize()}.")
    subcommands = home_assistant.add_subparsers(required=True, metavar="remove", help="the one that there is")
    remove = _command(subcommands, "remove", about, REMOVE_END)
    remove.add_argument("devices", nargs="*", metavar="DEVICE", help="all of the sink's prefix if none is given")
    remove.add_argument(
        "--sink", metavar="URI", action="append", dest="sinks", help="the broker and prefix, mqtt://HOST/har"
    )
    remove.add_argument("--topics", action="store_true", help="also what is retained under the sink's own prefix")
    complete_files(remove.add_argument("--config", metavar="FILE", type=Path, help="a configuration file (TOML)"))
    return remove


def _command(commands: argparse._SubParsersAction[Parser], name: str, text: str, end: str) -> Parser:
    return commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=end,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_settings(command: argparse.ArgumentParser) -> None:
    """Add the options that set something."""
    _add_stream(command)
    _add_beside(command)
    config = command.add_argument(
        "--config", metavar="FILE", type=Path, help="a configuration file (har-stream config --print-default)"
    )
    complete_files(config)


def _add_stream(command: argparse.ArgumentParser) -> None:
    """Add what samples go through on their way to labels."""
    add = command.add_argument
    add("--source", metavar="URI", help="where samples come from: serial:, mqtt:, mqtts:, replay: or sim:")
    add(
        "--sink",
        metavar="URI",
        action="append",
        dest="sinks",
        help="where labels go: stdout:, jsonl:FILE, history:FILE, mqtt:; may be given several times (default: stdout:)",
    )
    add("--model", metavar="NAME|DIR", help="name of an installed model, or its folder (default: light-lstm)")
    add("--engine", metavar="NAME", help="what computes the model: onnx (the default) or tensorflow")
    add(
        "--trust-keras",
        action="store_true",
        default=None,
        help="let --engine tensorflow load a .keras file, which can run code of whoever made it",
    )
    add("--hop", metavar="SAMPLES", help="samples from window to window (default: the model's own)")


def _add_beside(command: argparse.ArgumentParser) -> None:
    """Add what stands beside the stream."""
    add = command.add_argument
    folder = add(
        "--state",
        metavar="FOLDER",
        help="folder that keeps what was learned about each device across restarts, or off "
        "(default: systemd's STATE_DIRECTORY, else ~/.local/state/har-stream; off for replay: and sim:)",
    )
    add(
        "--home-assistant",
        action="store_true",
        default=None,
        dest="home_assistant.enabled",
        help="announce the devices of sinks mqtt:// to Home Assistant",
    )
    records = add(
        "--record", metavar="FOLDER", help="folder to record the raw samples of all devices in (default: none)"
    )
    add(
        "--broker",
        metavar="embedded[:PORT]",
        help="run an MQTT broker in this process, on this machine's own port 1883 or another (default: none)",
    )
    add(
        "--shard",
        metavar="I/N",
        help="serve only part I of N of the devices, as N har-streams on as many machines do (default: all)",
    )
    add("--workers", metavar="N", help="processes that share the devices on this machine (default: 1)")
    add(
        "--http",
        metavar="HOST:PORT",
        help="where to show the live page and answer /healthz, /readyz, /metrics and /api/, or off "
        "(default: 127.0.0.1:9478, if free)",
    )
    add("--log-level", metavar="LEVEL", help=f"how much is told on stderr: {', '.join(LEVELS)} (default: info)")
    complete_files(folder, records, folders=True)
