"""A certificate authority, and certificates of servers and clients, made by openssl for a test."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authority:
    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.pem"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key"

    def issue(self, host: str, *, expired: bool = False) -> tuple[str, ...]:
        """Issue a certificate for a host, such as IP:127.0.0.1 or DNS:localhost; return Mosquitto's lines for it."""
        signed, key = self._sign("server", f"subjectAltName={host}\n", expired=expired)
        return ("allow_anonymous true", f"certfile {signed}", f"keyfile {key}")

    def issue_client(self, name: str) -> tuple[Path, Path]:
        """Issue a certificate for a client; return it and its key."""
        return self._sign(name, "extendedKeyUsage=clientAuth\n")

    def _sign(self, name: str, extensions: str, *, expired: bool = False) -> tuple[Path, Path]:
        key, request, signed = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        for kind, text in (("ext", extensions), ("cnf", CA_CONFIG.format(folder=self.folder)), ("txt", "")):
            (self.folder / f"sign.{kind}").write_text(text, "utf-8")
        _openssl("req", "-new", *_new_key(key), "-subj", f"/CN={name}", "-out", str(request))
        _openssl(
            *("ca", "-batch", "-notext", "-config", str(self.folder / "sign.cnf")),
            *("-cert", str(self.certificate), "-keyfile", str(self.key), "-extfile", str(self.folder / "sign.ext")),
            *("-in", str(request), "-out", str(signed), "-startdate", "20200101000000Z"),
            *(("-enddate", "20200102000000Z") if expired else ("-days", "2")),
        )
        return signed, key


CA_CONFIG = """\
[ca]
default_ca = own
[own]
database = {folder}/sign.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def authority(folder: Path, name: str = "ca") -> Authority:
    made = Authority(folder, name)
    _openssl("req", "-x509", *_new_key(made.key), "-subj", f"/CN={name}", "-days", "2", "-out", str(made.certificate))
    return made


def _new_key(path: Path) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path))


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
