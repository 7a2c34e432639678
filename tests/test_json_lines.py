"""JSON lines: the fields as documented, and files that append."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import select
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.activities import ACTIVITIES
from har_stream.errors import ConfigError
from har_stream.samples import Settled
from har_stream.sinks.json_lines import JsonLines, encode, json_file
from tests.predictions import packed, prediction


def test_a_line_has_the_documented_fields_in_order() -> None:
    settled = Settled(8.519999, 9.8, "walking")
    line = encode(prediction(settled=settled, truth="walking", has_truth=True)).decode()
    assert line == (
        '{"id":"exp01_user01-9800","device":"exp01_user01","time":12.34,"window":[9.8,12.34],"label":"walking","raw":"walking",'
        '"confidence":0.98,"probabilities":{"walking":0.98,"walking_upstairs":0.004,"walking_downstairs":0.004,'
        '"sitting":0.004,"standing":0.004,"laying":0.004},"settled":{"span":[8.52,9.8],"label":"walking"},'
        '"truth":"walking"}'
    )


def test_truth_is_null_where_unlabelled_and_absent_where_there_is_none_at_all() -> None:
    assert json.loads(encode(prediction(has_truth=True)))["truth"] is None
    assert "truth" not in json.loads(encode(prediction()))
    assert json.loads(encode(prediction()))["settled"] is None


@given(st.floats(0, 4e9), st.sampled_from(["walking", "laying"]), st.sampled_from(["standing", "unknown"]))
def test_every_line_reads_back(end_s: float, raw: str, label: str) -> None:
    line = encode(prediction(end_s=end_s, raw=raw, label=label))
    fields = json.loads(line)
    assert b"\n" not in line
    assert fields["time"] == pytest.approx(end_s, abs=6e-4)
    assert (fields["raw"], fields["label"]) == (raw, label)


SECONDS = st.floats(-1e15, 1e15) | st.floats(0, 4e9) | st.integers(-9, 8_000_000).map(lambda halves: halves / 2000)


SHARES = st.floats(0, 1, width=32) | st.integers(0, 2**15).map(lambda parts: parts / 2**15)


@given(st.lists(SHARES, min_size=6, max_size=6), SECONDS, st.none() | st.tuples(SECONDS, SECONDS))
def test_numbers_are_those_that_python_rounds_to(
    shares: list[float], end_s: float, span: tuple[float, float] | None
) -> None:
    one = prediction(end_s=end_s, raw="sitting", settled=span and Settled(*span, "walking"))
    one.shares = packed(*shares)
    fields = json.loads(encode(one))
    assert fields["probabilities"] == {name: round(share, 4) for name, share in zip(ACTIVITIES, shares, strict=True)}
    assert fields["confidence"] == round(shares[ACTIVITIES.index("sitting")], 4)
    assert fields["window"] == [round(one.start_s, 3), round(end_s, 3)]
    assert fields["settled"] == (span and {"span": [round(time_s, 3) for time_s in span], "label": "walking"})


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    for end_s in (1.0, 2.0):
        json_file(path).write([prediction(end_s=end_s)])
    assert [json.loads(line)["time"] for line in path.read_text().splitlines()] == [1.0, 2.0]


def test_a_line_that_a_full_disk_cut_short_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.jsonl"
    sink, real_write = json_file(path), os.write
    room = [500]

    def write(file: int, data: bytes) -> int:
        part = data[: room[0]]
        room[0] -= len(part)
        if data and not part:
            raise OSError(28, "No space left on device")
        return real_write(file, part)

    monkeypatch.setattr(os, "write", write)
    batch = [prediction(end_s=float(number)) for number in range(5)]
    taken = sink.write(batch)
    assert 0 < taken < 5
    with pytest.raises(OSError, match="No space"):
        sink.write(batch[taken:])
    room[0] = 10**6
    assert sink.write(batch[taken:]) == 5 - taken
    assert [json.loads(line)["time"] for line in path.read_text().splitlines()] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_torn_line_is_taken_back_from_a_file_that_does_not_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real_write = tmp_path / "redirected.jsonl", os.write
    sink = JsonLines("stdout:", lambda: os.open(path, os.O_WRONLY | os.O_CREAT))
    room = [10]

    def write(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        part = data[: room[0]]
        room[0] -= len(part)
        return real_write(file, part)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        sink.write([prediction(end_s=1.0)])
    room[0] = 10**6
    assert sink.write([prediction(end_s=2.0)]) == 1
    assert json.loads(path.read_bytes())["time"] == 2.0


def test_a_file_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        json_file(tmp_path / "absent" / "labels.jsonl")


def test_lines_pass_into_a_pipe_that_has_room_for_them() -> None:
    reading, writing = os.pipe()
    sink = JsonLines("pipe", lambda: writing)
    assert not sink.pass_on([prediction()]), "it is opened by write()"
    sink.write([prediction(end_s=1.0)])
    assert sink.pass_on([prediction(end_s=2.0), prediction(end_s=3.0)])
    assert [json.loads(line)["time"] for line in os.read(reading, 9999).splitlines()] == [1.0, 2.0, 3.0]
    assert not sink.pass_on([prediction()] * 9)
    assert not sink.pass_on([prediction(device="d" * 4096)]), "it may be cut in two"
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, bytes(4096)):
            pass
    os.set_blocking(writing, True)
    assert not sink.pass_on([prediction()]), "it is full"
    os.close(reading)
    assert not sink.pass_on([prediction()])
    os.close(writing)


def test_nothing_passes_into_a_file(tmp_path: Path) -> None:
    sink = json_file(tmp_path / "labels.jsonl")
    sink.write([prediction()])
    assert not sink.pass_on([prediction()]), "a disk may keep one waiting"


def test_lines_of_several_processes_are_written_so_that_none_mixes_with_another() -> None:
    sizes: list[int] = []
    read, write = os.pipe()
    real = os.write

    def counted(file: int, data: bytes) -> int:
        sizes.append(len(data))
        return real(file, data)

    with os.fdopen(read, "rb") as reader:
        one = JsonLines("pipe", lambda: write, shared=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", counted)
            assert one.write([prediction(end_s=float(number)) for number in range(100)]) == 100
        os.close(write)
        lines = reader.read().splitlines(keepends=True)
    assert [json.loads(line)["time"] for line in lines] == list(range(100))
    assert max(sizes) <= select.PIPE_BUF < sum(sizes)
    ends = set(itertools.accumulate(map(len, lines)))
    assert set(itertools.accumulate(sizes)) <= ends, "no write ends within a line"


def test_a_file_is_one_process_at_a_time_where_several_write(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        thread = Thread(target=json_file(path, shared=True).write, args=([prediction()],))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        assert not path.read_bytes()
    thread.join(60)
    assert path.read_bytes().count(b"\n") == 1
