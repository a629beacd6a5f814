"""The bytecode form: equal for equal code within one minor version of Python.

Law: a function of the code object alone; it holds no line, file name or docstring. It decides
whether a file still is the source of the loaded code, and stands in where there is no source.
"""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterator
from types import CodeType

from dumbo.code.normal_form import constant_text, mark

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
OPTIMIZED = 0x1  # functions; the bodies of modules and classes are not

_COMPREHENSION = re.compile(r"<(listcomp|dictcomp|setcomp|genexpr)>")
_THROUGH = re.compile(_COMPREHENSION.pattern + r"\.(<locals>\.)?")
_AT_END = re.compile(r"(\.<locals>\.)?" + _COMPREHENSION.pattern + "$")


def bytecode_form(code: CodeType) -> str:
    """Fingerprint of a code object and the code objects inside it."""
    parts: list[str | bytes] = [code.co_code, code.co_exceptiontable, *code.co_names, "|"]
    consts = code.co_consts
    if consts and isinstance(consts[0], str) and _may_have_docstring(code):
        consts = ("", *consts[1:])
    parts += [
        bytecode_form(value) if isinstance(value, CodeType) else constant_text(value)
        for value in consts
    ]
    arguments = code.co_argcount + code.co_kwonlyargcount
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    parts += ["|", *code.co_freevars, "|", *code.co_cellvars, "|", *code.co_varnames[:arguments]]
    return mark(*parts, repr((shape, code.co_flags & 0x3AF)))


def _may_have_docstring(code: CodeType) -> bool:
    # A def keeps its docstring, or None, as first constant; a lambda keeps neither, so its first
    # constant is a value. 3.14 says so in a flag.
    if sys.version_info >= (3, 14):
        return bool(code.co_flags & 0x4000000)
    return bool(code.co_flags & OPTIMIZED) and not code.co_name.startswith("<")


def qualified_name(code: CodeType) -> str:
    """Qualified name with comprehension scopes left out, as Python 3.12 and newer inline them.

    Empty for the body of a module and for a comprehension outside any function.
    """
    name = code.co_qualname
    if "<" not in name:
        return name
    name = _AT_END.sub("", _THROUGH.sub("", name))
    return "" if name == "<module>" else name


def is_comprehension(code: CodeType) -> bool:
    """Whether the code is a part of a function that only some versions compile apart."""
    return _COMPREHENSION.fullmatch(code.co_name) is not None


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """The code object and all inside it, outermost first."""
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from nested_codes(value)


def listing(code: CodeType) -> str:
    """Instructions as text, for diffs where there is no source."""
    lines = [
        f"{item.opname} {'<code>' if isinstance(item.argval, CodeType) else item.argrepr}".rstrip()
        for item in dis.get_instructions(code)
    ]
    return "\n".join(lines)
