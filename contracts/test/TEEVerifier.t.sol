// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TEECollateral} from "../src/l1/TEECollateral.sol";
import {TEEVerifier} from "../src/l1/TEEVerifier.sol";
import {Measurements} from "../src/l1/tee/Measurements.sol";
import {P256} from "../src/l1/tee/P256.sol";
import {QeIdentities} from "../src/l1/tee/QeIdentity.sol";
import {SvnLevels} from "../src/l1/tee/SvnLevel.sol";
import {TcbInfos} from "../src/l1/tee/TcbInfo.sol";
import {TcbStatus} from "../src/l1/tee/TcbStatus.sol";
import {TdxQuote} from "../src/l1/tee/TdxQuote.sol";
import {Tee} from "./Tee.sol";

/// Admission of enclaves.
/// forge-config: default.evm_version = "osaka"
contract TEEVerifierTest is Tee {
    uint256 private constant REPORT = 48;
    uint256 private constant QE = 770;

    function test_admits() public {
        vm.prank(address(0xABCD));
        register();
        TEEVerifier.Key memory key = verifier.keyOf(enclave);
        vm.assertEq(key.measurement, measurement);
        vm.assertEq(key.attestedAt, block.timestamp);
        vm.assertEq(key.expiresAt, block.timestamp + 7 days);
        vm.assertTrue(key.platform == TEEVerifier.Platform.Simulated && key.status == TcbStatus.UpToDate);
        vm.assertFalse(verifier.isRevoked(bytes32(uint256(uint160(enclave)))));
    }

    function test_python_binds_the_same() public view {
        vm.assertEq(address(verifier), keys.parseJsonAddress(json, ".verifier"));
        vm.assertEq(verifier.reportData(enclave, number), word(".reportData"));
        vm.assertEq(verifier.proofDigest(word(".statement")), word(".proofDigest"));
    }

    function test_admits_a_key_once() public {
        register();
        vm.expectRevert(abi.encodeWithSelector(TEEVerifier.KeyIsRegistered.selector, enclave));
        register();
    }

    // ---- mutations

    function test_every_byte_of_the_quote_matters() public {
        everyByteMatters(quote, _withQuote);
        register();
    }

    function test_every_byte_of_the_machines_certificate_matters() public {
        everyByteMatters(pck, _withPck);
        register();
    }

    function testFuzz_no_changed_quote_is_admitted(uint256 place, bytes1 mask) public {
        if (mask == 0) return;
        quote[place % quote.length] ^= mask;
        vm.expectRevert();
        register();
    }

    function testFuzz_no_other_length_is_admitted(uint256 size) public {
        size = bound(size, 0, quote.length - 1);
        quote = part(quote, 0, size);
        vm.expectRevert();
        register();
        quote = abi.encodePacked(blob(".quote"), uint8(0));
        vm.expectRevert();
        register();
    }

    /// Whatever is changed in what the attestation key signs, a new signature does not save it.
    function testFuzz_no_resigned_report_is_admitted(uint256 place, bytes1 mask) public {
        place = bound(place, REPORT, REPORT + 583);
        bool free = place < REPORT + 64 || place >= REPORT + 128 && place < REPORT + 136 || mask == 0; // SVNs, MRSEAM, XFAM
        if (free) return;
        if (place >= REPORT + 120 && place < REPORT + 128) return; // TD attributes have their own test
        quote[place] ^= mask;
        resign();
        vm.expectRevert();
        register();
    }

    function _withQuote(bytes memory changed) private view returns (address, bytes memory) {
        return
            (address(verifier), abi.encodeCall(TEEVerifier.register, (enclave, number, changed, pck, issuer)));
    }

    function _withPck(bytes memory changed) private view returns (address, bytes memory) {
        return
            (
                address(verifier),
                abi.encodeCall(TEEVerifier.register, (enclave, number, quote, changed, issuer))
            );
    }

    // ---- what is signed, and wrong

    function test_refuses_debugging() public {
        quote[REPORT + 120] = 0x01;
        _refused(abi.encodeWithSelector(TdxQuote.DebugTd.selector));
    }

    function testFuzz_refuses_other_attributes(uint64 attributes) public {
        uint64 allowed = 0x000000d000000080;
        bool good = attributes & ~allowed == 0 && attributes & 0x0000001000000000 != 0;
        for (uint256 i = 0; i < 8; i++) {
            quote[REPORT + 120 + i] = bytes8(attributes)[i];
        }
        resign();
        if (!good) vm.expectRevert();
        register();
    }

    function test_refuses_what_is_no_tdx_quote_of_version_4() public {
        quote[4] = 0x00; // SGX
        _refused(abi.encodeWithSelector(TdxQuote.UnsupportedTee.selector, bytes8(hex"0400020000000000")));
    }

    function test_refuses_other_measurements() public {
        for (uint256 place = REPORT + 145; place < REPORT + 520; place += 25) {
            quote[place] ^= 0x01;
            bytes32 other = keccak256(part(quote, REPORT + 136, 384));
            _refused(abi.encodeWithSelector(Measurements.MeasurementNotAllowed.selector, other));
            quote[place] ^= 0x01;
        }
    }

    function test_refuses_a_quote_without_the_mark() public {
        quote[28] = "X";
        _refused(abi.encodeWithSelector(TEEVerifier.WrongPlatform.selector, TEEVerifier.Platform.Tdx));
    }

    function test_refuses_report_data_with_a_second_half() public {
        quote[REPORT + 583] = 0x01;
        _refused(
            abi.encodeWithSelector(
                TEEVerifier.WrongReportData.selector, word(".reportData"), word(".reportData")
            )
        );
    }

    function test_refuses_an_old_machine() public {
        quote[REPORT] = 0x04; // the module still is good enough, the machine fits the level below
        _refused(abi.encodeWithSelector(TEEVerifier.TcbStatusTooBad.selector, TcbStatus.OutOfDate));
        quote[REPORT] = 0x03;
        _refused(abi.encodeWithSelector(SvnLevels.SvnTooLow.selector, 3));
    }

    function test_refuses_modules_that_intel_does_not_list() public {
        quote[REPORT + 1] = 0x02; // major version
        resign();
        vm.expectPartialRevert(TcbInfos.WrongTdxModule.selector);
        register();
    }

    function test_refuses_other_quoting_enclaves() public {
        uint16[7] memory places = [16, 48, 55, 128, 159, 256, 257]; // miscselect, attributes, signer, product
        for (uint256 i = 0; i < places.length; i++) {
            uint256 place = QE + places[i];
            quote[place] ^= 0x02;
            resignQe();
            vm.expectPartialRevert(QeIdentities.WrongQe.selector);
            register();
            quote[place] ^= 0x02;
        }
        quote[QE + 258] = 0x03;
        resignQe();
        vm.expectRevert(abi.encodeWithSelector(SvnLevels.SvnTooLow.selector, 3));
        register();
    }

    function test_refuses_an_attestation_key_that_the_enclave_did_not_make() public {
        quote[QE + 320] ^= 0x01;
        resignQe();
        vm.expectPartialRevert(TdxQuote.AttestationKeyNotOfQe.selector);
        register();
    }

    function _refused(bytes memory why) private {
        resign();
        vm.expectRevert(why);
        register();
    }

    // ---- moments

    function test_refuses_unknown_block_hashes() public {
        vm.roll(number + 257);
        vm.expectRevert(abi.encodeWithSelector(TEEVerifier.UnknownBlockHash.selector, number));
        register();
        vm.roll(number);
        vm.expectRevert(abi.encodeWithSelector(TEEVerifier.UnknownBlockHash.selector, number));
        register();
    }

    function test_refuses_other_blocks_keys_chains() public {
        keys.setBlockhash(number, keccak256("another"));
        _refusedBinding();
        keys.setBlockhash(number, word(".blockHash"));
        enclave = address(0xBAD);
        _refusedBinding();
        enclave = keys.parseJsonAddress(json, ".enclave");
        vm.chainId(1);
        _refusedBinding();
    }

    function test_refuses_a_quote_made_for_another_verifier() public {
        TEEVerifier other = new TEEVerifier(settings());
        vm.expectPartialRevert(TEEVerifier.WrongReportData.selector);
        other.register(enclave, number, quote, pck, issuer);
    }

    function _refusedBinding() private {
        vm.expectPartialRevert(TEEVerifier.WrongReportData.selector);
        register();
    }

    // ---- chains

    function test_refuses_foreign_machines() public {
        pck = blob(".foreign.pck");
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.WrongSignature.selector, issuer));
        register();
    }

    function test_refuses_issuers_that_are_none() public {
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.WrongUse.selector, false));
        verifier.register(enclave, number, quote, pck, signer);
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.NotYetOrNoMoreValid.selector, 0, 0));
        verifier.register(enclave, number, quote, pck, keccak256("nobody"));
    }

    function test_refuses_revoked_machines() public {
        vm.warp(block.timestamp + 60);
        collateral.postRevocationList(blob(".revoking.pck"), issuer);
        vm.expectPartialRevert(TEECollateral.RevokedCertificate.selector);
        register();
    }

    function test_refuses_revoked_issuers() public {
        vm.warp(block.timestamp + 60);
        collateral.postRevocationList(blob(".revoking.root"), collateral.rootKeyHash());
        vm.expectPartialRevert(TEECollateral.RevokedCertificate.selector);
        register();
    }

    function test_refuses_stale_revocation_lists_and_documents() public {
        vm.warp(block.timestamp + 60);
        postDocuments(".brief");
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectRevert(); // Outdated, with what is stored
        register();
        vm.warp(block.timestamp + 30 days);
        vm.expectPartialRevert(TEECollateral.StaleRevocationList.selector);
        register();
    }

    function test_keys_do_not_outlive_what_was_checked() public {
        vm.warp(block.timestamp + 60);
        postDocuments(".brief");
        register();
        vm.assertEq(verifier.keyOf(enclave).expiresAt, block.timestamp + 1 days);
    }

    function test_refuses_a_tcb_that_is_out_of_date() public {
        vm.warp(block.timestamp + 60);
        postDocuments(".outOfDate");
        vm.expectRevert(abi.encodeWithSelector(TEEVerifier.TcbStatusTooBad.selector, TcbStatus.OutOfDate));
        register();
    }

    // ---- deployment

    function test_simulation_is_for_the_development_chain() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(TEEVerifier.SimulationOnlyInDevelopment.selector, 1));
        new TEEVerifier(settings());
    }

    function test_without_simulation_the_root_is_intels() public {
        TEEVerifier.Settings memory real = settings();
        real.allowSimulated = false;
        vm.expectRevert(abi.encodeWithSelector(TEEVerifier.UnknownRoot.selector, collateral.rootKeyHash()));
        new TEEVerifier(real);
    }

    function test_a_verifier_with_intels_root_refuses_the_simulated_platform() public {
        TEEVerifier.Settings memory real = settings();
        real.allowSimulated = false;
        real.collateral = collateral = new TEECollateral(_intel());
        verifier = new TEEVerifier(real);
        verifier.allowMeasurement(measurement, 1, LAST);
        bytes memory list = blob(".collateral.rootCrl");
        bytes32 intel = collateral.rootKeyHash();
        vm.assertEq(intel, verifier.INTEL_ROOT());
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.WrongSignature.selector, intel));
        collateral.postRevocationList(list, intel);
        bytes memory certificate = blob(".certificates.platformCa");
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.WrongSignature.selector, intel));
        collateral.postCertificate(certificate);
        vm.expectRevert();
        register();
    }

    function _intel() private pure returns (P256.Key memory) {
        return P256.Key(
            0x0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5,
            0x67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394
        );
    }
}
