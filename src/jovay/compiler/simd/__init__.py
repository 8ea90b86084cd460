"""SIMD batch kernels: LLVM IR written over a lane type."""
