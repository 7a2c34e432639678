"""har-stream's own recordings: round trip, and every fault told by its line."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.activities import CODE_BY_NAME
from har_stream.datasets import LabelledSpan, Recording, read_recording
from har_stream.datasets.recording import HEADER, device_id, is_recording
from har_stream.errors import InputError

HEAD = ",".join(HEADER)
SAMPLES = "".join(f"{at / 50},0.5,{at},1,0,0,-0.25\n" for at in range(5))
GOOD = f"{HEAD}\n{SAMPLES}".encode()
PACKED = gzip.compress(GOOD, mtime=0)


def labelled(*labels: str) -> str:
    return f"{HEAD},label\n" + "".join(f"{at / 50},0,0,1,0,0,0,{label}\n" for at, label in enumerate(labels))


def read(folder: Path, data: bytes | str, name: str = "walk_1.csv") -> Recording:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_recording(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("walk_1.csv", GOOD),
        ("walk_1.csv.gz", PACKED),
        ("walk_1", PACKED),
        ("walk_1.csv", GOOD.replace(b"\n", b"\r\n")),
        ("walk_1.csv", GOOD.replace(b"\n", b"\n\n")),
        ("walk_1.csv", GOOD[:-1]),
    ],
)
def test_plain_and_packed_read_the_same(tmp_path: Path, name: str, data: bytes) -> None:
    recording = read(tmp_path, data, name)
    assert is_recording(tmp_path / name)
    assert (recording.device, recording.rate_hz, recording.start_s) == ("walk_1", 50.0, 0.0)
    assert recording.values.dtype == np.float32
    assert recording.values.tolist() == [[0.5, at, 1.0, 0.0, 0.0, -0.25] for at in range(5)]
    assert (recording.truth, recording.spans) == (None, ())


def test_labels_become_codes_and_spans(tmp_path: Path) -> None:
    recording = read(tmp_path, labelled("", "walking", "walking", "sit_to_stand", "", "laying"))
    assert recording.truth is not None
    assert recording.truth.tolist() == [0, 1, 1, CODE_BY_NAME["sit_to_stand"], 0, 6]
    assert recording.spans == (LabelledSpan(1, 1, 3), LabelledSpan(8, 3, 4), LabelledSpan(6, 5, 6))


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(*[NUMBERS] * 6, st.sampled_from(["", *CODE_BY_NAME])), min_size=2, max_size=20)


@given(rows=ROWS, start_s=st.integers(-1000, 10**9), rate_hz=st.sampled_from([25, 50, 100]), packed=st.booleans())
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[float, float, float, float, float, float, str]],
    start_s: int,
    rate_hz: int,
    *,
    packed: bool,
) -> None:
    lines = [",".join(map(str, (start_s + at / rate_hz, *row))) for at, row in enumerate(rows)]
    text = "\n".join([f"{HEAD},label", *lines]).encode()
    recording = read(tmp_path_factory.getbasetemp(), gzip.compress(text) if packed else text)
    assert recording.start_s == start_s
    assert recording.rate_hz == pytest.approx(rate_hz, abs=0.01)
    assert np.array_equal(recording.values, np.array([row[:6] for row in rows], np.float32))
    assert recording.truth is not None
    assert recording.truth.tolist() == [CODE_BY_NAME.get(row[6], 0) for row in rows]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: expected the header time_s,acc_x_g"),
        (f"{HEAD.upper()}\n{SAMPLES}", "line 1: expected the header"),
        (f"{HEAD},activity\n{SAMPLES}", "line 1: expected the header"),
        (SAMPLES, "line 1: expected the header"),
        (HEAD.replace(",", ";"), "line 1: expected the header"),
        (f"{HEAD}\n", "no samples in it"),
        (f"{HEAD}\n0,0,0,1,0,0,0\n", "one sample alone has no sampling rate"),
        (f"{HEAD}\n{SAMPLES}0.1,0,0,1,0,0\n", "line 7: 6 fields, expected 7"),
        (f"{HEAD}\n{SAMPLES}0.1,0,0,1,0,0,0,walking\n", "line 7: 8 fields, expected 7"),
        (f"{HEAD}\n{SAMPLES}0.1,0,zero,1,0,0,0\n", "line 7: could not convert string to float: 'zero'"),
        (f"{HEAD}\n{SAMPLES}0.1,0,,1,0,0,0\n", "line 7: could not convert"),
        (labelled("walking", "walkin"), r"line 3: unknown label 'walkin' \(did you mean 'walking'\?\)"),
        (labelled("sitting", "Sitting"), r"line 3: unknown label 'Sitting' \(did you mean 'sitting'\?\)"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError, match=rf"walk_1.csv:? {fault}"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("times", "rate_hz"),
    [
        ([0, 0.02, 0.04, 0.07, 0.08], 50),
        ([0, 0.02, 0.02, 0.06, 0.08], 50),
        ([0, 0.02, 0.04, 0.08, 0.1, 0.12], 50),
        ([0.08, 0.06, 0.04, 0.06], 50),
        ([0, 0.0203, 0.04, 0.0597, 0.08], 50),
        ([1.7e9 + 0.01, 1.7e9 + 0.02, 1.7e9 + 0.04], 66.67),
    ],
)
def test_times_that_are_not_uniform_are_kept_each(tmp_path: Path, times: list[float], rate_hz: float) -> None:
    rows = "".join(f"{time!r},0,0,1,0,0,0\n" for time in times)
    recording = read(tmp_path, f"{HEAD}\n{rows}")
    assert recording.times_s is not None
    assert recording.times_s.tolist() == times
    assert recording.rate_hz == pytest.approx(rate_hz, rel=1e-3)


@pytest.mark.parametrize(
    ("decimals", "rate_hz"),
    [(1, 1), (2, 10), (2, 20), (3, 25), (3, 50), (3, 104), (6, 50), (6, 104), (6, 833), (17, 50), (17, 104)],
)
@pytest.mark.parametrize("start_s", [0, -3.5, 1.7e9])
def test_times_are_uniform_but_for_how_they_were_rounded(
    tmp_path: Path, decimals: int, rate_hz: float, start_s: float
) -> None:
    rows = "".join(f"{round(start_s + at / rate_hz, decimals)!r},0,0,1,0,0,0\n" for at in range(500))
    recording = read(tmp_path, f"{HEAD}\n{rows}")
    assert recording.times_s is None
    assert recording.rate_hz == pytest.approx(rate_hz, rel=5e-4)


@pytest.mark.parametrize(
    ("times", "fault"),
    [
        (["0", "0"], "no sampling rate: its times never go forward"),
        (["0.08", "0.06", "0.04"], "no sampling rate: its times never go forward"),
        (["0", "nan"], "sample 1 has no lawful time: nan s"),
        (["nan", "0.02", "0.04"], "sample 0 has no lawful time"),
        (["0", "inf"], "sample 1 has no lawful time"),
        (["-1.7e308", "1.7e308"], "sample 0 has no lawful time"),
    ],
)
def test_times_that_tell_nothing_are_refused(tmp_path: Path, times: list[str], fault: str) -> None:
    rows = "".join(f"{time},0,0,1,0,0,0\n" for time in times)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=fault):
            read(tmp_path, f"{HEAD}\n{rows}")


@pytest.mark.parametrize("last", ["5e-324", "1e9"])
def test_times_that_give_no_rate_are_refused(tmp_path: Path, last: str) -> None:
    with pytest.raises(InputError):
        read(tmp_path, f"{HEAD}\n0,0,0,1,0,0,0\n{last},0,0,1,0,0,0\n")


def test_a_value_beyond_all_bounds_reads_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = read(tmp_path, GOOD.replace(b"0.5,2", b"1e308,2"))
    assert not np.isfinite(recording.values[2, 0])


UNREADABLE = {
    "gzip cut in its header": PACKED[:5],
    "gzip with a wrong sum": PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
    "gzip with junk behind": PACKED + b"junk",
    "gzip of another method": PACKED[:2] + b"\x01" + PACKED[3:],
    "gzip damaged": PACKED[:20] + b"\xff" * 12 + PACKED[32:],
    "gzip of garbage": gzip.compress(b"\xff\xfe\x00"),
    "garbage": bytes(range(256)) * 20,
    "a zip": b"PK\x03\x04" + bytes(100),
    "a huge field": f"{HEAD}\n{'1' * 200_000}\n".encode(),
    "a huge header": b"a" * 200_000,
    "carriage returns alone": GOOD.replace(b"\n", b"\r"),
    "a carriage return in a line": GOOD + b"0.1,0\r,0,1,0,0,0\n",
    "a NUL": GOOD + b"0.1,0,\0,1,0,0,0\n",
    "a quote without end": GOOD + b'"0.1,0,0\n1,0,0,0\n',
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_recording_is_an_input_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"walk_1.csv"):
        read(tmp_path, data)


MEMBERS = [gzip.compress(line, mtime=0) for line in GOOD.splitlines(keepends=True)]


MEMBERS_END = 10
"""Bytes of a member after its last line: what ends a block, and the checksum."""


def test_wherever_a_recording_is_torn_its_whole_lines_are_read(tmp_path: Path) -> None:
    ends = np.cumsum([len(member) for member in MEMBERS])
    for cut in range(int(ends[-1])):
        whole, most = int((ends <= cut).sum()) - 1, int((ends - MEMBERS_END <= cut).sum()) - 1
        try:
            samples = len(read(tmp_path, b"".join(MEMBERS)[:cut], "walk_1.csv.gz").values)
        except InputError:
            assert whole < 2
        else:
            assert whole <= samples <= most


@pytest.mark.parametrize("left", [bytes(100), MEMBERS[5][:20] + bytes(100), MEMBERS[5][:-8] + bytes(8)])
def test_what_a_loss_of_power_left_at_the_end_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, left: bytes
) -> None:
    assert len(read(tmp_path, b"".join(MEMBERS[:5]) + left).values) == 4
    assert "its end is torn off" in caplog.text
    with pytest.raises(InputError, match="neither whole gzip"):
        read(tmp_path, b"".join(MEMBERS[:5]) + left + MEMBERS[5])


@pytest.mark.parametrize("torn", ["0.1", "0.1,0,0,1,0,0", "0.1,0,0,1,0,0,-", "0.1,0,0,1,0,0,0,wal"])
def test_a_line_torn_off_at_the_end_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, torn: str
) -> None:
    text = labelled("", "", "", "", "") if torn.endswith("wal") else f"{HEAD}\n{SAMPLES}"
    recording = read(tmp_path, text + torn)
    assert len(recording.values) == 5
    assert "walk_1.csv: its end is torn off; 5 whole samples are read" in caplog.text
    with pytest.raises(InputError, match="line 7"):
        read(tmp_path, f"{text}{torn}\n")


def test_a_torn_gzip_is_told_and_a_whole_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(read(tmp_path, b"".join(MEMBERS)).values) == 5
    assert not caplog.text
    assert len(read(tmp_path, b"".join(MEMBERS)[:-20]).values) == 4
    assert caplog.text.count("torn off; 4 whole") == 1


@pytest.mark.parametrize("name", [".", "none.csv", "none/none.csv", "a" * 300, "a" * 5000, "a\0b"])
def test_a_path_without_a_file_is_no_recording(tmp_path: Path, name: str) -> None:
    assert not is_recording(tmp_path / name)
    with pytest.raises(InputError):
        read_recording(tmp_path / name)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x1f\x8b", PACKED[:-60], b"time_s,acc", bytes(range(256))])
def test_other_files_are_told_apart_by_content(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "walk.bin"
    path.write_bytes(data)
    assert not is_recording(path)


@given(st.binary() | st.text('0.19,-e\n\r" nai_\0').map(lambda text: f"{HEAD}\n{text}".encode()))
def test_any_bytes_are_a_recording_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try:
        recording = read(tmp_path_factory.getbasetemp(), data)
    except InputError:
        return
    assert 0 < recording.rate_hz < float("inf")
    assert len(recording.values) > 1


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("my walk.csv", "my_walk"),
        ("walk.v2.csv.gz", "walk_v2"),
        ("\u00fcben.csv", "_ben"),
        ("x" * 99 + ".csv", "x" * 64),
    ],
)
def test_the_device_id_is_the_nearest_lawful_one(name: str, device: str) -> None:
    assert device_id(Path(name)) == device


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ",".join(HEADER).encode() + b"\n0,1,0,0,0,0,0\n0.02,1,0,0,0,0,0\n")
    assert is_recording(path)
    assert read_recording(path).rate_hz == 50.0


def test_a_csv_with_another_header_is_told_which_one_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "typo.csv"
    path.write_text("time,ax,ay,az,gx,gy,gz\n0,1,0,0,0,0,0\n")
    assert is_recording(path)
    with pytest.raises(InputError, match=r"typo.csv line 1: expected the header time_s"):
        read_recording(path)
