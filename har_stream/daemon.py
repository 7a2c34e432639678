"""The daemon: threads, queues and shutdown around the pipeline.

    source thread -> BlockQueue -> engine thread (pipeline) -> SinkWorkers, a thread each
                                     ^ v  what is known of each device
                                   Keeper thread <-> state file
                                     |  what the pipeline was given
                                   Recorder thread -> recordings
    HttpServer threads <- vitals: how all of these stand; Live: what the engine shows of devices
    main thread: systemd is told how it goes (Service), settings are read again on request (Reloader)

It ends when the source does, on SIGINT or SIGTERM, or when the reader of standard output has gone: the source
stops, what waits goes through, and the books are told.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from har_stream.engine import Engine
from har_stream.feeder import Feeder
from har_stream.keeper import Keeper
from har_stream.notify import Notifier
from har_stream.parts import check_home_assistant, fitting_source, load_model, open_http, open_recorder
from har_stream.reload import Reloader
from har_stream.service import Service
from har_stream.settings import Settings
from har_stream.shard import WHOLE, Part, Share, parse_part
from har_stream.sinks import history_file
from har_stream.sinks.outlets import Outlets
from har_stream.sinks.sink import Sink
from har_stream.state_file import StateFile
from har_stream.vitals import ModelVitals, QueueVitals, RecordingVitals, Vitals
from har_stream.web.address import OFF

if TYPE_CHECKING:
    from har_stream.annotations import Annotations
    from har_stream.classifier import Classifier
    from har_stream.home_assistant.announcer import Announcer
    from har_stream.live import Live

SINKS_SHARE: Final = 0.5
"""Of the time to drain, what the sinks keep for themselves after the engine."""

LAST_TICK_S: Final = 0.5
LAST_KEEP_S: Final = 0.4
POLL_S: Final = 0.1

log = logging.getLogger(__name__)


class Daemon:
    """A stream ready to run. Raises ConfigError or InputError where it cannot be."""

    def __init__(
        self,
        settings: Settings,
        stop: Event | None = None,
        *,
        state: Path | None = None,
        reread: Callable[[], Settings] | None = None,
        worker: Part = WHOLE,
    ) -> None:
        """Make everything ready. Setting `stop` asks the stream to end, at any time; on_end is called once it has.

        `state` is the folder that keeps what is known of each device across restarts, None for nowhere; `reread`
        reads the settings again, for reload(); `worker` tells which part of the devices is this process's.
        """
        self._settings = settings
        self._stop = stop or Event()
        self._reload_asked = False
        self.on_end: Callable[[], None] = lambda: None
        check_home_assistant(settings)
        self._manifest, classifier = load_model(settings)
        annotations = self._annotations_of(settings)
        self._http, live = open_http(self, settings, self._manifest, self._history_file, annotations)
        self._share = Share(parse_part(settings.shard), worker)
        source = fitting_source(settings, self._manifest, self._share)
        waits = not source.paced
        self._keeper = Keeper(StateFile(state), limit=settings.intake.max_devices) if state is not None else None
        self._recorder = open_recorder(settings, self._manifest, source_waits=waits, stop=self._stop)
        self._engine = self._make_engine(classifier, live, annotations, paced=source.paced)
        self._feeder = Feeder(source, settings.source, self._engine.queue, self._share, self._engine)
        self._sinks = Outlets(settings, source_waits=waits, on_closed=self.stop, announcer_of=self._announcer_of)
        self._service = Service(self, Notifier())
        self._reloader = Reloader(
            reread or (lambda: settings), settings, self._manifest, self._feeder, self._sinks, self._share
        )
        self._describe()

    def stop(self) -> None:
        """Ask the stream to end; returns at once and may be called from any thread or signal handler."""
        self._stop.set()

    def reload(self) -> None:
        """Ask for the settings to be read again; returns at once and may be called from a signal handler."""
        self._reload_asked = True

    @property
    def hangs(self) -> bool:
        """Tell whether a thread of the stream is still at work after run(), as one in a blocked write is."""
        beside = [part.thread for part in (self._keeper, self._recorder) if part is not None]
        threads = (self._feeder.thread, *(sink.thread for sink in self._sinks), *beside)
        return self._engine.alive or any(thread.is_alive() for thread in threads)

    @property
    def alive(self) -> bool:
        """Tell whether the engine's thread lives."""
        return self._engine.alive

    @property
    def up(self) -> bool:
        """Tell whether samples can come, or one has."""
        return self.alive and (self._feeder.condition == "" or self._engine.accounting.samples_in > 0)

    @property
    def engine_beat_s(self) -> float:
        """When the engine last took a turn, by time.monotonic(): at most about a second ago, or it is stuck."""
        return self._engine.books.beat_s

    @property
    def source_condition(self) -> str:
        """Why no samples can come in, "" where they can."""
        return self._feeder.condition

    def vitals(self) -> Vitals:
        """Return how all parts stand; may be called from any thread."""
        recorder, settings = self._recorder, self._settings
        weights = self._manifest.weights[settings.engine]
        queues = [QueueVitals("blocks", self._engine.queue.blocks, settings.queues.blocks)]
        if self._feeder.source.queue is not None:
            queues.append(QueueVitals("messages", *self._feeder.source.queue))
        return Vitals(
            model=ModelVitals(self._manifest.name, settings.engine, weights.sha256, self._manifest.labels),
            ending=self._stop.is_set(),
            stream=self._engine.books.read(),
            max_devices=settings.intake.max_devices,
            source=self._feeder.condition,
            queues=tuple(queues),
            reconnects=self._feeder.reconnects,
            sinks=tuple(one.vitals() for one in self._sinks),
            recording=RecordingVitals(recorder.condition, recorder.recorded, recorder.lost, recorder.files)
            if recorder is not None
            else None,
            state=self._keeper.condition if self._keeper is not None else "",
            elsewhere=self._share.elsewhere if self._settings.shard else None,
        )

    def run(self) -> int:
        """Stream until the source ends or stop() is called; returns the exit code."""
        self._sinks.start()
        if self._keeper is not None:
            self._keeper.start()
        if self._recorder is not None:
            self._recorder.start()
        engine = self._engine.start(self._sinks)
        self._feeder.start()
        if self._http is not None:
            self._http.start()
        # What is there now stays: to look through it for garbage takes 13 ms, in which no label goes out.
        gc.collect()
        gc.freeze()
        # No wait() on the event: a signal handler that sets it would wait for the lock that this thread holds.
        while engine.is_alive() and not self._stop.is_set():
            engine.join(POLL_S)
            self._service.watch()
            if self._reload_asked:
                self._reload_asked = False
                self._service.reload(self._reloader)
        self._service.stopping()
        self._drain(engine)
        if self._http is not None:
            self._http.close()
        self._report()
        self.on_end()
        gc.unfreeze()
        return 1 if self._feeder.failed or self._engine.failed or self._sinks.failed else 0

    def _make_engine(
        self, classifier: Classifier, live: Live | None, annotations: Annotations | None, *, paced: bool
    ) -> Engine:
        return Engine(
            self._settings,
            self._manifest,
            classifier,
            paced=paced,
            live=live,
            recorder=self._recorder,
            keeper=self._keeper,
            annotations=annotations,
        )

    def _history_file(self) -> Path | None:
        return history_file(sink.name for sink in self._sinks)

    def _annotations_of(self, settings: Settings) -> Annotations | None:
        """Return where people may say what they really do: over HTTP alone."""
        if settings.http == OFF:
            return None
        from har_stream.annotations import NOT_RECORDED, Annotations  # noqa: PLC0415 - who has it off need not load it

        # Engine and recorder are made after who asks for them.
        def refusal() -> str:
            if self._recorder is None:
                return NOT_RECORDED
            return "the recording has stopped or its disk takes nothing" if self._recorder.condition else ""

        def knows(device: str) -> bool:
            return self._engine.pipeline.knows(device)

        return Annotations(limit=settings.intake.max_devices, knows=knows, refusal=refusal)

    def _announcer_of(self, sink: Sink) -> Announcer | None:
        if self._engine.today is None:
            return None
        from har_stream.home_assistant.announcer import announcer_of  # noqa: PLC0415 - who has none need not load it

        return announcer_of(sink, self._engine.today, self._settings, self._manifest)

    def _drain(self, engine: Thread) -> None:
        """Let what waits go through: for as long as it takes where the source ended, else within drain_s."""
        self._sinks.flush(self._stop)
        if self._recorder is not None:
            self._recorder.flush()
        if not self._stop.is_set():
            self._stop.set()
        self._feeder.stop()
        drain_s = self._settings.queues.drain_s
        deadline_s = time.monotonic() + drain_s
        self._feeder.thread.join(drain_s * SINKS_SHARE)  # the last that it has goes through, too
        self._engine.queue.close()
        engine.join(max(0.0, deadline_s - drain_s * SINKS_SHARE - time.monotonic()))
        self._engine.queue.discard("shutdown")
        self._sinks.finish(deadline_s)
        # Its tick in hand is a fraction of a second's work, and no sink holds it up any more.
        engine.join(LAST_TICK_S)
        if self._recorder is not None:
            self._recorder.finish(max(deadline_s, time.monotonic() + LAST_KEEP_S))
        if self._keeper is not None:
            self._engine.keep()
            self._keeper.finish(max(deadline_s, time.monotonic() + LAST_KEEP_S))

    def _report(self) -> None:
        self._engine.report()
        self._sinks.report()
        if self._settings.shard:
            log.info("shard %s: %d messages of devices of others", self._settings.shard, self._share.elsewhere)
        if (recorder := self._recorder) is not None:
            log.info(
                "record: %s: %d samples recorded in %d files, %d not recorded",
                *(recorder.folder, recorder.recorded, recorder.files, recorder.lost),
            )

    def _describe(self) -> None:
        framing = self._manifest.framing
        log.info(
            "model %s (%s), windows of %d samples, hop %d, at %g Hz; %s -> %s",
            self._manifest.name,
            self._settings.engine,
            framing.window,
            framing.hop,
            framing.rate_hz,
            self._settings.source,
            ", ".join(sink.name for sink in self._sinks),
        )
