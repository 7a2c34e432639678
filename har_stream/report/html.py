"""A report as one page of HTML that needs nothing else: an inline picture, no script, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from typing import Final

from har_stream.day_report import Report
from har_stream.report.wording import colour, duration, facts, legend, lines, spoken, ticks, title

WIDTH: Final = 1000
"""Of the picture, in its own units; it is drawn as wide as the page."""
HEIGHT: Final = 60
SCALE_HEIGHT: Final = 26
LEAST_WIDTH: Final = 0.4
"""What is shorter still shows."""
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #666; --empty: #eee; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --faint: #a0a0a0; --empty: #2a2a2a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--faint); }
.empty { fill: var(--empty); }
.tick { stroke: var(--faint); }
.key { width: 0.8em; height: 0.8em; display: inline-block; vertical-align: baseline; }
ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; color: var(--faint); }
table { border-collapse: collapse; margin: 1.5rem 0; }
th { text-align: left; font-weight: normal; color: var(--faint); }
th, td { padding: 0.15rem 1.2rem 0.15rem 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
"""
POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"


def page(report: Report) -> str:
    """Return a report as a page."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    heading = escape(title(report))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(digest)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{heading}</h1>\n"
        f"{ribbon(report)}\n{_legend(report)}\n{_activities(report)}\n{_facts(report)}\n</main>\n</body>\n</html>\n"
    )


def ribbon(report: Report) -> str:
    """Return the ribbon as a picture (SVG) with the times below it."""
    return "\n".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT + SCALE_HEIGHT}" role="img" aria-label="Activities over time">',
            f'<rect class="empty" width="{WIDTH}" height="{HEIGHT}"/>',
            *_parts(report),
            *_scale(report),
            "</svg>",
        ]
    )


def _parts(report: Report) -> Iterator[str]:
    for part in report.ribbon:
        left, right = _place(report, part.start_s), _place(report, part.end_s)
        yield (
            f'<rect x="{left:.2f}" width="{max(right - left, LEAST_WIDTH):.2f}" height="{HEIGHT}" '
            f'fill="{colour(part.label)}"><title>{escape(spoken(part.label))}, {duration(part.seconds)}</title></rect>'
        )


def _scale(report: Report) -> Iterator[str]:
    for at_s, words in ticks(report):
        x = _place(report, at_s)
        anchor = "start" if x < WIDTH * 0.03 else "end" if x > WIDTH * 0.97 else "middle"
        yield f'<line class="tick" x1="{x:.2f}" x2="{x:.2f}" y1="{HEIGHT}" y2="{HEIGHT + 5}"/>'
        yield f'<text x="{x:.2f}" y="{HEIGHT + 20}" text-anchor="{anchor}">{escape(words)}</text>'


def _place(report: Report, at_s: float) -> float:
    return (at_s - report.start_s) / (report.end_s - report.start_s) * WIDTH


def _legend(report: Report) -> str:
    shown = "".join(f"<li>{_key(label)} {escape(spoken(label))}</li>" for label in legend(report))
    return f"<ul>{shown or '<li>no data</li>'}</ul>"


def _key(label: str) -> str:
    square = f'<rect width="1" height="1" fill="{colour(label)}"/>'
    return f'<svg class="key" viewBox="0 0 1 1" aria-hidden="true">{square}</svg>'


def _activities(report: Report) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{escape(line.spoken)}</th><td class="number">{duration(line.seconds)}</td>'
        f'<td class="number">{line.share:.0%}</td></tr>'
        for line in lines(report)
    )
    head = '<tr><th scope="col">activity</th><th scope="col">time</th><th scope="col">share</th></tr>'
    return f"<table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _facts(report: Report) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in facts(report)
    )
    return f"<table>\n<tbody>\n{rows}\n</tbody>\n</table>"
