"""har-bridge simulate: a virtual device on a pseudo-terminal, or one or thousands on a broker."""

from __future__ import annotations

import argparse
import logging
import os
import time
from pathlib import Path

from msgspec.structs import replace

from har_stream.bridge.broker_uri import BrokerUri, parse_broker_uri
from har_stream.bridge.faults import Faults
from har_stream.bridge.fleet_simulation import FleetSimulation, Wave
from har_stream.bridge.line_simulation import LineSimulation
from har_stream.bridge.motion import MOST_PERFORMERS, Motions, Performed, Recorded, Shared
from har_stream.bridge.payloads import Device
from har_stream.bridge.post import Post
from har_stream.bridge.stop import Stop
from har_stream.bridge.terminal_port import TerminalPort
from har_stream.configuration import load_settings
from har_stream.datasets import Hapt, Recording, Selection, open_data_set, read_recording
from har_stream.datasets.recording import is_recording
from har_stream.devices import LAWFUL_ID
from har_stream.errors import ConfigError, InputError
from har_stream.formats.reader import fits_line
from har_stream.profiles import BY_FORMAT, Profile, Profiles
from har_stream.sources.simulated_person import RATE_HZ
from har_stream.sources.simulator import device_names, players
from har_stream.uri import Uri, parse_subjects

log = logging.getLogger(__name__)


def simulate(arguments: argparse.Namespace, stop: Stop) -> int:
    """Play devices as the arguments say, until their motion is over or the end is asked for."""
    broker = None
    if arguments.to is not None:
        broker = parse_broker_uri(arguments.to, load_settings(arguments.config, os.environ, {}).mqtt)
    _check(arguments, broker)
    format_name = arguments.format or ("cbor-block" if broker else "frames")
    profile = _profile(arguments.profile, format_name)
    if broker is None and not fits_line(format_name):
        raise ConfigError(f"--format {format_name}: no serial line carries it; give --to mqtt://HOST/PREFIX")
    rate_hz = arguments.rate or profile.rate_hz or RATE_HZ
    motions = _motions(arguments)
    faults = Faults(arguments.seed, arguments.loss, arguments.corrupt)
    start_s = time.time() if arguments.start is None else arguments.start
    if broker is not None:
        wave = Wave(format_name, profile, rate_hz, arguments.block, arguments.seed, arguments.jitter, start_s)
        fleet = FleetSimulation(motions, wave, prefix=broker.path, faults=faults, duration_s=arguments.duration)
        stop.begun = True
        return _on_broker(fleet, broker, arguments, stop)
    device = Device(0, motions.names[0], arguments.seed, rate_hz, profile, start_s)
    simulation = LineSimulation(
        motions,
        device,
        format_name=format_name,
        jitter=arguments.jitter,
        faults=faults,
        duration_s=arguments.duration,
    )
    stop.begun = True
    return _on_terminal(simulation, arguments, stop)


def _on_broker(fleet: FleetSimulation, broker: BrokerUri, arguments: argparse.Namespace, stop: Stop) -> int:
    post = Post(broker, stop)
    fleet.run(post, arguments.speed, arguments.every, stop)
    post.close()
    return os.EX_OK


def _on_terminal(simulation: LineSimulation, arguments: argparse.Namespace, stop: Stop) -> int:
    port = TerminalPort(arguments.link)
    print(port.path, flush=True)  # noqa: T201 - the answer of the command
    try:
        if not arguments.wait_for_reader or port.wait_for_reader(stop):
            simulation.run(port, arguments.speed, arguments.every, stop)
    finally:
        port.close(stop)
    return os.EX_OK


def _check(arguments: argparse.Namespace, broker: BrokerUri | None) -> None:
    """Raise ConfigError where options do not go together."""
    if broker is None and arguments.devices > 1:
        raise ConfigError("--devices: a terminal has one device; give --to mqtt://HOST/PREFIX for more")
    if broker is not None and (arguments.link or arguments.wait_for_reader):
        raise ConfigError("--link and --wait-for-reader are for a terminal, not for --to")
    if arguments.recording and arguments.devices > 1:
        raise ConfigError("--devices: recordings are a device each; choose with --subject")
    if arguments.subject and not arguments.recording:
        raise ConfigError("--subject: chooses among the volunteers of --from PATH")
    if arguments.device is not None and not LAWFUL_ID.fullmatch(arguments.device):
        raise ConfigError(f"--device: letters, digits, _ and -, 64 at most, not {arguments.device!r}")


def _profile(name: str | None, format_name: str) -> Profile:
    profile = Profiles().named(name or BY_FORMAT[format_name])
    if profile.format not in ("auto", format_name):
        raise ConfigError(f"--profile {name}: is one of the format {profile.format}, not {format_name}")
    if format_name == "sensor-logger":  # which says total acceleration in two rows, never the uncalibrated one
        profile = replace(profile, uncalibrated_acc_unit="m/s2")
    return profile


def _motions(arguments: argparse.Namespace) -> Motions:
    motions = _recorded(arguments) if arguments.recording else _people(arguments)
    if arguments.device is not None:
        if len(motions.names) > 1:
            raise ConfigError(f"--device: names a lone device, but there are {len(motions.names)}")
        motions.names = [arguments.device]
    return motions


def _people(arguments: argparse.Namespace) -> Motions:
    where = Uri("--script", "", "", {})
    people = players(min(arguments.devices, MOST_PERFORMERS), arguments.script, arguments.seed, where)
    if arguments.devices > MOST_PERFORMERS:
        return Shared(device_names(arguments.devices), people)
    return Performed(people)


def _recorded(arguments: argparse.Namespace) -> Motions:
    path: Path = arguments.recording.expanduser()
    recordings = _recordings(path, arguments.subject)
    if arguments.to is None and len(recordings) > 1:
        log.info("%s: %d recordings; a terminal has one device: it is %s", path, len(recordings), recordings[0].device)
        recordings = recordings[:1]
    return Recorded(recordings)


def _recordings(path: Path, subject: str) -> list[Recording]:
    if is_recording(path):
        if subject:
            raise ConfigError("--subject: a recording .csv has no subjects to choose from")
        return [read_recording(path)]
    data_set = open_data_set(path)
    if not isinstance(data_set, Hapt):
        raise InputError(f"{path}: UCI HAR's rows are windows, no samples as a device sends them; take HAPT")
    return list(data_set.recordings(Selection(subjects=parse_subjects(subject, "--subject"))))
