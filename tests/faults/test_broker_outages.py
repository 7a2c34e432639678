"""Faults 1 to 6: a broker that is away, killed, hung, behind a dead link or a connection that breaks."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from har_stream.settings import QueueSettings
from tests.broker import Broker, Listener, wait_for
from tests.faults.conftest import Measured
from tests.faults.length import lasting
from tests.faults.networks import FAR, cable
from tests.faults.proxy import Proxy
from tests.faults.stream import Stream, stream
from tests.held_up import HeldUp
from tests.http_client import health
from tests.labels_out import LINES, firsts, working
from tests.mqtt_receiver import STEP, Receiver, block, listening, publisher, quick
from tests.predictions import prediction

REFUSED = "not reachable: Connection refused"
LOAD = f"sim:?devices=10&speed={lasting(30, 20)}"
"""Some 230 labels a second, or 160."""
QUEUE = QueueSettings().labels
LARGEST_GROWTH_MIB = 10.0
KEEPALIVE_S = lasting(2, 15)
MAY_WAIT = lasting(300, QUEUE)
WARM_LABELS = 500
QUICK_LINK = f"[mqtt]\nkeepalive_s = {KEEPALIVE_S}\nbackoff_max_s = 1\n"
HASTY = f"[queues]\nblocks = 100\nlabels = {MAY_WAIT}\n{QUICK_LINK}"
"""Few blocks: what a busy machine leaves waiting there would be taken for the memory that a fault costs."""


@pytest.fixture
def listener(lasting_broker: Broker) -> Iterator[Listener]:
    """Hears everything from that broker, and comes back with its session."""
    one = Listener(lasting_broker.port, lasting=True)
    lasting_broker.save()
    yield one
    one.close()


def test_01_a_broker_that_was_down_is_joined_within_five_seconds_of_its_start(
    tmp_path: Path, away_broker: Broker, measured: Measured
) -> None:
    at = f"mqtt://127.0.0.1:{away_broker.port}"
    with stream(tmp_path / "stream", at, "--sink", f"{at}/har") as one:
        wait_for(lambda: one.unready == [f"source: {REFUSED}", f"{at}/har: {REFUSED}"])
        assert health(one.port)["alive"] is True
        assert health(one.port)["source"] == REFUSED
        assert one.metrics.get("source_connected") == 0
        time.sleep(lasting(3.0, 50.0))
        held_up = HeldUp(one.process.pid)
        away_broker.start()
        begun_s = time.monotonic()
        wait_for(lambda: not one.unready)
        took_s = time.monotonic() - begun_s
        assert took_s - held_up.look() < 5
        measured(f"connected after {took_s:.1f} s")
        with publisher(away_broker.port) as client:
            client.publish("har/a/imu", block())
            wait_for(lambda: one.metrics.get("samples_in_total") == STEP)
        away_broker.stop()
        wait_for(lambda: len(one.unready) == 2)
        away_broker.start()
        wait_for(lambda: one.metrics.get("source_reconnects_total") == 1)
        ended = one.end()
    assert 2 <= ended.said.count(REFUSED) <= 4, "source and sink tell each outage once"


def test_02_of_a_broker_killed_under_load_every_label_arrives_in_order(
    tmp_path: Path, lasting_broker: Broker, listener: Listener, measured: Measured
) -> None:
    sink = f"mqtt://127.0.0.1:{lasting_broker.port}/har"
    away_s = lasting(4.0, 60.0)
    with stream(tmp_path / "stream", "sim:?devices=1&speed=100", "--sink", sink) as one:

        def waiting() -> float:
            return one.metrics.get("queue_length", queue="labels", sink=sink)

        wait_for(lambda: len(listener.payloads("har/sim01/prediction")) > 20)
        lasting_broker.stop()
        time.sleep(away_s)
        wait_for(lambda: waiting() > away_s * 20)
        waited = waiting()
        lasting_broker.start()
        wait_for(lambda: waiting() < 50)
        ended = one.end()
    given = [line["id"] for line in ended.lines]
    assert f"{sink}: {len(given)} labels written, 0 dropped" in ended.said
    wait_for(lambda: given[-1] in listener.payloads("har/sim01/prediction")[-1])
    assert list(firsts(listener.payloads("har/sim01/prediction"))) == given
    measured(f"{len(given)} labels, {waited:.0f} of them waited out {away_s:.0f} s")


def test_02_a_label_in_force_is_never_followed_by_an_older_one(lasting_broker: Broker, listener: Listener) -> None:
    offered = 0
    with working(f"mqtt://127.0.0.1:{lasting_broker.port}") as worker:
        for _ in range(2):
            for step in range(250):
                if step == 100:
                    lasting_broker.stop()
                worker.put([prediction("watch", end_s=float(n), label=f"{n}") for n in range(offered, offered + 4)])
                offered += 4
                time.sleep(0.002)
            assert worker.waiting > 100
            lasting_broker.start()
            wait_for(lambda: not worker.waiting)
            # What a broker has for a listener that is not back yet dies with it the next time.
            wait_for(lambda last=offered - 1: f'"time":{last}.0,' in "".join(listener.payloads(LINES)[-1:]))
        assert (worker.written, worker.dropped) == (offered, 0)
        assert list(firsts(listener.payloads(LINES)).values()) == [float(n) for n in range(offered)]
        told = [int(label) for label in listener.payloads("har/watch/activity")]
        assert told == sorted(told)
        assert told[-1] == offered - 1


def test_03_in_an_outage_longer_than_the_queue_exactly_the_oldest_are_dropped(
    lasting_broker: Broker, listener: Listener, measured: Measured
) -> None:
    over = 2_503
    with working(f"mqtt://127.0.0.1:{lasting_broker.port}", limit=QUEUE) as worker:
        worker.put([prediction("watch", end_s=-1.0)])
        wait_for(lambda: len(listener.payloads(LINES)) == 1)
        lasting_broker.stop()
        wait_for(lambda: bool(worker.condition))
        for at in range(0, QUEUE + over, 7):
            worker.put([prediction("watch", end_s=float(n)) for n in range(at, min(at + 7, QUEUE + over))])
        assert (worker.waiting, worker.dropped) == (QUEUE, over)
        lasting_broker.start()
        wait_for(lambda: not worker.waiting)
        wait_for(lambda: f'"time":{QUEUE + over - 1}.0,' in listener.payloads(LINES)[-1])
        assert list(firsts(listener.payloads(LINES)).values()) == [-1.0, *map(float, range(over, QUEUE + over))]
        assert (worker.written, worker.dropped) == (QUEUE + 1, over)
    measured(f"of {QUEUE + over:,} the oldest {over:,}")


def holds_out(one: Stream, break_it: Callable[[], None], measured: Measured) -> None:
    """Break the way to the broker; see that it is noticed, and that what waits for it is bounded."""
    wait_for(lambda: one.labelled > WARM_LABELS, 300)
    before_mib, held_up = one.memory_mib, HeldUp(one.process.pid)
    break_it()
    broken_s, given = time.monotonic(), one.labelled
    one.wait_to_say("connection lost")
    noticed_s = time.monotonic() - broken_s
    assert noticed_s - held_up.look() < 2 * KEEPALIVE_S
    wait_for(lambda: one.labelled > given + 1.2 * MAY_WAIT, 300)  # more than the queue holds
    grown_mib = one.memory_mib - before_mib
    assert grown_mib < LARGEST_GROWTH_MIB
    measured(f"noticed after {noticed_s:.1f} s of {2 * KEEPALIVE_S} s, {grown_mib:+.1f} MiB")


def label_books(one: Stream, sink: str) -> tuple[int, int]:
    """End it; return how many labels a sink wrote and dropped."""
    ended = one.end()
    (told,) = (line for line in ended.said.splitlines() if f"{sink}: " in line and "labels written" in line)
    words = told.replace(",", "").split()
    return int(words[words.index("labels") - 1]), int(words[words.index("dropped") - 1])


def test_04_a_broker_that_hangs_is_noticed_and_costs_little(tmp_path: Path, broker: Broker, measured: Measured) -> None:
    sink = f"mqtt://127.0.0.1:{broker.port}/har"
    with stream(tmp_path / "stream", LOAD, "--sink", sink, config=HASTY, http=False) as one:
        holds_out(one, broker.hang, measured)
        broker.go_on()
        one.wait_to_say(f"{sink}: connected", 2)
        _, dropped = label_books(one, sink)
    assert dropped > 0


def test_04_what_waits_for_a_broker_that_hangs_is_bounded_and_goes_out_when_it_goes_on(
    lasting_broker: Broker, listener: Listener, caplog: pytest.LogCaptureFixture, measured: Measured
) -> None:
    over = 2_500
    with working(f"mqtt://127.0.0.1:{lasting_broker.port}", quick(keepalive_s=2), limit=QUEUE) as worker:
        worker.put([prediction("watch", end_s=-1.0)])
        wait_for(lambda: worker.written == 1)
        lasting_broker.hang()
        tracemalloc.start()
        for at in range(0, QUEUE + over, 50):
            worker.put([prediction("watch", end_s=float(n)) for n in range(at, at + 50)])
        wait_for(lambda: "connection lost: Keep alive timeout" in caplog.text)
        wait_for(lambda: worker.waiting == QUEUE)
        grown_mib = tracemalloc.get_traced_memory()[0] / 2**20
        tracemalloc.stop()
        assert grown_mib < LARGEST_GROWTH_MIB
        assert worker.dropped == over
        lasting_broker.go_on()
        wait_for(lambda: not worker.waiting)
        newest = set(map(float, range(over, QUEUE + over)))
        wait_for(lambda: newest <= set(firsts(listener.payloads(LINES)).values()))
    assert (worker.written, worker.dropped) == (1 + QUEUE, over)
    measured(f"{QUEUE:,} labels that wait: {grown_mib:.1f} MiB")


def test_04_a_source_notices_and_listens_again_when_its_broker_goes_on(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=quick(keepalive_s=2)):
        listening(caplog)
        held_up, hung_s = HeldUp(), time.monotonic()
        broker.hang()
        wait_for(lambda: "connection lost: Keep alive timeout" in caplog.text)
        assert time.monotonic() - hung_s - held_up.look() < 2 * 2
        broker.go_on()
        listening(caplog, 2)


def test_05_a_link_that_goes_down_is_noticed_and_costs_little(tmp_path: Path, measured: Measured) -> None:
    with cable() as laid:
        far = Broker(tmp_path, "allow_anonymous true")
        far.configure(f"user root\nlistener {far.port} {FAR}\nallow_anonymous true\n")
        far.start(laid.within(laid.far))
        sink = f"mqtt://{FAR}:{far.port}/har"
        config = f"{HASTY}insecure = true\n"
        near = laid.within(laid.near)
        with stream(tmp_path / "stream", LOAD, "--sink", sink, config=config, http=False, before=near) as one:
            one.wait_to_say(f"{sink}: connected")
            holds_out(one, laid.draw, measured)
            laid.mend()
            one.wait_to_say(f"{sink}: connected", 2, 60)
            _, dropped = label_books(one, sink)
        far.stop()
    assert dropped > 0


def test_05_a_way_on_which_nothing_comes_through_does_not_hold_up_the_end(
    tmp_path: Path, broker: Broker, measured: Measured
) -> None:
    with Proxy(broker.port) as proxy:
        sink = f"mqtt://127.0.0.1:{proxy.port}/har"
        with stream(tmp_path / "stream", LOAD, "--sink", sink, config=HASTY, http=False) as one:
            holds_out(one, proxy.stall, measured)
            written, dropped = label_books(one, sink)
    assert written > 0
    assert dropped >= MAY_WAIT


def test_06_what_a_reset_in_mid_packet_cut_goes_out_again_with_its_id(
    tmp_path: Path, broker: Broker, measured: Measured
) -> None:
    resets = lasting(3, 20)
    listener = Listener(broker.port, "har/+/prediction")
    with Proxy(broker.port) as proxy:
        sink = f"mqtt://127.0.0.1:{proxy.port}/har"
        with stream(tmp_path / "stream", "sim:?devices=20&speed=20", "--sink", sink, config=QUICK_LINK) as one:
            for number in range(1, resets + 1):
                one.wait_to_say(f"{sink}: connected", number)
                proxy.reset_after(30_000 + 7 * number)
                wait_for(lambda seen=number: proxy.resets == seen)
            one.wait_to_say(f"{sink}: connected", resets + 1)
            wait_for(lambda: one.metrics.get("queue_length", queue="labels", sink=sink) < 50)
            ended = one.end()
    given = [line["id"] for line in ended.lines]
    assert f"{sink}: {len(given)} labels written, 0 dropped" in ended.said
    wait_for(lambda: len({payload for _, payload, _ in listener.heard}) == len(given))
    heard = [payload for _, payload, _ in listener.heard]
    assert list(firsts(heard)) == given
    repeated = len(heard) - len(set(heard))
    assert repeated > 0
    assert len(set(heard)) == len(given), "what was sent again is what was sent before"
    measured(f"{resets} resets, {repeated} of {len(given)} labels sent twice")
    listener.close()
