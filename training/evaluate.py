"""har-train evaluate: the figures of a model folder on a data set, by the daemon's own classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from har_stream.classifier import Classifier
from har_stream.datasets import Selection
from har_stream.manifest import load_manifest, resolve
from training.labelled_windows import read_recordings, read_windows
from training.scores import window_scores
from training.smoothing_constants import Judged, accuracy
from training.streams import stream_of, streams_of_table


def evaluate(model: str, data: Path, selection: Selection) -> dict[str, Any]:
    """Return figures on labelled windows and on whole recordings. Raises ConfigError, InputError."""
    folder = resolve(model)
    manifest = load_manifest(folder)
    classifier = Classifier(folder, manifest)
    table = read_windows(data, selection, manifest.filters, manifest.framing)
    recordings = read_recordings(data, selection)
    streams = [stream_of(one, manifest.filters, manifest.framing) for one in recordings] or streams_of_table(table)
    judged = [Judged(classifier.probabilities(s.values), s.truth, s.begins) for s in streams]
    reached = accuracy(judged, manifest.smoothing, manifest.framing)
    return {
        "windows": window_scores(classifier.probabilities(table.values), table.codes, table.subject),
        "stream": {
            "accuracy_raw": reached.raw,
            "accuracy_in_force": reached.in_force,
            "accuracy": reached.settled,
        },
        "model": manifest.name,
        "split": selection.split,
        "n_windows": len(table.codes),
    }
