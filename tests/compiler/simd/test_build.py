"""Which kernels a CPU gets, and that their IR stands on its own."""

import re

import llvmlite.binding as llvm
import pytest

from jovay.compiler.simd import build

EVERYTHING = set(build.AVX512) | {"avx512ifma"} | build.SHA
LANES = {"keccak256_batch", "poseidon2_compress_batch"}
ALL = LANES | {"secp256k1_recover_batch", "sha256_digest"}


@pytest.mark.parametrize(
    ("features", "symbols"),
    [(set(), set()), ({"avx2", "avx512f", "sha"}, set()), (set(build.AVX512), LANES),
     (set(build.SHA), {"sha256_digest"}), (EVERYTHING, ALL)],
)  # fmt: skip
def test_kernels_by_feature(features: set[str], symbols: set[str]) -> None:
    assert build.exported_symbols(features) == symbols
    assert len(build.ir_modules(features)) == len(symbols)


def test_modules_link_into_one_and_need_nothing_else() -> None:
    """Only the kernels are visible, nothing but LLVM's intrinsics is missing, nothing runs at load."""
    llvm.initialize_native_target()
    linked = llvm.parse_assembly("")
    for text in build.ir_modules(EVERYTHING):
        linked.link_in(llvm.parse_assembly(text))
    linked.verify()
    defined = {
        f.name for f in linked.functions if not f.is_declaration and f.linkage != llvm.Linkage.internal
    }
    assert defined == ALL
    missing = {f.name for f in linked.functions if f.is_declaration}
    assert all(name.startswith("llvm.") for name in missing)
    assert not any(re.search("ctors|dtors", v.name) for v in linked.global_variables)
