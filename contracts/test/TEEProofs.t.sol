// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {TEEVerifier} from "../src/l1/TEEVerifier.sol";
import {Measurements} from "../src/l1/tee/Measurements.sol";
import {Tee} from "./Tee.sol";

/// What admitted keys sign, and when it counts.
/// forge-config: default.evm_version = "osaka"
contract TEEProofsTest is Tee {
    bytes32 private constant STATEMENT = keccak256("statement");
    bytes32 private _prover;

    function setUp() public override {
        super.setUp();
        register();
        _prover = bytes32(uint256(uint160(enclave)));
    }

    function testFuzz_proves(bytes32 statement, uint64 batch) public view {
        batch = uint64(bound(batch, 1, LAST));
        bytes memory made = proof(statement);
        vm.assertEq(verifier.verify(statement, batch, made), _prover);
        (uint32 code, bytes32 found) = verifier.verifyProof(abi.encodePacked(statement, batch, made));
        vm.assertEq(code, 0);
        vm.assertEq(found, statement);
    }

    function test_every_byte_of_a_proof_matters() public {
        everyByteMatters(proof(STATEMENT), _withProof);
    }

    function testFuzz_refuses_other_statements(bytes32 other) public {
        if (other == STATEMENT) return;
        bytes memory made = proof(STATEMENT);
        vm.expectPartialRevert(TEEVerifier.ProofRefused.selector);
        verifier.verify(other, 1, made);
    }

    function testFuzz_refuses_other_lengths(bytes calldata made) public {
        if (made.length == 65) return;
        vm.expectRevert(_refusal(TEEVerifier.Refusal.Malformed, address(0)));
        verifier.verify(STATEMENT, 1, made);
        (uint32 code, bytes32 found) = verifier.verifyProof(made);
        vm.assertGt(code, 0);
        vm.assertEq(found, 0);
    }

    function test_refuses_unknown_keys() public {
        (uint8 v, bytes32 r, bytes32 s) = keys.sign(2, verifier.proofDigest(STATEMENT));
        vm.expectPartialRevert(TEEVerifier.ProofRefused.selector);
        verifier.verify(STATEMENT, 1, abi.encodePacked(r, s, v));
    }

    function test_refuses_proofs_for_other_verifiers_and_chains() public {
        bytes memory made = proof(STATEMENT);
        TEEVerifier other = new TEEVerifier(settings());
        vm.expectPartialRevert(TEEVerifier.ProofRefused.selector);
        other.verify(STATEMENT, 1, made);
        vm.chainId(1);
        vm.expectPartialRevert(TEEVerifier.ProofRefused.selector);
        verifier.verify(STATEMENT, 1, made);
    }

    function test_refuses_batches_that_the_measurement_is_not_for() public {
        _refused(0, TEEVerifier.Refusal.MeasurementNotAllowed);
        _refused(LAST + 1, TEEVerifier.Refusal.MeasurementNotAllowed);
        verifier.allowMeasurement(measurement, 5, 6);
        _refused(4, TEEVerifier.Refusal.MeasurementNotAllowed);
        verifier.verify(STATEMENT, 5, proof(STATEMENT));
    }

    function test_refuses_expired_keys_which_are_not_revoked() public {
        vm.warp(verifier.keyOf(enclave).expiresAt);
        verifier.verify(STATEMENT, 1, proof(STATEMENT));
        vm.warp(block.timestamp + 1);
        _refused(1, TEEVerifier.Refusal.Expired);
        vm.assertFalse(verifier.isRevoked(_prover));
    }

    function test_the_council_revokes_keys() public {
        vm.prank(COUNCIL);
        verifier.revokeKey(enclave);
        _revoked();
    }

    function test_the_council_revokes_measurements_for_good() public {
        vm.prank(COUNCIL);
        verifier.revokeMeasurement(measurement);
        _revoked();
        vm.expectRevert(abi.encodeWithSelector(Measurements.MeasurementIsRevoked.selector, measurement));
        verifier.allowMeasurement(measurement, 1, LAST);
    }

    function test_a_machine_that_is_revoked_takes_its_keys_with_it() public {
        vm.warp(block.timestamp + 60);
        collateral.postRevocationList(blob(".revoking.pck"), issuer);
        _revoked();
    }

    function test_the_council_adds_nothing() public {
        vm.startPrank(COUNCIL);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, COUNCIL));
        verifier.allowMeasurement(keccak256("another"), 1, 2);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, COUNCIL));
        verifier.setCouncil(address(1));
    }

    function testFuzz_nobody_else_revokes(address anyone) public {
        if (anyone == COUNCIL || anyone == address(this)) return;
        bytes memory why = abi.encodeWithSelector(Measurements.NotOwnerOrCouncil.selector, anyone);
        vm.startPrank(anyone);
        vm.expectRevert(why);
        verifier.revokeKey(enclave);
        vm.expectRevert(why);
        verifier.revokeMeasurement(measurement);
    }

    function test_unknown_keys_are_not_revoked() public {
        vm.assertFalse(verifier.isRevoked(keccak256("nobody")));
        vm.expectRevert(_refusal(TEEVerifier.Refusal.UnknownKey, address(1)));
        verifier.revokeKey(address(1));
    }

    function _revoked() private {
        _refused(1, TEEVerifier.Refusal.Revoked);
        vm.assertTrue(verifier.isRevoked(_prover));
    }

    function _refused(uint256 batch, TEEVerifier.Refusal why) private {
        bytes memory made = proof(STATEMENT);
        vm.expectRevert(_refusal(why, enclave));
        verifier.verify(STATEMENT, batch, made);
        (uint32 code, bytes32 found) = verifier.verifyProof(abi.encodePacked(STATEMENT, uint64(batch), made));
        vm.assertEq(code, uint256(why));
        vm.assertEq(found, 0);
    }

    function _refusal(TEEVerifier.Refusal why, address key) private pure returns (bytes memory) {
        return abi.encodeWithSelector(TEEVerifier.ProofRefused.selector, why, key);
    }

    function _withProof(bytes memory changed) private view returns (address, bytes memory) {
        return (address(verifier), abi.encodeCall(TEEVerifier.verify, (STATEMENT, 1, changed)));
    }
}
