"""How sinks give way to others while the stream runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from har_stream.settings import HistorySettings, MqttSettings, QueueSettings, Settings, TlsSettings
from har_stream.sinks import outlets
from har_stream.sinks.outlets import Outlets
from har_stream.sinks.sink import Sink

if TYPE_CHECKING:
    from har_stream.home_assistant.announcer import Announcer
    from har_stream.samples import Prediction

MQTT, HISTORY, TERMINAL, LINES = "mqtt://localhost/har", "history:h.sqlite", "terminal:", "jsonl:labels"
ALL = (MQTT, HISTORY, TERMINAL, LINES)
CLOSING_S = 0.03
LAST_WORDS_S = 0.2
"""Of an announcer: a sink that did not wait for them would have ended long before."""


class NotingSink:
    """Notes when it begins and ends, and takes its time to end."""

    at_once = 1000
    condition = ""

    def __init__(self, name: str, noted: list[str]) -> None:
        self.name, self._noted = name, noted

    def start(self, wake: Callable[[], None]) -> None:
        self._noted.append(f"{self.name} begins")

    def ready(self) -> bool:
        return True

    def pass_on(self, predictions: list[object]) -> bool:
        return False

    def write(self, predictions: list[object]) -> int:
        return len(predictions)

    def idle(self) -> None:
        pass

    def close(self, deadline_s: float) -> None:
        time.sleep(CLOSING_S)
        self._noted.append(f"{self.name} ends")


class NotingAnnouncer:
    """Notes when it begins and ends, and takes its time to end."""

    def __init__(self, name: str, noted: list[str]) -> None:
        self._name, self._noted = name, noted

    def start(self) -> None:
        self._noted.append(f"{self._name} is announced")

    def finish(self, deadline_s: float) -> None:
        time.sleep(LAST_WORDS_S)
        self._noted.append(f"{self._name} is announced no more")


class Running:
    """Outlets that run, and what was noted of them."""

    def __init__(self, settings: Settings, noted: list[str], *, announced: bool) -> None:
        self.settings, self.noted, self._announced = settings, noted, announced
        self.outlets = Outlets(settings, source_waits=False, on_closed=lambda: None, announcer_of=self._announcer_of)
        self.outlets.start()

    def _announcer_of(self, sink: Sink) -> Announcer | None:
        return cast("Announcer", NotingAnnouncer(sink.name, self.noted)) if self._announced else None

    def begun_anew(self, settings: Settings) -> list[str]:
        """What is begun anew for other settings."""
        return self.outlets.exchange(self.outlets.prepared(settings))


Run = Callable[..., Running]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Begin outlets whose sinks only note what becomes of them."""
    all_running: list[Running] = []

    def begin(*sinks: str, announced: bool = False) -> Running:
        noted: list[str] = []
        monkeypatch.setattr(outlets, "open_sink", lambda text, _: NotingSink(text, noted))
        all_running.append(Running(Settings(sinks=sinks), noted, announced=announced))
        return all_running[-1]

    yield begin
    for one in all_running:
        one.outlets.finish(time.monotonic() + 5)


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({}, [LINES]),
        ({"log_level": "debug", "queues": QueueSettings(labels=5)}, [LINES]),
        ({"mqtt": MqttSettings(stale_after_s=9.0)}, [MQTT, LINES]),
        ({"mqtt": MqttSettings(tls=TlsSettings(ca_file="ca.pem"))}, [MQTT, LINES]),
        ({"history": HistorySettings(keep_days=3)}, [HISTORY, LINES]),
        ({"sinks": (LINES, TERMINAL, HISTORY, MQTT)}, [LINES]),
        ({"sinks": (MQTT, "terminal:wide")}, ["terminal:wide"]),
        ({"sinks": (TERMINAL, TERMINAL)}, [TERMINAL]),
    ],
)
def test_only_what_is_made_from_other_settings_is_begun_anew(
    run: Run, changes: dict[str, object], anew: list[str]
) -> None:
    running = run(*ALL)
    assert running.begun_anew(msgspec.structs.replace(running.settings, **changes)) == anew
    assert len({id(worker) for worker in running.outlets}) == len(list(running.outlets))


def test_a_password_that_was_renewed_begins_a_broker_anew(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("one")
    running = run(MQTT, TERMINAL)
    settings = msgspec.structs.replace(running.settings, mqtt=MqttSettings(password_file=str(path)))
    assert running.begun_anew(settings) == [MQTT]
    assert running.begun_anew(settings) == []
    path.write_text("two")
    assert running.begun_anew(settings) == [MQTT]


def test_the_old_ends_before_the_new_begins_and_its_books_are_told(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    running = run("mqtt://a", "mqtt://b")
    running.begun_anew(msgspec.structs.replace(running.settings, sinks=("mqtt://c",)))
    running.outlets.finish(time.monotonic() + 5)
    assert sorted(running.noted[:2]) == ["mqtt://a begins", "mqtt://b begins"]
    assert running.noted[2:] == ["mqtt://a ends", "mqtt://b ends", "mqtt://c begins", "mqtt://c ends"]
    assert [one.getMessage() for one in caplog.records] == [
        f"mqtt://{name}: 0 labels written, 0 dropped" for name in "ab"
    ]


def test_a_sinks_announcer_has_its_last_words_before_the_sink_has(run: Run) -> None:
    running = run("mqtt://a", announced=True)
    running.begun_anew(msgspec.structs.replace(running.settings, sinks=("mqtt://b",)))
    running.outlets.finish(time.monotonic() + 5)
    for name in ("mqtt://a", "mqtt://b"):
        noted = [one for one in running.noted if one.startswith(name)]
        assert sorted(noted[:2]) == [f"{name} begins", f"{name} is announced"]
        assert noted[2:] == [f"{name} is announced no more", f"{name} ends"]


def test_labels_under_way_reach_the_sinks_that_they_began_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    running = run(TERMINAL, MQTT)
    slow, old = running.outlets
    begun, go_on = Event(), Event()

    def put(*_: object, **__: object) -> None:
        begun.set()
        go_on.wait(60)

    monkeypatch.setattr(slow, "put", put)
    label = cast("Prediction", None)
    putting = Thread(target=running.outlets.put, args=([label], 0.0), kwargs={"while_waiting": lambda: None})
    putting.start()
    assert begun.wait(60)
    changed = msgspec.structs.replace(running.settings, mqtt=MqttSettings(stale_after_s=9.0))
    changing = Thread(target=running.begun_anew, args=(changed,))
    changing.start()
    old.thread.join(5 * CLOSING_S)  # time enough to end, if it were not waited for who brings a label
    go_on.set()
    putting.join(60)
    changing.join(60)
    assert (old.written, old.dropped) == (1, 0)
