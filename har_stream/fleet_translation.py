"""Messages of many devices to blocks at once: all that are of one layout in one comparison and one copy.

    messages -> by layout and profile -> times (d,), samples (d, n, 6) -> units, axes -> FleetBlocks

A message goes this way where its device has sent others of its layout (har_stream.formats.cbor_layout) and it follows
the last of them without a gap, as nearly all do. Its samples are what DeviceTranslation makes of it, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from har_stream.batch import GROUP
from har_stream.device_translation import DeviceTranslation
from har_stream.formats.cbor_layout import Layout
from har_stream.formats.format import CHANNELS, LATEST_S
from har_stream.profiles import Conversions
from har_stream.reordering import StreamEnds
from har_stream.samples import FleetBlock

Lane = list[tuple[int, DeviceTranslation, bytes]]
"""Messages of one layout and profile: places, devices, bytes."""

Message = tuple[bytes, float, str | None, str]
"""Bytes, their arrival in s, the device that the source knows, else what it may be: as Translator.push has them."""


def fleet_blocks(
    messages: Sequence[Message], chosen: Sequence[int], devices: Mapping[str, DeviceTranslation], ends: StreamEnds
) -> tuple[list[FleetBlock], list[int]]:
    """Return blocks of those of the chosen messages, one of each device, that go this way; and places of the others.

    `ends` has the devices' rows.
    """
    lanes: dict[tuple[Layout, Conversions], Lane] = {}
    others: list[int] = []
    kind: tuple[Layout, Conversions] | None = None
    lane: Lane = []
    for at in chosen:
        data, _, name, _ = messages[at]
        device = devices.get(name)  # type: ignore[arg-type]  # None has none
        layout = device.layouts.get(len(data)) if device is not None else None
        if device is None or layout is None:
            others.append(at)
            continue
        if kind is None or layout is not kind[0] or device.conversions is not kind[1]:
            kind = layout, device.conversions
            lane = lanes.setdefault(kind, [])
        lane.append((at, device, data))
    blocks = []
    for (layout, conversions), lane in lanes.items():
        for start in range(0, len(lane), GROUP):
            block, left = _of_lane(layout, conversions, lane[start : start + GROUP], ends)
            blocks += [block] if block.devices else []
            others += left
    return blocks, others


def _of_lane(layout: Layout, conversions: Conversions, lane: Lane, ends: StreamEnds) -> tuple[FleetBlock, list[int]]:
    """Return a block of the messages that follow, and the places of those that do not."""
    places, devices, data = zip(*lane, strict=True)
    alike, start_s, values = layout.read_all(data)
    interval_s = 1 / layout.rate_hz
    rows, samples = np.array([device.row for device in devices]), values.shape[1]
    near, end_s = ends.follow(rows, start_s, samples, interval_s)
    good = alike & near & (np.abs(start_s) < LATEST_S)
    left: list[int] = []
    if not good.all():
        left = [places[nth] for nth in np.flatnonzero(~good).tolist()]
        devices = tuple(devices[nth] for nth in np.flatnonzero(good).tolist())
        rows, start_s, end_s, values = rows[good], start_s[good], end_s[good], values[good]
    sequence = ends.sequence[rows]
    ends.go_on(rows, end_s, samples, interval_s)
    values = conversions.of(layout.units).samples(values.reshape(-1, CHANNELS)).reshape(values.shape)
    return FleetBlock([device.device for device in devices], sequence, start_s, layout.rate_hz, values), left
