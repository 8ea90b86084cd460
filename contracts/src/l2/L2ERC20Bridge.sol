// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {IL1ERC20Bridge, IL2ERC20Bridge} from "../interfaces/IBridges.sol";
import {BridgedERC20} from "./BridgedERC20.sol";
import {L2Bridge} from "./L2Bridge.sol";

/// ERC-20 tokens from L1 and back: a contract for each, deployed by its first deposit. A deposit that fails is brought
/// by replaying its message on L2Mailbox.
contract L2ERC20Bridge is L2Bridge, IL2ERC20Bridge {
    event TokenDeployed(address indexed l1Token, address indexed token);
    event FinalizeDeposit(
        address indexed l1Token, address indexed from, address indexed to, address token, uint256 amount
    );
    event Withdraw(
        address indexed l1Token, address indexed from, address indexed to, address token, uint256 amount
    );

    error UnknownToken(address token);

    function finalizeDeposit(address l1Token, address from, address to, uint256 amount, bytes calldata metadata)
        external
        onlyCounterpart
    {
        address token = l2TokenOf(l1Token);
        emit FinalizeDeposit(l1Token, from, to, token, amount);
        if (token.code.length == 0) _deploy(l1Token, metadata);
        BridgedERC20(token).mint(to, amount);
    }

    /// Burns `amount` of the caller's tokens; those on L1 are paid against the proof of the message that this sends.
    /// @param token the contract on L2
    function withdraw(address token, address to, uint256 amount) external moves(to, amount) {
        if (token.code.length == 0) revert UnknownToken(token);
        address l1Token = BridgedERC20(token).l1Token();
        if (l2TokenOf(l1Token) != token) revert UnknownToken(token);
        emit Withdraw(l1Token, msg.sender, to, token, amount);
        BridgedERC20(token).burn(msg.sender, amount);
        bytes memory call = abi.encodeCall(IL1ERC20Bridge.finalizeWithdraw, (l1Token, msg.sender, to, amount));
        MAILBOX.sendMsg(toBridge, 0, call, 0, msg.sender);
    }

    /// Where the contract of a token of L1 is, or will be.
    function l2TokenOf(address l1Token) public view returns (address) {
        return Create2.computeAddress(_salt(l1Token), keccak256(type(BridgedERC20).creationCode));
    }

    function _deploy(address l1Token, bytes calldata metadata) private {
        if (metadata.length == 0) revert UnknownToken(l1Token);
        (string memory name, string memory symbol, uint8 decimals) =
            abi.decode(metadata, (string, string, uint8));
        BridgedERC20 token = new BridgedERC20{salt: _salt(l1Token)}();
        token.initialize(l1Token, name, symbol, decimals);
        emit TokenDeployed(l1Token, address(token));
    }

    function _salt(address l1Token) private pure returns (bytes32) {
        return bytes32(uint256(uint160(l1Token)));
    }
}
