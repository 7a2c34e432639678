"""The files of the live page."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from har_stream.web import assets
from har_stream.web.assets import asset

STATIC = Path(assets.__file__).with_name("static")
MOST_BYTES = 100_000
"""As README says."""


def test_what_is_not_ours_is_what_its_makers_published() -> None:
    lines = (STATIC / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert sums.keys() == {"uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE"}
    for name, digest in sums.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest, name


def test_all_of_it_is_small() -> None:
    assert sum(file.stat().st_size for file in STATIC.iterdir()) < MOST_BYTES


def test_every_file_is_served_by_its_name_and_nothing_else_is() -> None:
    index = asset("/")
    assert index is not None
    assert index.kind.startswith("text/html")
    for name in re.findall(r'(?:src|href)="(/[^"#]*)"', index.body.decode()):
        assert asset(name) is not None, name
    modules = [file for file in STATIC.glob("*.js") if not file.name.startswith("uPlot")]
    for file in modules:
        for name in re.findall(r'from "\./([^"]+)"', file.read_text()):
            assert asset(f"/static/{name}") is not None, name


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/SHA256SUMS", "/static/", "/static/%2e%2e/", "/index.html", ""]
)
def test_no_path_leads_out(path: str) -> None:
    assert asset(path) is None


def test_nothing_is_put_in_as_markup_nor_run_from_text() -> None:
    ours = [file for file in STATIC.iterdir() if file.suffix in {".js", ".html"} and not file.name.startswith("uPlot")]
    for file in ours:
        text = file.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text), (
            file
        )
        assert not re.search(r"\son\w+=|style=|javascript:|https?://", text), file
