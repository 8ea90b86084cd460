// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ZkTrie} from "../lib/ZkTrie.sol";

interface IFinality {
    function exodus() external view returns (bool);
    function lastFinalizedBatch() external view returns (uint256);
    function finalizedStateRoots(uint256 batchIndex) external view returns (bytes32);
}

interface IVault {
    function payExit(address to, uint256 value) external;
}

interface ITokenVault {
    function payExit(address token, address to, uint256 amount) external;
    function l2TokenOf(address token) external view returns (address);
}

/// The way out after exodus: what an account holds in the last final state is paid to the same address on L1, once per
/// asset, against proofs of the zkTrie. Nothing becomes final after exodus, so an exit cannot be spent again on L2.
/// What contracts hold is not covered, since nobody on L1 can be shown to own it; accounts that delegate (EIP-7702) are.
contract EscapeHatch {
    /// Proofs of what L2 knows about an account.
    struct AccountProof {
        bytes basic; // of the leaf with nonce, balance and code size; or that there is none
        bytes codeHash; // of the code hash's leaf; empty for an account without code
        address delegate; // what the account delegates to; 0 for an account without code
    }

    /// Slot of the balances of a bridged token (OpenZeppelin's ERC20 as BridgedERC20 inherits it).
    uint256 public constant BALANCES_SLOT = 0;
    /// Bytes of EIP-7702's delegation: 0xef0100 ‖ address.
    uint256 private constant DELEGATION_SIZE = 23;

    IFinality public immutable rollup;
    IVault public immutable mailbox;
    ITokenVault public immutable erc20Bridge;

    /// Whether an account has taken an asset; the asset 0 is ETH.
    mapping(address account => mapping(address asset => bool)) public exited;

    event Exit(address indexed account, address indexed asset, uint256 amount);

    error NotInExodus();
    error AlreadyExited(address account, address asset);
    error NothingToExit(address account, address asset);
    error HeldByContract(address account, uint256 codeSize);
    error BalanceTooLarge(address account);
    error UnknownToken(address token);

    constructor(IFinality rollup_, IVault mailbox_, ITokenVault erc20Bridge_) {
        (rollup, mailbox, erc20Bridge) = (rollup_, mailbox_, erc20Bridge_);
    }

    /// Pays an account its ETH. Anyone may call it.
    function exitETH(address account, AccountProof calldata proof) external {
        bytes32 root = _begin(account, address(0));
        uint256 basic = _withoutCode(root, account, proof);
        if ((basic >> 240) & 1 != 0) revert BalanceTooLarge(account); // 2¹²⁸ wei or more: no deposit made that
        uint256 amount = basic & type(uint128).max;
        _end(account, address(0), amount);
        mailbox.payExit(account, amount);
    }

    /// Pays an account its balance of the L2 token of an L1 `token`, by the proof of its storage slot.
    function exitERC20(address token, address account, AccountProof calldata proof, bytes calldata balance) external {
        address l2Token = erc20Bridge.l2TokenOf(token);
        if (l2Token == address(0)) revert UnknownToken(token);
        bytes32 root = _begin(account, token);
        _withoutCode(root, account, proof);
        bytes32 slot = keccak256(abi.encode(account, BALANCES_SLOT));
        uint256 amount = uint256(ZkTrie.lookup(root, ZkTrie.keyOf(l2Token, slot, ZkTrie.SLOT), balance));
        _end(account, token, amount);
        erc20Bridge.payExit(token, account, amount);
    }

    /// The last final state root, for an asset that the account has not taken.
    function _begin(address account, address asset) private view returns (bytes32) {
        if (!rollup.exodus()) revert NotInExodus();
        if (exited[account][asset]) revert AlreadyExited(account, asset);
        return rollup.finalizedStateRoots(rollup.lastFinalizedBatch());
    }

    function _end(address account, address asset, uint256 amount) private {
        if (amount == 0) revert NothingToExit(account, asset);
        exited[account][asset] = true;
        emit Exit(account, asset, amount);
    }

    /// The account's basic data: version, flags, two zero bytes, code size (4), nonce (8), balance mod 2¹²⁸ (16).
    function _withoutCode(bytes32 root, address account, AccountProof calldata proof) private pure returns (uint256) {
        uint256 basic = uint256(ZkTrie.lookup(root, ZkTrie.keyOf(account, 0, ZkTrie.BASIC), proof.basic));
        uint256 codeSize = (basic >> 192) & type(uint32).max;
        if (codeSize == 0) return basic;
        bytes32 codeHash = ZkTrie.lookup(root, ZkTrie.keyOf(account, 0, ZkTrie.CODE_HASH), proof.codeHash);
        bytes32 delegation = keccak256(abi.encodePacked(bytes3(0xef0100), proof.delegate));
        if (codeSize != DELEGATION_SIZE || codeHash != delegation) revert HeldByContract(account, codeSize);
        return basic;
    }
}
