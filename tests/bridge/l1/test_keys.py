"""Keys sign the same from memory, from a keystore file and from a remote signer, which is not trusted blindly."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_utils.crypto import keccak

from jovay.bridge.errors import SignerError
from jovay.bridge.l1.keys import RawKey, RemoteKey, open_signer, read_keystore, write_keystore

SECRET = bytes(range(1, 33))
PAYLOAD = b"\x02 what is signed"


class RemoteSigner(BaseHTTPRequestHandler):
    """As Web3Signer answers for eth1: keys by their public key, data in hex, v of 27 or 28."""

    secret = SECRET
    status = 200
    answer: str | None = None

    def do_GET(self) -> None:
        assert self.path == "/api/v1/eth1/publicKeys"
        other = PrivateKey(bytes(31) + b"\5")
        self._reply(json.dumps([self._public(other), self._public(PrivateKey(SECRET))]))

    def do_POST(self) -> None:
        assert self.path == f"/api/v1/eth1/sign/{self._public(PrivateKey(SECRET))}"
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        signature = bytearray(
            PrivateKey(self.secret).sign_recoverable(bytes.fromhex(body["data"][2:]), keccak)
        )
        signature[64] += 27
        self._reply(self.answer or f"0x{signature.hex()}")

    def _public(self, key: PrivateKey) -> str:
        return f"0x{key.public_key.format(compressed=False)[1:].hex()}"

    def _reply(self, text: str) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def remote() -> Iterator[tuple[str, type[RemoteSigner]]]:
    class Handler(RemoteSigner):
        pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_address_is_the_keys() -> None:
    assert RawKey(SECRET).address == bytes.fromhex(Account.from_key(SECRET).address[2:])


def test_a_keystore_is_written_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "committer.json"
    write_keystore(path, SECRET, "secret words")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bytes(Account.decrypt(path.read_text(), "secret words")) == SECRET
    with pytest.raises(FileExistsError):
        write_keystore(path, SECRET, "another")


def test_a_keystore_opens_with_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text(json.dumps(Account.encrypt(SECRET, "words", kdf="pbkdf2", iterations=10)))
    monkeypatch.delenv("JOVAY_KEYSTORE_PASSWORD", raising=False)
    with pytest.raises(SignerError, match="no password"):
        open_signer(f"keystore:{path}")
    monkeypatch.setenv("JOVAY_KEYSTORE_PASSWORD", "words")
    assert open_signer(f"keystore:{path}").sign(PAYLOAD) == RawKey(SECRET).sign(PAYLOAD)
    path.with_name("key.password").write_text("other words\n")
    with pytest.raises(SignerError, match="cannot be opened"):
        read_keystore(path)


def test_a_remote_signer_signs(remote: tuple[str, type[RemoteSigner]]) -> None:
    url, _ = remote
    signer = open_signer(f"{url}#0x{RawKey(SECRET).address.hex()}")
    assert isinstance(signer, RemoteKey)
    assert signer.address == RawKey(SECRET).address
    assert signer.sign(PAYLOAD) == RawKey(SECRET).sign(PAYLOAD)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"secret": bytes(31) + b"\5"}, "signs for"),
        ({"answer": "0x1234"}, "no signature"),
        ({"answer": "0x" + "00" * 65}, "of no key"),
        ({"status": 500}, "status 500"),
    ],
)
def test_what_a_remote_signer_answers_is_checked(
    remote: tuple[str, type[RemoteSigner]], fault: dict[str, object], message: str
) -> None:
    url, handler = remote
    signer = RemoteKey(url, RawKey(SECRET).address)
    signer.sign(PAYLOAD)
    for name, value in fault.items():
        setattr(handler, name, value)
    with pytest.raises(SignerError, match=message):
        signer.sign(PAYLOAD)


def test_a_remote_signer_without_the_key_is_refused(remote: tuple[str, type[RemoteSigner]]) -> None:
    with pytest.raises(SignerError, match="no key of"):
        RemoteKey(remote[0], bytes(20)).sign(PAYLOAD)
    with pytest.raises(SignerError, match="does not answer"):
        RemoteKey("http://127.0.0.1:9", bytes(20)).sign(PAYLOAD)


def test_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMITTER", f"0x{SECRET.hex()}")
    assert open_signer("env:COMMITTER").address == RawKey(SECRET).address
    monkeypatch.setenv("COMMITTER", "no key")
    for place in ("env:COMMITTER", "env:NOT_THERE", os.fspath("keystore:/not/there"), "http://host", "0xabc"):
        with pytest.raises(SignerError):
            open_signer(place)
