// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// What the factory makes: remembers a number and can be emptied into its maker.
contract Child {
    address public immutable maker = msg.sender;
    uint256 public number;

    constructor(uint256 number_) payable {
        number = number_;
    }

    function set(uint256 number_) external {
        number = number_;
    }

    function retire() external {
        require(msg.sender == maker, "not the maker");
        selfdestruct(payable(maker));
    }
}

/// CREATE and CREATE2 (EIP-1014), and a child that lives for one transaction only (EIP-6780).
contract Factory {
    event Made(address indexed child, bytes32 indexed salt);

    receive() external payable {}

    function make(uint256 number) external payable returns (address child) {
        child = address(new Child{value: msg.value}(number));
        emit Made(child, 0);
    }

    function make2(bytes32 salt, uint256 number) external payable returns (address child) {
        child = address(new Child{value: msg.value, salt: salt}(number));
        emit Made(child, salt);
    }

    function makeAndRetire(bytes32 salt, uint256 number) external payable returns (address child) {
        Child made = new Child{value: msg.value, salt: salt}(number);
        made.retire();
        child = address(made);
        emit Made(child, salt);
    }

    function addressOf(bytes32 salt, uint256 number) external view returns (address) {
        bytes32 codeHash = keccak256(abi.encodePacked(type(Child).creationCode, abi.encode(number)));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, codeHash)))));
    }
}
