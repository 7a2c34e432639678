"""har-train evaluate: the figures of a model folder on a data set, by the daemon's own classifier and pipeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.calibration import WALK_S
from har_stream.classifier import Classifier
from har_stream.datasets import Recording, Selection, WindowTable
from har_stream.manifest import Manifest, load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.preprocessing import filter_recording
from har_stream.samples import SampleBlock, Samples
from har_stream.settings import IntakeSettings
from har_stream.state import DeviceState, States
from har_stream.upright import calibrated, gravity_of, turned
from training.augmentation import WALKING_CODE, calibration
from training.curves import read_curves
from training.judged import Judged
from training.labelled_windows import read_recordings, read_windows
from training.scores import window_scores
from training.smoothing_constants import accuracy
from training.stream_scores import Timeline, stream_scores, timeline_of
from training.streams import streams_of_table

BLOCK = 8192
"""Samples a push: any number gives the same labels."""


def evaluate(model: str, data: Path, selection: Selection, plots: Path | None = None) -> dict[str, Any]:
    """Return figures on labelled windows and on whole recordings, and draw them into the folder `plots`.

    Raises ConfigError, InputError.
    """
    folder = resolve(model)
    manifest = load_manifest(folder)
    classifier = Classifier(folder, manifest)
    table = read_windows(data, selection, manifest.filters, manifest.framing)
    probabilities = of_activities(classifier, manifest, table.values)
    figures = {"windows": window_scores(probabilities, table.codes, table.subject)}
    if manifest.upright is not None and (told := _calibrated(classifier, manifest, table)) is not None:
        figures["windows_calibrated"] = told
    recordings = read_recordings(data, selection, manifest.framing)
    timelines = {one.device: replayed(classifier, manifest, one) for one in recordings}
    figures["stream"] = stream_scores(list(timelines.values())) if timelines else _rows(classifier, manifest, table)
    if timelines and manifest.upright is not None:
        figures["stream_calibrated"] = stream_scores([calibrated_replay(classifier, manifest, r) for r in recordings])
    if plots is not None:
        from training.plots import draw_all  # noqa: PLC0415 - who wants no pictures need not load matplotlib

        draw_all(figures, probabilities, table.codes, timelines, plots, curves=read_curves(folder))
    return {**figures, "model": manifest.name, "split": selection.split, "n_windows": len(table.codes)}


def of_activities(classifier: Classifier, manifest: Manifest, windows: Samples) -> NDArray[np.float32]:
    """Return the probabilities (n, 6) of the activities alone."""
    return classifier.probabilities(windows)[:, : len(manifest.labels)]


def _calibrated(classifier: Classifier, manifest: Manifest, table: WindowTable) -> dict[str, Any] | None:
    """Return the figures of windows turned upright by the first ten seconds of walking, those left out.

    None where nothing else is left.
    """
    framing = manifest.framing
    rotations, used = calibration(table, samples=round(WALK_S * framing.rate_hz), window=framing.window)
    if used.all():
        return None
    kept = table.rows(~used)
    probabilities = of_activities(classifier, manifest, turned(kept.values, rotations[~used]))
    return window_scores(probabilities, kept.codes, kept.subject)


def calibrated_replay(classifier: Classifier, manifest: Manifest, recording: Recording) -> Timeline:
    """Send one recording through a pipeline that was calibrated by its first ten seconds of walking.

    Those are for no score. A recording without as much walking is not calibrated.
    """
    truth, known = recording.truth, dict[str, DeviceState]()
    walked = np.flatnonzero(truth == WALKING_CODE) if truth is not None else np.zeros(0, np.int64)
    taught_by = walked[: round(WALK_S * recording.rate_hz)]
    if manifest.upright and truth is not None and len(taught_by) == round(WALK_S * recording.rate_hz):
        channels = filter_recording(recording.values, manifest.filters, rate_hz=recording.rate_hz)
        upright = calibrated(gravity_of(channels[np.newaxis, taught_by])[0], manifest.upright)
        known[recording.device] = DeviceState(upright)
        unscored = truth.copy()
        unscored[taught_by] = 0
        return replayed(classifier, manifest, replace(recording, truth=unscored), known)
    return replayed(classifier, manifest, recording)


def replayed(classifier: Classifier, manifest: Manifest, recording: Recording, known: States | None = None) -> Timeline:
    """Send one recording through the daemon's pipeline, which may know something of its device."""
    pipeline = Pipeline(manifest, classifier, IntakeSettings(), Accounting())
    pipeline.references.restore(known or {})
    rate_hz, told = recording.rate_hz, []
    for start in range(0, len(recording.values), BLOCK):
        values = recording.values[start : start + BLOCK]
        start_s = recording.start_s + start / rate_hz
        told += pipeline.push([SampleBlock(recording.device, start, start_s, rate_hz, values)], 0.0)
    truth = np.zeros(len(recording.values), np.uint8) if recording.truth is None else recording.truth
    return timeline_of(truth, told, rate_hz=rate_hz, hop=manifest.framing.hop, start_s=recording.start_s)


def _rows(classifier: Classifier, manifest: Manifest, table: WindowTable) -> dict[str, Any]:
    """Return what can be said of UCI HAR's rows: shares of windows, since their time is cut to pieces."""
    streams = streams_of_table(table)
    judged = [Judged(classifier.probabilities(one.values), one.truth, one.begins) for one in streams]
    reached = accuracy(judged, manifest.smoothing, manifest.framing)
    return {
        "accuracy_raw": reached.raw,
        "accuracy": reached.settled,
        "accuracy_in_force": reached.in_force,
    }
