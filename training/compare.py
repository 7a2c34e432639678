"""har-train compare: every architecture cross-validated with several seeds, in one table.

Fits are kept (kept_fits.py): an interrupted comparison goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from har_stream.bench.machine import processor_name
from har_stream.datasets import Selection
from training.architectures import ARCHITECTURES, architecture
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.comparison import LEGEND, cells, cross_validation, markdown, summary, terminal_table
from training.corpus import Corpus, read_corpus
from training.fit import outputs_of
from training.folds import subject_folds
from training.kept_fits import (
    FoldOrder,
    KeptFit,
    Key,
    LabelledWindows,
    fit_fold,
    fitted_recipe,
    kept,
    labelled_windows,
    write_whole,
)
from training.make_model import CALIBRATION_SAMPLES, source_of
from training.speed import TIMED_CALLS, Network, NetworkOrder, measured
from training.workers import spread

LIBRARIES: Final = ("keras", "numpy", "scipy", "tensorflow")
"""Those that a fit's weights depend on."""
PIPE_WIDTH: Final = 140
"""Columns of a table that goes to no terminal."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare (no names: every architecture), on which data, how thoroughly, and where to."""

    names: tuple[str, ...]
    data: Path
    out: Path
    seeds: int
    folds: int
    epochs: int | None
    jobs: int

    @property
    def command(self) -> str:
        """The command that makes it, with names in place of paths."""
        names = "".join(f" --arch {name}" for name in self.names)
        epochs = f" --epochs {self.epochs}" if self.epochs else ""
        places = f"--data {self.data.name} --out {self.out.name}"
        return f"har-train compare {places}{names} --seeds {self.seeds} --folds {self.folds}{epochs}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The fits of a comparison: orders by (architecture, seed), one for each fold, in the order they are done."""

    windows: LabelledWindows
    networks: dict[str, Network]
    orders: dict[tuple[str, int], list[FoldOrder]]


def compare(comparison: Comparison, console: Console) -> None:
    """Fit what is not fitted yet, print the table and write compare.md and compare.json.

    An interrupt is raised again once what is complete is printed and written. Raises ConfigError, InputError.
    """
    plan = _plan(comparison)
    try:
        _fit_all(plan, comparison.jobs)
    except KeyboardInterrupt:
        _report(comparison, plan, console)
        console.print("interrupted: the same command goes on where it stopped")
        raise
    _report(comparison, plan, console)


def _plan(comparison: Comparison) -> Plan:
    names = list(dict.fromkeys(comparison.names)) or list(ARCHITECTURES)
    recipes = {name: architecture(name).recipe for name in names}  # an unknown name is told before the data is read
    epochs = {name: comparison.epochs or recipe.epochs for name, recipe in recipes.items()}
    corpus, _ = read_corpus(comparison.data, Selection("train"), uci_har_filters(), UCI_HAR_FRAMING)
    dealt = subject_folds(corpus.table.subject, comparison.folds)
    for folder in ("fits", "networks"):
        (comparison.out / folder).mkdir(parents=True, exist_ok=True)
    windows = labelled_windows(corpus, calibration_samples=CALIBRATION_SAMPLES)
    networks = _networks(names, comparison.out, corpus)
    versions = {library: version(library) for library in LIBRARIES}

    def order(name: str, seed: int, number: int) -> FoldOrder:
        arch, held_out, network = architecture(name), tuple(dealt[number]), networks[name].digest
        recipe = fitted_recipe(arch)
        depends = (name, network, arch.channels, recipe, epochs[name], seed, held_out, windows.digest)
        path = comparison.out / "fits" / f"{name}-seed{seed}-fold{number + 1}of{len(dealt)}.npz"
        return FoldOrder(Key(*depends, CALIBRATION_SAMPLES, versions), windows, path)

    cheapest_first = sorted(names, key=lambda name: networks[name].us_per_window * epochs[name])
    pairs = ((name, seed) for seed, name in product(range(1, comparison.seeds + 1), cheapest_first))
    orders = {(name, seed): [order(name, seed, number) for number in range(len(dealt))] for name, seed in pairs}
    return Plan(windows, {name: networks[name] for name in names}, orders)


def _networks(names: list[str], out: Path, corpus: Corpus) -> dict[str, Network]:
    """Measure one network after the other, in a process of its own: nothing else should run meanwhile."""
    window = corpus.table.values.shape[1]
    outputs = {name: len(outputs_of(architecture(name), corpus)) for name in names}
    orders = [NetworkOrder(name, window, outputs[name], out / "networks" / f"{name}.json") for name in names]
    return {names[index]: network for index, network in spread(measured, orders, jobs=1)}


def _fit_all(plan: Plan, jobs: int) -> None:
    orders = [order for fold_orders in plan.orders.values() for order in fold_orders]
    missing = [order for order in orders if kept(order.path, order.key) is None]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not missing) as progress:
        task = progress.add_task("fits", total=len(orders), completed=len(orders) - len(missing))
        for _ in spread(fit_fold, missing, jobs=jobs) if missing else ():
            progress.advance(task)


def _complete(plan: Plan, name: str) -> Iterator[tuple[int, list[KeptFit]]]:
    """Yield each seed of an architecture whose folds are all fitted, with their fits."""
    for (arch, seed), orders in plan.orders.items():
        fits = [kept(order.path, order.key) for order in orders] if arch == name else []
        whole = [one for one in fits if one is not None]
        if fits and len(whole) == len(orders):
            yield seed, whole


def _report(comparison: Comparison, plan: Plan, console: Console) -> None:
    architectures: dict[str, Any] = {}
    rows = []
    for name, network in plan.networks.items():
        by_seed = {str(seed): cross_validation(fits) for seed, fits in _complete(plan, name)}
        summed = summary(by_seed)
        rows.append(cells(name, len(by_seed), comparison.seeds, summed, network))
        arch = architecture(name)
        facts = {"channels": arch.channels, "recipe": arch.recipe, "network": network}
        architectures[name] = {**facts, "seeds_complete": len(by_seed), "summary": summed, "by_seed": by_seed}
    about = _about(comparison, plan)
    people = len(about["data"]["subjects"])
    legend = LEGEND.format(folds=about["folds"], windows=about["data"]["windows"], subjects=people,
                           processor=about["processor"], calls=TIMED_CALLS)  # fmt: skip
    write_whole(comparison.out / "compare.md", f"{markdown(rows, legend)}\n    {comparison.command}\n".encode())
    encoded = msgspec.json.format(msgspec.json.encode({**about, "architectures": architectures}), indent=2)
    write_whole(comparison.out / "compare.json", encoded + b"\n")
    console.print(terminal_table(rows))


def _about(comparison: Comparison, plan: Plan) -> dict[str, Any]:
    held_out = [order.key.held_out for order in next(iter(plan.orders.values()))]
    any_key = next(iter(plan.orders.values()))[0].key
    subjects = sorted(person for fold in held_out for person in fold)
    source, licence = source_of(comparison.data)
    return {
        "command": comparison.command,
        "processor": processor_name(),
        "versions": any_key.versions,
        "data": {
            "source": source,
            "licence": licence,
            "windows": len(plan.windows.corpus.table.codes),
            "subjects": subjects,
            "digest": plan.windows.digest,
        },
        "seeds": comparison.seeds,
        "epochs": comparison.epochs,
        "folds": len(held_out),
        "held_out": held_out,
    }
