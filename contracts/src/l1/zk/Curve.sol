// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {R, WORD} from "./Field.sol";

/// Of BN254's first group; zeros for the point at infinity.
struct Point {
    uint256 x;
    uint256 y;
}

/// Of the second: x = x0 + x1·u, y = y0 + y1·u.
struct G2Point {
    uint256 x0;
    uint256 x1;
    uint256 y0;
    uint256 y1;
}

/// BN254 by the precompiles 6, 7 and 8 (EIP-196, EIP-197), which refuse what is no point.
library Curve {
    uint256 internal constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    address private constant PAIRING = address(0x08);

    error NotOnCurve(uint256 x, uint256 y);
    error NotInSecondGroup();

    /// The point at a position of the calldata.
    function at(uint256 position) internal pure returns (Point memory point) {
        assembly ("memory-safe") {
            calldatacopy(point, position, 64)
        }
    }

    function generator2() internal pure returns (G2Point memory) {
        return G2Point(
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa,
            0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b
        );
    }

    function negate(Point memory a) internal pure returns (Point memory) {
        return a.y == 0 ? a : Point(a.x, P - a.y);
    }

    function add(Point memory a, Point memory b) internal view returns (Point memory sum) {
        bool success;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, a, 64)
            mcopy(add(free, 64), b, 64)
            success := staticcall(gas(), 6, free, 128, sum, 64)
        }
        if (!success) revert NotOnCurve(b.x, b.y);
    }

    function multiply(Point memory a, uint256 scalar) internal view returns (Point memory product) {
        addMultiple(product, a, scalar);
    }

    /// sum += scalar·a.
    function addMultiple(Point memory sum, Point memory a, uint256 scalar) internal view {
        bool success;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, sum, 64)
            mcopy(add(free, 64), a, 64)
            mstore(add(free, 128), scalar)
            success := staticcall(gas(), 7, add(free, 64), 96, add(free, 64), 64)
            success := and(success, staticcall(gas(), 6, free, 128, sum, 64))
        }
        if (!success) revert NotOnCurve(a.x, a.y);
    }

    /// Whether e(a, A)·e(b, B)·e(c, C) = 1.
    function product(
        Point memory a,
        G2Point memory a2,
        Point memory b,
        G2Point memory b2,
        Point memory c,
        G2Point memory c2
    ) internal view returns (bool) {
        (bool success, bytes memory answer) =
            PAIRING.staticcall(abi.encodePacked(_pair(a, a2), _pair(b, b2), _pair(c, c2)));
        if (!success) revert NotInSecondGroup();
        return abi.decode(answer, (bool));
    }

    /// As the precompile takes it: imaginary parts first.
    function _pair(Point memory a, G2Point memory b) private pure returns (bytes memory) {
        return abi.encode(a.x, a.y, b.x1, b.x0, b.y1, b.y0);
    }
}
