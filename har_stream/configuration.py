"""Reads the settings from where they are given: command line, HAR_STREAM_* environment, configuration file, defaults.

That is their order of precedence. Every key is named as faults name it: source, intake.max_devices, mqtt.tls.ca_file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from har_stream.errors import ConfigError, nearest
from har_stream.profiles import BASE, BUILT_IN, DEFAULT_BASE, Profiles
from har_stream.settings import (
    DEVICES,
    ENVIRONMENT_OTHERS,
    ENVIRONMENT_PREFIX,
    KINDS,
    PROFILE_KINDS,
    PROFILES,
    Settings,
)
from har_stream.shard import parse_part

TEXT_ORIGINS: Final = ("environment", "command line")
"""Where every value is text; a file says its types itself."""


def load_settings(config: Path | None, environment: Mapping[str, str], options: Mapping[str, Any]) -> Settings:
    """Join the sources of settings in their order of precedence. Raises ConfigError for the first fault."""
    faults: list[str] = []
    settings = gather(config, environment, options, faults)
    if faults:
        raise ConfigError(faults[0])
    return settings


def gather(
    config: Path | None,
    environment: Mapping[str, str],
    options: Mapping[str, Any],
    faults: list[str],
    origins: dict[str, str] | None = None,
) -> Settings:
    """As load_settings, but put every fault into `faults` and go on with what is right.

    `origins` gets, for every key that is given, who gave it: "command line", "environment" or the file's path.
    """
    path = config or (Path(environment["HAR_STREAM_CONFIG"]) if environment.get("HAR_STREAM_CONFIG") else None)
    layers: list[tuple[str, Iterator[tuple[str, Any]]]] = [("command line", iter(options.items()))]
    layers.insert(0, ("environment", _environment(environment)))
    if path is not None:
        layers.insert(0, (str(path), _flat(_read(path, faults))))
    values: dict[str, Any] = {}
    for origin, layer in layers:
        for key, value in layer:
            fault = _fault(key, value, from_text=isinstance(value, str) and origin in TEXT_ORIGINS)
            if fault:
                faults.append(f"{origin}: {fault}")
            else:
                values[key] = value
                if origins is not None:
                    origins[key] = origin
    settings = _settings(values)
    if settings.mqtt.backoff_min_s > settings.mqtt.backoff_max_s:
        faults.append(
            f"mqtt.backoff_max_s: {settings.mqtt.backoff_max_s} is less than mqtt.backoff_min_s, "
            f"{settings.mqtt.backoff_min_s}"
        )
    return _with_lawful_profiles(_with_lawful_shard(settings, faults), path, faults)


def _with_lawful_shard(settings: Settings, faults: list[str]) -> Settings:
    try:
        parse_part(settings.shard)
    except ConfigError as error:
        faults.append(str(error))
        return msgspec.structs.replace(settings, shard="")
    return settings


def _with_lawful_profiles(settings: Settings, path: Path | None, faults: list[str]) -> Settings:
    """Hold profiles and devices against each other; leave them out where they do not fit."""
    try:
        Profiles(settings.profiles, settings.devices)
    except ConfigError as error:
        faults.append(f"{path}: {error}")
        return msgspec.structs.replace(settings, profiles={}, devices={})
    return settings


def _read(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        faults.append(f"{path}: {error.strerror}")
    except (ValueError, RecursionError) as error:
        faults.append(f"{path}: not TOML: {error}")
    return {}


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield keys as they are named in faults: source, intake.max_devices, profiles.belt.axes, devices.watch-*."""
    for key, value in table.items():
        if isinstance(value, dict) and key == PROFILES:
            yield from _flat_profiles(value)
        elif isinstance(value, dict) and (key == DEVICES or _is_section(key)):
            yield from _flat_section(key, value)
        else:
            yield key, value


def _is_section(key: str) -> bool:
    return any(known.startswith(f"{key}.") for known in KINDS)


def _flat_section(section: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for inner, value in table.items():
        key = f"{section}.{inner}"
        if isinstance(value, dict) and section != DEVICES and _is_section(key):
            yield from _flat_section(key, value)
        else:
            yield key, value


def _flat_profiles(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, keys in table.items():
        if not isinstance(keys, dict):
            yield f"{PROFILES}.{name}", keys
            continue
        # A table without keys is a profile too.
        held = keys or {BASE: name if name in BUILT_IN else DEFAULT_BASE}
        yield from ((f"{PROFILES}.{name}.{key}", value) for key, value in held.items())


def _environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield HAR_STREAM_SOURCE as source, HAR_STREAM_INTAKE_MAX_DEVICES as intake.max_devices."""
    by_variable = {key.replace(".", "_").upper(): key for key in KINDS}
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in ENVIRONMENT_OTHERS:
            name = variable.removeprefix(ENVIRONMENT_PREFIX)
            yield by_variable.get(name, name.lower()), value


def _fault(key: str, value: Any, *, from_text: bool) -> str | None:
    if _kind(key) is None:
        section, _, rest = key.partition(".")
        if key in (PROFILES, DEVICES):
            return f"unknown key {key!r}: it is a section, and stands in a file alone"
        own = (
            [f"{PROFILES}.{rest.rpartition('.')[0]}.{known}" for known in PROFILE_KINDS] if section == PROFILES else []
        )
        return f"unknown key {key!r}{nearest(key, own or KINDS)}"
    try:
        convert(key, value, from_text=from_text)
    except msgspec.ValidationError as error:
        return f"{key}: {error}"
    except UnicodeEncodeError:
        return f"{key}: not UTF-8 text"
    return None


def convert(key: str, value: Any, *, from_text: bool) -> Any:
    """Return a value in the type of its key. Raises msgspec.ValidationError where it cannot be."""
    if from_text and key == "sinks":
        value = value.split()
    return msgspec.convert(value, _kind(key), strict=not from_text)


def _kind(key: str) -> Any:
    """Return the type of a key's value, None for an unknown key. Names of profiles and devices are free."""
    section, _, rest = key.partition(".")
    if section == PROFILES and rest.isprintable():
        name, _, inner = rest.rpartition(".")
        return PROFILE_KINDS.get(inner) if name else None
    if section == DEVICES and rest.isprintable():
        return str if rest else None
    return KINDS.get(key)


def _settings(values: Mapping[str, Any]) -> Settings:
    table: dict[str, Any] = {}
    for key, value in values.items():
        place = table
        *sections, inner = _path(key)
        for section in sections:
            place = place.setdefault(section, {})
        place[inner] = convert(key, value, from_text=isinstance(value, str))
    return msgspec.convert(table, Settings)


def _path(key: str) -> list[str]:
    """Return the tables that a key stands in, and its name there; names of the user's own may have dots."""
    section, dot, rest = key.partition(".")
    if section == PROFILES:
        return [section, *rest.rsplit(".", 1)]
    return [section, rest] if section == DEVICES and dot else key.split(".")
