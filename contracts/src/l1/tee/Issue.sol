// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Dates} from "./Dates.sol";
import {Json} from "./Json.sol";

/// When a signed document was made, which of Intel's evaluations it follows, and until when it holds.
struct Issue {
    uint64 issued;
    uint64 nextUpdate;
    uint64 evaluation;
}

library Issues {
    using Json for bytes;

    error Outdated(Issue issue);
    error OlderThan(Issue stored);

    /// Keeps the member if it is one of these.
    function store(Issue storage issue, bytes32 name, bytes calldata value) internal {
        if (name == keccak256("issueDate")) issue.issued = Dates.ofJson(value.text());
        else if (name == keccak256("nextUpdate")) issue.nextUpdate = Dates.ofJson(value.text());
        else if (name == keccak256("tcbEvaluationDataNumber")) issue.evaluation = uint64(value.number(64));
    }

    /// A document that replaces another is neither older nor of an earlier evaluation, and holds now.
    function checkReplaces(Issue storage issue, Issue memory before) internal view {
        if (issue.issued < before.issued || issue.evaluation < before.evaluation) revert OlderThan(before);
        checkHolds(issue);
    }

    function checkHolds(Issue storage issue) internal view returns (uint64 nextUpdate) {
        nextUpdate = issue.nextUpdate;
        if (issue.issued > block.timestamp || nextUpdate < block.timestamp) revert Outdated(issue);
    }
}
