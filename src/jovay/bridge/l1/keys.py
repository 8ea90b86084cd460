"""Keys that sign for the rollup's roles: raw, in an encrypted keystore file, or kept by a remote signer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import msgspec
import urllib3
from coincurve import PrivateKey, PublicKey
from eth_utils.crypto import keccak

from jovay.bridge.errors import SignerError
from jovay.bridge.l1.transport import shown_url
from jovay.bridge.recursion import limit_kept
from jovay.chain.envelope import envelope, signing_payload
from jovay.chain.types import Transaction

with limit_kept():
    from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json

#: Where the password of a keystore is looked for when no file lies beside it.
PASSWORD = "JOVAY_KEYSTORE_PASSWORD"
TIMEOUT = 10.0
_SIGNATURE = 65


class Signer(Protocol):
    """An account that signs."""

    @property
    def address(self) -> bytes:
        """20 bytes."""

    def sign(self, payload: bytes) -> bytes:
        """The signature of Keccak-256 of ``payload``: r, s (low) and the parity 0 or 1, 65 bytes.

        The payload itself is handed over, not its hash, so that a remote signer can read what it signs.
        Raises SignerError.
        """


class RawKey:
    """A private key in memory."""

    def __init__(self, key: bytes) -> None:
        self._key = PrivateKey(key)
        self.address = _address(self._key.public_key)

    def sign(self, payload: bytes) -> bytes:
        return bytes(self._key.sign_recoverable(payload, hasher=keccak))


class RemoteKey:
    """A key that a remote signer keeps, asked as Web3Signer's REST interface is (eth1).

    What comes back is checked: a signature of another key, or of something else, is refused.
    """

    def __init__(self, url: str, address: bytes) -> None:
        self.address = address
        self._name, self._url = shown_url(url), f"{url.rstrip('/')}/api/v1/eth1"
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)
        self._identifier: str | None = None

    def sign(self, payload: bytes) -> bytes:
        self._identifier = self._identifier or self._find()
        answer = self._request("POST", f"sign/{self._identifier}", {"data": f"0x{payload.hex()}"})
        signature = _hexadecimal(answer.decode(errors="replace").strip().strip('"'))
        if len(signature) != _SIGNATURE or signature[64] not in (0, 1, 27, 28):
            raise SignerError(f"{self._name} answers with something that is no signature")
        signature = signature[:64] + bytes((signature[64] % 27,))
        try:
            signer = PublicKey.from_signature_and_message(signature, payload, hasher=keccak)
        except Exception as error:
            raise SignerError(f"{self._name} answers with a signature of no key") from error
        if _address(signer) != self.address:
            raise SignerError(
                f"{self._name} signs for 0x{_address(signer).hex()}, not 0x{self.address.hex()}"
            )
        return signature

    def _find(self) -> str:
        """The signer's name for the key: its public key in hex."""
        keys = msgspec.json.decode(self._request("GET", "publicKeys"), type=list[str])
        for key in keys:
            if keccak(_hexadecimal(key)[-64:])[12:] == self.address:
                return key
        raise SignerError(f"{self._name} has no key of 0x{self.address.hex()}")

    def _request(self, method: str, path: str, body: Any = None) -> bytes:
        try:
            answer = self._pool.request(method, f"{self._url}/{path}", json=body)
        except urllib3.exceptions.HTTPError as error:
            raise SignerError(f"{self._name} does not answer: {error}") from error
        if answer.status != 200:
            raise SignerError(f"{self._name} answers {path.partition('/')[0]} with status {answer.status}")
        return bytes(answer.data)


def signed(unsigned: Transaction, signer: Signer) -> bytes:
    """A transaction of a type from 1 on with its chain id, as it is sent (without a sidecar). Raises SignerError."""
    assert unsigned.type
    assert unsigned.chain_id is not None
    signature = signer.sign(signing_payload(unsigned, unsigned.chain_id))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return envelope(msgspec.structs.replace(unsigned, v=signature[64], r=r, s=s))


def open_signer(place: str) -> Signer:
    """The signer that ``place`` names. Raises SignerError.

    - ``keystore:FILE``: an encrypted key (Web3 Secret Storage, version 3); its password is the first line of
      ``FILE.password``, or else the environment's ``JOVAY_KEYSTORE_PASSWORD``
    - ``http(s)://HOST…#0xADDRESS``: a remote signer with Web3Signer's interface, and the account
    - ``env:NAME``: a raw key in hex in an environment variable
    """
    kind, _, rest = place.partition(":")
    if kind == "keystore":
        return RawKey(read_keystore(Path(rest)))
    if kind == "env":
        return RawKey(_key(os.environ.get(rest, ""), f"the environment's {rest}"))
    url, _, address = place.partition("#")
    if kind in ("http", "https") and len(_hexadecimal(address)) == 20:
        return RemoteKey(url, _hexadecimal(address))
    raise SignerError("a key's place begins with keystore: or env:, or is a URL with #0xADDRESS")


def read_keystore(path: Path) -> bytes:
    """The private key in a keystore file."""
    beside = path.with_name(path.name + ".password")
    try:
        stored: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        password = beside.read_text().split("\n")[0] if beside.exists() else os.environ[PASSWORD]
        return bytes(decode_keyfile_json(stored, password.encode()))
    except KeyError as error:
        raise SignerError(f"no password for {path}: neither {beside} nor {PASSWORD} is there") from error
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise SignerError(f"{path} cannot be opened: {error}") from error


def write_keystore(path: Path, key: bytes, password: str) -> None:
    """A new keystore file, readable by its owner only. Raises FileExistsError rather than replacing one."""
    content = msgspec.json.encode(create_keyfile_json(key, password.encode()))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _address(key: PublicKey) -> bytes:
    return keccak(key.format(compressed=False)[1:])[12:]


def _key(text: str, where: str) -> bytes:
    key = _hexadecimal(text)
    if len(key) != 32:
        raise SignerError(f"{where} holds no private key")
    return key


def _hexadecimal(text: str) -> bytes:
    """Empty for what is none."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""
