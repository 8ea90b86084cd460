// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ForcedInclusion} from "../src/l1/ForcedInclusion.sol";
import {Rollup} from "../src/l1/Rollup.sol";
import {L1Message} from "../src/lib/Message.sol";
import {System} from "./System.sol";

/// Everything that people, relayers, provers and the council may do, in any order, with honest and lying provers; what
/// must never happen is checked inside the step in which it would.
contract Actors is System {
    uint256 private constant ACCOUNTS = 4;
    bytes32 private constant LIAR = keccak256("a stolen enclave");

    /// What the tests know beside the contracts.
    uint256 public depositedETH; // into the mailbox, as values of messages
    uint256 public paidETH; // out of it: withdrawals, refunds, exits
    mapping(uint256 nonce => uint256) public timesPaid;
    mapping(uint256 nonce => uint256) public timesRefunded;
    mapping(uint256 batchIndex => bytes32) private _statementOf; // of final batches, when they became final
    mapping(uint256 account => bool) private _exited;
    mapping(uint256 batchIndex => uint256) private _leavesOf;
    mapping(uint256 batchIndex => Made) private _made;
    mapping(uint256 batchIndex => uint256) private _executedBy;
    uint256 public steps;
    uint256 public finalAtExodus;
    uint256 private _exitable; // ETH of accounts on L2 at the last final batch
    mapping(uint256 batchIndex => uint256[ACCOUNTS]) private _balancesAt;
    uint256 public failedValue; // of messages that failed on L2

    function l1Account(uint256 i) public pure returns (address) {
        return address(uint160(0x1_0000 + i % ACCOUNTS));
    }

    function l2Account(uint256 i) public pure returns (address) {
        return address(uint160(0x2_0000 + i % ACCOUNTS));
    }

    modifier step() {
        steps++;
        vm.recordLogs();
        _;
        collect();
    }

    // ---- people

    function deposit(uint256 who, uint256 amount, bool refused) external step {
        if (rollup.exodus() || rollup.paused()) return;
        amount = bound(amount, 1, 100 ether);
        address to = refused ? address(verifier) : l2Account(who);
        vm.deal(l1Account(who), amount + FEE);
        vm.prank(l1Account(who));
        l1Eth.deposit{value: amount + FEE}(to, amount, GAS, l1Account(who));
        depositedETH += amount;
    }

    function withdraw(uint256 who, uint256 amount) external step {
        address account = l2Account(who);
        if (account.balance == 0) return;
        amount = bound(amount, 1, account.balance);
        vm.prank(account);
        l2Eth.withdraw{value: amount}(l1Account(who), amount);
    }

    function execute(uint256 count) external step {
        count = bound(count, 0, 3);
        for (uint256 i = 0; i < count && executed.length < waiting.length; i++) {
            executeNext();
        }
    }

    function payOut(uint256 nonce, uint256 batch) external step {
        uint256 last = rollup.lastFinalizedBatch();
        if (toL1.length == 0 || last == 0) return;
        batch = bound(batch, 1, last);
        uint256 leaves = _leavesOf[batch];
        if (leaves == 0) return;
        nonce = bound(nonce, 0, leaves - 1);
        uint256 before = address(mailbox).balance;
        try this.payExternal(nonce, batch, leaves) {
            timesPaid[nonce]++;
            paidETH += before - address(mailbox).balance;
        } catch {
            vm.assertTrue(timesPaid[nonce] > 0, "a proven message that was not paid yet is paid");
        }
    }

    function payExternal(uint256 nonce, uint256 batch, uint256 leaves) external {
        pay(nonce, batch, leaves);
    }

    function refund(uint256 nonce) external step {
        if (waiting.length == 0) return;
        nonce = bound(nonce, 0, waiting.length - 1);
        L1Message memory message = messageOf(nonce);
        bool due = rollup.exodus() && nonce >= mailbox.nextFinalizeQueueIndex() && timesRefunded[nonce] == 0;
        uint256 before = address(mailbox).balance;
        try mailbox.refundMsg(message) {
            vm.assertTrue(due, "only what no final batch executed is refunded");
            timesRefunded[nonce]++;
            paidETH += before - address(mailbox).balance;
        } catch {
            vm.assertFalse(due);
        }
    }

    /// What the escape hatch does, with the balances of the last final state.
    function exit(uint256 who) external step {
        who %= ACCOUNTS;
        if (!rollup.exodus() || _exited[who]) return;
        uint256 amount = _balancesAt[rollup.lastFinalizedBatch()][who];
        _exited[who] = true;
        vm.prank(hatch);
        mailbox.payExit(l1Account(who), amount);
        paidETH += amount;
    }

    // ---- relayer and provers

    function commitHonestly() external step {
        if (rollup.exodus() || rollup.paused()) return;
        uint256 last = rollup.lastCommittedBatch();
        Made memory made = next(executed.length, last, l2Mailbox.msgRoot());
        if (executed.length < rollup.l1MsgCount(last)) return;
        vm.prank(relayer, relayer);
        try rollup.commitBatchWithDaProof(encode(made.header), executed.length, made.data) {
            _note(made, executed.length);
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(ForcedInclusion.OwesMessage.selector));
        }
    }

    function prove(uint256 kind, bool lies) external step {
        uint8 proveType = uint8(kind % 2);
        uint256 index =
            (proveType == 0 ? rollup.lastZkVerifiedBatch() : rollup.lastTeeVerifiedBatch()) + 1;
        if (rollup.exodus() || index > rollup.lastCommittedBatch()) return;
        Made memory made = _made[index];
        (, made.parent) = rollup.claim(proveType, index - 1);
        if (index == 1) made.parent = genesis();
        if (made.output.lastTimestamp < made.parent.lastTimestamp) return;
        bool liar = lies && proveType == 1;
        if (liar) made.output.l2MsgRoot = keccak256("forged");
        bytes32 prover = proveType == 0 ? PROGRAM : liar ? LIAR : ENCLAVE;
        if (verifier.isRevoked(prover)) return;
        uint256 before = rollup.lastFinalizedBatch();
        bytes memory proof = proofOf(made, prover);
        rollup.verifyBatch(proveType, encode(made.header), made.output.stateRoot, made.output.l2MsgRoot, proof);
        uint256 later = rollup.lastFinalizedBatch();
        vm.assertTrue(later == before || later == before + 1, "one batch at a time");
        if (later > before) _noteFinal(later);
    }

    function _note(Made memory made, uint256 messages) private {
        uint256 index = made.header.index;
        Made storage kept = _made[index];
        (kept.header, kept.parent, kept.output, kept.digest) =
            (made.header, made.parent, made.output, made.digest);
        _leavesOf[index] = toL1.length;
        _executedBy[index] = messages;
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            _balancesAt[index][i] = l2Account(i).balance;
        }
    }

    function _noteFinal(uint256 index) private {
        (Rollup.Claim memory zk,) = rollup.claim(0, index);
        (Rollup.Claim memory tee, Rollup.Output memory output) = rollup.claim(1, index);
        vm.assertEq(zk.statementHash, tee.statementHash, "final by two equal claims");
        vm.assertEq(zk.proverId, PROGRAM);
        vm.assertEq(output.l2MsgRoot, _made[index].output.l2MsgRoot, "no lie is final");
        vm.assertEq(mailbox.nextFinalizeQueueIndex(), _executedBy[index]);
        _statementOf[index] = zk.statementHash;
    }

    // ---- when somebody fails

    function revokeLiar() external step {
        verifier.revoke(LIAR);
        uint256 index = rollup.lastFinalizedBatch() + 1;
        if (rollup.exodus() || index > rollup.lastTeeVerifiedBatch()) return;
        (Rollup.Claim memory claim,) = rollup.claim(1, index);
        if (claim.proverId == LIAR) rollup.voidClaims(1, index);
    }

    function revertUnclaimed(uint256 to, bool byOwner) external step {
        uint256 last = rollup.lastCommittedBatch();
        uint256 least = rollup.lastFinalizedBatch();
        if (rollup.exodus() || last == least) return;
        to = bound(to, least, last - 1);
        if (byOwner) {
            vm.prank(owner);
            rollup.revertBatches(to);
        } else {
            try rollup.revertBatches(to) {} catch {}
        }
        vm.assertTrue(rollup.lastCommittedBatch() >= least);
    }

    function pause(bool on) external step {
        vm.prank(council);
        try rollup.setPause(on) {} catch {}
    }

    function wait(uint256 time) external step {
        vm.warp(block.timestamp + bound(time, 1, 6 hours));
    }

    function flee(bool longAgo) external step {
        if (rollup.exodus()) return;
        if (longAgo && steps > 60) vm.warp(block.timestamp + clocks.exodus);
        try rollup.openExodus() {
            finalAtExodus = rollup.lastFinalizedBatch();
        } catch {}
    }

    function finalBatches() external view returns (uint256) {
        return rollup.lastFinalizedBatch();
    }

    // ---- what must hold

    function check() external view {
        uint256 last = rollup.lastFinalizedBatch();
        if (rollup.exodus()) vm.assertEq(last, finalAtExodus, "nothing is final after exodus");
        vm.assertTrue(last <= rollup.lastCommittedBatch());
        vm.assertTrue(last <= rollup.lastZkVerifiedBatch() && last <= rollup.lastTeeVerifiedBatch());
        for (uint256 i = 1; i <= last; i++) {
            (Rollup.Claim memory claim, Rollup.Output memory output) = rollup.claim(0, i);
            vm.assertEq(claim.statementHash, _statementOf[i], "what is final stays as it is");
            vm.assertEq(rollup.finalizedStateRoots(i), output.stateRoot);
            vm.assertEq(_made[i].header.parentBatchHash, rollup.committedBatches(i - 1), "linked to the parent");
        }
        for (uint256 i = 0; i < toL1.length; i++) {
            vm.assertTrue(timesPaid[i] <= 1, "a withdrawal is paid once");
        }
        vm.assertEq(address(mailbox).balance, depositedETH + mailbox.feeBalance() - paidETH, "no ETH from nowhere");
        vm.assertEq(_circulating() + address(l2Mailbox).balance, SUPPLY, "L2 keeps its ETH");
        vm.assertTrue(address(mailbox).balance >= mailbox.feeBalance() + _owed(), "L1 can pay what is owed");
    }

    /// ETH on L2 outside of its mailbox.
    function _circulating() private view returns (uint256 sum) {
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            sum += l2Account(i).balance;
        }
    }

    /// Withdrawals sent and not paid, and what is on L2; after exodus, exits and refunds instead.
    function _owed() private view returns (uint256 sum) {
        uint256 last = rollup.lastFinalizedBatch();
        bool ended = rollup.exodus();
        uint256 leaves = ended ? _leavesOf[last] : toL1.length;
        for (uint256 i = 0; i < leaves; i++) {
            if (timesPaid[i] == 0) sum += _valueOf(toL1[i]);
        }
        if (!ended) return sum + _circulating();
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            if (!_exited[i]) sum += _balancesAt[last][i];
        }
        for (uint256 i = mailbox.nextFinalizeQueueIndex(); i < waiting.length; i++) {
            if (timesRefunded[i] == 0) sum += _valueOf(waiting[i]);
        }
    }

    function _valueOf(bytes memory message) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(message, 100)) // length, selector, sender, target
        }
    }
}

contract InvariantsTest {
    bool public constant IS_TEST = true;
    Actors private _actors;

    function setUp() public {
        _actors = new Actors();
        _actors.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actors);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](18);
        selectors[0] = Actors.deposit.selector;
        selectors[1] = Actors.withdraw.selector;
        selectors[2] = Actors.execute.selector;
        selectors[3] = Actors.payOut.selector;
        selectors[4] = Actors.refund.selector;
        selectors[5] = Actors.exit.selector;
        selectors[6] = Actors.commitHonestly.selector;
        selectors[7] = bytes4(keccak256("prove(uint256,bool)"));
        selectors[8] = Actors.revokeLiar.selector;
        selectors[9] = Actors.revertUnclaimed.selector;
        selectors[10] = Actors.pause.selector;
        selectors[11] = Actors.wait.selector;
        selectors[12] = Actors.flee.selector;
        // The way to finality is long: its steps are taken more often.
        selectors[13] = Actors.execute.selector;
        selectors[14] = Actors.commitHonestly.selector;
        selectors[15] = bytes4(keccak256("prove(uint256,bool)"));
        selectors[16] = bytes4(keccak256("prove(uint256,bool)"));
        selectors[17] = Actors.withdraw.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_actors), selectors);
    }

    /// The steps lead to all that the invariants speak of: they are not true for want of cases.
    function test_the_steps_lead_everywhere() public {
        _actors.deposit(0, 5 ether, false);
        _actors.deposit(1, 5 ether, true);
        _actors.execute(2);
        _actors.withdraw(0, 2 ether);
        _actors.commitHonestly();
        _actors.prove(1, true);
        _actors.prove(0, false);
        _actors.check();
        _assert(_actors.finalBatches() == 0);
        _actors.revokeLiar();
        _actors.prove(1, false);
        _assert(_actors.finalBatches() == 1);
        _actors.payOut(0, 1);
        _assert(_actors.timesPaid(0) == 1);
        _actors.deposit(2, 7 ether, false);
        _actors.commitHonestly();
        _actors.revertUnclaimed(1, true);
        for (uint256 i = 0; i < 60; i++) {
            _actors.wait(1);
        }
        _actors.flee(true);
        _actors.refund(2);
        _assert(_actors.timesRefunded(2) == 1);
        _actors.exit(0);
        _assert(_actors.paidETH() == 2 ether + 7 ether + 3 ether);
        _actors.check();
    }

    function _assert(bool holds) private pure {
        require(holds, "the steps have lost their way");
    }

    /// No ETH created or lost, no finality without two agreeing proofs, no batch skipped, payments once, nothing final
    /// after exodus.
    function invariant_all() public view {
        _actors.check();
    }
}
