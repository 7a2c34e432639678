"""Devices in batches get what each gets alone: windows to the bit, probabilities to rounding; on real recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from har_stream import batch, fleet_translation, resampling
from har_stream.accounting import Accounting
from har_stream.classifier import Classifier
from har_stream.datasets import Hapt, Selection, open_data_set
from har_stream.formats import cbor_blocks
from har_stream.framed import FramedWindows, concatenate
from har_stream.manifest import load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.profiles import Profiles
from har_stream.samples import Prediction, Samples
from har_stream.settings import IntakeSettings
from har_stream.translation import Translator

DEVICES = 60
GROUP = 7
"""In place of the hundreds that go through the stages together."""
SAMPLES = 420
RATES_HZ = (50.0, 50.0, 52.0, 104.0)
MODEL_RATE_HZ = 50.0


@pytest.fixture(scope="module")
def people(hapt_zip: Path) -> list[Samples]:
    """Parts of two volunteers' recordings, one for each device."""
    data_set = open_data_set(hapt_zip)
    assert isinstance(data_set, Hapt)
    whole = np.concatenate([one.values for one in data_set.recordings(Selection("train", frozenset([5, 19])))])
    return [whole[at : at + SAMPLES] for at in np.linspace(0, len(whole) - SAMPLES, DEVICES).astype(int)]


def messages(values: Samples, rate_hz: float, lengths: NDArray[np.int64]) -> Iterator[bytes]:
    """One device's samples as CBOR blocks of the given lengths."""
    at = 0
    for length in lengths.tolist():
        yield cbor_blocks.encode(values[at : at + length], rate_hz=rate_hz, start_s=9.0 + at / rate_hz, sequence=at)
        at += length


def lengths(seed: int) -> NDArray[np.int64]:
    """Cut SAMPLES at random, or now and then into even blocks."""
    if seed % 2:
        return np.full(SAMPLES // 20, 20)
    cuts = np.random.default_rng(seed).choice(np.arange(1, SAMPLES), 15, replace=False)
    return np.diff(np.sort(cuts), prepend=0, append=SAMPLES)


class Stream:
    """Bytes to predictions, with the windows kept on their way."""

    def __init__(self, devices: int) -> None:
        folder = resolve("sway-lstm")
        manifest = load_manifest(folder)
        settings = IntakeSettings(max_devices=devices)
        self.windows: list[FramedWindows] = []
        self.predictions: list[Prediction] = []
        self.pipeline = Pipeline(manifest, Classifier(folder, manifest), settings, Accounting())
        self._translator = Translator(Profiles(), model_rate_hz=MODEL_RATE_HZ, stream=False, max_devices=devices)

    def push(self, tick: dict[str, bytes]) -> None:
        blocks = self._translator.push_all([(message, 0.0, device, "") for device, message in tick.items()])
        windows = self.pipeline.frame(blocks, 0.0)
        if windows is not None:
            self.windows.append(windows)
            self.predictions += self.pipeline.predict(windows)

    def of(self, device: str, row: int) -> tuple[FramedWindows, list[Prediction]]:
        """Return one device's windows and predictions."""
        windows = concatenate(self.windows)
        return windows.only(np.flatnonzero(windows.rows == row)), [p for p in self.predictions if p.device == device]


def test_devices_in_batches_get_what_each_gets_alone(people: list[Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in (batch, fleet_translation, resampling):
        monkeypatch.setattr(stage, "GROUP", GROUP)
    together = Stream(DEVICES)
    rates = [RATES_HZ[number % len(RATES_HZ)] for number in range(DEVICES)]
    waiting = [messages(*each, lengths(seed)) for seed, each in enumerate(zip(people, rates, strict=True))]
    while tick := {f"d{number}": told for number, one in enumerate(waiting) if (told := next(one, None)) is not None}:
        together.push(tick)
    for number in range(DEVICES):
        alone = Stream(1)
        # At another rate a sample's time is told by its block's, and so by the cut, which rounds it.
        seed = number + 1000 if rates[number] == MODEL_RATE_HZ else number
        for message in messages(people[number], rates[number], lengths(seed)):
            alone.push({"a": message})
        windows, predictions = together.of(f"d{number}", number)
        wanted, same = alone.of("a", 0)
        assert len(wanted.rows) >= 2
        assert windows.values.tobytes() == wanted.values.tobytes()
        assert np.allclose(windows.start_s, wanted.start_s, rtol=0, atol=1e-6)
        assert [(p.raw, p.label, p.settled is None) for p in predictions] == [
            (p.raw, p.label, p.settled is None) for p in same
        ]
        probabilities = [[*p.probabilities.values()] for p in predictions]
        assert np.allclose(probabilities, [[*p.probabilities.values()] for p in same], rtol=0, atol=1e-5)
