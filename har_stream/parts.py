"""The parts that settings name: model, source, sinks, folders; made, or each of their faults told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import msgspec

from har_stream.classifier import Classifier
from har_stream.errors import ConfigError, HarStreamError
from har_stream.manifest import Manifest, load_manifest, resolve
from har_stream.recorder import Recorder
from har_stream.recording_file import check_folder as check_record_folder
from har_stream.recordings import Recordings
from har_stream.settings import KINDS, Settings
from har_stream.shard import ALL, Share
from har_stream.sinks import is_broker, open_sink
from har_stream.sources import is_live, open_source
from har_stream.sources.source import Source
from har_stream.state_file import check_folder
from har_stream.vitals import Watched
from har_stream.wall_clock import LiveClock, RecordedClock, WallClock
from har_stream.web.address import parse_address
from har_stream.web.token import check_http
from har_stream.when import parse_time

if TYPE_CHECKING:
    from har_stream.annotations import Annotations
    from har_stream.live import Live
    from har_stream.web.server import HttpServer

T = TypeVar("T")


def load_model(settings: Settings) -> tuple[Manifest, Classifier]:
    """Return the manifest, with the hop that the settings ask for, and the classifier. Raises ConfigError."""
    folder = resolve(settings.model)
    manifest = _with_hop(load_manifest(folder), settings.hop)
    return manifest, Classifier(folder, manifest, engine=settings.engine, trust_keras=settings.trust_keras)


def _with_hop(manifest: Manifest, hop: int) -> Manifest:
    """Return the manifest with another hop at run time, 0 for the model's own."""
    if hop > manifest.framing.window:
        raise ConfigError(f"hop: {hop} is longer than the model's window of {manifest.framing.window} samples")
    framing = msgspec.structs.replace(manifest.framing, hop=hop or manifest.framing.hop)
    return msgspec.structs.replace(manifest, framing=framing)


def record_folder(settings: Settings) -> Path:
    """Return the folder of recordings. Raises ConfigError for a home that is nobody's."""
    try:
        return Path(settings.record).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"record: {error}") from None


def open_recorder(settings: Settings, manifest: Manifest, *, source_waits: bool, stop: Event) -> Recorder | None:
    """Return what records raw samples, None where none are to be. Raises ConfigError."""
    if not settings.record:
        return None
    recordings = Recordings(
        record_folder(settings),
        max_mb=settings.record_max_mb,
        max_h=settings.record_max_h,
        max_devices=settings.intake.max_devices,
        rate_hz=manifest.framing.rate_hz,
        rewind_s=settings.intake.rewind_s,
    )
    return Recorder(recordings, source_waits=source_waits, stop=stop)


def wall_clock(settings: Settings, now_s: float) -> WallClock:
    """Return what tells when labels were. Raises ConfigError for an origin that is no time."""
    if is_live(settings.source):
        return LiveClock(limit=settings.intake.max_devices)
    if not settings.history.origin:
        return RecordedClock(now_s)
    try:
        return RecordedClock(parse_time(settings.history.origin))
    except ConfigError as error:
        raise ConfigError(f"history.origin: {error}") from None


def fitting_source(settings: Settings, manifest: Manifest | None, share: Share = ALL) -> Source:
    """Return the source, held against the settings and the model. Raises ConfigError, InputError."""
    source = open_source(settings.source, settings, share)
    if manifest is not None:
        source.fit(manifest.framing)
    most = settings.intake.max_devices
    if source.devices is not None and source.devices > most and share.whole:
        raise ConfigError(
            f"{settings.source}: brings {source.devices} devices, but intake.max_devices is {most}: raise it"
        )
    return source


def open_http(
    stream: Watched,
    settings: Settings,
    manifest: Manifest,
    history: Callable[[], Path | None],
    annotations: Annotations | None,
) -> tuple[HttpServer | None, Live | None]:
    """Return what answers over HTTP, and what the engine is to show on its page; None where it is off or cannot be.

    `history` tells the file of the history that is kept, if one is; `annotations` take what people say on the page.

    Raises ConfigError where an address was given and cannot be had, or may not be without a token.
    """
    address, token = parse_address(settings.http), check_http(settings)
    if address is None:
        return None, None
    from har_stream.live import Live  # noqa: PLC0415 - who has it off need not load it
    from har_stream.web.live_events import LiveEvents  # noqa: PLC0415 - as above
    from har_stream.web.pages import Pages  # noqa: PLC0415 - as above
    from har_stream.web.server import open_server  # noqa: PLC0415 - as above

    live = Live(limit=settings.intake.max_devices, labels=manifest.labels, framing=manifest.framing)
    events = LiveEvents(live, stream, stale_after_s=settings.mqtt.stale_after_s, annotations=annotations)
    pages = Pages(stream, events, history=history, annotations=annotations)
    server = open_server(address, pages, token, pages.post)
    return server, live if server is not None else None


def open_workers_http(stream: Watched, settings: Settings, history: Callable[[], Path | None]) -> HttpServer | None:
    """Return what answers over HTTP for several workers, None where it is off or cannot be. Raises ConfigError."""
    address, token = parse_address(settings.http), check_http(settings)
    if address is None:
        return None
    from har_stream.web.pages import Pages  # noqa: PLC0415 - who has it off need not load it
    from har_stream.web.server import open_server  # noqa: PLC0415 - as above

    pages = Pages(stream, history=history)
    return open_server(address, pages, token, pages.post)


def check_workers(settings: Settings) -> None:
    """Raise ConfigError where a source cannot have several workers."""
    if settings.workers > 1 and settings.source.startswith("serial:"):
        raise ConfigError("workers: a serial port is one process's; several are for mqtt:, mqtts:, replay: and sim:")


def check_home_assistant(settings: Settings) -> None:
    """Raise ConfigError where devices are to be announced and there is no broker to do it on."""
    if settings.home_assistant.enabled and not any(is_broker(sink) for sink in settings.sinks):
        raise ConfigError("home_assistant.enabled: needs a sink on Home Assistant's broker: --sink mqtt://HOST/har")


def check_parts(settings: Settings, *, state: Path | None = None, needs_source: bool = True) -> list[str]:
    """Return what is wrong with the parts that the settings name, a line each that begins with the key.

    Without `needs_source` settings may name no source: a file that leaves it to the command line.
    """
    faults: list[str] = []
    model = _tried("model", lambda: load_model(settings), faults)
    if settings.source or needs_source:
        _tried("source", lambda: fitting_source(settings, model[0] if model else None), faults)
    for sink in settings.sinks:
        _tried("sinks", partial(open_sink, sink, settings), faults)
    _tried("workers", lambda: check_workers(settings), faults)
    _tried("home_assistant", lambda: check_home_assistant(settings), faults)
    if state is not None:
        _tried("state", partial(check_folder, state), faults)
    _tried("history.origin", lambda: wall_clock(settings, 0.0), faults)
    _tried("http", lambda: check_http(settings), faults)
    if settings.broker:
        from har_stream.embedded_broker import plan_broker  # noqa: PLC0415 - who has a broker need not load it

        _tried("broker", lambda: plan_broker(settings), faults)
    if settings.record:
        _tried("record", lambda: check_record_folder(record_folder(settings)), faults)
    return faults


def _tried(key: str, make: Callable[[], T], faults: list[str]) -> T | None:
    try:
        return make()
    except HarStreamError as error:
        named = str(error).partition(":")[0] in KINDS
        faults.append(str(error) if named else f"{key}: {error}")
        return None
