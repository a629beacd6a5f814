"""Why a result is stale, in words.

Law: pure text of a verdict; the same verdict always reads the same, so tests can pin it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from dumbo.identity.cid import CID
from dumbo.records import Reason, ReasonKind, Record, Staleness, State

WHAT: Final = {
    ReasonKind.CODE: "changed",
    ReasonKind.GLOBAL: "has another value",
    ReasonKind.PACKAGE: "has another version",
    ReasonKind.DECLARED: "changed",
    ReasonKind.INPUT: "has another value",
    ReasonKind.UPSTREAM: "is stale",
    ReasonKind.UNKNOWN: "cannot be judged",
}


class Explanation(str):
    """A text for people that keeps the facts: ``.staleness``, ``.short``.

    Its ``repr`` is the text itself, so that a prompt or a notebook shows it readable.
    """

    __slots__ = ("short", "staleness")

    short: str
    staleness: Staleness

    @classmethod
    def of(cls, text: str, short: str, staleness: Staleness) -> Explanation:
        """Build one."""
        made = cls(text)
        made.short = short
        made.staleness = staleness
        return made

    def __repr__(self) -> str:
        return str(self)


def explain(record: Record, staleness: Staleness, notes: Iterable[str] = ()) -> Explanation:
    """Say in words what `staleness` says of `record`; `notes` are what no verdict rests on."""
    short = one_line(record.call or record.cid, staleness)
    lines = [short]
    if record.matched:
        lines.append("  matched: " + ", ".join(record.matched))
    if staleness.path:
        lines.append(
            "  path: " + " <- ".join([record.cid.short, *(c.short for c in staleness.path)])
        )
    for reason in causes(staleness):
        lines.extend(_diff(reason))
    lines.extend(f"  note: {note}" for note in notes)
    if staleness.state is not State.FRESH and record.arguments:
        lines.append(f"  to compute it again: {refresh_line(record.cid)}")
    elif staleness.state is not State.FRESH:
        lines.append("  to compute it again: make the call; its arguments are not on its record")
    return Explanation.of("\n".join(lines), short, staleness)


def refresh_line(cid: CID) -> str:
    """A line of Python that brings a result up to date, for pasting."""
    return f"dumbo.refresh({str(cid)!r})"


def causes(staleness: Staleness) -> tuple[Reason, ...]:
    """The reasons themselves, without the markers that only say an input is stale."""
    real = tuple(r for r in staleness.reasons if r.kind is not ReasonKind.UPSTREAM)
    return real or staleness.reasons


def one_line(call: str, staleness: Staleness) -> str:
    """``f(3) is stale: helpers.K.go changed (called by f)``."""
    if staleness.state is State.FRESH:
        return f"{call} is fresh"
    word = "is stale" if staleness.state is State.STALE else "cannot be judged"
    return f"{call} {word}: " + "; ".join(one_cause(r) for r in causes(staleness))


def one_cause(reason: Reason) -> str:
    """Say one reason in words: ``helpers.scale changed (called by low)``."""
    what = reason.detail or WHAT[reason.kind]
    verb = "called by" if reason.kind is ReasonKind.CODE else "used by"
    if reason.kind in {ReasonKind.INPUT, ReasonKind.UPSTREAM}:
        verb = "used as"
    by = f" ({verb} {reason.by})" if reason.by else ""
    # A CID in full would drown the line; other subjects are not CIDs and stay as they are.
    return f"{CID(reason.subject).short} {what}{by}"


def _diff(reason: Reason) -> Iterator[str]:
    """Unified diff of source, or old and new value on a line each."""
    if reason.before == reason.after or reason.kind is ReasonKind.UNKNOWN:
        return
    if reason.kind is ReasonKind.CODE and reason.before and reason.after:
        yield from difflib.unified_diff(
            reason.before.splitlines(),
            reason.after.splitlines(),
            f"{reason.subject} (then)",
            f"{reason.subject} (now)",
            lineterm="",
        )
        return
    yield f"- {reason.subject} = {reason.before or '(none)'}"
    yield f"+ {reason.subject} = {reason.after or '(none)'}"
