"""Messages of many devices to blocks at once: all that are of one layout in one comparison and one copy.

    messages -> by layout and profile -> times (d,), samples (d, n, 6) -> units, axes -> a block each

A message goes this way where its device has sent others of its layout (har_stream.formats.cbor_layout) and it follows
the last of them without a gap, as nearly all do. Its block is what DeviceTranslation makes of it, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from har_stream.batch import GROUP
from har_stream.device_translation import DeviceTranslation
from har_stream.formats.cbor_layout import Layout
from har_stream.formats.format import CHANNELS, LATEST_S
from har_stream.profiles import Conversions
from har_stream.reordering import follow
from har_stream.samples import SampleBlock

Lane = list[tuple[int, DeviceTranslation, bytes]]
"""Messages of one layout and profile: places, devices, bytes."""

Message = tuple[bytes, float, str | None, str]
"""Bytes, their arrival in s, the device that the source knows, else what it may be: as Translator.push has them."""


def following_blocks(
    messages: Sequence[Message], chosen: Sequence[int], devices: Mapping[str, DeviceTranslation]
) -> list[tuple[int, SampleBlock]]:
    """Return the blocks, with their places, of those of the chosen messages, one of each device, that go this way."""
    lanes: dict[tuple[Layout, Conversions], Lane] = {}
    for at in chosen:
        data, _, name, _ = messages[at]
        device = devices.get(name)  # type: ignore[arg-type]  # None has none
        if device is None:
            continue
        layout = device.layouts.get(len(data))
        if layout is None:
            continue
        lane = lanes.get((layout, device.conversions))
        if lane is None:
            lane = lanes[layout, device.conversions] = []
        lane.append((at, device, data))
    found = []
    for (layout, conversions), lane in lanes.items():
        for start in range(0, len(lane), GROUP):
            found += _of_lane(layout, conversions, lane[start : start + GROUP])
    return found


def _of_lane(layout: Layout, conversions: Conversions, lane: Lane) -> list[tuple[int, SampleBlock]]:
    places, devices, data = zip(*lane, strict=True)
    orders = [device.reordering for device in devices]
    alike, start_s, values = layout.read_all(data)
    rate_hz, samples = layout.rate_hz, values.shape[1]
    interval_s = 1 / rate_hz
    near, end_s = follow(start_s, samples, interval_s, orders)
    good = alike & near & (np.abs(start_s) <= LATEST_S)
    chosen = np.flatnonzero(good)
    if len(chosen) < len(lane):
        start_s, end_s, values = start_s[good], end_s[good], values[good]
    values = conversions.of(layout.units).samples(values.reshape(-1, CHANNELS)).reshape(values.shape)
    found = []
    for nth, of_start_s, of_end_s, of_device in zip(
        chosen.tolist(), start_s.tolist(), end_s.tolist(), values, strict=True
    ):
        device, order = devices[nth], orders[nth]
        order.end_s, order.interval_s = of_end_s, interval_s
        found.append((places[nth], SampleBlock(device.device, device.sequence, of_start_s, rate_hz, of_device)))
        device.sequence += samples
    return found
