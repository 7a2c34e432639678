"""The model card: what a person should know before trusting the model, written from the manifest's own figures."""

from __future__ import annotations

from typing import Any

from har_stream.manifest import Manifest
from training.own_recordings import OWN_DATA


def model_card(manifest: Manifest) -> str:
    """Return the card's Markdown."""
    training, framing = manifest.training, manifest.framing
    return CARD.format(
        name=manifest.name,
        architecture=manifest.architecture,
        parameters=training["parameters"],
        window=framing.window,
        channels=len(manifest.channels),
        rate_hz=framing.rate_hz,
        hop=framing.hop,
        transitions=_transitions(manifest),
        data=training["data"],
        licence=training["licence"],
        subjects=", ".join(map(str, training["subjects"])),
        windows=training["windows"],
        initial_state=manifest.filters.initial_state,
        command=training["command"],
        versions=", ".join(f"{library} {version}" for library, version in training["versions"].items()),
        made_again=_made_again(training),
        figures=_figures(manifest.metrics, training),
        limits=OWN if training["data"] == OWN_DATA else PUBLISHED,
    )


def _transitions(manifest: Manifest) -> str:
    if not manifest.transitions:
        return "It knows nothing else."
    names = ", ".join(name.replace("_", " ") for name in manifest.transitions)
    return f"It also tells changes of posture ({names}), which the smoother uses and nobody is told."


def _made_again(training: dict[str, Any]) -> str:
    done, planned = training["epochs"], training["epochs_planned"]
    if done == planned:
        return (
            "The same command on the same data gives the same weights with the same code, libraries and processor;\n"
            "elsewhere rounding leads to others, and the figures move as another seed would move them."
        )
    kept = training["weights_of_epoch"]
    return (
        f"Interrupted when {done} of {planned} epochs were complete: the weights are those of epoch {kept}, whose\n"
        "loss on the training windows was the lowest."
    )


def _figures(metrics: dict[str, Any], training: dict[str, Any]) -> str:
    recipe, unused = training["recipe"], "" if training["data"] == OWN_DATA else UNUSED
    if not metrics:
        return "Not measured: trained without cross-validation."
    windows, stream = metrics["windows"], metrics["stream"]
    rows = [
        ("windows right", f"{windows['accuracy']:.2%}"),
        (
            "mean and standard deviation over folds",
            f"{windows['fold_mean']:.2%} +- {windows['fold_std']:.2%}",
        ),
        ("macro F1", f"{windows['f1_macro']:.3f}"),
        ("worst volunteer", f"{windows['worst_subject']:.2%}"),
        ("expected calibration error of the confidence", f"{windows['ece']:.3f}"),
        ("stream, raw label right", f"{stream['accuracy_raw']:.2%}"),
        ("stream, label in force right", f"{stream['accuracy_in_force']:.2%}"),
        ("stream, settled label right", f"{stream['accuracy']:.2%}"),
    ]
    if "delay_s" in stream:
        rows += [
            ("stream, false changes an hour inside unchanged activities", f"{stream['false_changes_per_hour']:.1f}"),
            ("stream, seconds to the new label: median", f"{stream['delay_s']['p50']:.2f}"),
            ("stream, seconds to the new label: 95th percentile", f"{stream['delay_s']['p95']:.2f}"),
            ("stream, labelled time that gets a label", f"{stream['coverage_in_force']:.2%}"),
            ("stream, time in postural transitions that gets unknown", f"{stream['transitions_unknown']:.2%}"),
        ]
    if "windows_calibrated" in metrics:
        calibrated = metrics["windows_calibrated"]
        rows += [
            ("windows right after ten seconds of walking", f"{calibrated['accuracy']:.2%}"),
            ("worst volunteer after ten seconds of walking", f"{calibrated['worst_subject']:.2%}"),
        ]
    table = "\n".join(f"| {what} | {figure} |" for what, figure in rows)
    confusion = _confusion(windows["confusion"])
    finished, planned = metrics["folds"], metrics["folds_planned"]
    protocol = f"{planned}-fold cross-validation by volunteer"
    if finished < planned:
        protocol = f"{finished} of {planned} folds of a cross-validation by volunteer, which was interrupted"
    told = {"protocol": protocol, "table": table, "confusion": confusion, "falling": _falling(recipe), "unused": unused}
    return FIGURES.format(**told, **recipe)


def _falling(recipe: dict[str, Any]) -> str:
    """Say where the learning rate ends and what weights are taken, where that is not zero and the last."""
    end = f" to {recipe['learning_rate_at_end']:g}" if "learning_rate_at_end" in recipe else ""
    averaged = f", weights averaged over the last {recipe['averaged_epochs']}" if "averaged_epochs" in recipe else ""
    return f"falling{end}\nalong a half cosine{averaged}"


def _confusion(counts: list[list[int]]) -> str:
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in counts)


FIGURES = """\
{protocol}: each figure is on people that neither the network nor the smoother's
constants were estimated on. The recipe ({epochs} epochs, batches of {batch}, learning rate {learning_rate:g} \
{falling}) is {chosen}.

| figure | value |
| --- | --- |
{table}

On the stream all time of whole recordings counts that carries one of the six activities; the label in force is
what a subscriber had at each moment, delays included.
Confusion of windows, a row a true activity, a column an answer, in the order of the labels:

| walking | upstairs | downstairs | sitting | standing | laying |
| --- | --- | --- | --- | --- | --- |
{confusion}{unused}"""
UNUSED = """

The nine official test volunteers played no part in any of this."""
"""Of a model that was trained on published data."""

CARD = """\
# {name}

{architecture}: {parameters} weights. Takes windows of {window} samples in {channels} channels at {rate_hz:g} Hz,
a hop of {hop} apart, and tells walking, walking upstairs, walking downstairs, sitting, standing and laying apart.
{transitions}

## Data
{data}, {licence}.

Volunteers {subjects}: {windows} labelled windows.
Preprocessing is UCI HAR's own causal chain with initial state {initial_state}; manifest.json has its numbers.

## Made by
    {command}

with {versions}.
{made_again}

## Figures
{figures}

## Limits
{limits} Only six activities are known:
anything else gets the nearest of them, or unknown. Sitting and standing differ by the direction of gravity and by how
a body sways, and are most often confused. Not for medical use.
"""

PUBLISHED = """\
One phone (Samsung Galaxy S II) worn at the waist by healthy people of 19 to 48 years who followed a protocol.
Elsewhere on the body, turned otherwise or on other people the label can be wrong."""
OWN = """\
People who labelled themselves, with their sensors as they wore them. Elsewhere on the body, turned otherwise or on
other people the label can be wrong."""
