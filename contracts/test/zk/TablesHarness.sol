// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Setup} from "../../src/l1/zk/Kzg.sol";
import {Key, Message, Tables} from "../../src/l1/zk/Tables.sol";

/// Tables of any chips, with any public messages.
contract TablesHarness is Tables {
    constructor(Key memory key, Setup memory setup) Tables(key, setup) {}

    function check(Message[] calldata messages, bytes calldata proof) external view {
        _check(messages, proof);
    }
}
