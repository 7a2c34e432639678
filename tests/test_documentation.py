"""README and docs: their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")


def anchors(page: Path) -> set[str]:
    """Return what a link to a part of the page may name, as it is made of its headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = [link or source for link, source in LINK.findall(page.read_text())]
    local = [link.partition("#") for link in links if "://" not in link]
    assert local
    for path, _, heading in local:
        target = page.parent / path if path else page
        assert target.exists(), f"{path} is not there"
        if heading:
            assert heading in anchors(target), f"{target.name} has no heading {heading}"
