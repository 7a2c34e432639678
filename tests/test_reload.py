"""Which settings hold at once, and what is made anew for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from har_stream.daemon import Daemon
from har_stream.reload import files_of, needing_restart, source_made_from, with_what_holds_at_once
from har_stream.settings import IntakeSettings, MqttSettings, QueueSettings, Settings
from tests.broker import Broker, Listener, wait_for
from tests.test_daemon import running

SOURCE = "sim:?devices=1&speed=20"
OLD = Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off")


def test_what_the_engine_is_made_from_waits_for_a_restart() -> None:
    new = msgspec.structs.replace(
        OLD,
        model="other",
        sinks=("stdout:",),
        log_level="debug",
        intake=IntakeSettings(max_devices=3),
        queues=QueueSettings(labels=5, messages=7),
        mqtt=MqttSettings(keepalive_s=3),
    )
    assert needing_restart(OLD, new) == ["model", "intake.max_devices", "queues.labels"]
    held = with_what_holds_at_once(OLD, new)
    assert (held.model, held.intake, held.queues.labels) == (OLD.model, OLD.intake, OLD.queues.labels)
    assert (held.sinks, held.queues.messages, held.mqtt.keepalive_s) == (("stdout:",), 7, 3)


def test_nothing_changed_needs_nothing() -> None:
    assert needing_restart(OLD, OLD) == []


def test_a_password_that_was_renewed_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "password"
    settings = Settings(source="mqtt://u@localhost", mqtt=MqttSettings(password_file=str(path)))
    seen = [source_made_from(settings)]
    path.write_text("one")
    seen.append(source_made_from(settings))
    path.write_text("two")
    seen.append(source_made_from(settings))
    assert len({repr(one) for one in seen}) == 3
    assert b"two" in files_of(settings)


@pytest.mark.parametrize("source", ["sim:", "mqtt://localhost/har"])
@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({"source": "replay:walk.csv"}, True),
        ({"profiles": {"belt": {"acc_unit": "m/s2"}}}, True),
        ({"devices": {"watch-*": "belt"}}, True),
        ({"queues": QueueSettings(messages=7)}, True),
        ({"queues": QueueSettings(message_bytes=70_000)}, True),
        ({"queues": QueueSettings(labels=7)}, False),
        ({"sinks": ("stdout:",), "log_level": "debug"}, False),
        ({"mqtt": MqttSettings(keepalive_s=3)}, None),
    ],
)
def test_a_source_is_made_anew_for_what_it_is_made_from(
    source: str, changes: dict[str, object], *, anew: bool | None
) -> None:
    old = msgspec.structs.replace(OLD, source=source)
    new = with_what_holds_at_once(old, msgspec.structs.replace(old, **changes))
    expected = source.startswith("mqtt") if anew is None else anew
    assert (source_made_from(old) != source_made_from(new)) == expected


def reloaded(old: Settings, new: Callable[[], Settings], caplog: pytest.LogCaptureFixture) -> Daemon:
    caplog.set_level("INFO")
    daemon = Daemon(old, reread=new)
    with running(daemon):
        wait_for(lambda: daemon.vitals().sinks[0].written > 2)
        daemon.reload()
        wait_for(lambda: "reload:" in caplog.text)
        before = daemon.vitals().stream.books.used
        wait_for(lambda: daemon.vitals().stream.books.used > before)
    assert "do not balance" not in caplog.text
    return daemon


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"source": "sim:?devices=0"}, "sim:?devices=0: "),
        ({"source": "sim:?devices=65"}, "raise it"),
        ({"source": "sim:?speed=max"}, "takes a restart"),
        ({"source": "serial:/dev/ttyUSB9"}, "takes a restart"),
        ({"sinks": ("jsonl:/nowhere/at/all",)}, "/nowhere/at/all"),
        ({"sinks": ("nothing:",)}, "unknown sink"),
    ],
)
def test_a_part_that_cannot_be_made_leaves_all_as_it_was(
    changes: dict[str, object], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    reloaded(OLD, lambda: msgspec.structs.replace(OLD, **changes), caplog)
    (line,) = [one.getMessage() for one in caplog.records if "reload:" in one.getMessage()]
    assert fault in line
    assert line.endswith("the old configuration goes on")


def test_a_source_that_stays_as_it_is_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    reloaded(OLD, lambda: msgspec.structs.replace(OLD, log_level="debug"), caplog)
    assert "begun anew: jsonl:/dev/null" in caplog.text


def test_a_source_stays_where_a_sink_cannot_be_made() -> None:
    new = msgspec.structs.replace(OLD, source=f"{SOURCE}&seed=9", sinks=("nothing:",))
    daemon = Daemon(OLD, reread=lambda: new)
    with running(daemon):
        wait_for(lambda: daemon.vitals().sinks[0].written > 2)
        before = daemon._feeder.source  # noqa: SLF001 - what is read again in vain leaves no other trace
        assert daemon._reloader().endswith("the old configuration goes on")  # noqa: SLF001
        assert daemon._feeder.source is before  # noqa: SLF001


def test_what_was_taken_is_what_the_next_reading_is_held_against(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    readings = iter([f"{SOURCE}&seed=9", f"{SOURCE}&seed=9", SOURCE])
    daemon = Daemon(OLD, reread=lambda: msgspec.structs.replace(OLD, source=next(readings), log_level="debug"))
    with running(daemon):
        wait_for(lambda: daemon.vitals().sinks[0].written > 2)
        reloader, begun = daemon._reloader, "reload: the configuration is taken; begun anew: "  # noqa: SLF001
        assert reloader() == f"{begun}{SOURCE}&seed=9, jsonl:/dev/null"
        assert logging.getLogger().level == logging.DEBUG
        assert reloader() == f"{begun}jsonl:/dev/null"
        assert reloader() == f"{begun}{SOURCE}, jsonl:/dev/null"


def test_a_sink_on_a_broker_gives_way_to_the_next_one_and_stays_online(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    sink = f"mqtt://127.0.0.1:{broker.port}/har"
    old = msgspec.structs.replace(OLD, sinks=(sink,), mqtt=MqttSettings(client_id="har"))
    new = msgspec.structs.replace(old, mqtt=MqttSettings(client_id="har", stale_after_s=9.0))
    listener = Listener(broker.port)
    daemon = Daemon(old, reread=lambda: new)
    caplog.set_level("INFO")
    with running(daemon):
        wait_for(lambda: listener.payloads("har/status") == ["online"])
        daemon.reload()
        wait_for(lambda: listener.payloads("har/status") == ["online", "offline", "online"])
        heard = len(listener.payloads("har/sim01/prediction"))
        wait_for(lambda: len(listener.payloads("har/sim01/prediction")) > heard + 3)
    listener.close()
    assert "connection lost" not in caplog.text
