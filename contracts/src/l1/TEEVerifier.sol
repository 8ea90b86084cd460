// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {TEECollateral} from "./TEECollateral.sol";
import {Measurements} from "./tee/Measurements.sol";
import {TcbStatus} from "./tee/TcbStatus.sol";
import {TdxQuote} from "./tee/TdxQuote.sol";

/// Keys of enclaves, each admitted by an Intel TDX quote whose whole chain is checked here, and what they sign.
/// SEV-SNP is refused: its chain is on P-384.
contract TEEVerifier is IProofVerifier, Measurements {
    using TdxQuote for bytes;

    enum Platform {
        Tdx,
        Simulated
    }

    struct Key {
        bytes32 measurement;
        bytes32 certificate; // the machine's PCK certificate
        uint64 attestedAt;
        uint64 expiresAt;
        TcbStatus status;
        Platform platform;
        bool revoked;
    }

    /// Why a proof is refused; the number is verifyProof's.
    enum Refusal {
        None,
        Malformed,
        UnknownKey,
        Expired,
        Revoked,
        MeasurementNotAllowed
    }

    struct Settings {
        address owner;
        address council;
        TEECollateral collateral;
        bool allowSimulated;
        TcbStatus worstStatus; // that a machine may have
    }

    string public constant CONTRACT_VERSION = "1.0.0";
    uint64 public constant LIFETIME = 7 days;
    /// Keccak-256 of the key, x ‖ y, of "Intel SGX Root CA".
    bytes32 public constant INTEL_ROOT = 0x89f72d7c488e5b53a77c23ebcb36970ef7eb5bcf6658e9b8292cfbe4703a8473;
    uint256 private constant DEVELOPMENT_CHAIN = 31337;
    bytes32 private constant ENCLAVE_KEY = keccak256("Jovay enclave key 1");
    bytes32 private constant TEE_PROOF = keccak256("Jovay TEE proof 1");
    uint256 private constant SIGNATURE = 65; // r, s, v

    TEECollateral public immutable collateral;
    bool public immutable ALLOW_SIMULATED;
    TcbStatus public immutable WORST_STATUS;

    mapping(address enclave => Key) private _keys;

    event KeyRegistered(
        address indexed enclave,
        bytes32 indexed measurement,
        Platform platform,
        TcbStatus status,
        uint64 expiresAt
    );
    event KeyRevoked(address indexed enclave);

    error SimulationOnlyInDevelopment(uint256 chainId);
    error UnknownRoot(bytes32 rootKeyHash);
    error KeyIsRegistered(address enclave);
    error UnknownBlockHash(uint256 blockNumber);
    error WrongReportData(bytes32 given, bytes32 expected);
    error WrongPlatform(Platform platform);
    error TcbStatusTooBad(TcbStatus status);
    error ProofRefused(Refusal why, address enclave);

    constructor(Settings memory s) Measurements(s.owner, s.council) {
        if (s.allowSimulated && block.chainid != DEVELOPMENT_CHAIN) {
            revert SimulationOnlyInDevelopment(block.chainid);
        }
        bytes32 root = s.collateral.rootKeyHash();
        if (!s.allowSimulated && root != INTEL_ROOT) revert UnknownRoot(root);
        collateral = s.collateral;
        ALLOW_SIMULATED = s.allowSimulated;
        WORST_STATUS = s.worstStatus;
    }

    // ---- admission

    /// Admits an enclave's key; open to all, once for each key.
    /// @param enclave address of the secp256k1 key that the enclave made
    /// @param blockNumber one of the last 256, whose hash the quote's report data bind
    /// @param quote version 4, cut before the PCK certificates
    /// @param pck the machine's certificate (DER)
    /// @param issuer Keccak-256 of the key that signed `pck`, of a posted certificate
    function register(
        address enclave,
        uint256 blockNumber,
        bytes calldata quote,
        bytes calldata pck,
        bytes32 issuer
    ) external {
        if (_keys[enclave].attestedAt != 0) revert KeyIsRegistered(enclave);
        TEECollateral.Pck memory machine = collateral.checkPck(pck, issuer);
        quote.check(machine.key);
        _checkReportData(quote, reportData(enclave, blockNumber));
        Key memory key;
        (key.measurement, key.platform) = _checkMeasurement(quote);
        (key.status, key.expiresAt) = _checkTcb(machine, quote);
        (key.certificate, key.attestedAt) = (machine.certificate, uint64(block.timestamp));
        _keys[enclave] = key;
        emit KeyRegistered(enclave, key.measurement, key.platform, key.status, key.expiresAt);
    }

    /// Takes a key back, for good.
    function revokeKey(address enclave) external onlyOwnerOrCouncil {
        if (_keys[enclave].attestedAt == 0) revert ProofRefused(Refusal.UnknownKey, enclave);
        _keys[enclave].revoked = true;
        emit KeyRevoked(enclave);
    }

    // ---- proofs

    /// @param proof signature (r, s, v) of an enclave over proofDigest
    /// @return proverId the enclave's address
    function verify(bytes32 statementHash, uint256 batchIndex, bytes calldata proof)
        external
        view
        returns (bytes32 proverId)
    {
        (Refusal why, address enclave) = _check(statementHash, batchIndex, proof);
        if (why != Refusal.None) revert ProofRefused(why, enclave);
        return bytes32(uint256(uint160(enclave)));
    }

    /// The original's door: why a proof is refused, or 0 and the statement that it proves.
    /// @param proof statement hash, batch index (u64), signature
    function verifyProof(bytes calldata proof) external view returns (uint32 error_, bytes32 commitment) {
        if (proof.length != 40 + SIGNATURE) return (uint32(Refusal.Malformed), 0);
        commitment = bytes32(proof[:32]);
        (Refusal why,) = _check(commitment, uint64(bytes8(proof[32:40])), proof[40:]);
        if (why != Refusal.None) return (uint32(why), 0);
    }

    /// Of a key: it, its measurement or its machine's certificate is.
    function isRevoked(bytes32 proverId) external view returns (bool) {
        return _isRevoked(_keys[address(uint160(uint256(proverId)))]);
    }

    function keyOf(address enclave) external view returns (Key memory) {
        return _keys[enclave];
    }

    /// What an enclave signs to attest a statement.
    function proofDigest(bytes32 statementHash) public view returns (bytes32) {
        return keccak256(abi.encode(TEE_PROOF, block.chainid, address(this), statementHash));
    }

    /// First half of the report data that admit a key; the other half is zeros.
    function reportData(address enclave, uint256 blockNumber) public view returns (bytes32) {
        bytes32 blockHash = blockhash(blockNumber);
        if (blockHash == 0) revert UnknownBlockHash(blockNumber);
        return
            keccak256(abi.encode(ENCLAVE_KEY, block.chainid, address(this), enclave, blockNumber, blockHash));
    }

    // ---- parts

    function _checkReportData(bytes calldata quote, bytes32 expected) private pure {
        (bytes32 first, bytes32 second) = quote.reportData();
        if (first != expected || second != 0) revert WrongReportData(first, expected);
    }

    function _checkMeasurement(bytes calldata quote)
        private
        view
        returns (bytes32 measurement, Platform platform)
    {
        platform = quote.isSimulated() ? Platform.Simulated : Platform.Tdx;
        if ((platform == Platform.Simulated) != ALLOW_SIMULATED) revert WrongPlatform(platform);
        measurement = quote.measurement();
        _requireKnown(measurement);
    }

    function _checkTcb(TEECollateral.Pck memory pck, bytes calldata quote)
        private
        view
        returns (TcbStatus status, uint64 expiresAt)
    {
        (status, expiresAt) = collateral.checkTcb(pck.machine, quote.module(), quote.qeReport());
        if (status > WORST_STATUS) revert TcbStatusTooBad(status);
        if (expiresAt > pck.until) expiresAt = pck.until;
        if (expiresAt > block.timestamp + LIFETIME) expiresAt = uint64(block.timestamp) + LIFETIME;
    }

    function _check(bytes32 statementHash, uint256 batchIndex, bytes calldata signature)
        private
        view
        returns (Refusal why, address enclave)
    {
        if (signature.length != SIGNATURE) return (Refusal.Malformed, address(0));
        enclave = ecrecover(
            proofDigest(statementHash),
            uint8(signature[64]),
            bytes32(signature[:32]),
            bytes32(signature[32:64])
        );
        if (enclave == address(0)) return (Refusal.Malformed, enclave);
        Key storage key = _keys[enclave];
        if (key.attestedAt == 0) return (Refusal.UnknownKey, enclave);
        if (_isRevoked(key)) return (Refusal.Revoked, enclave);
        if (block.timestamp > key.expiresAt) return (Refusal.Expired, enclave);
        Window memory window = measurements[key.measurement];
        if (batchIndex < window.first || batchIndex > window.last) {
            return (Refusal.MeasurementNotAllowed, enclave);
        }
    }

    function _isRevoked(Key storage key) private view returns (bool) {
        return key.revoked || measurements[key.measurement].revoked
            || collateral.isCertificateRevoked(key.certificate);
    }
}
