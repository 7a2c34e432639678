"""What har-stream home-assistant remove, and the setting, cannot do is told in a line."""

from __future__ import annotations

import pytest

from har_stream.cli import main
from har_stream.errors import UnavailableError
from har_stream.home_assistant import removal
from har_stream.settings import HomeAssistantSettings, Settings
from tests.broker import free_port


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("home-assistant", "remove"), "which broker?"),
        (("home-assistant", "remove", "--sink", "mqtt://localhost/har", "no/device"), "'no/device': a device's id"),
        (("home-assistant", "remove", "--sink", "mqtt://localhost/a+b"), "lawful topic prefix"),
        (("home-assistant", "add"), "invalid choice: 'add'"),
        (("check", "--source", "sim:", "--home-assistant"), "home_assistant.enabled: needs a sink"),
        (("run", "--source", "sim:", "--home-assistant"), "home_assistant.enabled: needs a sink"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(words)) == 78
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "CONNECT_S", 0.5)
    settings = Settings(home_assistant=HomeAssistantSettings(enabled=True))
    with pytest.raises(UnavailableError, match="not reachable"):
        removal.remove(f"mqtt://127.0.0.1:{free_port()}/har", settings, (), own_topics=False)
