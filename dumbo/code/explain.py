"""A reason in words: one line, and under it what it was and what it is.

Law: the text depends on the reason alone, so it can be tested and compared.
"""

from __future__ import annotations

import difflib

from dumbo.records import Reason, ReasonKind

_VERBS = {
    ReasonKind.CODE: "changed",
    ReasonKind.GLOBAL: "changed",
    ReasonKind.PACKAGE: "changed version",
    ReasonKind.DECLARED: "changed",
    ReasonKind.INPUT: "changed",
    ReasonKind.UPSTREAM: "is stale",
    ReasonKind.UNKNOWN: "cannot be checked",
}
_WHO = {ReasonKind.CODE: "called by", ReasonKind.GLOBAL: "read by"}


def headline(reason: Reason) -> str:
    """One line.

    Examples
    --------
    >>> headline(Reason(ReasonKind.CODE, "helpers.K.go", by="f"))
    'helpers.K.go changed (called by f)'
    """
    who = f" ({_WHO.get(reason.kind, 'used by')} {reason.by})" if reason.by else ""
    detail = f": {reason.detail}" if reason.detail else ""
    return f"{reason.subject} {_VERBS[reason.kind]}{who}{detail}"


def describe(reason: Reason) -> str:
    """The line, and a unified diff of source or the old and new value.

    Examples
    --------
    >>> print(describe(Reason(ReasonKind.GLOBAL, "m.N", "1", "2", "f")))
    m.N changed (read by f)
      was: 1
      now: 2
    """
    if not reason.before and not reason.after:
        return headline(reason)
    if reason.kind is ReasonKind.CODE:
        return "\n".join([headline(reason), *_diff(reason.before, reason.after)])
    return "\n".join([headline(reason), *_values(reason)])


def _values(reason: Reason) -> list[str]:
    lines = [f"  was: {reason.before}"] if reason.before else []
    return [*lines, f"  now: {reason.after}"] if reason.after else lines


def _diff(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return [line for line in lines if not line.startswith(("---", "+++"))]
