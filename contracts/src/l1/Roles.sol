// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable2Step, Ownable} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// Who may do what besides everyone: the owner (a timelock), the council (stops and revokes, never adds), relayers.
abstract contract Roles is Ownable2Step {
    address public council;
    mapping(address account => bool) public isRelayer;

    /// The longest pause, seconds.
    uint64 public immutable pauseLimit;
    /// The next pause begins this long after the one before began, at the earliest.
    uint64 public immutable pauseInterval;
    uint64 public pausedUntil;
    uint64 public pausableFrom;

    event CouncilChanged(address indexed oldCouncil, address indexed newCouncil);
    event RelayerAdded(address indexed relayer);
    event RelayerRemoved(address indexed relayer);
    event Paused(address account);
    event Unpaused(address account);

    error NotOwnerOrCouncil(address caller);
    error NotRelayer(address caller);
    error IsPaused(uint64 until);
    error PausedLately(uint64 pausableFrom);

    modifier onlyOwnerOrCouncil() {
        if (msg.sender != owner() && msg.sender != council) revert NotOwnerOrCouncil(msg.sender);
        _;
    }

    modifier onlyRelayer() {
        if (!isRelayer[msg.sender]) revert NotRelayer(msg.sender);
        _;
    }

    modifier whenNotPaused() {
        if (paused()) revert IsPaused(pausedUntil);
        _;
    }

    constructor(address owner_, address council_, address[] memory relayers, uint64 limit, uint64 interval)
        Ownable(owner_)
    {
        _setCouncil(council_);
        for (uint256 i = 0; i < relayers.length; i++) {
            _addRelayer(relayers[i]);
        }
        (pauseLimit, pauseInterval) = (limit, interval);
    }

    function setCouncil(address newCouncil) external onlyOwner {
        _setCouncil(newCouncil);
    }

    function addRelayer(address account) external onlyOwner {
        _addRelayer(account);
    }

    /// A relayer's key is changed by the relayer itself, without waiting for the timelock.
    function replaceRelayer(address successor) external onlyRelayer {
        _removeRelayer(msg.sender);
        _addRelayer(successor);
    }

    function removeRelayer(address account) external onlyOwnerOrCouncil {
        _removeRelayer(account);
    }

    /// A pause ends by itself, and the next one begins only after an interval in which commits are possible.
    function setPause(bool pause) external onlyOwnerOrCouncil {
        if (pause) {
            // forge-lint: disable-next-line(block-timestamp)
            if (block.timestamp < pausableFrom) revert PausedLately(pausableFrom);
            pausedUntil = uint64(block.timestamp) + pauseLimit;
            pausableFrom = uint64(block.timestamp) + pauseInterval;
            emit Paused(msg.sender);
        } else {
            pausedUntil = uint64(block.timestamp);
            emit Unpaused(msg.sender);
        }
    }

    function paused() public view virtual returns (bool) {
        return block.timestamp < pausedUntil;
    }

    function _setCouncil(address newCouncil) private {
        emit CouncilChanged(council, newCouncil);
        council = newCouncil;
    }

    function _addRelayer(address account) private {
        isRelayer[account] = true;
        emit RelayerAdded(account);
    }

    function _removeRelayer(address account) private {
        isRelayer[account] = false;
        emit RelayerRemoved(account);
    }
}
