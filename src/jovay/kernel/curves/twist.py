"""The p-power Frobenius carried to a sextic twist over Fp2: ψ(x, y) = (cx·x̄, cy·ȳ).

Galbraith and Scott, "Exponentiation in pairing-friendly groups using homomorphisms" (2008). On the subgroup
of order r it multiplies by p.
"""

from collections.abc import Callable

from jovay.kernel.lang import Ptr, address_of, kernel

from .quadratic import QuadraticField


def twist_endomorphism(
    field: QuadraticField, cx: tuple[int, int], cy: tuple[int, int]
) -> tuple[Callable, Callable]:
    """ψ for affine and for Jacobian points, ``psi(out, q)``; ``out`` may be ``q``."""
    size, mul, conjugate = field.size, field.mul, field.conjugate
    constants = field.constant(cx, cy)

    @kernel(name=f"{field.tag}_psi", inline=False)
    def psi(out: Ptr, q: Ptr) -> None:
        for i in range(0, 2 * size, size):
            conjugate(out + i, q + i)
            mul(out + i, out + i, address_of(constants) + i)

    @kernel(name=f"{field.tag}_psi_jacobian", inline=False)
    def psi_jacobian(out: Ptr, q: Ptr) -> None:
        psi(out, q)
        conjugate(out + 2 * size, q + 2 * size)

    return psi, psi_jacobian
