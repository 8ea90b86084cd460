// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TEECollateral} from "../src/l1/TEECollateral.sol";
import {Dates} from "../src/l1/tee/Dates.sol";
import {Der} from "../src/l1/tee/Der.sol";
import {Issues} from "../src/l1/tee/Issue.sol";
import {Json} from "../src/l1/tee/Json.sol";
import {QeIdentity} from "../src/l1/tee/QeIdentity.sol";
import {TcbInfo} from "../src/l1/tee/TcbInfo.sol";
import {TcbStatus} from "../src/l1/tee/TcbStatus.sol";
import {Tee} from "./Tee.sol";

/// What is posted about machines, and the formats that it has.
/// forge-config: default.evm_version = "osaka"
contract TEECollateralTest is Tee {
    using Der for bytes;
    using Json for bytes;

    bytes private _signature;

    function test_keeps_what_the_documents_say() public view {
        TcbInfo memory info = collateral.tcbInfo("SIM\x00\x00\x01");
        vm.assertEq(info.issue.issued, block.timestamp);
        vm.assertEq(info.issue.nextUpdate, block.timestamp + 30 days);
        vm.assertEq(info.issue.evaluation, 17);
        vm.assertEq(info.levels.length, 2);
        vm.assertEq(info.levels[0].sgxSvns, bytes32(hex"0202020203010005"));
        vm.assertEq(info.levels[0].tdxSvns, bytes32(hex"050102"));
        vm.assertEq(info.levels[0].pceSvn, 11);
        vm.assertTrue(
            info.levels[0].status == TcbStatus.UpToDate && info.levels[1].status == TcbStatus.OutOfDate
        );
        vm.assertEq(info.modules.length, 2);
        vm.assertEq(info.modules[1].version, 1);
        vm.assertEq(info.modules[1].signer, keccak256(new bytes(48)));
        vm.assertEq(info.modules[1].levels[0].svn, 4);
        QeIdentity memory identity = collateral.qeIdentity();
        vm.assertEq(identity.signer, bytes32("SIMULATED QUOTING ENCLAVE"));
        vm.assertEq(identity.attributesMask, bytes32(hex"fbffffffffffffff"));
        vm.assertEq(identity.product, 2);
        vm.assertEq(identity.levels[0].svn, 4);
    }

    function test_every_byte_of_what_is_posted_matters() public {
        everyByteMatters(blob(".collateral.rootCrl"), _withRootList);
        everyByteMatters(blob(".collateral.pckCrl"), _withPckList);
        everyByteMatters(blob(".certificates.platformCa"), _withCertificate);
        _signature = blob(".collateral.tcbInfoSignature");
        everyByteMatters(blob(".collateral.tcbInfo"), _withTcbInfo);
        _signature = blob(".collateral.qeIdentitySignature");
        everyByteMatters(blob(".collateral.qeIdentity"), _withQeIdentity);
        everyByteMatters(_signature, _withSignature);
        post();
    }

    function test_newer_replaces_older_and_not_the_other_way() public {
        (bytes memory text, bytes memory signature) = document(".older", ".tcbInfo");
        vm.expectPartialRevert(Issues.OlderThan.selector);
        collateral.postTcbInfo(text, signature, signer);
        (text, signature) = document(".older", ".qeIdentity");
        vm.expectPartialRevert(Issues.OlderThan.selector);
        collateral.postQeIdentity(text, signature, signer);
        bytes memory list = blob(".older.rootCrl");
        bytes32 rootKey = collateral.rootKeyHash();
        vm.expectPartialRevert(TEECollateral.OlderRevocationList.selector);
        collateral.postRevocationList(list, rootKey);
        (text, signature) = document(".outOfDate", ".tcbInfo");
        vm.expectPartialRevert(Issues.Outdated.selector); // not yet issued
        collateral.postTcbInfo(text, signature, signer);
        vm.warp(block.timestamp + 60);
        collateral.postTcbInfo(text, signature, signer);
        TcbInfo memory info = collateral.tcbInfo("SIM\x00\x00\x01");
        vm.assertEq(info.levels.length, 2);
        vm.assertTrue(info.levels[0].status == TcbStatus.OutOfDate);
    }

    function test_a_revoked_certificate_stays_revoked() public {
        bytes32 rootKey = collateral.rootKeyHash();
        vm.warp(block.timestamp + 60);
        collateral.postRevocationList(blob(".revoking.root"), rootKey);
        collateral.postRevocationList(blob(".outOfDate.rootCrl"), rootKey); // as new, and revokes nothing
        bytes memory certificate = blob(".certificates.signer");
        vm.expectPartialRevert(TEECollateral.RevokedCertificate.selector);
        collateral.postCertificate(certificate);
        (bytes memory text, bytes memory signature) = document(".outOfDate", ".tcbInfo");
        vm.expectPartialRevert(TEECollateral.RevokedCertificate.selector);
        collateral.postTcbInfo(text, signature, signer);
    }

    function test_certificates_are_the_roots_and_serve_their_use() public {
        bytes memory certificate = blob(".foreign.platformCa");
        vm.expectPartialRevert(TEECollateral.WrongSignature.selector);
        collateral.postCertificate(certificate);
        certificate = blob(".certificates.pck");
        vm.expectPartialRevert(TEECollateral.WrongSignature.selector);
        collateral.postCertificate(certificate);
        (bytes memory text, bytes memory signature) = document(".collateral", ".tcbInfo");
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.WrongUse.selector, true));
        collateral.postTcbInfo(text, signature, issuer);
        bytes memory list = blob(".collateral.pckCrl");
        vm.expectRevert(abi.encodeWithSelector(TEECollateral.WrongUse.selector, false));
        collateral.postRevocationList(list, signer);
    }

    function test_certificates_need_a_list_first() public {
        collateral = new TEECollateral(root());
        bytes memory certificate = blob(".certificates.platformCa");
        vm.expectPartialRevert(TEECollateral.StaleRevocationList.selector);
        collateral.postCertificate(certificate);
    }

    // ---- formats

    function test_dates() public view {
        vm.assertEq(this.jsonDate("1970-01-01T00:00:00Z"), 0);
        vm.assertEq(this.jsonDate("2000-02-29T12:34:56Z"), 951_827_696);
        vm.assertEq(this.jsonDate("2100-03-01T00:00:00Z"), 4_107_542_400);
        vm.assertEq(this.certificateDate("491231235959Z"), 2_524_607_999);
        vm.assertEq(this.certificateDate("700101000000Z"), 0);
        vm.assertEq(this.certificateDate("20500101000000Z"), 2_524_608_000);
    }

    function test_bad_dates() public {
        string[5] memory bad = [
            "2000-02-29 12:34:56Z", "2000-13-01T00:00:00Z", "1969-12-31T00:00:00Z", "2000-02-00T00:00:00Z", ""
        ];
        for (uint256 i = 0; i < bad.length; i++) {
            vm.expectPartialRevert(Dates.BadDate.selector);
            this.jsonDate(bytes(bad[i]));
        }
        vm.expectPartialRevert(Dates.BadDate.selector);
        this.certificateDate("491231235959+");
    }

    function test_json_that_is_none() public {
        string[8] memory bad = ['"a":1,', '"a":{', '"a"', "a:1", '"a":"\\""', '"a":"', '"a":1]', '"a":'];
        for (uint256 i = 0; i < bad.length; i++) {
            vm.expectPartialRevert(Json.BadJson.selector);
            this.member(bytes(bad[i]));
        }
        vm.expectPartialRevert(Json.BadJson.selector);
        this.jsonNumber("256", 8);
        vm.expectPartialRevert(Json.BadJson.selector);
        this.jsonNumber("-1", 8);
        vm.assertEq(this.jsonNumber("255", 8), 255);
        vm.assertEq(this.member('"a":{"b":[1,2]},"c":3'), '"c":3');
    }

    function test_der_that_is_none() public {
        bytes[7] memory bad = [
            bytes(hex""),
            hex"02",
            hex"0201", // too short
            hex"02810100", // a length that has a shorter form
            hex"0282007f00",
            hex"0280",
            hex"028300000100"
        ];
        for (uint256 i = 0; i < bad.length; i++) {
            vm.expectRevert();
            this.integer(bad[i]);
        }
        bytes[4] memory numbers = [bytes(hex"0200"), hex"020180", hex"02020001", hex"0221ff"];
        for (uint256 i = 0; i < numbers.length; i++) {
            vm.expectRevert();
            this.integer(numbers[i]);
        }
        vm.assertEq(this.integer(hex"0202008f"), 0x8f);
    }

    function jsonDate(bytes calldata text) external pure returns (uint64) {
        return Dates.ofJson(text);
    }

    function certificateDate(bytes calldata text) external pure returns (uint64) {
        return Dates.ofCertificate(text);
    }

    function member(bytes calldata members) external pure returns (bytes memory) {
        (,, bytes calldata rest) = members.member();
        return rest;
    }

    function jsonNumber(bytes calldata text, uint256 bits) external pure returns (uint256) {
        return text.number(bits);
    }

    function integer(bytes calldata der) external pure returns (uint256) {
        return Der.number(der.only(Der.INTEGER));
    }

    function _withRootList(bytes memory changed) private view returns (address, bytes memory) {
        bytes32 rootKey = collateral.rootKeyHash();
        return (address(collateral), abi.encodeCall(TEECollateral.postRevocationList, (changed, rootKey)));
    }

    function _withPckList(bytes memory changed) private view returns (address, bytes memory) {
        return (address(collateral), abi.encodeCall(TEECollateral.postRevocationList, (changed, issuer)));
    }

    function _withCertificate(bytes memory changed) private view returns (address, bytes memory) {
        return (address(collateral), abi.encodeCall(TEECollateral.postCertificate, (changed)));
    }

    function _withTcbInfo(bytes memory changed) private view returns (address, bytes memory) {
        return (address(collateral), abi.encodeCall(TEECollateral.postTcbInfo, (changed, _signature, signer)));
    }

    function _withQeIdentity(bytes memory changed) private view returns (address, bytes memory) {
        return
            (address(collateral), abi.encodeCall(TEECollateral.postQeIdentity, (changed, _signature, signer)));
    }

    function _withSignature(bytes memory changed) private view returns (address, bytes memory) {
        bytes memory text = blob(".collateral.qeIdentity");
        return (address(collateral), abi.encodeCall(TEECollateral.postQeIdentity, (text, changed, signer)));
    }
}
