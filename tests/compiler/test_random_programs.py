"""Random programs: what CPython computes from the source, the compiled code computes."""

import ctypes
import itertools
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jovay.kernel.lang import U64
from jovay.native.library import build
from rigs.programs import MEMORY, import_source, write_module

FUNCTIONS, INPUTS = 4, 6
_numbers = itertools.count()


def _words(dice, arguments):
    """Argument values: edges, small ones and any."""
    for word in arguments:
        edge = dice.choice((0, 1, word.mask, word.mask >> 1, (word.mask >> 1) + 1))
        yield word(dice.choice((edge, dice.getrandbits(4), dice.getrandbits(word.bits))))


def _run(function, arguments, memory):
    """Results as plain integers, and the memory afterwards."""
    buffer = ctypes.create_string_buffer(memory, len(memory))
    result = function(*arguments, U64(ctypes.addressof(buffer)))
    results = result if isinstance(result, tuple) else (result,)
    return tuple(map(int, results)), buffer.raw


@given(seed=st.integers(0, 2**32))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_native_code_does_what_python_does(tmp_path_factory, seed):
    dice = Random(seed)
    source = write_module(dice, FUNCTIONS)
    module = import_source(source, f"random_program_{next(_numbers)}", tmp_path_factory.mktemp("programs"))
    functions = [getattr(module, f"f{k}") for k in range(FUNCTIONS)]
    library = build(functions)
    for function in functions:
        words = [hint for name, hint in function.__annotations__.items() if name not in ("p", "return")]
        for _ in range(INPUTS):
            arguments, memory = list(_words(dice, words)), dice.randbytes(MEMORY)
            expected = _run(function, arguments, memory)
            assert _run(library[function], arguments, memory) == expected, (seed, source, arguments)
