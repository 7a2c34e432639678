"""The data sets' archives in the UCI Machine Learning Repository: where they lie, and how to know them again.

What is checked is the SHA-256 of the whole .zip: it alone tells that every byte is that which others trained on. The
repository publishes no checksums. Those below are what projects published that downloaded the archives; the comment
beside each says where. They tell that we have the same file as those projects, not that the repository signed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REPOSITORY: Final = "https://archive.ics.uci.edu"


@dataclass(frozen=True, slots=True)
class Archive:
    """One data set to download: its page for people, its address, and the SHA-256 and bytes of what is accepted."""

    title: str
    page: str
    url: str
    file_name: str
    length_by_sha256: dict[str, int]

    @property
    def length(self) -> int:
        """Bytes of the longest form that is accepted: no download needs to go on beyond."""
        return max(self.length_by_sha256.values())


ARCHIVES: Final = {
    "uci-har": Archive(
        title="UCI HAR",
        page=f"{REPOSITORY}/dataset/240",
        url=f"{REPOSITORY}/static/public/240/human+activity+recognition+using+smartphones.zip",
        file_name="UCI-HAR.zip",
        length_by_sha256={
            # What the address serves, "UCI HAR Dataset.zip" in a zip: github.com/OpenTSLM/TimeNet,
            # packages/timenet-connectors/src/timenet_connectors/datasets/uci/har/connector.py.
            "c00b803081a5c797cd5e4b83700a9810b38d53d9d84e01917e090e1fdbc81031": 61_005_872,
            # "UCI HAR Dataset.zip" itself, as older addresses serve it: github.com/alanderos91/MVDA.jl,
            # src/data/HAR.jl.
            "2045e435c955214b38145fb5fa00776c72814f01b203fec405152dac7d5bfeb0": 60_999_314,
        },
    ),
    "hapt": Archive(
        title="HAPT",
        page=f"{REPOSITORY}/dataset/341",
        url=f"{REPOSITORY}/static/public/341/"
        "smartphone+based+recognition+of+human+activities+and+postural+transitions.zip",
        file_name="HAPT.zip",
        length_by_sha256={
            # github.com/BrianMills2718/linguistic-core, evaluation/uci_posture_grounding/evaluate.py, and
            # github.com/XianghuiMeng-1020/source-multiplicity-sensitivity, research/hapt_multiplicity/PROTOCOL.md.
            "4ac4ae064227c07045a99551876b54d204837e995e298b6488559e209b3deb09": 79_596_192,
        },
    ),
}
"""By the name that `har-train fetch` takes."""
