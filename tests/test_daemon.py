"""The daemon's books where a part of it fails; its life as a process is in test_end_to_end."""

from __future__ import annotations

import pytest

from har_stream.daemon import Daemon
from har_stream.samples import Block, Prediction
from har_stream.settings import Settings

SOURCE = "sim:?devices=2&speed=max&loop=no&script=walking:90"


def test_what_an_engine_that_died_had_in_hand_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"))
    push, ticks = daemon._pipeline.push, []  # noqa: SLF001 - the fault is put where no input can bring it

    def fails_at_the_third(blocks: list[Block], now_s: float) -> list[Prediction]:
        ticks.append(blocks)
        if len(ticks) == 3:
            raise ZeroDivisionError
        return push(blocks, now_s)

    monkeypatch.setattr(daemon._pipeline, "push", fails_at_the_third)  # noqa: SLF001
    assert daemon.run() == 1
    assert "engine: failed: ZeroDivisionError" in caplog.text
    assert "engine_failed" in caplog.text
    assert "do not balance" not in caplog.text


def test_a_source_that_fails_is_told_and_what_it_brought_goes_through(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"))
    blocks = daemon._feeder.source.blocks  # noqa: SLF001

    def breaks_off(stop: object) -> object:
        yield next(iter(blocks(stop)))  # type: ignore[arg-type]
        raise RuntimeError("unplugged")

    monkeypatch.setattr(daemon._feeder.source, "blocks", breaks_off)  # noqa: SLF001
    assert daemon.run() == 1
    assert "failed: RuntimeError" in caplog.text
    assert "samples in 2048 = used 1920" in caplog.text
    assert "do not balance" not in caplog.text
