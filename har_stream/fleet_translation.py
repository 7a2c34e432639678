"""Messages of many devices to blocks at once: all that are of one layout in one comparison and one copy.

    messages -> by layout and profile -> times (d,), samples (d, n, 6) -> units, axes -> a block each

A message goes this way where its device has sent others of its layout (har_stream.formats.cbor_layout) and it follows
the last of them without a gap, as nearly all do. Its block is what DeviceTranslation makes of it, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from har_stream.batch import GROUP
from har_stream.device_translation import DeviceTranslation
from har_stream.formats.cbor_layout import Layout
from har_stream.formats.format import LATEST_S
from har_stream.profiles import Conversions
from har_stream.reordering import follows
from har_stream.samples import SampleBlock

Message = tuple[bytes, float, str | None, str]
"""What came, when (s on a monotonic clock), from which device, None where the payload says it or else it is the last."""


def following_blocks(
    messages: Sequence[Message], chosen: Sequence[int], devices: Mapping[str, DeviceTranslation]
) -> dict[int, SampleBlock]:
    """Return the blocks, by their places, of those of the chosen messages, one of each device, that go this way."""
    lanes: dict[tuple[Layout, Conversions], list[tuple[int, DeviceTranslation, bytes]]] = {}
    for at in chosen:
        data, _, name, _ = messages[at]
        device = devices.get(name)  # type: ignore[arg-type]  # None has none
        if device is None:
            continue
        layout = device.layouts.get(len(data))
        if layout is None or layout.rate_hz is None:
            continue
        lane = lanes.get((layout, device.conversions))
        if lane is None:
            lane = lanes[layout, device.conversions] = []
        lane.append((at, device, data))
    return {
        at: block
        for (layout, conversions), lane in lanes.items()
        for start in range(0, len(lane), GROUP)
        for at, block in _of_lane(layout, conversions, lane[start : start + GROUP])
    }


def _of_lane(
    layout: Layout, conversions: Conversions, lane: Sequence[tuple[int, DeviceTranslation, bytes]]
) -> Iterator[tuple[int, SampleBlock]]:
    rate_hz = layout.rate_hz or 0.0
    places, devices, data = zip(*lane, strict=True)
    alike, start_s, values = layout.read_all(data)
    positions = np.array([device.position for device in devices])
    near, end_s = follows(start_s, values.shape[1], 1 / rate_hz, positions)
    good = alike & near & (np.abs(start_s) <= LATEST_S)
    chosen = np.flatnonzero(good)
    shape = len(chosen), *values.shape[1:]
    samples = conversions.of(layout.units).samples(
        (values if good.all() else values[good]).reshape(-1, values.shape[2])
    )
    columns = chosen.tolist(), start_s[good].tolist(), end_s[good].tolist(), samples.reshape(shape)
    for nth, of_start_s, of_end_s, of_device in zip(*columns, strict=True):
        yield places[nth], devices[nth].following(of_start_s, of_end_s, rate_hz, of_device)
