"""Fetching a data set: whole, resumed, refused and without a network, from a real server on loopback."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from har_stream.datasets import Hapt, open_data_set
from har_stream.errors import UnavailableError
from tests.file_server import Served, serving
from tests.stream_process import run
from tests.test_files import inside, zipped
from tests.test_hapt import tiny_hapt
from training import archives, cli, download
from training.archives import ARCHIVES, Archive

PINNED = dict(ARCHIVES)
NOISE = np.random.default_rng(7).bytes(300_000)
"""What does not compress: the archive is longer than one chunk."""
ZIP = inside(zipped({name: text.encode() for name, text in tiny_hapt().items()} | {"noise": NOISE}))
OTHER = inside(zipped({name: text.encode() for name, text in tiny_hapt().items()} | {"noise": NOISE[::-1]}))
HALF = len(ZIP) // 2


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> Archive:
    """HAPT as if the small archive were what was published; no pauses, no proxy."""
    digest = hashlib.sha256(ZIP).hexdigest()
    archive = Archive("HAPT", ARCHIVES["hapt"].page, "http://127.0.0.1:9/", "HAPT.zip", {digest: len(ZIP)})
    monkeypatch.setitem(archives.ARCHIVES, "hapt", archive)
    monkeypatch.setattr(download, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setenv("no_proxy", "*")
    return archive


@pytest.fixture
def server() -> Iterator[Served]:
    with serving(Served(ZIP)) as served:
        yield served


def fetch(out: Path, url: str) -> int:
    return cli.main(["fetch", "hapt", "--out", str(out), "--url", url])


def left(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()}


def fault(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a fault is."""
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("har-train: ")
    return line


def interrupted(out: Path, server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """Leave half of the file behind: the server cuts the connection, then twice gives nothing."""
    server.cut_after = [HALF, 0]
    assert fetch(out, server.url) == os.EX_UNAVAILABLE
    assert f"after {HALF} bytes; run the same command again" in fault(capsys)
    assert left(out) == {"HAPT.zip.part", "HAPT.zip.part.json"}
    server.asked.clear()


def test_a_whole_download_is_checked_and_can_be_read(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new folder"
    assert fetch(out, server.url) == 0
    assert (out / "HAPT.zip").read_bytes() == ZIP
    assert left(out) == {"HAPT.zip"}
    said = capsys.readouterr()
    assert said.err == ""
    assert f"{out}/HAPT.zip: downloaded" in said.out
    assert f"har-train fit --arch seed-lstm --data '{out}/HAPT.zip'" in said.out
    assert isinstance(open_data_set(out / "HAPT.zip"), Hapt)


def test_what_is_there_and_valid_is_not_fetched_again(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "HAPT.zip").write_bytes(ZIP)
    assert fetch(tmp_path, server.url) == 0
    assert server.asked == []
    assert "already here" in capsys.readouterr().out


def test_a_file_of_that_name_that_is_something_else_is_left_alone(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "HAPT.zip").write_bytes(OTHER)
    assert fetch(tmp_path, server.url) == os.EX_NOINPUT
    assert "move it away" in fault(capsys)
    assert (tmp_path / "HAPT.zip").read_bytes() == OTHER
    assert server.asked == []


def test_a_cut_connection_goes_on_by_itself(tmp_path: Path, server: Served) -> None:
    server.cut_after = [HALF, 1000]
    assert fetch(tmp_path, server.url) == 0
    assert (tmp_path / "HAPT.zip").read_bytes() == ZIP
    assert server.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]


@pytest.mark.parametrize("cut_after", [[], [HALF]])
def test_a_server_that_does_not_tell_the_length(tmp_path: Path, server: Served, cut_after: list[int]) -> None:
    server.is_chunked, server.cut_after = True, list(cut_after)
    assert fetch(tmp_path, server.url) == 0
    assert (tmp_path / "HAPT.zip").read_bytes() == ZIP
    assert len(server.asked) == 1 + len(cut_after)


@pytest.mark.parametrize("etag", ['"first"', 'W/"first"', None])
def test_a_later_run_fetches_only_the_rest(
    tmp_path: Path, server: Served, etag: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    server.etag = etag
    interrupted(tmp_path, server, capsys)
    assert fetch(tmp_path, server.url) == 0
    # A weak ETag does not promise the same bytes: the length has to do, and at last the checksum.
    assert server.asked == [("/file.zip", f"bytes={HALF}-", '"first"' if etag == '"first"' else None)]
    assert (tmp_path / "HAPT.zip").read_bytes() == ZIP
    assert left(tmp_path) == {"HAPT.zip"}


def test_a_server_without_ranges_starts_over(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path, server, capsys)
    server.knows_ranges = False
    assert fetch(tmp_path, server.url) == 0
    assert len(server.asked) == 1
    assert (tmp_path / "HAPT.zip").read_bytes() == ZIP


@pytest.mark.parametrize("etag", ['"second"', None])
def test_a_file_that_changed_between_the_attempts_starts_over(
    tmp_path: Path, server: Served, etag: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content, server.etag = OTHER + b"longer", etag and '"first"'
    interrupted(tmp_path, server, capsys)
    server.content, server.etag = ZIP, etag
    assert fetch(tmp_path, server.url) == 0
    assert (tmp_path / "HAPT.zip").read_bytes() == ZIP
    assert server.ranges == ([f"bytes={HALF}-"] if etag else [f"bytes={HALF}-", None])


def test_a_part_longer_than_the_file_is_now_starts_over(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path, server, capsys)
    with (tmp_path / "HAPT.zip.part").open("ab") as part:
        part.write(ZIP)
    assert fetch(tmp_path, server.url) == 0
    assert len(server.asked) == 2
    assert (tmp_path / "HAPT.zip").read_bytes() == ZIP


def test_a_part_of_another_address_or_of_nothing_known_starts_over(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path, server, capsys)
    (tmp_path / "HAPT.zip.part.json").write_text("not JSON")
    assert fetch(tmp_path, server.url) == 0
    assert server.ranges == [None]
    (tmp_path / "HAPT.zip").unlink()
    capsys.readouterr()
    interrupted(tmp_path, server, capsys)
    assert fetch(tmp_path, server.url + "?other") == 0
    assert server.ranges == [None]


def test_a_part_that_is_complete_needs_no_server(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path, server, capsys)
    (tmp_path / "HAPT.zip.part").write_bytes(ZIP)
    assert fetch(tmp_path, server.url) == 0
    assert server.asked == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (OTHER, hashlib.sha256(OTHER).hexdigest()),
        (b"<html>Please sign in to this network</html>", "no whole zip file"),
        (ZIP * 3, "bytes"),
    ],
    ids=["another", "sign-in", "longer"],  # not by the checksum, in which each process that collects has its own time
)
def test_what_is_not_as_published_is_set_aside(
    tmp_path: Path, server: Served, content: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = content
    assert fetch(tmp_path, server.url) == os.EX_NOINPUT
    line = fault(capsys)
    assert f"{tmp_path}/HAPT.zip.refused: not HAPT as published" in line
    assert told in line
    assert left(tmp_path) == {"HAPT.zip.refused"}
    # No more is kept than what was published has, and a chunk: a wrong server cannot fill the disk.
    assert (tmp_path / "HAPT.zip.refused").stat().st_size <= len(ZIP) + download.CHUNK
    server.content = ZIP
    assert fetch(tmp_path, server.url) == 0


def test_404_tells_what_to_do_by_hand(tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    server.status = 404
    assert fetch(tmp_path, server.url) == os.EX_UNAVAILABLE
    line = fault(capsys)
    assert "404" in line
    assert "https://archive.ics.uci.edu/dataset/341" in line
    assert left(tmp_path) == set()


def test_without_a_network_one_line_tells_what_to_do(tmp_path: Path) -> None:
    with serving(Served(b"")) as gone:
        pass
    ended = run("fetch", "hapt", "--out", str(tmp_path), "--url", gone.url, module="training.cli", no_proxy="*")
    assert ended.code == os.EX_UNAVAILABLE
    assert ended.output == b""
    (line,) = ended.said.splitlines()
    assert re.match(r"har-train: cannot reach 127\.0\.0\.1:\d+: Connection refused\. Without a network", line)
    assert "https://archive.ics.uci.edu/dataset/341" in line
    assert f"{tmp_path}/HAPT.zip" in line


def test_redirects_are_followed_but_never_away_from_https(
    tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    server.redirect = "/elsewhere.zip"
    assert fetch(tmp_path, server.url) == 0
    assert [path for path, _, _ in server.asked] == ["/file.zip", "/elsewhere.zip"]
    request = urllib.request.Request("https://example.org/a.zip")
    with pytest.raises(UnavailableError, match="which is not https"):
        download.SafeRedirects().redirect_request(request, server, 302, "", {}, server.url)  # type: ignore[arg-type]
    capsys.readouterr()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "HAPT.zip", "https:///x", "ftp://example.org/HAPT.zip"])
def test_an_address_that_is_none_is_a_fault_of_the_command(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(tmp_path, url) == os.EX_CONFIG
    assert "--url" in fault(capsys)


def test_a_name_that_is_none_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "hatp"]) == os.EX_CONFIG
    assert "did you mean 'hapt'?" in fault(capsys)


def test_a_disk_without_room_is_one_line(tmp_path: Path, server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, limits[1]))
    try:
        code = fetch(tmp_path, server.url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == os.EX_IOERR
    assert f"{tmp_path}/HAPT.zip.part: File too large" in fault(capsys)
    assert fetch(tmp_path, server.url) == 0
    assert len(server.asked) == 2


def test_one_address_is_not_that_of_two_data_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "--out", str(tmp_path), "--url", "https://example.org/a.zip"]) == os.EX_CONFIG
    assert "name which" in fault(capsys)


def test_the_data_sets_are_pinned_by_whole_checksums_and_https() -> None:
    assert set(PINNED) == {"uci-har", "hapt"}
    for archive in PINNED.values():
        assert archive.url.startswith("https://archive.ics.uci.edu/")
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in archive.length_by_sha256)
