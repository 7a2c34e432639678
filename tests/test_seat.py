"""The worker's side of what it is asked: one answer for all questions that wait."""

from __future__ import annotations

import socket
from multiprocessing.connection import Connection
from threading import Event
from unittest.mock import Mock

from har_stream.shard import Part
from har_stream.workers.seat import BEGUN, Seat, Told

PATIENCE_S = 60.0


def test_questions_that_wait_have_one_answer_and_the_end_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    supervisor, seat, stop = Connection(ours.detach()), Seat(Part(1, 2), theirs.detach()), Event()
    for number in (1, 2, 3):
        supervisor.send_bytes(number.to_bytes(8))
    daemon = Mock(engine_beat_s=7.0)
    daemon.vitals.return_value = None
    seat.serve(daemon, stop)
    told: list[Told] = []
    for number in (3, 4):
        while not told or told[-1].asked < number:
            assert supervisor.poll(PATIENCE_S)
            told.append(supervisor.recv())
        supervisor.send_bytes((number + 1).to_bytes(8))
    assert told == [Told(0, BEGUN), Told(3, "", None, 7.0), Told(4, "", None, 7.0)]
    supervisor.close()
    assert stop.wait(PATIENCE_S)
