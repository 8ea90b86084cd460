// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IL1ERC20Bridge, IL2ERC20Bridge} from "../interfaces/IBridges.sol";
import {IL1Mailbox} from "../interfaces/IL1Mailbox.sol";
import {L1Message} from "../lib/Message.sol";
import {Predeploys} from "../lib/Predeploys.sol";
import {TokenMetadata} from "../lib/TokenMetadata.sol";
import {L1Bridge} from "./L1Bridge.sol";

/// ERC-20 tokens to L2 and back, and the tokens that are there. What arrives counts, so tokens that take a fee can be
/// moved; tokens whose balances change by themselves cannot: what they gain here is lost.
contract L1ERC20Bridge is L1Bridge, IL1ERC20Bridge, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// The first deposit of a token deploys its contract on L2.
    uint256 public constant FIRST_DEPOSIT_GAS = 2_000_000;

    address public immutable escapeHatch;
    /// keccak of BridgedERC20's creation code, from which its addresses on L2 follow.
    bytes32 public immutable bridgedTokenCodeHash;

    /// Tokens of which a deposit has been sent.
    mapping(address token => bool) public isRegistered;
    /// What is on L2, or on its way, of a token.
    mapping(address token => uint256) public locked;
    mapping(uint256 nonce => bool) public refunded;

    event Deposit(
        address indexed token, address indexed from, address indexed to, uint256 amount, uint256 nonce
    );
    event FinalizeWithdraw(
        address indexed token, address indexed from, address indexed to, uint256 amount
    );
    event Refund(address indexed token, address indexed to, uint256 amount, uint256 nonce);
    event ExitPaid(address indexed token, address indexed to, uint256 amount);

    error FirstDepositNeedsGas(uint256 given, uint256 least);
    error NotOfThisBridge(address sender);
    error AlreadyRefunded(uint256 nonce);
    error NotEscapeHatch(address caller);

    constructor(IL1Mailbox mailbox_, address escapeHatch_, bytes32 bridgedTokenCodeHash_)
        L1Bridge(mailbox_, Predeploys.L2_ERC20_BRIDGE)
    {
        (escapeHatch, bridgedTokenCodeHash) = (escapeHatch_, bridgedTokenCodeHash_);
    }

    /// Takes `amount` of a token that the caller has approved, and the mailbox's fee for `gasLimit`, exactly.
    /// @param refundAddress who takes the tokens back after exodus, if no final batch has brought them to L2
    function deposit(address token, address to, uint256 amount, uint256 gasLimit, address refundAddress)
        external
        payable
        moves(to, amount)
        nonReentrant
    {
        bytes memory metadata = _register(token, gasLimit);
        uint256 received = _take(token, amount);
        emit Deposit(token, msg.sender, to, received, mailbox.nextMsgIndex());
        bytes memory call =
            abi.encodeCall(IL2ERC20Bridge.finalizeDeposit, (token, msg.sender, to, received, metadata));
        mailbox.sendMsg{value: msg.value}(toBridge, 0, call, gasLimit, refundAddress);
    }

    function finalizeWithdraw(address token, address from, address to, uint256 amount)
        external
        onlyCounterpart
        nonReentrant
    {
        emit FinalizeWithdraw(token, from, to, amount);
        _pay(token, to, amount);
    }

    /// After exodus: gives back a deposit that no final batch has executed.
    function refundDeposit(L1Message calldata message) external nonReentrant {
        mailbox.requireUnexecuted(message);
        if (message.sender != address(this)) revert NotOfThisBridge(message.sender);
        if (refunded[message.nonce]) revert AlreadyRefunded(message.nonce);
        refunded[message.nonce] = true;
        (address token,,, uint256 amount,) =
            abi.decode(message.data[4:], (address, address, address, uint256, bytes));
        emit Refund(token, message.refundAddress, amount, message.nonce);
        _pay(token, message.refundAddress, amount);
    }

    /// Pays an exit that the escape hatch has checked.
    function payExit(address token, address to, uint256 amount) external nonReentrant {
        if (msg.sender != escapeHatch) revert NotEscapeHatch(msg.sender);
        emit ExitPaid(token, to, amount);
        _pay(token, to, amount);
    }

    /// The contract of a registered token on L2; 0 for another.
    function l2TokenOf(address token) external view returns (address) {
        if (!isRegistered[token]) return address(0);
        return Create2.computeAddress(bytes32(uint256(uint160(token))), bridgedTokenCodeHash, toBridge);
    }

    function _register(address token, uint256 gasLimit) private returns (bytes memory metadata) {
        if (isRegistered[token]) return "";
        if (gasLimit < FIRST_DEPOSIT_GAS) revert FirstDepositNeedsGas(gasLimit, FIRST_DEPOSIT_GAS);
        isRegistered[token] = true;
        return TokenMetadata.read(token);
    }

    function _take(address token, uint256 amount) private returns (uint256 received) {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        received = IERC20(token).balanceOf(address(this)) - before;
        if (received == 0) revert NothingToMove();
        locked[token] += received;
    }

    function _pay(address token, address to, uint256 amount) private {
        locked[token] -= amount;
        IERC20(token).safeTransfer(to, amount);
    }
}
