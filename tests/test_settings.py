"""Settings: their precedence, and every fault told by the name of its key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.configuration import gather, load_settings
from har_stream.errors import ConfigError
from har_stream.settings import KINDS, Settings

SHIPPED = Path(__file__).parents[1] / "config.toml"
VARIABLES = ["HAR_STREAM_" + key.replace(".", "_").upper() for key in KINDS]


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "scratch.toml"


def faults_of(
    path: Path, text: str, environment: dict[str, str] | None = None, options: dict[str, Any] | None = None
) -> list[str]:
    path.write_text(text, "utf-8")
    faults: list[str] = []
    assert isinstance(gather(path, environment or {}, options or {}, faults), Settings)
    return faults


def value_of(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def test_nothing_given_means_the_defaults() -> None:
    assert load_settings(None, {}, {}) == Settings()


def test_command_line_goes_before_environment_before_file_before_defaults(scratch: Path) -> None:
    file = "source = 'file:'\nmodel = 'file'\nhop = 3\n[intake]\nmax_devices = 3\nidle_s = 3.0\n"
    environment = {
        "HAR_STREAM_SOURCE": "env:",
        "HAR_STREAM_MODEL": "env",
        "HAR_STREAM_INTAKE_MAX_DEVICES": "2",
    }
    scratch.write_text(file)
    settings = load_settings(scratch, environment, {"source": "line:"})
    assert (settings.source, settings.model, settings.hop) == ("line:", "env", 3)
    assert (settings.intake.max_devices, settings.intake.idle_s, settings.intake.rewind_s) == (2, 3.0, 2.0)


def test_the_environment_can_name_the_file_and_the_command_line_another(tmp_path: Path) -> None:
    for name, hop in [("a.toml", 1), ("b.toml", 2)]:
        (tmp_path / name).write_text(f"hop = {hop}")
    environment = {"HAR_STREAM_CONFIG": str(tmp_path / "a.toml")}
    assert load_settings(None, environment, {}).hop == 1
    assert load_settings(tmp_path / "b.toml", environment, {}).hop == 2


def test_variables_that_are_no_settings_are_left_alone() -> None:
    environment = {"HAR_STREAM_DATA": "/data", "HAR_STREAM_CONFIG": "", "PATH": "/bin", "HARSTREAM_X": "1"}
    assert load_settings(None, environment, {}) == Settings()


def test_a_section_may_be_empty(scratch: Path) -> None:
    assert faults_of(scratch, "[intake]\n[mqtt]\n# keepalive_s = 15") == []


def test_profiles_and_devices_have_names_of_their_own(scratch: Path) -> None:
    scratch.write_text(
        "[profiles.belt]\nbase = 'mpu6050-raw'\nacc_scale = 8192\n[profiles.plain]\n[profiles.'a.b']\naxes = '-y,x,z'\n"
        "[devices]\n'belt-*' = 'belt'\n'x.y' = 'plain'"
    )
    settings = load_settings(scratch, {}, {})
    assert settings.profiles == {
        "belt": {"base": "mpu6050-raw", "acc_scale": 8192.0},
        "plain": {"base": "har-block"},
        "a.b": {"axes": "-y,x,z"},
    }
    assert settings.devices == {"belt-*": "belt", "x.y": "plain"}


def test_profiles_that_do_not_fit_are_left_out(scratch: Path) -> None:
    scratch.write_text("hop = 3\n[devices]\na = 'none'")
    faults: list[str] = []
    settings = gather(scratch, {}, {}, faults)
    assert (len(faults), settings.hop, settings.devices) == (1, 3, {})


def test_sinks_in_the_environment_are_parted_by_spaces() -> None:
    assert load_settings(None, {"HAR_STREAM_SINKS": "stdout: jsonl:a"}, {}).sinks == ("stdout:", "jsonl:a")


@pytest.mark.parametrize(("key", "variable"), list(zip(KINDS, VARIABLES, strict=True)))
def test_every_key_has_its_variable(key: str, variable: str) -> None:
    texts = {
        "engine": "tensorflow",
        "log_level": "debug",
        "trust_keras": "true",
        "rehearse": "false",
        "http_insecure": "true",
        "mqtt.insecure": "true",
        "mqtt.qos": "0",
        "shard": "2/7",
        "home_assistant.enabled": "true",
    }
    value = texts.get(key, "7")
    of_key: dict[str, Any] = {
        "sinks": ("7",),
        "trust_keras": True,
        "rehearse": False,
        "http_insecure": True,
        "mqtt.insecure": True,
        "mqtt.qos": 0,
        "home_assistant.enabled": True,
        "home_assistant.discovery_prefix": "7",
    }
    expected = of_key.get(key, value if KINDS[key] is str or not value.isdigit() else 7)
    assert value_of(load_settings(None, {variable: value}, {}), key) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sorce = 'sim:'", "unknown key 'sorce' (did you mean 'source'?)"),
        ("[intake]\nmax_device = 1", "unknown key 'intake.max_device' (did you mean 'intake.max_devices'?)"),
        ("[inteka]", "unknown key 'inteka'"),
        ("intake = 3", "unknown key 'intake'"),
        ("[source]", "source: Expected `str`"),
        ("[[intake]]\nmax_devices = 1", "unknown key 'intake'"),
        ("hop = 'x'", "hop: Expected `int`, got `str`"),
        ("hop = '8'", "hop: Expected `int`, got `str`"),
        ("hop = 8.0", "hop: Expected `int`, got `float`"),
        ("hop = true", "hop: Expected `int`, got `bool`"),
        ("hop = -1", "hop: Expected `int` >= 0"),
        ("hop = 1025", "hop: Expected `int` <= 1024"),
        (f"hop = {'9' * 400}", "hop: "),
        ("source = 2020-01-01", "source: Expected `str`"),
        ("sinks = 'stdout:'", "sinks: Expected `array`, got `str`"),
        ("sinks = []", "sinks: Expected `array` of length >= 1"),
        ("sinks = [1]", "sinks: Expected `str`, got `int`"),
        ("engine = 'torch'", "engine: Invalid enum value 'torch'"),
        ("log_level = 'INFO'", "log_level: Invalid enum value 'INFO'"),
        ("[intake]\nmax_devices = 0", "intake.max_devices: Expected `int` >= 1"),
        ("[intake]\nidle_s = nan", "intake.idle_s: "),
        ("[intake]\nidle_s = inf", "intake.idle_s: "),
        (f"[intake]\nidle_s = {'9' * 400}", "intake.idle_s: "),
        ("[intake]\nrewind_s = 0", "intake.rewind_s: Expected `float` > 0.0"),
        ("[intake]\nrewind_s = nan", "intake.rewind_s: "),
        ("[mqtt]\nkeepalive_s = 65536", "mqtt.keepalive_s: Expected `int` <= 65535"),
        ("[mqtt]\nkeepalive_s = {deeper = 1}", "mqtt.keepalive_s: Expected `int`"),
        ("[home_assistant]\ndiscovery_prefix = 'a/+'", "home_assistant.discovery_prefix: Expected `str` matching"),
        ("[profiles.a]\naxis = 'x'", "unknown key 'profiles.a.axis' (did you mean 'profiles.a.axes'?)"),
        ("[profiles.a]\nacc_unit = 'ms2'", "profiles.a.acc_unit: Invalid enum value 'ms2'"),
        ("[profiles.a]\nacc_scale = 0", "profiles.a.acc_scale: Expected `float` > 0.0"),
        ("[profiles.a]\nrate_hz = 0", "profiles.a.rate_hz: "),
        ("[profiles.a]\nacc_sign = 2", "profiles.a.acc_sign: Invalid enum value 2"),
        ("[profiles.a]\naxes = '-x,y,z'", "profiles.a.axes: '-x,y,z' mirrors the device"),
        ("[profiles]\na = 1", "unknown key 'profiles.a'"),
        ("profiles = 1", "unknown key 'profiles'"),
        ("devices = 1", "unknown key 'devices'"),
        ("[profiles.'a\u0085b']\naxes = 'x,y,z'", "unknown key 'profiles.a\\x85b.axes'"),
        ("[devices]\n'w*' = 1", "devices.w*: Expected `str`, got `int`"),
        ("[devices]\n'w*' = 'phyphx'", "devices.w*: no profile 'phyphx' (did you mean 'phyphox'?)"),
    ],
)
def test_a_fault_in_the_file_names_file_and_key(scratch: Path, text: str, fault: str) -> None:
    faults = faults_of(scratch, text)
    assert len(faults) == 1
    assert faults[0].startswith(f"{scratch}: {fault}")


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("HAR_STREAM_SOURC", "sim:", "unknown key 'sourc' (did you mean 'source'?)"),
        ("HAR_STREAM_", "", "unknown key ''"),
        ("HAR_STREAM_\udcff", "", "unknown key '\\udcff'"),
        ("HAR_STREAM_HOP", "", "hop: Expected `int`, got `str`"),
        ("HAR_STREAM_HOP", "8 samples", "hop: Expected `int`, got `str`"),
        ("HAR_STREAM_HOP", "9" * 5000, "hop: "),
        ("HAR_STREAM_HOP", "\udcff", "hop: "),
        ("HAR_STREAM_ENGINE", "\udcff", "engine: "),
        ("HAR_STREAM_SINKS", " ", "sinks: Expected `array` of length >= 1"),
        ("HAR_STREAM_INTAKE_IDLE_S", "nan", "intake.idle_s: "),
        ("HAR_STREAM_INTAKE_IDLE_S", "\udcff", "intake.idle_s: "),
    ],
)
def test_a_fault_in_the_environment_names_the_key(variable: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {variable: value}, {})
    assert str(caught.value).startswith(f"environment: {fault}")


def test_all_faults_are_gathered_and_what_is_right_still_holds(scratch: Path) -> None:
    scratch.write_text("hop = -1\nmodle = 'a'\nsource = 'sim:'")
    faults: list[str] = []
    settings = gather(scratch, {"HAR_STREAM_ENGINE": "torch"}, {"hop": 2000}, faults)
    assert [fault.partition(": ")[0] for fault in faults] == [str(scratch)] * 2 + [
        "environment",
        "command line",
    ]
    assert (settings.source, settings.hop, settings.engine) == ("sim:", 0, "onnx")
    with pytest.raises(ConfigError, match="hop: Expected `int` >= 0"):
        load_settings(scratch, {}, {})


@pytest.mark.parametrize("data", [b"hop =", b"\xff", b"a = " + b"[" * 100_000, b"hop = 1\nhop = 2"])
def test_a_file_that_is_not_toml_is_one_fault(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=r"bad.toml: not TOML: "):
        load_settings(tmp_path / "bad.toml", {}, {})


@pytest.mark.parametrize(
    ("name", "why"), [("none.toml", "No such file"), (".", "Is a directory"), ("a" * 300, "too long")]
)
def test_a_file_that_cannot_be_read_is_one_fault(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load_settings(tmp_path / name, {}, {})


def test_deeply_dotted_keys_are_faults_like_others(scratch: Path) -> None:
    assert len(faults_of(scratch, ".".join("a" * 5000) + " = 1\nhop.a.a.a.a = 2")) == 2


def flat(table: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def test_the_shipped_file_holds_every_key_with_its_default() -> None:
    shipped = dict(flat(tomllib.loads(SHIPPED.read_text("utf-8"))))
    assert set(shipped) == set(KINDS)
    for key, value in shipped.items():
        default = value_of(Settings(), key)
        expected = list(default) if isinstance(default, tuple) else default
        assert (key, value, type(value)) == (key, expected, type(expected))


LITERALS = st.sampled_from(
    ["1", "-1", "0.5", "nan", "1e400", "''", "'sim:'", "true", "[]", "['a']", "{b=1}", "1979-05-27"]
)
KEYS = st.sampled_from(sorted(KINDS)) | st.from_regex(r"[a-z_]{1,6}(\.[a-z_]{1,6})?", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    file=st.text() | st.dictionaries(KEYS, LITERALS).map(lambda held: "\n".join(f"{k} = {v}" for k, v in held.items())),
    environment=st.dictionaries(st.sampled_from(VARIABLES), st.text(), max_size=4),
    options=st.dictionaries(KEYS, VALUES, max_size=4),
)
def test_whatever_is_given_there_are_settings_and_faults_of_one_line(
    scratch: Path, file: str, environment: dict[str, str], options: dict[str, Any]
) -> None:
    faults = faults_of(scratch, file, environment, options)
    assert all(fault and "\n" not in fault for fault in faults)
