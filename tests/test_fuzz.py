"""The fuzz targets without a fuzzer: over the corpus, with defects planted, and with one where it is installed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.errors import ConfigError, InputError
from har_stream.formats.format import Decoded, Decoder
from har_stream.formats.lines import LinesDecoder
from har_stream.formats.witmotion import WitMotionDecoder
from tests.fuzz.limits import GROWTH_MB, DefectError, limits
from tests.fuzz.replay import FoundError, replay
from tests.fuzz.seeds import seeds, write
from tests.fuzz.targets import CORPUS, TARGETS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_the_whole_corpus(target: str) -> None:
    assert replay(target, CORPUS / target) >= len(seeds()[target])


def test_the_corpus_holds_the_seeds_and_what_was_found(tmp_path: Path) -> None:
    write(tmp_path)
    for target in TARGETS:
        held = {path.name: path.read_bytes() for path in (CORPUS / target).iterdir()}
        made = {path.name: path.read_bytes() for path in (tmp_path / target).iterdir()}
        assert {name: held.get(name) for name in made} == made
        assert all(name in made or name.startswith("found-") for name in held)


def fails(*_: Any, **__: Any) -> Any:
    raise RecursionError("planted")


def loses(self: Accounting, _reason: str, samples: int) -> None:
    """Let one refused sample of a few be forgotten."""
    self.refused["planted"] += max(0, samples - 1)


def forgetful(decoder: type[Decoder]) -> Callable[[Decoder, bytes], list[Decoded]]:
    """Return a push() that forgets what has begun, so that the cut of bytes shows."""
    push = decoder.push
    return lambda _, data: push(decoder(), data)


PLANTED: dict[str, tuple[str, Any]] = {
    "frames": ("firmware_bridge.decode.cobs.decode", fails),
    "json": ("har_stream.accounting.Accounting.refuse", loses),
    "cbor": ("har_stream.intake.Intake._in_range", lambda _, values: np.ones(values.shape[:-1], bool)),
    "lines": ("har_stream.formats.lines.LinesDecoder.push", forgetful(LinesDecoder)),
    "witmotion": ("har_stream.formats.witmotion.WitMotionDecoder.push", forgetful(WitMotionDecoder)),
    "topics": ("har_stream.broker.WILDCARDS", frozenset()),
    "config": ("har_stream.configuration.convert", fails),
    "uci_har": ("har_stream.datasets.uci_har.parse_table", fails),
    "hapt": ("har_stream.datasets.hapt.Hapt._truth", lambda *_: np.zeros(1, np.uint8)),
    "recordings": ("har_stream.datasets.recording._rate", lambda *_: (0.0, True)),
    "state": ("har_stream.state.msgspec.DecodeError", KeyError),
    "standings": ("har_stream.standings.UnreadableStateError", KeyError),
    "onnx": ("har_stream.onnx_file._varint", fails),
}
"""In what each target reaches: an error that nobody takes, samples that are lost, a bound that does not hold."""


@pytest.mark.parametrize("target", TARGETS)
def test_a_planted_defect_is_found(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, defect = PLANTED[target]
    monkeypatch.setattr(place, defect)
    with pytest.raises(FoundError, match=target):
        replay(target, CORPUS / target)


def test_an_input_that_takes_too_long_is_a_defect_even_to_who_catches_everything() -> None:
    def busy() -> None:
        started_s = time.process_time()
        while time.process_time() < started_s + 5:
            with suppress(Exception):  # what a decoder of hostile bytes may well do
                sum(range(10_000))

    with pytest.raises(DefectError, match="more than 1 s"), limits():
        busy()


def test_an_input_that_takes_too_much_memory_is_a_defect() -> None:
    program = "from tests.fuzz.limits import limits\nwith limits():\n    bytearray(b'x' * {} * 2**20)"
    codes = [
        subprocess.run([sys.executable, "-c", program.format(mb)], capture_output=True, check=False, cwd=ROOT)
        for mb in (GROWTH_MB // 4, 2 * GROWTH_MB)
    ]
    assert [(done.returncode, b"MB" in done.stderr) for done in codes] == [(0, False), (1, True)]


def test_an_error_of_several_lines_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_lines(*_: Any) -> None:
        raise ConfigError("one\nand another")

    monkeypatch.setattr("tests.fuzz.file_targets.load_settings", two_lines)
    with pytest.raises(FoundError):
        replay("config", CORPUS / "config")
    monkeypatch.setattr("tests.fuzz.file_targets.read_recording", lambda _: (_ for _ in ()).throw(InputError("a\nb")))
    with pytest.raises(FoundError):
        replay("recordings", CORPUS / "recordings")


@pytest.mark.skipif(find_spec("atheris") is None, reason="Atheris is of the extra fuzz")
def test_the_fuzzer_finds_a_defect_that_chance_would_not(tmp_path: Path) -> None:
    words = ("--seconds", "60", "--work", str(tmp_path), "planted")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", *words], capture_output=True, check=False, cwd=ROOT, text=True
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].split()[::7] == ["planted", "DEFECT"]
    (found,) = tmp_path.glob("planted-crash-*")
    assert found.read_bytes().startswith(b"HAR!")
