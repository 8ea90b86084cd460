// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Dates} from "./Dates.sol";
import {Der} from "./Der.sol";
import {P256} from "./P256.sol";

/// X.509 certificates and revocation lists (RFC 5280) as DCAP has them: ECDSA with SHA-256 on P-256.
library X509 {
    using Der for bytes;

    /// A signature that is still to be checked.
    struct Signature {
        bytes32 digest;
        bytes32 r;
        bytes32 s;
    }

    struct Certificate {
        Signature signature;
        P256.Key key;
        uint256 serial;
        uint64 notBefore;
        uint64 notAfter;
        bool isCa;
    }

    struct Crl {
        Signature signature;
        uint64 thisUpdate;
        uint64 nextUpdate;
    }

    uint8 private constant VERSION = 0xa0;
    uint8 private constant CRL_EXTENSIONS = 0xa0;
    uint8 private constant EXTENSIONS = 0xa3;
    bytes32 private constant INTEGER_2 = keccak256(hex"020102");
    bytes32 private constant INTEGER_1 = keccak256(hex"01");
    bytes32 private constant ECDSA_WITH_SHA256 = keccak256(hex"06082a8648ce3d040302");
    bytes32 private constant EC_KEY_ON_P256 = keccak256(hex"06072a8648ce3d020106082a8648ce3d030107");
    bytes32 private constant BASIC_CONSTRAINTS = keccak256(hex"551d13");
    bytes32 private constant KEY_USAGE = keccak256(hex"551d0f");
    bytes32 private constant SGX_EXTENSION = keccak256(hex"2a864886f84d010d01");

    error UnsupportedCertificate();
    error UnknownCriticalExtension(bytes identifier);

    /// @return found what the certificate says, with its signature unchecked
    /// @return sgx contents of Intel's SGX extension; empty without one
    function parse(bytes calldata der) internal pure returns (Certificate memory found, bytes calldata sgx) {
        bytes calldata part;
        bytes calldata rest;
        (rest, found.signature) = _signed(der);
        (part, rest) = rest.next(VERSION);
        if (keccak256(part) != INTEGER_2) revert UnsupportedCertificate();
        (part, rest) = rest.next(Der.INTEGER);
        found.serial = part.number();
        rest = _algorithm(rest);
        (part, rest) = rest.next(Der.SEQUENCE); // issuer
        (part, rest) = rest.next(Der.SEQUENCE);
        (found.notBefore, part) = _time(part);
        (found.notAfter, part) = _time(part);
        (part, rest) = rest.next(Der.SEQUENCE); // subject
        (part, rest) = rest.next(Der.SEQUENCE);
        found.key = _key(part);
        (found.isCa, sgx) = _extensions(rest.only(EXTENSIONS).only(Der.SEQUENCE));
    }

    /// @return found the list's dates, with its signature unchecked
    /// @return entries for `nextRevoked`
    function parseCrl(bytes calldata der) internal pure returns (Crl memory found, bytes calldata entries) {
        bytes calldata part;
        bytes calldata rest;
        (rest, found.signature) = _signed(der);
        (part, rest) = rest.next(Der.INTEGER);
        if (keccak256(part) != INTEGER_1) revert UnsupportedCertificate();
        rest = _algorithm(rest);
        (part, rest) = rest.next(Der.SEQUENCE); // issuer
        (found.thisUpdate, rest) = _time(rest);
        (found.nextUpdate, rest) = _time(rest);
        entries = rest[:0];
        if (rest.tagOf() == Der.SEQUENCE) (entries, rest) = rest.next(Der.SEQUENCE);
        _extensions(rest.only(CRL_EXTENSIONS).only(Der.SEQUENCE));
    }

    /// Serial number of the next revoked certificate, and the entries after it.
    function nextRevoked(bytes calldata entries) internal pure returns (uint256 serial, bytes calldata rest) {
        bytes calldata entry;
        (entry, rest) = entries.next(Der.SEQUENCE);
        (entry,) = entry.next(Der.INTEGER);
        serial = entry.number();
    }

    function isSignedBy(Signature memory signature, P256.Key memory key) internal view returns (bool) {
        return P256.verify(key, signature.digest, signature.r, signature.s);
    }

    /// The signed part's contents, and the signature over it.
    function _signed(bytes calldata der)
        private
        pure
        returns (bytes calldata signed, Signature memory signature)
    {
        bytes calldata whole = der.only(Der.SEQUENCE);
        bytes calldata rest;
        (signed, rest) = whole.next(Der.SEQUENCE);
        signature.digest = sha256(whole[:whole.length - rest.length]);
        rest = _bits(_algorithm(rest)).only(Der.SEQUENCE);
        bytes calldata part;
        (part, rest) = rest.next(Der.INTEGER);
        signature.r = bytes32(part.number());
        signature.s = bytes32(rest.only(Der.INTEGER).number());
    }

    function _algorithm(bytes calldata data) private pure returns (bytes calldata rest) {
        bytes calldata part;
        (part, rest) = data.next(Der.SEQUENCE);
        if (keccak256(part) != ECDSA_WITH_SHA256) revert UnsupportedCertificate();
    }

    function _key(bytes calldata data) private pure returns (P256.Key memory) {
        (bytes calldata algorithm, bytes calldata rest) = data.next(Der.SEQUENCE);
        if (keccak256(algorithm) != EC_KEY_ON_P256) revert UnsupportedCertificate();
        bytes calldata point = _bits(rest);
        if (point.length != 65 || point[0] != 0x04) revert UnsupportedCertificate();
        return P256.Key(bytes32(point[1:33]), bytes32(point[33:]));
    }

    /// The only element: a BIT STRING of whole bytes.
    function _bits(bytes calldata data) private pure returns (bytes calldata) {
        bytes calldata bits = data.only(Der.BIT_STRING);
        if (bits.length == 0 || bits[0] != 0) revert Der.BadDer();
        return bits[1:];
    }

    function _time(bytes calldata data) private pure returns (uint64 time, bytes calldata rest) {
        bytes calldata text;
        (text, rest) = data.element();
        if ((data.tagOf() == Der.UTC_TIME) != (text.length == 13)) revert Dates.BadDate(text);
        time = Dates.ofCertificate(text);
    }

    /// A critical extension that is not known here forbids the use (RFC 5280, 4.2).
    function _extensions(bytes calldata rest) private pure returns (bool isCa, bytes calldata sgx) {
        sgx = rest[:0];
        bytes calldata one;
        while (rest.length > 0) {
            (one, rest) = rest.next(Der.SEQUENCE);
            bytes calldata identifier;
            (identifier, one) = one.next(Der.OBJECT_IDENTIFIER);
            bytes32 name = keccak256(identifier);
            if (one.tagOf() == Der.BOOLEAN) {
                if (name != BASIC_CONSTRAINTS && name != KEY_USAGE) {
                    revert UnknownCriticalExtension(identifier);
                }
                (, one) = one.next(Der.BOOLEAN);
            }
            if (name == BASIC_CONSTRAINTS) {
                isCa = one.only(Der.OCTET_STRING).only(Der.SEQUENCE).tagOf() == Der.BOOLEAN;
            } else if (name == SGX_EXTENSION) {
                sgx = one.only(Der.OCTET_STRING).only(Der.SEQUENCE);
            }
        }
    }
}
