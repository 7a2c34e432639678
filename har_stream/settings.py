"""The settings of a deployment; configuration.py reads them from where they are given.

config.toml beside this file holds every key with its default and a comment. What belongs to the model
(rates, filters, labels, smoothing) stands in its manifest alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from har_stream.manifest import Engine
from har_stream.profiles import BASE, Profile

Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e12)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, lt=1e12)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=65535)]
TopicPrefix = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\Z", max_length=200)]
Bytes = Annotated[int, msgspec.Meta(ge=1, le=2**40)]

LONGEST_BRIDGE_S: Final = 10.0
"""No longer gap may be bridged, whatever is configured."""

MOST_TOLD: Final = 1000
"""Devices with series of their own: each costs every scrape, and Prometheus' memory."""

MOST_WORKERS: Final = 256

PROFILES: Final = "profiles"
DEVICES: Final = "devices"
"""The two sections below which names are the user's own; they stand in the file alone."""

DEFAULT_CONFIG: Final = Path(__file__).with_name("config.toml")
"""Every key with its default and a comment; installed with the package."""

ENVIRONMENT_PREFIX: Final = "HAR_STREAM_"
MQTT_PASSWORD: Final = "HAR_STREAM_MQTT_PASSWORD"  # noqa: S105 - the name of the variable
"""Never a setting, so that it stands in no file that others may read, and is printed with no settings."""

HTTP_TOKEN: Final = "HAR_STREAM_HTTP_TOKEN"  # noqa: S105 - the name of the variable
"""As above."""

WORKER: Final = "HAR_STREAM_WORKER"
"""What a supervisor tells a worker that it starts."""

ENVIRONMENT_OTHERS: Final = {"HAR_STREAM_CONFIG", "HAR_STREAM_DATA", MQTT_PASSWORD, HTTP_TOKEN, WORKER}
"""Not settings: where the configuration file lies, where the tests find the data sets, secrets, a worker's place."""


class IntakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[intake]: what is taken from whom."""

    max_devices: Count = 64
    idle_s: Positive = 600.0
    acc_limit_g: Positive = 32.0
    gyro_limit_rads: Positive = 80.0
    rewind_s: Positive = 2.0
    max_gap_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_BRIDGE_S)] = 0.1


class QueueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[queues]: how much may wait."""

    messages: Count = 10_000
    message_bytes: Bytes = 67_108_864
    blocks: Count = 10_000
    labels: Count = 10_000
    drain_s: Positive = 4.0


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[mqtt.tls]: whom mqtts: believes, and how we show who we are."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


class MqttSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[mqtt]: the broker that samples come from, and the one that labels are published on."""

    client_id: str = ""
    qos: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    keepalive_s: Seconds = 15
    backoff_min_s: Seconds = 1
    backoff_max_s: Seconds = 30
    stale_after_s: Positive = 5.0
    payload_limit: Bytes = 65_536
    password_file: str = ""
    insecure: bool = False
    tls: TlsSettings = TlsSettings()


class HomeAssistantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[home_assistant]: devices that Home Assistant finds by itself."""

    enabled: bool = False
    discovery_prefix: TopicPrefix = "homeassistant"
    state_every_s: Positive = 10.0


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[metrics]: how much is told of single devices."""

    per_device: Annotated[int, msgspec.Meta(ge=0, le=MOST_TOLD)] = 0


class HistorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[history]: what sinks history: keep, and when recordings were."""

    keep_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 365
    max_mb: Positive = 256.0
    origin: str = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings."""

    source: str = ""
    sinks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("stdout:",)
    model: str = "light-lstm"
    engine: Engine = "onnx"
    trust_keras: bool = False
    rehearse: bool = True
    hop: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    state: str = ""
    record: str = ""
    record_max_mb: Positive = 64.0
    record_max_h: Positive = 24.0
    broker: str = ""
    shard: str = ""
    workers: Annotated[int, msgspec.Meta(ge=1, le=MOST_WORKERS)] = 1
    http: str = ""
    http_token_file: str = ""
    http_insecure: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    intake: IntakeSettings = IntakeSettings()
    queues: QueueSettings = QueueSettings()
    mqtt: MqttSettings = MqttSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    history: HistorySettings = HistorySettings()
    metrics: MetricsSettings = MetricsSettings()
    profiles: dict[str, dict[str, Any]] = {}
    devices: dict[str, str] = {}


def _kinds(struct: type[msgspec.Struct], before: str = "") -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            kinds |= _kinds(field.type, f"{before}{field.name}.")
        elif field.name not in (PROFILES, DEVICES):
            kinds[f"{before}{field.name}"] = field.type
    return kinds


KINDS: Final = _kinds(Settings)
"""Every key and the type of its value, but for those below names of the user's own."""

PROFILE_KINDS: Final[dict[str, Any]] = {BASE: str} | {
    field.name: field.type for field in msgspec.structs.fields(Profile)
}
"""Every key of [profiles.NAME] and the type of its value."""
