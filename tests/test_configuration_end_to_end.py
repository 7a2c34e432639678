"""The commands that print: the default configuration, the settings in force, completion and help."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from har_stream import __version__
from har_stream.arguments import COMMANDS
from har_stream.bridge.cli import main as bridge
from har_stream.cli import main, parser
from har_stream.completion import SHELLS
from har_stream.errors import HarStreamError
from har_stream.manual import CODES
from har_stream.settings import HTTP_TOKEN, KINDS, MQTT_PASSWORD, Settings
from har_stream.shown_settings import shown
from tests.bridge_process import signals_kept
from training.cli import main as train

TOP = Path(__file__).parents[1] / "config.toml"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("HAR_STREAM_")]:
        monkeypatch.delenv(variable)


def test_the_default_configuration_is_the_shipped_file_and_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--print-default"]) == 0
    text = capsys.readouterr().out
    assert text == TOP.read_text("utf-8")
    config = tmp_path / "config.toml"
    config.write_text(text)
    assert main(["check", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "the configuration is right; it names no source\n"
    assert main(["check"]) == 78


def test_the_settings_in_force_are_shown_with_their_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("source = 'sim:'\nhop = 32\n[intake]\nmax_devices = 3\n[devices]\n'watch-*' = 'phyphox'\n")
    monkeypatch.setenv("HAR_STREAM_HOP", "16")
    assert main(["config", "--show", "--config", str(config), "--source", "sim:?devices=2"]) == 0
    told = capsys.readouterr().out
    lines = {line.split(" = ")[0]: line for line in told.splitlines()}
    assert lines["source"].split("  # ") == [lines["source"].partition("  # ")[0], "command line"]
    assert lines["hop"].startswith("hop = 16 ")
    assert lines["hop"].endswith("# environment")
    assert lines["intake.max_devices"].endswith(f"# {config}")
    assert lines["model"].endswith("# default")
    assert lines['devices."watch-*"'].endswith(f"# {config}")
    assert set(KINDS) <= set(lines)
    assert tomllib.loads(told)["intake"]["max_devices"] == 3


def test_no_secret_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mqtt_password").write_text("hunter2")
    monkeypatch.setenv(MQTT_PASSWORD, "hunter2")
    monkeypatch.setenv(HTTP_TOKEN, "hunter2hunter2hunter2")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert main(["config", "--show", "--source", "mqtt://anna:hunter2@host/x", "--sink", "mqtt://a:hunter2@h"]) == 0
    told = capsys.readouterr().out
    assert "hunter2" not in told
    assert 'source = "mqtt://anna:***@host/x"' in told
    assert told.count("the broker's password: ***") == 2
    assert "the token of HTTP: ***" in told


def test_a_key_that_is_a_secret_by_its_name_is_masked() -> None:
    profiles = {"a": {"password": "hunter2"}}
    told = "\n".join(shown(Settings(profiles=profiles), {}, {}))
    assert 'profiles.a.password = "***"' in told


def test_faults_are_named_and_what_is_right_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--show", "--hop", "x", "--source", "sim:"]) == 78
    told = capsys.readouterr()
    assert told.err.startswith("har-stream: command line: hop: ")
    assert 'source = "sim:"' in told.out


def test_check_names_the_key_of_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", "nix", "--source", "sim:?devices=0", "--sink", "nix:", "--http", "x", "--broker", "x"]
    assert main(["check", *words]) == 78
    keys = [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()]
    assert keys == ["model", "source", "sinks", "http", "broker"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", ["har-stream", "har-bridge", "har-train"])
def test_shells_understand_what_completes(program: str, shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = {"har-stream": main, "har-bridge": bridge, "har-train": train}[program]
    with signals_kept():
        assert command(["completion", shell]) == 0
    script = capsys.readouterr().out
    done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--config" in script or program == "har-train"


@pytest.mark.parametrize(("words", "expected"), [("har-stream ch", "check"), ("har-stream --sou", "--source")])
def test_bash_completes(words: str, expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    asked = f"""
    source {tmp_path}/script
    COMP_WORDS=({words}); COMP_CWORD=1; COMP_LINE='{words}'
    "$(complete -p har-stream | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False, timeout=60)
    assert expected in done.stdout.split(), done.stderr


def test_versions(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (main, bridge, train):
        with signals_kept(), pytest.raises(SystemExit) as ended:
            command(["--version"])
        assert ended.value.code == 0
        assert __version__ in capsys.readouterr().out


def test_help_explains_every_option_and_tells_examples_and_exit_codes() -> None:
    whole = parser()
    (commands,) = [action for action in whole._actions if action.choices]  # noqa: SLF001 - argparse lists them nowhere else
    assert isinstance(commands.choices, dict)
    assert tuple(commands.choices) == COMMANDS
    for name, one in commands.choices.items():
        assert all(action.help for action in one._actions), name  # noqa: SLF001 - as above
    text = commands.choices["run"].format_help()
    assert all(word in text for word in ("examples:", "exit codes:", "environment:", "files:", "signals:", "78"))


def test_help_names_the_exit_code_of_every_error() -> None:
    listed = set(re.findall(r"^  (\d+) ", CODES, re.MULTILINE))
    kinds: list[type[HarStreamError]] = [HarStreamError, *HarStreamError.__subclasses__()]
    for kind in kinds:
        assert str(kind.exit_code) in listed, kind
