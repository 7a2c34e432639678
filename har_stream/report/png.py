"""A report as a picture, by matplotlib (the extra "png")."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from har_stream.day_report import MINUTE_S, Report
from har_stream.errors import ConfigError
from har_stream.report.wording import colour, duration, facts, lines, ticks, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCHES: Final = (10.0, 5.0)
DOTS_PER_INCH: Final = 120
HEIGHTS: Final = (1, 3)
"""Of the ribbon and of the bars below it."""
EMPTY: Final = "#eeeeee"
ROOM_RIGHT: Final = 1.25
"""For words behind the longest bar."""
SMALL: Final = 9


def picture(report: Report) -> bytes:
    """Return a report as a PNG. Raises ConfigError where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - it takes a second to load, and need not be there
    except ImportError:
        raise ConfigError('--png needs matplotlib: pip install "har-stream[png]"') from None
    figure = Figure(SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=HEIGHTS)
    # A device's id or a label is no mathematics.
    figure.suptitle(title(report), parse_math=False)
    _ribbon(above, report)
    _bars(below, report)
    figure.supxlabel("   ".join(f"{name}: {value}" for name, value in facts(report)), fontsize=SMALL)
    data = BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def _ribbon(axes: Axes, report: Report) -> None:
    axes.set_facecolor(EMPTY)
    for part in report.ribbon:
        axes.axvspan(part.start_s, part.end_s, color=colour(part.label), linewidth=0)
    axes.set_xlim(report.start_s, report.end_s)
    marks = list(ticks(report))
    axes.set_xticks([at_s for at_s, _ in marks], [words for _, words in marks], fontsize=SMALL)
    axes.set_yticks([])


def _bars(axes: Axes, report: Report) -> None:
    shown = lines(report)[::-1]
    minutes = [line.seconds / MINUTE_S for line in shown]
    places = range(len(shown))
    bars = axes.barh(places, minutes, color=[colour(line.label) for line in shown])
    axes.set_yticks(places, [line.spoken for line in shown], parse_math=False)
    axes.bar_label(bars, [f"{duration(line.seconds)}, {line.share:.0%}" for line in shown], padding=3, fontsize=SMALL)
    axes.set_xlim(0, max([*minutes, 1.0]) * ROOM_RIGHT)
    axes.set_xlabel("minutes")
    axes.spines[["top", "right"]].set_visible(False)
