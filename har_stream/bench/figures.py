"""What a bench found, as it stands in the JSON; what was not measured is null."""

from __future__ import annotations

import msgspec


class Latency(msgspec.Struct, frozen=True):
    """From the hand-over of the sample that completes a window to its published label."""

    p50: float
    p99: float
    max: float


class BrokerLoad(msgspec.Struct, frozen=True):
    """What went through the broker for mqtt_devices_per_core.

    So many devices, `speed` times as fast as in life; samples sent and received; the daemon's processor time for them,
    and how many seconds of devices they were.
    """

    devices: int
    speed: float
    sent: int = 0
    received: int = 0
    cpu_s: float = 0.0
    device_s: float = 0.0


class Overload(msgspec.Struct, frozen=True):
    """Some seconds of more than can be served.

    offered_devices sent blocks. Of the samples sent, `received` reached the daemon,
    `lost_before` were the broker's to lose; not_used, by reason, are those that the daemon counted and did not use (of
    messages that were not decoded: messages). served_share is the share of the labels that all that was sent would have
    given; capacity_kept what a second of processor time served, against what it serves where there is no overload;
    label_lag_s of the labels that came; sender_late_s how late the sender itself was; answer_s how long /metrics took
    at most. recovery_s is the time from the end of the load to a label in time, drained_s to an empty queue. per_core
    is how many people a core serves where there is no overload.
    """

    per_core: float
    offered_devices: float
    seconds: float
    sent: int
    received: int
    lost_before: int
    not_used: dict[str, int]
    labels: int
    served_share: float
    capacity_kept: float
    label_lag_s: Latency | None
    sender_late_s: float
    answer_s: float
    rss_mb_before: float
    rss_mb_most: float
    drained_s: float | None
    recovery_s: float | None


class Figures(msgspec.Struct, kw_only=True):
    """The whole JSON."""

    latency_ms: Latency | None = None
    devices_per_core: dict[str, float] | None = None
    mqtt_devices_per_core: float | None = None
    startup_s: float | None = None
    rss_mb: float | None = None
    bytes_per_device: float | None = None
    stages_us: dict[str, float] | None = None
    models_us: dict[str, float] | None = None
    mqtt: BrokerLoad | None = None
    overload: Overload | None = None
    notes: list[str] = []
    complete: bool = False
    model: str = ""
    quick: bool = False
    processor: str = ""
    cores: int = 0
    versions: dict[str, str] = {}
    commit: str | None = None


class NotMeasured(Exception):  # noqa: N818 - no error: this machine lacks what a figure needs
    """Why a figure cannot be had here, as the line that is told."""
