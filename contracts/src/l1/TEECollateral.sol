// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Issue, Issues} from "./tee/Issue.sol";
import {P256} from "./tee/P256.sol";
import {QeIdentities, QeIdentity} from "./tee/QeIdentity.sol";
import {Machine, SgxExtension} from "./tee/SgxExtension.sol";
import {TcbInfo, TcbInfos} from "./tee/TcbInfo.sol";
import {TcbStatus, TcbStatuses} from "./tee/TcbStatus.sol";
import {TdxQuote} from "./tee/TdxQuote.sol";
import {X509} from "./tee/X509.sol";

/// What the root's owner (Intel) says of machines: certificates, revocations, TCB info, QE identity. Anyone posts it;
/// signatures and dates decide. A revocation list goes first, since certificates are held against one.
contract TEECollateral {
    using Issues for Issue;
    using QeIdentities for QeIdentity;
    using TcbInfos for TcbInfo;
    using X509 for X509.Signature;

    /// The key of a certificate that the root has signed: it issues PCK certificates, or signs the other documents.
    struct Authority {
        P256.Key key;
        uint256 serial;
        uint64 notBefore;
        uint64 notAfter;
        bool isCa;
    }

    /// What a machine's PCK certificate gives, and until when all that stands behind it is fresh.
    struct Pck {
        Machine machine;
        P256.Key key;
        bytes32 certificate;
        uint64 until;
    }

    struct RevocationList {
        uint64 thisUpdate;
        uint64 nextUpdate;
    }

    bytes32 private immutable _rootX;
    bytes32 private immutable _rootY;
    /// Keccak-256 of the root's key, x ‖ y.
    bytes32 public immutable rootKeyHash;

    /// By Keccak-256 of their keys, as all below is by issuer.
    mapping(bytes32 keyHash => Authority) public authorities;
    mapping(bytes32 issuer => RevocationList) public revocationLists;
    /// By issuer and serial number, hashed; a certificate that was in a list once stays revoked.
    mapping(bytes32 certificate => bool) public isCertificateRevoked;
    mapping(bytes6 fmspc => TcbInfo) private _tcbInfos;
    QeIdentity private _qeIdentity;

    event CertificatePosted(bytes32 indexed keyHash, bool isCa, uint64 notAfter);
    event RevocationListPosted(bytes32 indexed issuer, uint64 thisUpdate, uint64 nextUpdate);
    event CertificateRevoked(bytes32 indexed issuer, uint256 serial);
    event TcbInfoPosted(bytes6 indexed fmspc, uint64 issued, uint64 nextUpdate);
    event QeIdentityPosted(uint64 issued, uint64 nextUpdate);

    error WrongSignature(bytes32 signer);
    error NotYetOrNoMoreValid(uint64 notBefore, uint64 notAfter);
    error WrongUse(bool isCa);
    error RevokedCertificate(bytes32 issuer, uint256 serial);
    error StaleRevocationList(bytes32 issuer, uint64 nextUpdate);
    error OlderRevocationList(uint64 thisUpdate, uint64 stored);

    constructor(P256.Key memory root) {
        (_rootX, _rootY) = (root.x, root.y);
        rootKeyHash = keyHashOf(root);
    }

    // ---- posting

    /// A certificate that the root has signed (DER).
    function postCertificate(bytes calldata der) external returns (bytes32 keyHash) {
        (X509.Certificate memory found,) = X509.parse(der);
        if (!found.signature.isSignedBy(_root())) revert WrongSignature(rootKeyHash);
        keyHash = keyHashOf(found.key);
        authorities[keyHash] = Authority(found.key, found.serial, found.notBefore, found.notAfter, found.isCa);
        _authority(keyHash, found.isCa);
        emit CertificatePosted(keyHash, found.isCa, found.notAfter);
    }

    /// A revocation list (DER) of the root, or of an issuer of PCK certificates. All that it revokes stays revoked.
    function postRevocationList(bytes calldata der, bytes32 issuer) external {
        (X509.Crl memory found, bytes calldata entries) = X509.parseCrl(der);
        P256.Key memory key = issuer == rootKeyHash ? _root() : _authority(issuer, true).key;
        if (!found.signature.isSignedBy(key)) revert WrongSignature(issuer);
        RevocationList storage list = revocationLists[issuer];
        if (found.thisUpdate < list.thisUpdate) {
            revert OlderRevocationList(found.thisUpdate, list.thisUpdate);
        }
        _requireValid(found.thisUpdate, found.nextUpdate);
        (list.thisUpdate, list.nextUpdate) = (found.thisUpdate, found.nextUpdate);
        while (entries.length > 0) {
            uint256 serial;
            (serial, entries) = X509.nextRevoked(entries);
            bytes32 certificate = certificateOf(issuer, serial);
            if (!isCertificateRevoked[certificate]) {
                isCertificateRevoked[certificate] = true;
                emit CertificateRevoked(issuer, serial);
            }
        }
        emit RevocationListPosted(issuer, found.thisUpdate, found.nextUpdate);
    }

    /// TCB info of a kind of machine: JSON as it was signed, and r ‖ s.
    function postTcbInfo(bytes calldata json, bytes calldata signature, bytes32 signer) external {
        _checkDocument(json, signature, signer);
        bytes6 fmspc = TcbInfos.fmspcOf(json);
        TcbInfo storage info = _tcbInfos[fmspc];
        Issue memory before = info.issue;
        info.store(json);
        info.issue.checkReplaces(before);
        emit TcbInfoPosted(fmspc, info.issue.issued, info.issue.nextUpdate);
    }

    /// Identity of Intel's quoting enclave for TDX: JSON as it was signed, and r ‖ s.
    function postQeIdentity(bytes calldata json, bytes calldata signature, bytes32 signer) external {
        _checkDocument(json, signature, signer);
        Issue memory before = _qeIdentity.issue;
        _qeIdentity.store(json);
        _qeIdentity.issue.checkReplaces(before);
        emit QeIdentityPosted(_qeIdentity.issue.issued, _qeIdentity.issue.nextUpdate);
    }

    // ---- checks

    /// Checks a machine's certificate (DER) up to the root, with dates and revocations.
    /// @param issuer Keccak-256 of the key that signed it, of a posted certificate
    function checkPck(bytes calldata der, bytes32 issuer) external view returns (Pck memory found) {
        Authority memory authority = _authority(issuer, true);
        (X509.Certificate memory pck, bytes calldata sgx) = X509.parse(der);
        if (!pck.signature.isSignedBy(authority.key)) revert WrongSignature(issuer);
        _requireValid(pck.notBefore, pck.notAfter);
        if (pck.isCa) revert WrongUse(true);
        uint64 fresh = _requireNotRevoked(issuer, pck.serial);
        found.until = _earlier(_earlier(fresh, revocationLists[rootKeyHash].nextUpdate), pck.notAfter);
        found.until = _earlier(found.until, authority.notAfter);
        found.machine = SgxExtension.parse(sgx);
        found.key = pck.key;
        found.certificate = certificateOf(issuer, pck.serial);
    }

    /// The worst status of machine, TDX module and quoting enclave, and until when that is fresh.
    function checkTcb(
        Machine calldata machine,
        TdxQuote.Module calldata module,
        TdxQuote.QeReport calldata qe
    ) external view returns (TcbStatus status, uint64 until) {
        TcbInfo storage info = _tcbInfos[machine.fmspc];
        until = _earlier(info.issue.checkHolds(), _qeIdentity.issue.checkHolds());
        status = TcbStatuses.worse(info.check(machine, module), _qeIdentity.check(qe));
    }

    // ---- views

    function tcbInfo(bytes6 fmspc) external view returns (TcbInfo memory) {
        return _tcbInfos[fmspc];
    }

    function qeIdentity() external view returns (QeIdentity memory) {
        return _qeIdentity;
    }

    function keyHashOf(P256.Key memory key) public pure returns (bytes32) {
        return keccak256(abi.encode(key));
    }

    function certificateOf(bytes32 issuer, uint256 serial) public pure returns (bytes32) {
        return keccak256(abi.encode(issuer, serial));
    }

    // ---- parts

    /// An authority's certificate that holds now, for its use.
    function _authority(bytes32 keyHash, bool isCa) private view returns (Authority memory found) {
        found = authorities[keyHash];
        _requireValid(found.notBefore, found.notAfter);
        if (found.isCa != isCa) revert WrongUse(found.isCa);
        _requireNotRevoked(rootKeyHash, found.serial);
    }

    /// Not in a list, of which there must be a fresh one.
    /// @return nextUpdate until when the list is fresh
    function _requireNotRevoked(bytes32 issuer, uint256 serial) private view returns (uint64 nextUpdate) {
        nextUpdate = revocationLists[issuer].nextUpdate;
        if (nextUpdate < block.timestamp) revert StaleRevocationList(issuer, nextUpdate);
        if (isCertificateRevoked[certificateOf(issuer, serial)]) revert RevokedCertificate(issuer, serial);
    }

    function _requireValid(uint64 notBefore, uint64 notAfter) private view {
        if (block.timestamp < notBefore || block.timestamp > notAfter) {
            revert NotYetOrNoMoreValid(notBefore, notAfter);
        }
    }

    function _checkDocument(bytes calldata json, bytes calldata signature, bytes32 signer) private view {
        P256.Key memory key = _authority(signer, false).key;
        if (!P256.verifyMessage(key, json, signature)) revert WrongSignature(signer);
    }

    function _root() private view returns (P256.Key memory) {
        return P256.Key(_rootX, _rootY);
    }

    function _earlier(uint64 a, uint64 b) private pure returns (uint64) {
        return a < b ? a : b;
    }
}
