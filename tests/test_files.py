"""A data set reads the same from a folder, a zip or a zip inside a zip, and is told by its content."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.datasets import Hapt, Selection, UciHar, open_data_set
from har_stream.errors import InputError
from tests.test_hapt import lay, tiny_hapt
from tests.test_uci_har import tiny_uci

JUNK = {"__MACOSX/._RawData": "\x00\x05", "__MACOSX/RawData/._labels.txt": "\x00", "__MACOSX/._inner.zip": "\x00"}


def zipped(files: dict[str, str] | dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {folder + name: text for name, text in files.items()}


def inside(data: bytes) -> bytes:
    return zipped({"inner.zip": data, "readme.names": b"about", "__MACOSX/._inner.zip": b"\x00"})


def place(tmp_path: Path, layout: str, files: dict[str, str]) -> Path:
    """Lay out the same files in one of five ways, under a name that tells nothing."""
    path = tmp_path / "data"
    if layout == "folder":
        return lay(path, files)
    if layout == "folder above":
        lay(path / "Some Data Set", files)
        return path
    data = zipped(below("Some Data Set/", files) | JUNK)
    path.write_bytes({"zip": data, "flat zip": zipped(files), "zip in zip": inside(data)}[layout])
    return path


LAYOUTS = ["folder", "folder above", "zip", "flat zip", "zip in zip"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hapt_reads_the_same_however_it_lies(tmp_path: Path, layout: str) -> None:
    plain = open_data_set(lay(tmp_path / "plain", tiny_hapt()))
    found = open_data_set(place(tmp_path, layout, tiny_hapt()))
    assert isinstance(plain, Hapt)
    assert isinstance(found, Hapt)
    for one, other in zip(plain.recordings(Selection()), found.recordings(Selection()), strict=True):
        assert (one.device, one.spans) == (other.device, other.spans)
        assert one.values.tobytes() == other.values.tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_uci_har_reads_the_same_however_it_lies(tmp_path: Path, layout: str) -> None:
    plain = open_data_set(lay(tmp_path / "plain", tiny_uci()))
    found = open_data_set(place(tmp_path, layout, tiny_uci()))
    assert isinstance(plain, UciHar)
    assert isinstance(found, UciHar)
    one, other = plain.windows(Selection()), found.windows(Selection())
    assert one.values.tobytes() == other.values.tobytes()
    assert one.start.tolist() == other.start.tolist()


def test_one_part_alone_is_uci_har_still(tmp_path: Path) -> None:
    test = {name: text for name, text in tiny_uci().items() if name.startswith("test/")}
    found = open_data_set(lay(tmp_path, test))
    assert isinstance(found, UciHar)
    assert found.windows(Selection("test")).subject.tolist() == [2, 2]
    with pytest.raises(InputError, match=r"y_train.txt is missing"):
        found.windows(Selection())


def test_a_zip_beside_a_data_set_does_not_hide_it(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    files = {name: text.encode() for name, text in tiny_hapt().items()}
    path.write_bytes(zipped(files | {"old.zip": zipped({"a": "b"})}))
    assert isinstance(open_data_set(path), Hapt)


@pytest.mark.parametrize("files", [{}, {"a.txt": "1"}, {"labels.txt": "1"}, {"XRawData/labels.txt": "1"}])
def test_what_holds_neither_data_set_tells_what_was_looked_for(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "empty.zip").write_bytes(zipped(files))
    lay(tmp_path / "folder", files).mkdir(exist_ok=True)
    for name in ("empty.zip", "folder"):
        with pytest.raises(InputError, match=f"no data set found: looked for .* among {len(files)} files"):
            open_data_set(tmp_path / name)


@pytest.mark.parametrize("name", ["none", "none/none.zip", "a" * 300, "a" * 5000, "a\0b", "\udcff"])
def test_a_path_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        open_data_set(tmp_path / name)


WHOLE = zipped(tiny_hapt())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip", WHOLE[:-30], WHOLE[:200], inside(WHOLE)[:-1]])
def test_a_broken_download_is_said_to_be_one(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data.zip").write_bytes(data)
    with pytest.raises(InputError, match="not a folder and not a whole zip file"):
        open_data_set(tmp_path / "data.zip")


def patched(data: bytes, local: int, central: int, value: int) -> bytes:
    """Set one byte of every local and every central header of a zip."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset] = value
            at = changed.find(signature, at + 4)
    return bytes(changed)


def damaged(data: bytes) -> bytes:
    """Overwrite the compressed bytes of the first member."""
    start = data.index(b"PK\x03\x04") + 70
    return data[:start] + b"\xff" * 25 + data[start + 25 :]


LONG = {"RawData/labels.txt": "1 1 5 1 10\n2 3 4 5 6\n" * 40}
BAD_ZIPS = {
    "encrypted": patched(WHOLE, 6, 8, 1),
    "inner encrypted": patched(zipped({"inner.zip": b"x" * 50}), 6, 8, 1),
    "unknown method": patched(WHOLE, 8, 10, 99),
    "too new": patched(WHOLE, 4, 6, 255),
    "damaged deflate": damaged(zipped(LONG)),
    "damaged bzip2": damaged(zipped(LONG, zipfile.ZIP_BZIP2)),
    "damaged lzma": damaged(zipped(LONG, zipfile.ZIP_LZMA)),
    "damaged inner": damaged(zipped({"inner.zip": WHOLE})),
    "inner no zip": zipped({"inner.zip": b"not a zip"}),
    "undecodable name": zipped({"\u00e9.txt": "x"}).replace("\u00e9".encode(), b"\xff\xfe"),
}


@pytest.mark.parametrize("data", BAD_ZIPS.values(), ids=BAD_ZIPS.keys())
def test_a_zip_that_cannot_be_read_is_an_input_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data.zip").write_bytes(data)
    with pytest.raises(InputError, match=r"data.zip: "):
        read_hapt(tmp_path / "data.zip")


def read_hapt(path: Path) -> int:
    data_set = open_data_set(path)
    assert isinstance(data_set, Hapt)
    return len(list(data_set.recordings(Selection())))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_give_recordings_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    changed = bytearray(WHOLE)
    for at, value in flips:
        changed[at] = value
    path = tmp_path_factory.getbasetemp() / "flipped.zip"
    path.write_bytes(changed)
    with contextlib.suppress(InputError):
        assert read_hapt(path) <= 3
