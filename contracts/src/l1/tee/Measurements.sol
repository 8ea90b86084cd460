// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// Which measurements may attest which batches. The owner (a timelock) adds, the council only revokes.
abstract contract Measurements is Ownable2Step {
    /// Batches from the first to the last, both included.
    struct Window {
        uint64 first;
        uint64 last;
        bool allowed;
        bool revoked;
    }

    address public council;
    mapping(bytes32 measurement => Window) public measurements;

    event CouncilChanged(address indexed oldCouncil, address indexed newCouncil);
    event MeasurementAllowed(bytes32 indexed measurement, uint64 firstBatch, uint64 lastBatch);
    event MeasurementRevoked(bytes32 indexed measurement);

    error NotOwnerOrCouncil(address caller);
    error MeasurementIsRevoked(bytes32 measurement);
    error MeasurementNotAllowed(bytes32 measurement);
    error EmptyWindow(uint64 firstBatch, uint64 lastBatch);

    modifier onlyOwnerOrCouncil() {
        if (msg.sender != owner() && msg.sender != council) revert NotOwnerOrCouncil(msg.sender);
        _;
    }

    constructor(address owner_, address council_) Ownable(owner_) {
        council = council_;
        emit CouncilChanged(address(0), council_);
    }

    function setCouncil(address newCouncil) external onlyOwner {
        emit CouncilChanged(council, newCouncil);
        council = newCouncil;
    }

    /// Windows may overlap, so that images change without a gap. A revoked measurement never comes back.
    function allowMeasurement(bytes32 measurement, uint64 firstBatch, uint64 lastBatch) external onlyOwner {
        if (measurements[measurement].revoked) revert MeasurementIsRevoked(measurement);
        if (lastBatch < firstBatch) revert EmptyWindow(firstBatch, lastBatch);
        measurements[measurement] = Window(firstBatch, lastBatch, true, false);
        emit MeasurementAllowed(measurement, firstBatch, lastBatch);
    }

    function revokeMeasurement(bytes32 measurement) external onlyOwnerOrCouncil {
        measurements[measurement].revoked = true;
        emit MeasurementRevoked(measurement);
    }

    /// For some batches at all, past or to come.
    function _requireKnown(bytes32 measurement) internal view {
        Window memory window = measurements[measurement];
        if (window.revoked) revert MeasurementIsRevoked(measurement);
        if (!window.allowed) revert MeasurementNotAllowed(measurement);
    }
}
