"""Intel's SGX extension of PCK certificates ("Intel SGX PCK Certificate and CRL Profile Specification", 1.3.5)."""

from __future__ import annotations

from typing import Final

from cryptography.x509 import ObjectIdentifier

SGX_EXTENSION: Final = ObjectIdentifier("1.2.840.113741.1.13.1")
FMSPC: Final = b"SIM\0\0\1"
PCE_ID: Final = bytes(2)
#: Security versions of the simulated machine's SGX components, of its PCE and of its TDX module.
SGX_SVN: Final = bytes((2, 2, 2, 2, 3, 1, 0, 5)) + bytes(8)
PCE_SVN: Final = 11
TDX_SVN: Final = bytes((5, 1, 2)) + bytes(13)

_OID = bytes.fromhex("2a864886f84d010d01")
_SEQUENCE, _OBJECT_IDENTIFIER, _OCTETS, _INTEGER, _ENUMERATED = 0x30, 0x06, 0x04, 0x02, 0x0A


def sgx_extension() -> bytes:
    """The extension's value in DER."""
    components = [_member((2, i + 1), _INTEGER, bytes((svn,))) for i, svn in enumerate(SGX_SVN)]
    components.append(_member((2, 17), _INTEGER, bytes((PCE_SVN,))))
    components.append(_member((2, 18), _OCTETS, SGX_SVN))
    return _der(
        _SEQUENCE,
        _member((1,), _OCTETS, b"SIMULATED".ljust(16, b"\0")),
        _member((2,), _SEQUENCE, b"".join(components)),
        _member((3,), _OCTETS, PCE_ID),
        _member((4,), _OCTETS, FMSPC),
        _member((5,), _ENUMERATED, b"\1"),
    )


def _member(path: tuple[int, ...], tag: int, content: bytes) -> bytes:
    """One value with its identifier, below that of the extension."""
    return _der(_SEQUENCE, _der(_OBJECT_IDENTIFIER, _OID + bytes(path)), _der(tag, content))


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    length = bytes((size,)) if size < 0x80 else bytes((0x82,)) + size.to_bytes(2)
    if 0x80 <= size < 0x100:
        length = bytes((0x81, size))
    return bytes((tag,)) + length + content
