"""What one tick brings, as arrays: blocks of equal length, a device a row, so that stages work on all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Codes, FleetBlock, Rows, SampleBlock, Samples


@dataclass(slots=True)  # not frozen, which would cost more than some of its arrays, for each batch
class Batch:
    """Blocks of d devices, n samples each.

    rows (d,) places in the stages' arrays; start_s (d,); values (d, n, 6) in g and rad/s; truth (d, n); missing
    (d,) how many samples the stream lacks before this block, NEW where it begins anew. stands_for (d, n) tells how many
    of the device's own samples each resampled one stands for; None: each is one of the device's own.
    """

    rows: Rows
    start_s: NDArray[np.float64]
    values: Samples
    truth: Codes
    missing: NDArray[np.int64]
    rate_hz: NDArray[np.float64]
    stands_for: NDArray[np.int64] | None = None

    def only(self, chosen: NDArray[np.bool_] | slice) -> Batch:
        """Return the devices that a mask (d,) or a slice chooses."""
        return Batch(
            self.rows[chosen],
            self.start_s[chosen],
            self.values[chosen],
            self.truth[chosen],
            self.missing[chosen],
            self.rate_hz[chosen],
            None if self.stands_for is None else self.stands_for[chosen],
        )

    def lacking(self, missing: NDArray[np.int64]) -> Batch:
        """Return the same blocks with as many samples missing before them."""
        return Batch(self.rows, self.start_s, self.values, self.truth, missing, self.rate_hz, self.stands_for)

    def singles(self) -> Iterator[Batch]:
        """Yield each device as a batch of one."""
        for lane in range(len(self.rows)):
            yield self.only(np.arange(len(self.rows)) == lane)


NEW: Final = -1
HALF_A_SAMPLE: Final = 0.5
GROUP: Final = 256
"""Devices, or windows, that go through the stages together at most: as many as fill the processor's caches."""


def stack(rows: list[int], blocks: list[SampleBlock]) -> Batch:
    """Join blocks of equal length; missing is 0 until the intake knows better."""
    shape = len(blocks), len(blocks[0].values)
    truth = np.zeros(shape, np.uint8)
    for lane, block in enumerate(blocks):
        if block.truth is not None:
            truth[lane] = block.truth
    return Batch(
        np.array(rows, np.intp),
        np.array([block.start_s for block in blocks]),
        np.concatenate([block.values for block in blocks]).reshape(*shape, -1),
        truth,
        np.zeros(len(rows), np.int64),
        np.array([block.rate_hz for block in blocks]),
    )


def packed(fleets: Sequence[tuple[Rows, FleetBlock]]) -> Iterator[Batch]:
    """Join fleet blocks of equal length, no device twice in all of them, to batches of at most GROUP devices."""
    by_length: defaultdict[int, list[Batch]] = defaultdict(list)
    for rows, fleet in fleets:
        shape = fleet.values.shape[:2]
        missing, rate_hz = np.zeros(len(rows), np.int64), np.full(len(rows), fleet.rate_hz)
        batch = Batch(rows, fleet.start_s, fleet.values, np.zeros(shape, np.uint8), missing, rate_hz)
        by_length[shape[1]] += [batch.only(slice(at, at + GROUP)) for at in range(0, len(rows), GROUP)]
    for batches in by_length.values():
        gathered: list[Batch] = []
        for batch in batches:
            if gathered and sum(len(one.rows) for one in gathered) + len(batch.rows) > GROUP:
                yield _together(gathered)
                gathered = []
            gathered.append(batch)
        yield _together(gathered)


def _together(batches: list[Batch]) -> Batch:
    """Join batches of equal length whose samples are all the devices' own."""
    if len(batches) == 1:
        return batches[0]
    columns = ([getattr(one, field.name) for one in batches] for field in fields(Batch)[:-1])
    return Batch(*map(np.concatenate, columns))


def places(rows: Rows) -> Rows | slice:
    """Return what chooses `rows` in an array of all at least cost: for a lone one a slice, which gives a view."""
    if len(rows) != 1:
        return rows
    row = rows.item()
    return slice(row, row + 1)


def turns(rows: Rows) -> list[NDArray[np.intp] | slice]:
    """Split places in `rows` into turns of at most GROUP, a device once in each; slices as laps() gives them."""
    return laps(rows) if len(rows) == 1 else [turn for lap in laps(rows) for turn in _turns(lap)]


def _turns(lap: NDArray[np.intp] | slice) -> Iterator[NDArray[np.intp] | slice]:
    if isinstance(lap, slice):
        yield from (slice(at, min(at + GROUP, lap.stop)) for at in range(0, lap.stop, GROUP))
    else:
        yield from (lap[at : at + GROUP] for at in range(0, len(lap), GROUP))


def groups(blocks: Sequence[tuple[int, SampleBlock]]) -> Iterator[tuple[list[int], list[SampleBlock]]]:
    """Sort (row, block) pairs into groups of equal length with each device at most once, each device's in order.

    No group has more than GROUP devices, so that the stages after it work in the processor's caches.
    """
    rows = [row for row, _ in blocks]
    pairs = blocks if _differ(rows) else _joined(blocks)
    for lap in laps(np.array([row for row, _ in pairs], np.intp)):
        by_length: defaultdict[int, list[tuple[int, SampleBlock]]] = defaultdict(list)
        for row, block in pairs[lap] if isinstance(lap, slice) else (pairs[at] for at in lap):
            by_length[len(block.values)].append((row, block))
        for members in by_length.values():
            for at in range(0, len(members), GROUP):
                group = members[at : at + GROUP]
                yield [row for row, _ in group], [block for _, block in group]


def laps(rows: Rows) -> list[NDArray[np.intp] | slice]:
    """Split places in `rows` so that each row's first is in the first lap, its second in the second.

    Where no row is there twice, as nearly always, that is one slice, which spares a copy of what it chooses.
    """
    if len(rows) == 1 or _differ(rows.tolist()):
        return [slice(0, len(rows))] if len(rows) else []
    order = np.argsort(rows, kind="stable")
    begins = np.flatnonzero(np.diff(rows[order], prepend=-1))
    nth = np.empty(len(rows), np.intp)
    nth[order] = np.arange(len(rows)) - np.repeat(begins, np.diff(begins, append=len(rows)))
    return [np.flatnonzero(nth == lap) for lap in range(nth.max(initial=-1) + 1)]


def _differ(rows: list[int]) -> bool:
    return len(set(rows)) == len(rows)


def _joined(blocks: Sequence[tuple[int, SampleBlock]]) -> Sequence[tuple[int, SampleBlock]]:
    """Make one block of a device's blocks that follow each other, as they wait after a stall."""
    chains: list[tuple[int, list[SampleBlock]]] = []
    newest: dict[int, list[SampleBlock]] = {}
    for row, block in blocks:
        chain = newest.get(row)
        if chain is not None and _follows(chain, block):
            chain.append(block)
        else:
            newest[row] = [block]
            chains.append((row, newest[row]))
    return blocks if len(chains) == len(blocks) else [(row, _one(chain)) for row, chain in chains]


def _follows(chain: list[SampleBlock], block: SampleBlock) -> bool:
    """Tell whether a block begins within half a sample of where a chain ends, and carries truth alike."""
    last = chain[-1]
    near = abs(block.start_s - _end_s(last)) * last.rate_hz < HALF_A_SAMPLE
    return near and block.rate_hz == last.rate_hz and (block.truth is None) == (last.truth is None)


def _end_s(block: SampleBlock) -> float:
    return block.start_s + len(block.values) / block.rate_hz


def _one(chain: list[SampleBlock]) -> SampleBlock:
    if len(chain) == 1:
        return chain[0]
    truths = [block.truth for block in chain if block.truth is not None]
    values = np.concatenate([block.values for block in chain])
    # The rate at which the device's clock really ran, so that the joined block ends where its last one does.
    rate_hz = len(values) / (_end_s(chain[-1]) - chain[0].start_s)
    return replace(chain[0], rate_hz=rate_hz, values=values, truth=np.concatenate(truths) if truths else None)
