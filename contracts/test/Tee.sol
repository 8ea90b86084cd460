// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TEECollateral} from "../src/l1/TEECollateral.sol";
import {TEEVerifier} from "../src/l1/TEEVerifier.sol";
import {P256} from "../src/l1/tee/P256.sol";
import {TcbStatus} from "../src/l1/tee/TcbStatus.sol";
import {Base} from "./Base.sol";

/// Cheat codes for keys and block hashes.
interface SigningVm {
    function sign(uint256 secret, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function signP256(uint256 secret, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function setBlockhash(uint256 number, bytes32 hash) external;
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
}

/// A verifier for the simulated platform, with its collateral posted and a quote that is good.
abstract contract Tee is Base {
    SigningVm internal constant keys = SigningVm(address(vm));
    uint256 internal constant SECRET = 1; // the enclave's
    address internal constant COUNCIL = address(0xC0);
    uint64 internal constant LAST = 1000; // batch that the measurement is for

    string internal json;
    TEECollateral internal collateral;
    TEEVerifier internal verifier;
    address internal enclave;
    uint256 internal number;
    bytes internal quote;
    bytes internal pck;
    bytes32 internal issuer;
    bytes32 internal signer;
    bytes32 internal measurement;

    function setUp() public virtual {
        json = vm.readFile("test/vectors/tee.json");
        vm.warp(keys.parseJsonUint(json, ".now"));
        number = keys.parseJsonUint(json, ".blockNumber");
        vm.roll(number + 1);
        keys.setBlockhash(number, word(".blockHash"));
        address deployer = keys.parseJsonAddress(json, ".deployer");
        vm.startPrank(deployer);
        collateral = new TEECollateral(root());
        verifier = new TEEVerifier(settings());
        vm.stopPrank();
        enclave = keys.parseJsonAddress(json, ".enclave");
        (quote, pck) = (blob(".quote"), blob(".certificates.pck"));
        (issuer, signer, measurement) = (word(".issuer"), word(".signer"), word(".measurement"));
        post();
        verifier.allowMeasurement(measurement, 1, LAST);
    }

    function root() internal view returns (P256.Key memory) {
        return P256.Key(word(".root.x"), word(".root.y"));
    }

    function settings() internal view returns (TEEVerifier.Settings memory) {
        return TEEVerifier.Settings({
            owner: address(this),
            council: COUNCIL,
            collateral: collateral,
            allowSimulated: true,
            worstStatus: TcbStatus.SWHardeningNeeded
        });
    }

    function post() internal {
        collateral.postRevocationList(blob(".collateral.rootCrl"), collateral.rootKeyHash());
        vm.assertEq(collateral.postCertificate(blob(".certificates.platformCa")), issuer);
        vm.assertEq(collateral.postCertificate(blob(".certificates.signer")), signer);
        collateral.postRevocationList(blob(".collateral.pckCrl"), issuer);
        postDocuments(".collateral");
    }

    function postDocuments(string memory from) internal {
        (bytes memory text, bytes memory signature) = document(from, ".tcbInfo");
        collateral.postTcbInfo(text, signature, signer);
        (text, signature) = document(from, ".qeIdentity");
        collateral.postQeIdentity(text, signature, signer);
    }

    function document(string memory from, string memory name)
        internal
        view
        returns (bytes memory text, bytes memory signature)
    {
        text = blob(string.concat(from, name));
        signature = blob(string.concat(from, name, "Signature"));
    }

    function register() internal {
        verifier.register(enclave, number, quote, pck, issuer);
    }

    function proof(bytes32 statementHash) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = keys.sign(SECRET, verifier.proofDigest(statementHash));
        return abi.encodePacked(r, s, v);
    }

    /// Signs header and report anew with the attestation key.
    function resign() internal {
        bytes memory signature = signed(".secrets.attestation", sha256(part(quote, 0, 632)));
        for (uint256 i = 0; i < 64; i++) {
            quote[636 + i] = signature[i];
        }
    }

    /// Signs the quoting enclave's report anew with the machine's key.
    function resignQe() internal {
        bytes memory signature = signed(".secrets.pck", sha256(part(quote, 770, 384)));
        for (uint256 i = 0; i < 64; i++) {
            quote[1154 + i] = signature[i];
        }
    }

    function signed(string memory secret, bytes32 digest) internal view returns (bytes memory) {
        (bytes32 r, bytes32 s) = keys.signP256(uint256(word(secret)), digest);
        return abi.encodePacked(r, s);
    }

    /// Calls once with each byte of `data` changed, which must fail each time: `callOf` puts the data into a call.
    function everyByteMatters(
        bytes memory data,
        function(bytes memory) internal view returns (address, bytes memory) callOf
    ) internal {
        for (uint256 i = 0; i < data.length; i++) {
            data[i] ^= bytes1(uint8(1 << (i % 8)));
            (address target, bytes memory call) = callOf(data);
            (bool done,) = target.call(call);
            vm.assertEq(done ? i + 1 : 0, 0, "a changed byte passed, at 1 +");
            data[i] ^= bytes1(uint8(1 << (i % 8)));
        }
    }

    function part(bytes memory data, uint256 from, uint256 size) internal pure returns (bytes memory found) {
        found = new bytes(size);
        for (uint256 i = 0; i < size; i++) {
            found[i] = data[from + i];
        }
    }

    function word(string memory key) internal view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function blob(string memory key) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, key);
    }
}
