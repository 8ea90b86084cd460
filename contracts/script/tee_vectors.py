"""Prints what forge tests TEEVerifier with: `python contracts/script/tee_vectors.py > contracts/test/vectors/tee.json`.

All of it is the simulated platform's; its keys are there too, so that the tests can sign what is wrong.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from dcap_qvl import QuoteCollateralV3
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode

from jovay.prover.tee.binding import proof_digest, report_data
from jovay.prover.tee.quote import Quote
from jovay.prover.tee.simulated.authority import PCK, PLATFORM_CA, ROOT, SIGNER, SimulatedAuthority
from jovay.prover.tee.simulated.collateral import simulated_collateral
from jovay.prover.tee.simulated.platform import SimulatedPlatform

#: When the tests begin, seconds.
NOW = 1_800_000_000
CHAIN, BLOCK = 31337, 1_000
BLOCK_HASH = keccak(text="block")
DEPLOYER = bytes.fromhex("dead" * 10)
ENCLAVE = bytes.fromhex("7e5f4552091a69125d5dfcb7b8c2659029395bdf")  # of the secret key 1
STATEMENT = keccak(text="statement")


def tee_vectors() -> dict[str, Any]:
    """Everything, as JSON knows it."""
    authority = SimulatedAuthority(b"forge")
    verifier = keccak(encode([DEPLOYER, 1]))[12:]  # its second contract
    bound = report_data(CHAIN, verifier, ENCLAVE, BLOCK, BLOCK_HASH)
    quote = Quote.decode(SimulatedPlatform(authority, b"image").quote(bound))
    return {
        "now": NOW,
        "blockNumber": BLOCK,
        "blockHash": _hex(BLOCK_HASH),
        "deployer": to_checksum_address(DEPLOYER),
        "verifier": to_checksum_address(verifier),
        "enclave": to_checksum_address(ENCLAVE),
        "secrets": _secrets(authority),
        "root": _key(authority.root),
        "certificates": _certificates(authority),
        "issuer": _hex(keccak(_point(authority.platform_ca))),
        "signer": _hex(keccak(_point(authority.signer))),
        "collateral": _collateral(simulated_collateral(authority, NOW)),
        "outOfDate": _collateral(simulated_collateral(authority, NOW + 60, "OutOfDate")),
        "brief": _collateral(simulated_collateral(authority, NOW + 60, days=1)),
        "older": _collateral(simulated_collateral(authority, NOW - 60)),
        "revoking": {
            "root": _hex(authority.crl(ROOT, NOW + 60, revoked=(authority.platform_ca, authority.signer))),
            "pck": _hex(authority.crl(PLATFORM_CA, NOW + 60, revoked=(authority.root, authority.pck))),
        },
        "foreign": _certificates(SimulatedAuthority(b"foreign")),
        "quote": _hex(quote.without_chain()),
        "measurement": _hex(quote.report.measurement),
        "reportData": _hex(bound[:32]),
        "statement": _hex(STATEMENT),
        "proofDigest": _hex(proof_digest(CHAIN, verifier, STATEMENT)),
    }


def _collateral(found: QuoteCollateralV3) -> dict[str, str]:
    return {
        "rootCrl": _hex(found.root_ca_crl),
        "pckCrl": _hex(found.pck_crl),
        "tcbInfo": _hex(found.tcb_info.encode()),
        "tcbInfoSignature": _hex(found.tcb_info_signature),
        "qeIdentity": _hex(found.qe_identity.encode()),
        "qeIdentitySignature": _hex(found.qe_identity_signature),
    }


def _certificates(authority: SimulatedAuthority) -> dict[str, str]:
    found = {"platformCa": authority.platform_ca, "signer": authority.signer, "pck": authority.pck}
    return {name: _hex(one.public_bytes(Encoding.DER)) for name, one in found.items()}


def _secrets(authority: SimulatedAuthority) -> dict[str, str]:
    names = {
        "root": ROOT,
        "platformCa": PLATFORM_CA,
        "signer": SIGNER,
        "pck": PCK,
        "attestation": "attestation key",
    }
    keys = {name: authority.key(one).private_numbers().private_value for name, one in names.items()}
    return {name: _hex(secret.to_bytes(32)) for name, secret in keys.items()}


def _key(certificate: x509.Certificate) -> dict[str, str]:
    point = _point(certificate)
    return {"x": _hex(point[:32]), "y": _hex(point[32:])}


def _point(certificate: x509.Certificate) -> bytes:
    """The certificate's key, x ‖ y."""
    numbers: Any = certificate.public_key().public_numbers()  # type: ignore[union-attr]
    return bytes(numbers.x.to_bytes(32) + numbers.y.to_bytes(32))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


if __name__ == "__main__":
    print(json.dumps(tee_vectors(), indent=1))
