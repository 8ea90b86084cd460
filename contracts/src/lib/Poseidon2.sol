// SPDX-License-Identifier: Apache-2.0
// Printed by script/poseidon2.py from the kernel's constants.
pragma solidity ^0.8.28;

/// Poseidon2 over KoalaBear, width 16, as the zkTrie uses it (docs/zktrie.md). A digest is eight 32-bit words, each
/// little-endian and below P.
library Poseidon2 {
    uint256 internal constant P = 0x7f000001;

    error ElementOutOfRange(bytes32 digest);

    /// The 2-to-1 compression: the first half of the permutation of left ‖ right, plus left.
    function compress(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        uint256 a = _checked(left);
        uint256 b = _checked(right);
        uint256 packed;
        assembly ("memory-safe") {
            // Full rounds work on four words, word j with the elements j, 4 + j, 8 + j, 12 + j in lanes of 64 bits, so
            // that M4 is a few additions of words; partial rounds on sixteen words of memory behind the free pointer.
            function lanes(x, y, shift) -> w {
                w := shl(192, and(shr(add(shift, 128), x), 0xffffffff))
                w := or(w, shl(128, and(shr(shift, x), 0xffffffff)))
                w := or(w, shl(64, and(shr(add(shift, 128), y), 0xffffffff)))
                w := or(w, and(shr(shift, y), 0xffffffff))
            }
            function cubes(w) -> y {
                let x := shr(192, w)
                y := shl(192, mod(mul(mul(x, x), x), 0x7f000001))
                x := and(shr(128, w), 0xffffffffffffffff)
                y := or(y, shl(128, mod(mul(mul(x, x), x), 0x7f000001)))
                x := and(shr(64, w), 0xffffffffffffffff)
                y := or(y, shl(64, mod(mul(mul(x, x), x), 0x7f000001)))
                x := and(w, 0xffffffffffffffff)
                y := or(y, mod(mul(mul(x, x), x), 0x7f000001))
            }
            // x + the sum of its lanes in every lane: multiplied by 0x0000000000000001000000000000000100000000000000010000000000000001, the highest lane is that sum.
            function column(x) -> y {
                y := add(x, mul(shr(192, mul(x, 0x0000000000000001000000000000000100000000000000010000000000000001)), 0x0000000000000001000000000000000100000000000000010000000000000001))
            }
            function external(w0, w1, w2, w3) -> y0, y1, y2, y3 {
                let low := add(w0, w1)
                let high := add(w2, w3)
                let total := add(low, high)
                y0 := column(add(add(total, low), w1))
                y1 := column(add(add(total, w1), add(w2, w2)))
                y2 := column(add(add(total, high), w3))
                y3 := column(add(add(total, w3), add(w0, w0)))
            }
            function unpack(s, w) {
                mstore(s, mod(shr(192, w), 0x7f000001))
                mstore(add(s, 0x80), mod(and(shr(128, w), 0xffffffffffffffff), 0x7f000001))
                mstore(add(s, 0x100), mod(and(shr(64, w), 0xffffffffffffffff), 0x7f000001))
                mstore(add(s, 0x180), mod(and(w, 0xffffffffffffffff), 0x7f000001))
            }
            function pack(s) -> w {
                w := shl(192, mod(mload(s), 0x7f000001))
                w := or(w, shl(128, mod(mload(add(s, 0x80)), 0x7f000001)))
                w := or(w, shl(64, mod(mload(add(s, 0x100)), 0x7f000001)))
                w := or(w, mod(mload(add(s, 0x180)), 0x7f000001))
            }
            function internal_(constant) {
                let first := mod(add(mload(0x1000), constant), 0x7f000001)
                first := mod(mul(mul(first, first), first), 0x7f000001)
                let total := add(add(add(add(first, mload(0x1020)), add(mload(0x1040), mload(0x1060))), add(add(mload(0x1080), mload(0x10a0)), add(mload(0x10c0), mload(0x10e0)))), add(add(add(mload(0x1100), mload(0x1120)), add(mload(0x1140), mload(0x1160))), add(add(mload(0x1180), mload(0x11a0)), add(mload(0x11c0), mload(0x11e0)))))
                mstore(0x1000, add(total, mul(first, 0x7effffff)))
                mstore(0x1020, add(total, mload(0x1020)))
                mstore(0x1040, add(total, mul(mload(0x1040), 0x2)))
                mstore(0x1060, add(total, mul(mload(0x1060), 0x3f800001)))
                mstore(0x1080, add(total, mul(mload(0x1080), 0x3)))
                mstore(0x10a0, add(total, mul(mload(0x10a0), 0x4)))
                mstore(0x10c0, add(total, mul(mload(0x10c0), 0x3f800000)))
                mstore(0x10e0, add(total, mul(mload(0x10e0), 0x7efffffe)))
                mstore(0x1100, add(total, mul(mload(0x1100), 0x7efffffd)))
                mstore(0x1120, add(total, mul(mload(0x1120), 0x7e810001)))
                mstore(0x1140, add(total, mul(mload(0x1140), 0x6f200001)))
                mstore(0x1160, add(total, mul(mload(0x1160), 0x7effff82)))
                mstore(0x1180, add(total, mul(mload(0x1180), 0x7f0000)))
                mstore(0x11a0, add(total, mul(mload(0x11a0), 0xfe00000)))
                mstore(0x11c0, add(total, mul(mload(0x11c0), 0x7f00000)))
                mstore(0x11e0, add(total, mul(mload(0x11e0), 0x7f)))
            }
            function reduce() {
                mstore(0x1000, mod(mload(0x1000), 0x7f000001))
                mstore(0x1020, mod(mload(0x1020), 0x7f000001))
                mstore(0x1040, mod(mload(0x1040), 0x7f000001))
                mstore(0x1060, mod(mload(0x1060), 0x7f000001))
                mstore(0x1080, mod(mload(0x1080), 0x7f000001))
                mstore(0x10a0, mod(mload(0x10a0), 0x7f000001))
                mstore(0x10c0, mod(mload(0x10c0), 0x7f000001))
                mstore(0x10e0, mod(mload(0x10e0), 0x7f000001))
                mstore(0x1100, mod(mload(0x1100), 0x7f000001))
                mstore(0x1120, mod(mload(0x1120), 0x7f000001))
                mstore(0x1140, mod(mload(0x1140), 0x7f000001))
                mstore(0x1160, mod(mload(0x1160), 0x7f000001))
                mstore(0x1180, mod(mload(0x1180), 0x7f000001))
                mstore(0x11a0, mod(mload(0x11a0), 0x7f000001))
                mstore(0x11c0, mod(mload(0x11c0), 0x7f000001))
                mstore(0x11e0, mod(mload(0x11e0), 0x7f000001))
            }
            function output(w, x, shift) -> y {
                y := shl(add(shift, 128), mod(add(shr(192, w), and(shr(add(shift, 128), x), 0xffffffff)), 0x7f000001))
                let second := add(and(shr(128, w), 0xffffffffffffffff), and(shr(shift, x), 0xffffffff))
                y := or(y, shl(shift, mod(second, 0x7f000001)))
            }
            let w0, w1, w2, w3 := external(lanes(a, b, 96), lanes(a, b, 64), lanes(a, b, 32), lanes(a, b, 0))
            w0 := cubes(add(w0, 0x000000007ee56a48000000001970b7d500000000350813bb000000005f25b071))
            w1 := cubes(add(w1, 0x000000001136704500000000662b60e80000000000874ad4000000005e5d5998))
            w2 := cubes(add(w2, 0x0000000012e41941000000003e4990c60000000028a0081a000000005e6fd3e7))
            w3 := cubes(add(w3, 0x000000007ebbc12b00000000679f91f50000000018fa5872000000005b2e2660))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            w0 := cubes(add(w0, 0x000000006f1837bf0000000043d486d50000000051639c000000000008256cef))
            w1 := cubes(add(w1, 0x000000003fe6182b000000001982c70f000000002dec352c000000001a0109f6))
            w2 := cubes(add(w2, 0x000000001edd7ac5000000000ea53af9000000002950e531000000001f51faf3))
            w3 := cubes(add(w3, 0x0000000057470d000000000061d6165b000000002d2cb947000000005cef1c62))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            w0 := cubes(add(w0, 0x000000003d65e50e0000000038900cd1000000007b2cf7bc000000006dd212a0))
            w1 := cubes(add(w1, 0x0000000033d91626000000002c22cc3f0000000068016e1a0000000018d6830a))
            w2 := cubes(add(w2, 0x00000000133d5a1e0000000028852bb20000000015e16bc0000000005001be82))
            w3 := cubes(add(w3, 0x000000000ff49b0d0000000006c65a02000000005248149a0000000064dac34e))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            w0 := cubes(add(w0, 0x000000005902b28700000000245f8e4900000000286bb4ce00000000481837a2))
            w1 := cubes(add(w1, 0x00000000426583a00000000043bb297e00000000640a8dcd0000000003d6da84))
            w2 := cubes(add(w2, 0x000000000c921632000000007873dbd900000000512a8e360000000073726ac7))
            w3 := cubes(add(w3, 0x000000003fe028a5000000003cc987df0000000003a4cf5500000000760e7fdf))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            if gt(mload(0x40), 0x1000) { revert(0, 0) }
            unpack(0x1000, w0)
            unpack(0x1020, w1)
            unpack(0x1040, w2)
            unpack(0x1060, w3)
            internal_(0x54dfeb5d)
            internal_(0x7d40afd6)
            internal_(0x722cb316)
            internal_(0x106a4573)
            internal_(0x45a7ccdb)
            internal_(0x44061375)
            internal_(0x154077a5)
            reduce()
            internal_(0x45744faa)
            internal_(0x4eb5e5ee)
            internal_(0x3794e83f)
            internal_(0x47c7093c)
            internal_(0x5694903c)
            internal_(0x69cb6299)
            internal_(0x373df84c)
            reduce()
            internal_(0x46a0df58)
            internal_(0x46b8758a)
            internal_(0x3241ebcb)
            internal_(0x0b09d233)
            internal_(0x1af42357)
            internal_(0x1e66cec2)
            w0 := pack(0x1000)
            w1 := pack(0x1020)
            w2 := pack(0x1040)
            w3 := pack(0x1060)
            w0 := cubes(add(w0, 0x0000000043e7dc2400000000343e56280000000025f683d9000000005a821dba))
            w1 := cubes(add(w1, 0x00000000259a5d6100000000485cd4c200000000124f81f9000000005fc4177f))
            w2 := cubes(add(w2, 0x0000000027e85a3b0000000016e269f500000000174331f90000000054153bf5))
            w3 := cubes(add(w3, 0x000000001b9133fa00000000165b60c60000000077344dc5000000005e3f1194))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            w0 := cubes(add(w0, 0x000000003bdbf191000000006846166a000000006e59ae6f0000000008fc60b5))
            w1 := cubes(add(w1, 0x00000000088c84a30000000003f4238d0000000032d06cc00000000034bcca80))
            w2 := cubes(add(w2, 0x0000000068256c9b00000000463335fb00000000596293f30000000024f007f3))
            w3 := cubes(add(w3, 0x000000003c90bbc6000000005e3d3551000000006c87edb20000000062731c6f))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            w0 := cubes(add(w0, 0x000000001e1db6c60000000016d227340000000035d1b18c000000007d5311c6))
            w1 := cubes(add(w1, 0x000000000ca409bb0000000018e114670000000022be3db5000000005b62ae7d))
            w2 := cubes(add(w2, 0x00000000585c1e78000000007b2c3730000000004fb1fbb700000000559c5fa8))
            w3 := cubes(add(w3, 0x0000000056e94edc00000000770075e400000000477cb3ed0000000077f15048))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            w0 := cubes(add(w0, 0x000000003211570b000000004e0ac711000000005619b4aa00000000617e181e))
            w1 := cubes(add(w1, 0x00000000490fef6a000000002edf69c900000000362019a7000000005e7ab57b))
            w2 := cubes(add(w2, 0x0000000077ec311f000000003b5a8850000000006bf9d4ed0000000033ad7833))
            w3 := cubes(add(w3, 0x000000002247171b0000000065809421000000005b413dff000000003466c7ca))
            w0, w1, w2, w3 := external(w0, w1, w2, w3)
            packed := or(or(output(w0, a, 96), output(w1, a, 64)), or(output(w2, a, 32), output(w3, a, 0)))
        }
        return pack(packed);
    }

    /// The digest with `amount` added to its first element.
    function offset(bytes32 digest, uint256 amount) internal pure returns (bytes32) {
        uint256 lanes = unpack(digest);
        uint256 first = ((lanes >> 224) + amount) % P;
        return pack((first << 224) | (lanes & (type(uint256).max >> 32)));
    }

    /// A digest of elements in 32-bit lanes, the first in the highest.
    function pack(uint256 lanes) internal pure returns (bytes32) {
        return bytes32(_swap(lanes));
    }

    /// A digest's elements in 32-bit lanes, the first in the highest.
    function unpack(bytes32 digest) internal pure returns (uint256) {
        return _swap(uint256(digest));
    }

    /// The same, all below P: adding 2³² − P to a larger one would carry into the lane beside it.
    function _checked(bytes32 digest) private pure returns (uint256 lanes) {
        lanes = unpack(digest);
        uint256 even = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        uint256 excess = 0x0000000080ffffff0000000080ffffff0000000080ffffff0000000080ffffff;
        uint256 carries = (((lanes & even) + excess) | (((lanes >> 32) & even) + excess)) & ~even;
        if (carries != 0) revert ElementOutOfRange(digest);
    }

    /// The bytes of every 32-bit lane turned round.
    function _swap(uint256 x) private pure returns (uint256) {
        uint256 even = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        x = ((x & even) << 8) | ((x >> 8) & even);
        uint256 halves = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        return ((x & halves) << 16) | ((x >> 16) & halves);
    }
}
