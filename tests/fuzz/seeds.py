"""Writes the seeds of the corpus, from the project's own encoders and from what is known to break parsers.

    python -m tests.fuzz.seeds

What a run of the fuzzer found and was mended lies beside them as found-*.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cbor2
import numpy as np

from har_stream.activities import CODE_BY_NAME
from har_stream.datasets.recording_lines import header_line, sample_lines
from har_stream.formats import cbor_blocks, frames, json_blocks, lines
from har_stream.standings import NUMBERS, TITLE, Standings
from har_stream.standings import encode as encode_standings
from har_stream.state import DeviceState, encode
from tests.fuzz.parts import SEPARATOR, join
from tests.fuzz.targets import CORPUS
from tests.motion import motion
from tests.wire_frames import SEEDS as WIRE_MESSAGES

WALK: Final = motion(1, 6)
RATE_HZ: Final = 50.0
DEEP: Final = 1000
LONG_INTEGER: Final = b"7" * 4301
"""One digit more than Python turns into an int."""

Seeds = Mapping[str, bytes]


def seeds() -> dict[str, Seeds]:
    """Return the seeds of each target, by name."""
    return {
        "frames": _frames(),
        "json": _json(),
        "cbor": _cbor(),
        "lines": _lines(),
        "witmotion": _witmotion(),
        "topics": _topics(),
        "config": _config(),
        "uci_har": _uci_har(),
        "hapt": _hapt(),
        "recordings": _recordings(),
        "state": _state(),
        "standings": _standings(),
        "onnx": _onnx(),
    }


def write(corpus: Path = CORPUS) -> None:
    """Write every seed where it belongs."""
    for target, held in seeds().items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in held.items():
            (folder / name).write_bytes(data)


def _frames() -> Seeds:
    session = frames.encode_session(session_id=7, rate_hz=50, name="watch")
    samples = frames.encode_samples(WALK, sequence=0, start_ms=2**32 - 40, rate_hz=RATE_HZ)
    return {
        "walk": session + samples,
        "messages": join(WIRE_MESSAGES),
        "deep": join([b"\x81" * 40, cbor2.dumps({"t": "sd", "d": [[[[]]]]})]),
        "torn": samples[:70] + b"\0" + samples[30:],
    }


def _json() -> Seeds:
    block = json_blocks.encode(WALK, rate_hz=RATE_HZ, start_s=1.5)
    row = b"[1e999,NaN,-Infinity,null,1,2]"
    logger = [
        {"name": "accelerometer", "time": 10**18 + at * 10**7, "values": {"x": at, "y": 0, "z": 9.8}} for at in range(3)
    ] + [{"name": "gyroscope", "time": 10**18 + at * 10**7, "values": {"x": at, "y": 0, "z": 1}} for at in range(3)]
    sensor = {"type": "android.sensor.accelerometer", "timestamp": 10**9, "values": [1, 2, 9.8]}
    return {
        "block": join([block, json_blocks.encode(WALK, rate_hz=RATE_HZ, start_s=1.62)]),
        "not-numbers": b'{"samples":[' + row + b',[true,1,2,3,4,5]],"hz":NaN,"t":1e999}',
        "doubled-keys": b'{"hz":50,"hz":1e999,"samples":[[1,2,3,4,5,6]],"samples":[]}',
        "long-integer": b'{"t":' + LONG_INTEGER[:600] + b',"hz":NaN,"samples":[]}',
        "deep": b'{"samples":' + b"[" * DEEP + b"]" * DEEP + b',"t":NaN}',
        "sensor-logger": json.dumps({"deviceId": "\ud800", "payload": logger}).encode(),
        "sensor-server": json.dumps(sensor).encode() + SEPARATOR + json.dumps(sensor | {"timestamp": True}).encode(),
        "phyphox": b'{"accX":[1,2],"accY":[0,0],"accZ":[9.8,9.8],"acc_time":[0,0.02],'
        b'"gyrX":[1,1],"gyrY":[0,0],"gyrZ":[0,0],"gyr_time":[0,0.02]}',
    }


def _cbor() -> Seeds:
    plain = cbor_blocks.encode(WALK, rate_hz=RATE_HZ, start_s=1.5)
    scaled = cbor_blocks.encode(WALK, rate_hz=RATE_HZ, scale=[0.01] * 6, acc_unit="m/s2", gyro_unit="deg/s")
    broken = WALK.copy()
    broken[1:4, 2], broken[4:, 3] = np.nan, 1e38
    strange = {"val": cbor2.CBORTag(85, np.full(6, np.nan, "<f4").tobytes()), "hz": float("inf"), "t": True}
    return {
        "blocks": join([plain, cbor_blocks.encode(WALK, rate_hz=RATE_HZ, start_s=1.62), plain]),
        "scaled": scaled,
        "not-numbers": cbor2.dumps(strange),
        "not-finite": cbor_blocks.encode(broken, rate_hz=RATE_HZ, start_s=1.5),
        "doubled-keys": b"\xa2\x62hz\x18\x32\x62hz\x18\x33",
        "deep": b"\x81" * DEEP,
        "tags": bytes.fromhex("a163766174d82381c11bffffffffffffffff"),
        "huge-lengths": bytes.fromhex("a16376616cd8555b7fffffffffffffff00")
        + SEPARATOR
        + bytes.fromhex("bb7fffffffffffffff"),
    }


def _lines() -> Seeds:
    return {
        "walk": lines.encode(WALK),
        "raw": lines.encode(np.rint(WALK * 16384), separator="\t", prefix="a/g:\t"),
        "errors": b"ERR: sensor not found\n1,2,3\n1,2,3,4,5,6,7\n\xff\xfe\n1,2,3,4,5,6\n",
        "not-numbers": b"nan,inf,-inf,1e999,1e308,-1e308\n1_000,2,3,4,5,6\n" + LONG_INTEGER[:400] + b",1,2,3,4,5\n",
        "endless": b"1" * 1100 + b"\n1,2,3,4,5,6\n1,2,3,4,5,6\n",
    }


def _witmotion() -> Seeds:
    packets = [struct.pack("<BB4h", 0x55, kind, 100, -200, 2048, 0) for kind in (0x51, 0x52, 0x53)]
    line = b"".join(packet + bytes([sum(packet) & 0xFF]) for packet in packets)
    return {
        "line": line * 3,
        "packets": join(packets * 2),
        "bluetooth": struct.pack("<BB9h", 0x55, 0x61, *range(9)) * 3,
    }


def _topics() -> Seeds:
    return {
        "plain": join([b"har/watch/imu", b"watch", b"har/+/imu,sensor-logger", b"har"]),
        "wildcards": join([b"har/+/imu", b"watch", b"har/#/imu", b"home/+/har"]),
        "not-text": join([b"har/\xff\xed\xa0\x80/imu", b"watch", b"%ff%00", b"%ed%a0%80/\xff"]),
        "long": join([b"a/" * 300, b"x" * 64, b"a/" * 300 + b"+", b"p" * 1024]),
        "escaped": join([b"/", b"-", b"%2b/%23,$SYS/#", b"%24SYS/a%2fb"]),
        "empty": join([b"", b"", b"", b""]),
    }


def _config() -> Seeds:
    return {
        "sections": b'source = "mqtt://me@broker/har/+/imu"\nsinks = ["stdout:"]\n[intake]\nmax_devices = 5\n'
        b'[mqtt]\nqos = 0\nstale_after_s = 2.5\n[mqtt.tls]\nca_file = "ca.pem"\n[queues]\nblocks = 100\n',
        "not-numbers": b"[intake]\nmax_gap_s = nan\nidle_s = inf\nmax_devices = 1e999\nacc_limit_g = -inf\n",
        "bool": b"intake.max_devices = true\nqueues.blocks = '5'\nmqtt.qos = 2.0\n",
        "long-integer": b"intake.max_devices = " + LONG_INTEGER[:1500] + b"\n",
        "deep": b"source = " + b"[" * DEEP + b"]" * DEEP + b"\n",
        "deep-keys": b"a" + b".a" * DEEP + b" = 1\n",
        "profiles": b'[profiles.belt]\nbase = "phone"\naxes = "x y -z"\n[devices]\n"watch-*" = "belt"\n'
        b'[profiles.a]\nbase = "b"\n[profiles.b]\nbase = "a"\n',
        "dates": b"source = 1979-05-27\nsinks = [07:32:00, {a = {}}]\n[[mqtt]]\n",
    }


def _uci_har() -> Seeds:
    return {
        "plain": join([b"1\n2\n", b"1\n3\n", b"0.1 2.5e-1\n-1\n", b"1\n1\n"]),
        "not-numbers": join([b"1\n", b"1\n", b"nan inf 1e999\n", b"1_0\n"]),
        "wrong": join([b"7\n1e30\n", b"-1\n1000\n", b"1\n"]),
        "zip": _zip({"UCI/train/Inertial Signals/total_acc_x_train.txt": b"1\n", "UCI/train/y_train.txt": b"1\n"}),
    }


def _hapt() -> Seeds:
    acc, gyro = b"1 0 0\n1 0.1 0\n1 0 0\n", b"0 0 0\n0 1e-2 0\n0 0 0\n"
    inner = {"RawData/labels.txt": b"1 1 5 1 2\n", "RawData/acc_exp01_user01.txt": acc}
    return {
        "plain": join([b"1 1 5 1 2\n1 1 7 3 3\n", acc, gyro]),
        "not-numbers": join([b"1 1 5 1 2\n", b"nan inf -1e999\n1 2 3\n", gyro]),
        "wrong-labels": join([b"1 1 13 1 2\n1 1 5 2 1\n1e300 1 5 1.5 nan\n", acc, gyro]),
        "long-spans": join([b"1 1 5 1 2147483648\n", acc, gyro]),
        "zip": _zip({"HAPT.zip": _zip(inner)}),
    }


def _zip(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # a fixed date, so that the bytes are always the same
    return held.getvalue()


def _recordings() -> Seeds:
    times_s = np.arange(len(WALK)) / RATE_HZ
    truth = np.full(len(WALK), CODE_BY_NAME["walking"], np.uint8)
    plain = header_line(labelled=False) + sample_lines(times_s, WALK, None)
    labelled = header_line(labelled=True) + sample_lines(times_s, WALK, truth)
    packed = gzip.compress(labelled, mtime=0)
    return {
        "plain": plain,
        "labelled": labelled,
        "packed": packed + gzip.compress(sample_lines(times_s + 1, WALK, truth), mtime=0),
        "torn": packed[:-20],
        "torn-line": plain[:-15],
        "not-numbers": header_line(labelled=False) + b"nan,inf,1e999,1,2,3,4\n1e308,1,2,3,4,5,6\n",
        "no-time": header_line(labelled=False) + b"0,1,2,3,4,5,6\n" * 2,
        "quotes": header_line(labelled=True) + b'"0\n","1",2,3,4,5,6,"walk\ning"\n',
    }


def _state() -> Seeds:
    days = {"watch": DeviceState(days={"2026-11-30": {"walking": 61.5}})}
    return {
        "kept": encode(days),
        "devices": b'{"watch":{"days":{"2026-11-30":{"walking":61.5}}}}',
        "newer": b'{"format":99,"sha256":"","devices":{}}',
        "deep": b'{"watch":' + b"[" * DEEP + b"]" * DEEP + b"}",
    }


def _standings() -> Seeds:
    whole = encode_standings(Standings(("walking", "sitting"), ("watch",), np.ones((1, NUMBERS + 2))))
    return {
        "kept": whole,
        "devices": whole.partition(b"\n")[2],
        "newer": TITLE + b"99 \n",
        "long": TITLE + LONG_INTEGER + b" \n",
        "deep": b"\x91" * DEEP,
    }


def _onnx() -> Seeds:
    elsewhere = b"\x3a\x05\x2a\x03\x70\x01\x00"  # a graph's tensor, whose field 14 says that its values lie elsewhere
    return {
        "elsewhere": elsewhere,
        "inside": elsewhere.replace(b"\x70\x01", b"\x70\x00"),
        "torn": elsewhere[:-2],
        "long-tag": b"\xff" * 20,
    }


if __name__ == "__main__":
    write()
