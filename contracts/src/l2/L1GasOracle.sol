// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {CrossDomainOwned} from "./CrossDomainOwned.sol";

/// What a byte of a transaction costs for being published on L1. Relayers feed what the last batch cost; bounds keep
/// what they can do within what the owner has set. Scales are in hundredths.
contract L1GasOracle is CrossDomainOwned {
    /// Batches count as at least so many bytes (six blobs), and at most.
    uint256 public constant MIN_BATCH_BYTES = 786_432;
    uint256 public constant MAX_BATCH_BYTES = 1e9;
    /// Wei for a unit of gas or blob gas that a batch is believed to have paid at most.
    uint256 public constant MAX_GAS_PRICE = 100 gwei;
    uint256 private constant HUNDREDTHS = 100;

    /// Slot 0, set at genesis; read at the start of every block: wei per byte.
    uint256 public l1FeePerByte;
    /// Slots 1 to 3: what the last batch cost, and its bytes.
    uint256 public lastBatchDaFee;
    uint256 public lastBatchExecFee;
    uint256 public lastBatchByteLength;
    /// Slots 4 to 9, set at genesis.
    uint256 public baseFeeScala;
    uint256 public blobBaseFeeScala;
    uint256 public totalScala;
    uint256 public l1Profit;
    uint256 public maxL1ExecGasUsedLimit;
    uint256 public maxL1BlobGasUsedLimit;
    /// Slot 10, set at genesis.
    mapping(address account => bool) public isRelayer;

    event AddRelayer(address relayer);
    event RemoveRelayer(address oldRelayer);
    event SetBlobBaseFeeScalaAndTxFeeScala(uint256 _baseFeeScala, uint256 _blobBaseFeeScala);
    event SetTotalScala(uint256 _totalScala);
    event SetL1Profit(uint256 _l1Profit);
    event SetMaxL1ExecGasUsedLimit(uint256 _maxL1ExecGasUsedLimit);
    event SetMaxL1BlobGasUsedLimit(uint256 _maxL1BlobGasUsedLimit);
    event SetNewBatchBlobFeeAndTxFee(
        uint256 _lastBatchDaFee, uint256 _lastBatchExecFee, uint256 _lastBatchByteLength
    );

    error NotRelayer(address caller);

    /// Sets the fee by what the last batch cost, wei for blobs (or calldata) and for execution.
    function setNewBatchBlobFeeAndTxFee(uint256 daFee, uint256 execFee, uint256 byteLength) external {
        if (!isRelayer[msg.sender]) revert NotRelayer(msg.sender);
        lastBatchDaFee = Math.min(daFee, MAX_GAS_PRICE * maxL1BlobGasUsedLimit);
        lastBatchExecFee = Math.min(execFee, MAX_GAS_PRICE * maxL1ExecGasUsedLimit);
        lastBatchByteLength = Math.max(MIN_BATCH_BYTES, Math.min(byteLength, MAX_BATCH_BYTES));
        emit SetNewBatchBlobFeeAndTxFee(lastBatchDaFee, lastBatchExecFee, lastBatchByteLength);
        _update();
    }

    /// The L1 fee of a transaction of so many bytes, wei.
    function getTxL1Fee(uint256 txLength) external view returns (uint256) {
        return txLength * l1FeePerByte;
    }

    function setBlobBaseFeeScalaAndTxFeeScala(uint256 baseFeeScala_, uint256 blobBaseFeeScala_) external onlyOwner {
        (baseFeeScala, blobBaseFeeScala) = (baseFeeScala_, blobBaseFeeScala_);
        emit SetBlobBaseFeeScalaAndTxFeeScala(baseFeeScala_, blobBaseFeeScala_);
        _update();
    }

    function setTotalScala(uint256 totalScala_) external onlyOwner {
        totalScala = totalScala_;
        emit SetTotalScala(totalScala_);
        _update();
    }

    function setL1Profit(uint256 l1Profit_) external onlyOwner {
        l1Profit = l1Profit_;
        emit SetL1Profit(l1Profit_);
        _update();
    }

    function setMaxL1ExecGasUsedLimit(uint256 limit) external onlyOwner {
        maxL1ExecGasUsedLimit = limit;
        emit SetMaxL1ExecGasUsedLimit(limit);
    }

    function setMaxL1BlobGasUsedLimit(uint256 limit) external onlyOwner {
        maxL1BlobGasUsedLimit = limit;
        emit SetMaxL1BlobGasUsedLimit(limit);
    }

    function addRelayer(address account) external onlyOwner {
        isRelayer[account] = true;
        emit AddRelayer(account);
    }

    function removeRelayer(address account) external onlyOwner {
        isRelayer[account] = false;
        emit RemoveRelayer(account);
    }

    /// ((da · blobScala + exec · baseScala) + profit) / bytes · totalScala, divided last. Without a batch nothing changes.
    function _update() private {
        if (lastBatchByteLength == 0) return;
        uint256 cost = lastBatchDaFee * blobBaseFeeScala + lastBatchExecFee * baseFeeScala + l1Profit * HUNDREDTHS;
        l1FeePerByte = cost * totalScala / (HUNDREDTHS * HUNDREDTHS * lastBatchByteLength);
    }
}
