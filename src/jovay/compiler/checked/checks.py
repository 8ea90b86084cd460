"""The code that checked kernel code calls before it touches memory, as LLVM IR.

An access of up to 48 bytes is one look at a word of shadow bits; whatever else is asked goes through ``shadow``.
What is refused is told to the host, which does not return.
"""

from __future__ import annotations

from jovay.kernel.arenas import shadow

#: What code is told the shadow through.
BEGIN = "checked.begin"
_LIMIT_BITS = shadow.LIMIT.bit_length() - 1
_PREFIX = shadow.refused.symbol.rpartition(".")[0]


#: What the checks keep and call.
_DECLARATIONS = f"""
@"checked.state" = internal global i64 0
@"checked.bits" = internal global ptr null
@"checked.report" = internal global ptr null
@"checked.told" = internal global ptr null
declare i64 @"{_PREFIX}.refused"(i64, i64, i64)
declare i1 @"{_PREFIX}.begin_part"(i64, i64, i64, i64)
declare i1 @"{_PREFIX}.unpoison"(i64, i64, i64, i64)
declare i1 @"{_PREFIX}.poison"(i64, i64, i64)
declare void @"{_PREFIX}.set_bits"(i64, i64, i64, i64)
declare i64 @llvm.ctpop.i64(i64)
"""
#: How the host begins, and is told of what is refused and of parts with names.
_HOST = """
define void @"checked.begin"(i64 %state, i64 %report, i64 %told) {
  store i64 %state, ptr @"checked.state"
  %at = inttoptr i64 %state to ptr
  %bits = load ptr, ptr %at
  store ptr %bits, ptr @"checked.bits"
  %r = inttoptr i64 %report to ptr
  store ptr %r, ptr @"checked.report"
  %t = inttoptr i64 %told to ptr
  store ptr %t, ptr @"checked.told"
  ret void
}

define internal void @"checked.violation"(i64 %at, i64 %size, i64 %offset, ptr %site) noinline cold {
  %report = load ptr, ptr @"checked.report"
  call void %report(i64 %at, i64 %size, i64 %offset, ptr %site)
  ret void
}

define internal void @"checked.name"(i64 %at, i64 %size, i64 %name, i64 %allowed) noinline {
  %told = load ptr, ptr @"checked.told"
  call void %told(i64 %at, i64 %size, i64 %name, i64 %allowed)
  ret void
}
"""
_ACCESS = f"""
define internal void @"checked.slow"(i64 %at, i64 %mask, ptr %site) noinline cold {{
  %size = call i64 @llvm.ctpop.i64(i64 %mask)
  call void @"checked.range"(i64 %at, i64 %size, ptr %site)
  ret void
}}

define preserve_mostcc void @"checked.access"(i64 %at, i64 %mask, ptr %site) noinline {{
  %high = lshr i64 %at, {_LIMIT_BITS}
  %low = icmp eq i64 %high, 0
  br i1 %low, label %look, label %slow
look:
  %bits = load ptr, ptr @"checked.bits"
  %index = lshr i64 %at, 3
  %place = getelementptr i8, ptr %bits, i64 %index
  %word = load i64, ptr %place, align 1
  %shift = and i64 %at, 7
  %shifted = lshr i64 %word, %shift
  %masked = and i64 %shifted, %mask
  %all = icmp eq i64 %masked, %mask
  br i1 %all, label %done, label %slow
slow:
  call void @"checked.slow"(i64 %at, i64 %mask, ptr %site)
  br label %done
done:
  ret void
}}
"""


def _guard(name: str, parameters: str, test: str, address: str, size: str, offset: str = "0") -> str:
    """A check that reports where ``test``, which leaves it in %ok, says no."""
    return f"""
define void @"checked.{name}"({parameters}, ptr %site) noinline {{
  %state = load i64, ptr @"checked.state"
{test}
  br i1 %ok, label %done, label %bad
bad:
  call void @"checked.violation"(i64 {address}, i64 {size}, i64 {offset}, ptr %site)
  br label %done
done:
  ret void
}}
"""


def _part(name: str, allowed: int) -> str:
    test = f"""  %ok = call i1 @"{_PREFIX}.begin_part"(i64 %state, i64 %at, i64 %size, i64 {allowed})
  call void @"checked.name"(i64 %at, i64 %size, i64 %name, i64 {allowed})"""
    return _guard(name, "i64 %at, i64 %size, i64 %name", test, "%at", "%size")


def _guards() -> list[str]:
    """The checks that call ``shadow``."""
    at_size = "i64 %at, i64 %size"
    found = f"""  %found = call i64 @"{_PREFIX}.refused"(i64 %state, i64 %at, i64 %size)
  %ok = icmp eq i64 %found, %size"""
    within = "  %ok = icmp ult i64 %index, %length"
    told = f"""  call void @"{_PREFIX}.set_bits"(i64 %state, i64 %at, i64 %size, i64 1)
  %ok = icmp eq i64 0, 0"""
    unpoison = f'  %ok = call i1 @"{_PREFIX}.unpoison"(i64 %state, i64 %part, i64 %at, i64 %size)'
    poison = f'  %ok = call i1 @"{_PREFIX}.poison"(i64 %state, i64 %at, i64 %size)'
    return [
        _guard("range", at_size, found, "%at", "%size", "%found"),
        _guard("index", "i64 %index, i64 %length", within, "%index", "%length"),
        _guard("table", at_size, told, "%at", "%size"),
        _part("part", 1),
        _part("reserve", 0),
        _guard("unpoison", f"i64 %part, {at_size}", unpoison, "%at", "%size"),
        _guard("poison", at_size, poison, "%at", "%size"),
    ]


def module() -> str:
    """IR text of the checks."""
    return "".join([_DECLARATIONS, _HOST, _ACCESS, *_guards()])
