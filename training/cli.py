"""har-train: fetch data, prepare windows, fit and evaluate a model, compare architectures, estimate people."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from pathlib import Path

from har_stream import __version__
from har_stream.commands import Parser, guarded
from har_stream.completion import add_completion
from har_stream.datasets import Selection
from har_stream.errors import ConfigError, nearest
from har_stream.uri import parse_subjects
from training.archives import ARCHIVES

END = """\
examples:
  har-train fetch hapt --out data
  har-train fit --arch sway-lstm --data data/HAPT.zip --out my-model
  har-train evaluate --model my-model --data data/HAPT.zip --split test
  har-train evaluate --model sway-lstm --data walks           what you labelled yourself
har-train COMMAND --help has more.

exit codes:
  0    done
  66   data that cannot be read
  69   a server that cannot be reached
  74   an error of input or output
  78   a fault of the command line, which is named
  130  Ctrl-C; what was done is kept
"""
DATA_HELP = "UCI HAR or HAPT, folder or .zip as downloaded; or own labelled recordings, a .csv.gz or a folder of such"


def main(words: list[str] | None = None) -> int:
    """Run har-train; returns the exit code."""

    def parse_and_run() -> int:
        arguments = parser().parse_args(words)
        return int(arguments.run(arguments))

    return guarded("har-train", parse_and_run)


def parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    whole = Parser(
        prog="har-train",
        description="Train and judge the models of har-stream.",
        epilog=END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_fetch, _add_prepare, _add_fit, _add_evaluate, _add_compare, _add_people):
        add(commands)
    add_completion(commands, parser)
    return whole


def _add_fetch(commands: argparse._SubParsersAction[Parser]) -> None:
    one = commands.add_parser(
        "fetch",
        help="download UCI HAR and HAPT from the UCI Machine Learning Repository",
        epilog="A download that was cut goes on where it stopped. example: har-train fetch hapt --out data",
    )
    one.add_argument("names", nargs="*", type=_archive, metavar="uci-har|hapt", help="which; both if none")
    one.add_argument("--out", type=Path, default=Path(), help="folder to put the .zip into (default: this one)")
    one.add_argument("--url", help="download from this address instead, such as a mirror's; the checksum stays")
    one.set_defaults(run=_fetch)


def _add_prepare(commands: argparse._SubParsersAction[Parser]) -> None:
    one = commands.add_parser("prepare", help="write a data set's labelled windows to an .npz file")
    _add_data(one)
    one.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    one.add_argument(
        "--initial-state",
        choices=("zero", "first-sample"),
        default="zero",
        help="of the filters; zero as UCI HAR",
    )
    one.set_defaults(run=_prepare)


def _add_fit(commands: argparse._SubParsersAction[Parser]) -> None:
    one = commands.add_parser(
        "fit",
        help="train a model on the training volunteers and write its folder",
        description="Ctrl-C keeps what is done: the best weights so far, or the folds that are finished.",
        epilog="example: har-train fit --arch seed-lstm --data HAPT.zip --out models/seed-lstm",
    )
    one.add_argument("--arch", required=True, help="name of the architecture, such as seed-lstm")
    one.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    one.add_argument("--out", type=Path, required=True, help="the model folder to write")
    one.add_argument("--seed", type=int, default=1, help="of weights and order of windows (default 1)")
    one.add_argument("--epochs", type=_at_least(1), help="in place of the architecture's own number")
    one.add_argument(
        "--folds", type=_folds, default=7, help="of the cross-validation by volunteer (default 7); 0 leaves it out"
    )
    cores = len(os.sched_getaffinity(0))
    one.add_argument("--jobs", type=_at_least(1), default=cores, help="folds at a time (default: a core each)")
    one.add_argument("--tensorboard", type=Path, metavar="DIR", help="write TensorBoard's event files there")
    one.set_defaults(run=_fit)


def _add_evaluate(commands: argparse._SubParsersAction[Parser]) -> None:
    one = commands.add_parser(
        "evaluate",
        help="score a model on a data set",
        epilog="example: har-train evaluate --model seed-lstm --data HAPT.zip --split test --json figures.json",
    )
    one.add_argument("--model", required=True, help="name of an installed model, or its folder")
    _add_data(one)
    one.add_argument("--json", type=Path, help="write the figures to this file too")
    one.add_argument(
        "--plots", type=Path, help="draw them into this folder: confusion, people, calibration, timeline, curves"
    )
    one.set_defaults(run=_evaluate)


def _add_compare(commands: argparse._SubParsersAction[Parser]) -> None:
    one = commands.add_parser(
        "compare",
        help="cross-validate architectures with several seeds, and write one table",
        description="Every fit is kept in the folder: the same command goes on where an interrupted one stopped.",
        epilog="example: har-train compare --data HAPT.zip --out comparison --arch seed-lstm --arch sway-lstm",
    )
    one.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    one.add_argument("--out", type=Path, required=True, help="the folder for the table and the fits")
    one.add_argument("--arch", action="append", default=[], help="an architecture; give several; all if none is given")
    one.add_argument("--seeds", type=_at_least(1), default=5, help="cross-validations of each (default 5)")
    one.add_argument("--folds", type=_at_least(2), default=7, help="of each cross-validation by volunteer (default 7)")
    one.add_argument("--epochs", type=_at_least(1), help="in place of each architecture's own number")
    one.add_argument("--jobs", type=_at_least(1), default=os.cpu_count(), help="fits at a time (default: a core each)")
    one.set_defaults(run=_compare)


def _add_people(commands: argparse._SubParsersAction[Parser]) -> None:
    one = commands.add_parser("people", help="estimate the simulator's people from HAPT's recordings")
    one.add_argument("--data", type=Path, required=True, help="HAPT: folder or .zip")
    one.add_argument("--out", type=Path, required=True, help="the .json file to write")
    one.set_defaults(run=_people)


def _add_data(one: argparse.ArgumentParser) -> None:
    one.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    one.add_argument("--split", choices=("train", "test", "all"), default="all", help="official split by volunteer")
    one.add_argument("--subject", default="", help="only these volunteers, such as 1,3")


def _archive(name: str) -> str:
    if name not in ARCHIVES:
        raise argparse.ArgumentTypeError(f"no data set {name!r}{nearest(name, ARCHIVES)}")
    return name


def _at_least(least: int) -> type[int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return value

    return number  # type: ignore[return-value]  # argparse calls it like a type


def _folds(text: str) -> int:
    value = int(text)
    if value < 0 or value == 1:
        raise argparse.ArgumentTypeError("must be at least 2, or 0")
    return value


def _selection(arguments: argparse.Namespace) -> Selection:
    return Selection(arguments.split, parse_subjects(arguments.subject, "har-train"))


def _fetch(arguments: argparse.Namespace) -> int:
    from training.fetch import fetch  # noqa: PLC0415 - each command loads what it needs

    names = dict.fromkeys(arguments.names or ARCHIVES)
    if arguments.url and len(names) > 1:
        raise ConfigError("--url is the address of one data set: name which (uci-har or hapt)")
    for name in names:
        path, fetched = fetch(ARCHIVES[name], arguments.out, arguments.url)
        print(f"{path}: {'downloaded' if fetched else 'already here'}, its SHA-256 is as published")
        print(f"next: har-train fit --arch seed-lstm --data {shlex.quote(str(path))} --out models/mine")
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from training.prepare import prepare  # noqa: PLC0415 - each command loads what it needs

    table = prepare(arguments.data, arguments.out, _selection(arguments), arguments.initial_state)
    print(f"{arguments.out}: {len(table.codes)} windows of {len(set(table.subject.tolist()))} volunteers")
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    from training.make_model import Order, make_model  # noqa: PLC0415

    one = arguments
    order = Order(one.arch, one.data, one.out, one.seed, one.epochs, one.folds, one.jobs, one.tensorboard)
    made = make_model(order, lambda line: print(f"har-train: {line}", file=sys.stderr))
    windows = made.manifest.metrics.get("windows")
    told = f"{windows['accuracy']:.2%} of windows of unseen volunteers" if windows else "not cross-validated"
    print(f"{one.out}: {made.manifest.name}, {told}")
    return 128 + signal.SIGINT if made.interrupted else 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from training.evaluate import evaluate  # noqa: PLC0415

    figures = json.dumps(evaluate(arguments.model, arguments.data, _selection(arguments), arguments.plots), indent=2)
    if arguments.json:
        arguments.json.write_text(figures + "\n", "utf-8")
    print(figures)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from rich.console import Console  # noqa: PLC0415

    from training.compare import PIPE_WIDTH, Comparison, compare  # noqa: PLC0415

    one = arguments
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    compare(Comparison(tuple(one.arch), one.data, one.out, one.seeds, one.folds, one.epochs, one.jobs), console)
    return 0


def _people(arguments: argparse.Namespace) -> int:
    from training.people import write_people  # noqa: PLC0415

    write_people(arguments.data, arguments.out)
    print(f"{arguments.out}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
