"""The engine: a thread that takes ticks from the queue through the pipeline, and hands on what comes of them.

BlockQueue -> pipeline -> labels, with their time on the clock on the wall -> sinks
^- a lone device's source passes by the queue, and its thread is the engine's for a moment
|-> what somebody looks at (Live), what is to be recorded, minutes of the day, what is kept
^-- what people say that they really do (Annotations)
"""

from __future__ import annotations

import logging
import time
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from har_stream.accounting import Accounting
from har_stream.block_queue import BlockQueue
from har_stream.classifier import Classifier
from har_stream.engine_books import EngineBooks
from har_stream.keeper import Keeper, Stateful
from har_stream.latency import TimedClassifier
from har_stream.manifest import Manifest
from har_stream.parts import wall_clock
from har_stream.pipeline import Pipeline
from har_stream.plausibility import TEXTS
from har_stream.recorder import Recorder
from har_stream.rehearsal import Rehearsal
from har_stream.samples import Prediction, Refused, Tick, singly
from har_stream.settings import Settings
from har_stream.today import Today, WithDays
from har_stream.vigil import ASLEEP, Vigil

if TYPE_CHECKING:
    from har_stream.annotations import Annotations
    from har_stream.live import Live
    from har_stream.sinks.outlets import Outlets

BEAT_S: Final = 0.5
"""The engine takes a turn at least so often, also where nothing comes or a slow sink is waited for."""

log = logging.getLogger(__name__)


class Engine:
    """The pipeline with its queue, its books and its thread; what is None of live, recorder, keeper gets nothing.

    annotations, where there are any, label samples before the pipeline takes them.
    """

    def __init__(
        self,
        settings: Settings,
        manifest: Manifest,
        classifier: Classifier,
        *,
        paced: bool,
        live: Live | None,
        recorder: Recorder | None,
        keeper: Keeper | None,
        annotations: Annotations | None = None,
    ) -> None:
        self._paced, self._live, self._recorder, self._keeper = paced, live, recorder, keeper
        self._annotations = annotations
        timed = TimedClassifier(classifier)
        self.accounting = Accounting()
        self._rehearsal = Rehearsal(manifest, classifier, settings.intake) if settings.rehearse else None
        self.pipeline = Pipeline(manifest, timed, settings.intake, self.accounting)
        self.queue = BlockQueue(limit=settings.queues.blocks, paced=paced, accounting=self.accounting)
        self.books = EngineBooks(
            self.queue,
            self.pipeline,
            timed.latency,
            now=self._now,
            stale_after_s=settings.mqtt.stale_after_s,
            per_device=settings.metrics.per_device,
        )
        self.today = Today(limit=settings.intake.max_devices) if settings.home_assistant.enabled else None
        references = self.pipeline.references
        self._known: Stateful = references if self.today is None else WithDays(references, self.today)
        if keeper is not None:
            self._known.restore(keeper.kept)
            self.pipeline.resumption.offer(keeper.standings, self._now())
        self._clock = wall_clock(settings, time.time())
        self._turn = Lock()
        self._sinks: Outlets | None = None
        self.failed = False
        self.thread: Thread | None = None

    def start(self, sinks: Outlets) -> Thread:
        """Begin; labels go to `sinks`."""
        self._sinks = sinks
        self.thread = Thread(target=self._run, args=(sinks,), name="engine", daemon=True)
        self.thread.start()
        return self.thread

    def pass_by(self, tick: Tick, arrived_s: float) -> bool:
        """Take a tick past the queue in the thread that has it, if nothing is before it; tell whether that is done.

        To wake the engine's thread takes 0.1 ms, and it may be on a processor whose caches hold nothing of all this.
        """
        if self._sinks is None or not self._turn.acquire(blocking=False):
            return False
        try:
            passed = self.queue.pass_by(tick, arrived_s)
            if passed:
                predictions = self._take(tick, self._sinks)
                if self._rehearsal is not None:
                    self._rehearsal.note(tick, arrived_s, predictions)
        except Exception as error:  # noqa: BLE001 - as in the engine's thread
            self._fail(error)
            passed = True
        finally:
            self._turn.release()
        return passed

    @property
    def vigil(self) -> Vigil:
        """How a thread that passes by is to wait for what comes next."""
        return ASLEEP if self._rehearsal is None else self._rehearsal.vigil

    def rehearse(self) -> None:
        """Rehearse the next label if it is time to, and nothing else is to be done."""
        if self._rehearsal is not None:
            if self.queue.blocks or self._turn.locked():
                self._rehearsal.skip()
            else:
                self._rehearsal.run()

    @property
    def alive(self) -> bool:
        """Tell whether the thread lives."""
        return self.thread is not None and self.thread.is_alive()

    def keep(self) -> None:
        """Hand the keeper what is known of devices in the end (once the thread has ended, in any other)."""
        if self._keeper is not None and not (self._at_work or self.failed):
            self._exchange(self._keeper)

    @property
    def _at_work(self) -> bool:
        return self.alive or self._turn.locked()

    def _exchange(self, keeper: Keeper) -> None:
        keeper.exchange(self._known, self.pipeline.resumption.snapshot(now_s=self._now(), wall_s=time.time()))

    def report(self) -> None:
        """Tell the books, at the end."""
        buffered = self.queue.buffered + self.pipeline.buffered
        if self.failed or self._at_work:  # what it had or has in hand is lost
            self.accounting.drop("engine_failed" if self.failed else "engine_stuck", self.accounting.balance(buffered))
        log.info("%s", self.accounting.line(buffered))
        if self.accounting.balance(buffered):
            log.error("the books do not balance: %d samples", self.accounting.balance(buffered))

    def _run(self, sinks: Outlets) -> None:
        try:
            while (tick := self.queue.get(BEAT_S)) is not None:
                with self._turn:
                    self.books.beat()
                    if tick:
                        self._take(tick, sinks)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the stream drains
            self._fail(error)
        self.queue.close()

    def _fail(self, error: Exception) -> None:
        log.critical("engine: failed: %r", error)
        self.failed = True
        self.queue.close()

    def _take(self, tick: Tick, sinks: Outlets) -> list[Prediction]:
        """Bring a tick through the pipeline, and what comes of it where it belongs; return the labels."""
        if self._annotations is not None:
            tick = self._annotations.annotate(tick, self.queue.arrived_s)
        with self.books:
            predictions = self._clock.stamp(self.pipeline.push(tick, self._now()), time.time())
            labelled_s = time.monotonic()
            if self._paced and predictions:  # before all that can wait, as nobody does for it
                sinks.put(predictions, self.queue.arrived_s, while_waiting=self.books.beat)
            self.books.note(predictions)
        if not self._paced and predictions:  # which may wait for a sink, while the books are to be read
            sinks.put(predictions, self.queue.arrived_s, while_waiting=self.books.beat)
        if self.today is not None:
            self.today.note(singly(tick), predictions, now_s=labelled_s)
        self._tell_suspicions()
        self._show(tick, predictions, labelled_s)
        self._record(tick)
        if self._keeper is not None and self._keeper.asks:
            self._exchange(self._keeper)
        return predictions

    def _now(self) -> float:
        """Return the time by which devices are idle and stale; a replay as fast as it can has none."""
        return time.monotonic() if self._paced else 0.0

    def _tell_suspicions(self) -> None:
        for device, suspicion in self.pipeline.news():
            if suspicion:
                log.warning("%s: %s (config.toml, [profiles])", device, TEXTS[suspicion])
            else:
                log.info("%s: its samples look right now", device)

    def _show(self, tick: Tick, predictions: list[Prediction], labelled_s: float) -> None:
        if self._live is not None:
            pipeline = self.pipeline
            self._live.note(
                singly(tick),
                predictions,
                pipeline.taps,
                pipeline.references.of,
                pipeline.knows,
                arrived_s=self.queue.arrived_s,
                now_s=labelled_s,
            )

    def _record(self, tick: Tick) -> None:
        """Hand a tick's samples over to be recorded, but for those of devices that found no place."""
        if self._recorder is not None:
            known = [b for b in singly(tick) if not isinstance(b, Refused) and self.pipeline.knows(b.device)]
            if known:
                self._recorder.put(known, while_waiting=self.books.beat)
