// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "./P256.sol";

/// Intel TDX quotes of version 4, cut before the PCK certificates: header, TD report, signatures.
/// Layout: Intel's "TDX DCAP Quoting Library API", appendix 3; integers are little-endian.
library TdxQuote {
    /// SGX report of the quoting enclave, as far as its identity is checked.
    struct QeReport {
        bytes4 miscSelect;
        bytes16 attributes;
        bytes32 signer;
        uint16 product;
        uint16 svn;
    }

    /// Versions of the TDX module (security version, then major version) and of what lies below it; who signed the
    /// module (Keccak-256 of MRSIGNERSEAM), and its attributes.
    struct Module {
        bytes16 svns;
        bytes32 signer;
        bytes8 attributes;
    }

    uint256 private constant HEADER = 48;
    uint256 private constant SIGNED = 632; // with the report's 584
    uint256 private constant SIGNATURES = 636;
    uint256 private constant QE = 770; // behind signature, key and the certification data's type and size
    uint256 private constant QE_REPORT = 384;
    uint256 private constant QE_AUTH = 1218; // length, then the data
    /// Version 4, an ECDSA key on P-256, TDX.
    bytes8 private constant KIND = hex"0400020081000000";
    bytes16 private constant INTEL_QE_VENDOR = hex"939a7233f79c4ca9940a0db3957f0607";
    /// TD attributes that may be set: SEPT_VE_DISABLE, which must be, PKS, KL, PERFMON.
    bytes8 private constant ATTRIBUTES = hex"000000d000000080";
    bytes8 private constant SEPT_VE_DISABLE = hex"0000001000000000";
    bytes1 private constant DEBUG = 0x01;
    bytes32 private constant SIMULATED = keccak256("JOVAY-SIMULATED-TEE\x00");
    bytes9 private constant SIMULATED_MRTD = "SIMULATED";

    error BadQuote();
    error UnsupportedTee(bytes8 kind);
    error DebugTd();
    error WrongTdAttributes(bytes8 attributes);
    error WrongQuoteSignature();
    error WrongQeReportSignature();
    error AttestationKeyNotOfQe();

    /// Sizes, kinds, TD attributes, and the signatures from the PCK certificate's key down to the report.
    function check(bytes calldata quote, P256.Key memory pck) internal view {
        _checkLayout(quote);
        _checkAttributes(quote);
        bytes calldata report = quote[QE:QE + QE_REPORT];
        if (!P256.verifyMessage(pck, report, quote[QE + QE_REPORT:QE_AUTH])) revert WrongQeReportSignature();
        bytes calldata key = quote[SIGNATURES + 64:SIGNATURES + 128];
        bytes32 bound = sha256(abi.encodePacked(key, quote[QE_AUTH + 2:quote.length - 6]));
        if (bytes32(report[320:352]) != bound || bytes32(report[352:]) != 0) revert AttestationKeyNotOfQe();
        P256.Key memory attestation = P256.Key(bytes32(key[:32]), bytes32(key[32:]));
        bytes calldata signature = quote[SIGNATURES:SIGNATURES + 64];
        if (!P256.verifyMessage(attestation, quote[:SIGNED], signature)) revert WrongQuoteSignature();
    }

    /// Keccak-256 from MRTD over MRCONFIGID, MROWNER and MROWNERCONFIG to RTMR3.
    function measurement(bytes calldata quote) internal pure returns (bytes32) {
        return keccak256(quote[HEADER + 136:HEADER + 520]);
    }

    /// Whether the simulated platform made it.
    function isSimulated(bytes calldata quote) internal pure returns (bool) {
        return keccak256(quote[28:HEADER]) == SIMULATED
            && bytes9(quote[HEADER + 136:HEADER + 145]) == SIMULATED_MRTD;
    }

    function reportData(bytes calldata quote) internal pure returns (bytes32 first, bytes32 second) {
        return (bytes32(quote[SIGNED - 64:SIGNED - 32]), bytes32(quote[SIGNED - 32:SIGNED]));
    }

    function module(bytes calldata quote) internal pure returns (Module memory) {
        return Module({
            svns: bytes16(quote[HEADER:HEADER + 16]),
            signer: keccak256(quote[HEADER + 64:HEADER + 112]),
            attributes: bytes8(quote[HEADER + 112:HEADER + 120])
        });
    }

    function qeReport(bytes calldata quote) internal pure returns (QeReport memory) {
        bytes calldata report = quote[QE:QE + QE_REPORT];
        return QeReport({
            miscSelect: bytes4(report[16:20]),
            attributes: bytes16(report[48:64]),
            signer: bytes32(report[128:160]),
            product: _u16(report[256:258]),
            svn: _u16(report[258:260])
        });
    }

    /// The PCK chain, though it is not here, has its size inside of the other sizes: they must agree.
    function _checkLayout(bytes calldata quote) private pure {
        if (quote.length < QE_AUTH + 8) revert BadQuote();
        bytes8 kind = bytes8(quote[:8]);
        if (kind != KIND) revert UnsupportedTee(kind);
        uint256 end = quote.length - 6;
        uint256 chain = _u32(quote[end + 2:]);
        uint256 qe = end + 6 - QE + chain;
        bool agree = bytes16(quote[12:28]) == INTEL_QE_VENDOR && QE_AUTH + 2 + _u16(quote[QE_AUTH:]) == end
            && _u16(quote[end:]) == 5 && _u16(quote[QE - 6:]) == 6 && _u32(quote[QE - 4:]) == qe
            && _u32(quote[SIGNED:]) == qe + QE - SIGNATURES;
        if (!agree) revert BadQuote();
    }

    function _checkAttributes(bytes calldata quote) private pure {
        bytes8 attributes = bytes8(quote[HEADER + 120:HEADER + 128]);
        if (bytes1(attributes) & DEBUG != 0) revert DebugTd();
        if (attributes & ~ATTRIBUTES != 0 || attributes & SEPT_VE_DISABLE == 0) {
            revert WrongTdAttributes(attributes);
        }
    }

    function _u16(bytes calldata data) private pure returns (uint16) {
        return uint16(uint8(data[0])) | uint16(uint8(data[1])) << 8;
    }

    function _u32(bytes calldata data) private pure returns (uint256) {
        return uint256(_u16(data)) | uint256(_u16(data[2:])) << 16;
    }
}
