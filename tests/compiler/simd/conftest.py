import pytest

from jovay.compiler.simd import build


@pytest.fixture(scope="session")
def kernels() -> build.Kernels:
    """The kernels of this machine; tests of them need a CPU with AVX-512 IFMA."""
    if "avx512ifma" not in build.host_features():
        pytest.skip("this CPU has no AVX-512 IFMA")
    return build.load()
