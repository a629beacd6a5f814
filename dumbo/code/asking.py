"""Which declared callables may be asked: those that code of this process declares.

Law: a store never chooses what is called. A callable is asked only after code that is loaded here
declared it, or where such code, named by the depset or its function, says ``depends_on`` and means
this very callable by one of its names. Looking runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from dumbo.code import declarations, modules
from dumbo.code.forms import find_codes
from dumbo.code.looking import Looker, held_in
from dumbo.code.modules import Namespace
from dumbo.code.names import Chain, names_of_all
from dumbo.records import Dependency, DependencyKind, Depset

DECLARES: Final = "depends_on"
NOT_DECLARED: Final = "it is declared by code that is not loaded here"


def admit(looker: Looker, depset: Depset, function: FunctionType | None) -> None:
    """Note those callables of a depset that its loaded code declares."""
    for member in depset.members:
        if member.kind is not DependencyKind.DECLARED or not declarations.is_asked(member):
            continue
        if not declarations.is_noted(member) and _is_declared(looker, depset, function, member):
            declarations.note_place(member)


def _is_declared(
    looker: Looker, depset: Depset, function: FunctionType | None, member: Dependency
) -> bool:
    wanted = declarations.find_callable(member.module, member.name.partition(":")[2])
    if wanted is None:
        return False
    return any(
        value is wanted or any(item is wanted for item in held_in(value))
        for namespace, code in _loaded(looker, depset, function)
        for value in _meant(namespace, code)
    )


def _loaded(
    looker: Looker, depset: Depset, function: FunctionType | None
) -> Iterator[tuple[Namespace, CodeType]]:
    """Code of the project that the depset or its function stands for, and where it runs."""
    if function is not None:
        yield function.__globals__, function.__code__
    for member in depset.members:
        if member.kind is not DependencyKind.CODE:
            continue
        module = modules.loaded(member.module)
        for code in find_codes(vars(module), member.name) if module is not None else ():
            if looker.project.owns_file(code.co_filename):
                yield vars(module), code


def _meant(namespace: Namespace, code: CodeType) -> Iterator[Any]:
    """What the names of code that declares anything lead to; nothing for other code."""
    names = names_of_all(code)
    spelled = {part for chain in names.chains for part in chain}
    spelled |= {part for imported in names.imports for part in imported.chain}
    if DECLARES not in spelled | names.attributes:
        return
    for chain in names.chains:
        yield from _along(namespace, chain)
    for imported in names.imports:
        module = modules.loaded(modules.absolute_name(imported.name, imported.level, namespace))
        if module is not None:
            yield from _along(vars(module), imported.chain)


def _along(namespace: Mapping[str, Any], chain: Chain) -> Iterator[Any]:
    """What every part of a chain means, as far as modules and classes hold it."""
    for part in chain:
        if part not in namespace:
            return
        value = namespace[part]
        yield value
        if not issubclass(type(value), ModuleType | type):
            return
        namespace = vars(value)
