"""What a window costs on each installed model, in batches as the stream makes them."""

from __future__ import annotations

import time
from importlib.util import find_spec
from statistics import median
from typing import Any, Final

import numpy as np

from har_stream.bench.figures import NotMeasured
from har_stream.bench.options import Options
from har_stream.classifier import BATCH, Classifier
from har_stream.manifest import CHANNELS, Engine, installed_models, load_manifest, resolve
from har_stream.samples import Samples

CALLS: Final = 100
QUICK_CALLS: Final = 20
WARM_UP_CALLS: Final = 5
SEED: Final = 1
US_A_SECOND: Final = 1e6


def measure(options: Options) -> dict[str, Any]:
    """Return models_us: microseconds of a core for a window, by model/engine. Raises NotMeasured."""
    if "tensorflow" in options.engines and find_spec("tensorflow") is None:
        raise NotMeasured("models: engine tensorflow is not installed: pip install 'har-stream[train]'")
    models = sorted({*installed_models(), options.model})
    found = {}
    for model in models:
        for engine in options.engines:
            options.progress(f"models: {model} on {engine}")
            us = _us_per_window(model, engine, QUICK_CALLS if options.quick else CALLS)
            if us is not None:
                found[f"{model}/{engine}"] = us
    return {"models_us": found}


def _us_per_window(model: str, engine: Engine, calls: int) -> float | None:
    """Return the median call's share of one window.

    None where the model has no weights for the engine, or only some of which nobody said that they can be trusted.
    """
    folder = resolve(model)
    manifest = load_manifest(folder)
    ours = folder in installed_models().values()
    if engine not in manifest.weights or (engine == "tensorflow" and not ours):
        return None
    classifier = Classifier(folder, manifest, engine=engine, trust_keras=ours)
    shape = (BATCH, manifest.framing.window, len(CHANNELS))
    windows: Samples = np.random.default_rng(SEED).standard_normal(shape).astype(np.float32)
    for _ in range(WARM_UP_CALLS):
        classifier.probabilities(windows)
    return median(_call_s(classifier, windows) for _ in range(calls)) / BATCH * US_A_SECOND


def _call_s(classifier: Classifier, windows: Samples) -> float:
    """Return the processor time of one call, of all threads: an engine may compute on several cores."""
    begins_s = time.process_time()
    classifier.probabilities(windows)
    return time.process_time() - begins_s
