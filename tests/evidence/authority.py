"""A time stamp authority of our own: ``openssl ts`` behind HTTP, under certificates that are made for a test."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority"]

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


class Authority:
    """Runs until it is closed. ``ca``: the file with its root certificate. ``granting``: whether it answers with what was asked for."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        self.folder, self.ca, self.granting = folder, folder / "ca.pem", True
        folder.mkdir(parents=True)
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
        root = generate_private_key(SECP256R1())
        own = generate_private_key(SECP256R1())
        self.ca.write_bytes(_certificate("root", root, "root", root).public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(_certificate("tsa", own, "root", root).public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._server = HTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/tsr"

    def answer(self, query: bytes) -> bytes:
        if not self.granting:
            return b"\x30\x05\x30\x03\x02\x01\x02"  # PKIStatus 2: rejected
        asked, answered = self.folder / "query", self.folder / "answer"
        asked.write_bytes(query)
        words = [
            "openssl",
            "ts",
            "-reply",
            "-config",
            str(self.folder / "tsa.cnf"),
            "-queryfile",
            str(asked),
            "-out",
            str(answered),
        ]
        subprocess.run(words, check=True, capture_output=True)
        return answered.read_bytes()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _certificate(
    name: str, key: EllipticCurvePrivateKey, issuer: str, signer: EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
    )
    if name != issuer:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(signer, hashes.SHA256())


def _handler(authority: Authority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.headers["content-type"] == "application/timestamp-query"
            data = authority.answer(self.rfile.read(int(self.headers["content-length"]))) if asked else b""
            self.send_response(200 if asked else 415)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    return Handler
