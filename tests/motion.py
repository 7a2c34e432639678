"""Made-up motion and a ready pipeline for tests that need some, whatever it says."""

from __future__ import annotations

from functools import cache

import numpy as np

from har_stream.accounting import Accounting
from har_stream.classifier import Classifier
from har_stream.manifest import Manifest, load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.samples import Codes, SampleBlock, Samples
from har_stream.settings import IntakeSettings

RATE_HZ = 50.0


@cache
def model() -> tuple[Manifest, Classifier]:
    """The shipped model, loaded once."""
    folder = resolve("seed-lstm")
    manifest = load_manifest(folder)
    return manifest, Classifier(folder, manifest)


def pipeline(accounting: Accounting | None = None, **settings: float) -> Pipeline:
    """A pipeline with the shipped model."""
    intake = IntakeSettings(**settings)  # type: ignore[arg-type]  # numbers of whichever key
    return Pipeline(*model(), intake, accounting or Accounting())


def motion(seed: int, samples: int) -> Samples:
    """Something like a walk: gravity, a swing, noise."""
    generator = np.random.default_rng(seed)
    swing = 0.3 * np.sin(np.arange(samples)[:, np.newaxis] / 4 + np.arange(6))
    noise = 0.05 * generator.standard_normal((samples, 6))
    return np.asarray(swing + np.array([1, 0, 0, 0, 0, 0]) + noise, np.float32)


def block(values: Samples, start: int = 0, device: str = "a", truth: Codes | None = None) -> SampleBlock:
    """Samples of a device from its start-th on."""
    return SampleBlock(device, start, start / RATE_HZ, RATE_HZ, values, truth)
