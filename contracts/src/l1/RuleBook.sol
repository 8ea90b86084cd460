// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// By what a batch is proven. `zkVerifier` 0: there is none yet, and nothing becomes final.
struct Rules {
    bytes32 chainConfigHash;
    address teeVerifier;
    address zkVerifier;
    bytes32 zkProgramDigest;
}

/// Rules by the batch from which on they hold. A batch keeps those under which it was committed.
abstract contract RuleBook {
    struct Entry {
        uint64 fromBatch;
        Rules rules;
    }

    Entry[] private _book;

    event RulesScheduled(uint256 indexed fromBatch, Rules rules);

    error RulesComeTooLate(uint64 fromBatch, uint256 lastCommittedBatch);

    constructor(Rules memory first) {
        _book.push(Entry(0, first));
        emit RulesScheduled(0, first);
    }

    /// Rules that hold for a batch which is committed next, and their number.
    function rulesFor(uint256 batchIndex) public view returns (Rules memory rules, uint256 number) {
        number = _book.length - 1;
        while (_book[number].fromBatch > batchIndex) number--;
        rules = _book[number].rules;
    }

    /// All rules with their beginnings, those to come included.
    function ruleBook() external view returns (Entry[] memory) {
        return _book;
    }

    function _rules(uint256 number) internal view returns (Rules storage) {
        return _book[number].rules;
    }

    /// Rules scheduled for the same batch or later ones are replaced.
    function _schedule(uint64 fromBatch, Rules calldata rules, uint256 lastCommittedBatch) internal {
        if (fromBatch <= lastCommittedBatch) revert RulesComeTooLate(fromBatch, lastCommittedBatch);
        while (_book[_book.length - 1].fromBatch >= fromBatch) _book.pop();
        _book.push(Entry(fromBatch, rules));
        emit RulesScheduled(fromBatch, rules);
    }
}
