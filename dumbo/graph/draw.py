"""Drawings of a provenance graph: text tree, mermaid, dot, SVG.

Law: pure text in, text out (only `svg` runs a program). A large graph is collapsed to one node per
function and state before it is drawn. Staleness is a mark as well as a colour.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dumbo.errors import MissingLibraryError
from dumbo.identity.cid import CID
from dumbo.records import State

READABLE: Final = 40
"""Nodes up to which an uncollapsed drawing can still be read."""
MARKS: Final = {State.FRESH: "", State.STALE: " ✗ stale", State.UNKNOWN: " ? unknown"}
COLOURS: Final = {State.FRESH: "#e8f4ea", State.STALE: "#f8d7da", State.UNKNOWN: "#eeeeee"}
LABEL: Final = 60


@dataclass(slots=True)
class Box:
    """One node of a drawing."""

    name: str
    label: str
    state: State
    count: int = 1
    seconds: float = 0.0
    sources: dict[str, str] = field(default_factory=dict)  # name of the source box -> role

    @property
    def text(self) -> str:
        """The label with count, time and mark."""
        times = f" x{self.count}" if self.count > 1 else ""
        seconds = f" ({self.seconds:.3g} s)" if self.seconds >= 0.001 else ""
        return f"{self.label}{times}{seconds}{MARKS[self.state]}"


Sketch = dict[str, Box]


def sketch(graph: Any, *, collapse: bool) -> Sketch:
    """Reduce a provenance graph to the boxes to draw."""
    boxes: Sketch = {}
    names = {cid: _name(cid, data, collapse) for cid, data in graph.nodes(data=True)}
    for cid, data in graph.nodes(data=True):
        box = boxes.get(names[cid])
        if box is None:
            label = names[cid].split("|")[0] if collapse else _shorten(data.get("call") or cid)
            box = boxes[names[cid]] = Box(names[cid], label, data["state"], 0)
        if not (collapse and cid.path):  # an item is part of its whole, not one more of it
            box.count += 1
            box.seconds += data.get("seconds") or 0.0
    for source, target, data in graph.edges(data=True):
        if names[source] != names[target]:
            boxes[names[target]].sources.setdefault(names[source], data.get("role", ""))
    for box in boxes.values():
        box.count = max(box.count, 1)
    return boxes


def _name(cid: CID, data: dict[str, Any], collapse: bool) -> str:
    if not collapse or cid.is_external:
        return str(cid)
    return f"{cid.function.qualname}|{data['state'].value}"


def _shorten(text: str) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= LABEL else line[: LABEL - 1] + "…"


def text_tree(boxes: Sketch, root: str | None) -> str:
    """Draw sources below their users; a box met again is named once and not unfolded again."""
    used = {source for box in boxes.values() for source in box.sources}
    tops = [name for name in boxes if name not in used]
    if root is not None and root in boxes:
        tops = [root]
    lines: list[str] = []
    seen: set[str] = set()
    stack = [(name, "", "", "") for name in reversed(tops)]
    while stack:
        name, role, lead, indent = stack.pop()
        box = boxes[name]
        again = name in seen and bool(box.sources)
        seen.add(name)
        lines.append(f"{lead}{role}{box.text}{' …' if again else ''}")
        if again:
            continue
        last = len(box.sources) - 1
        children = [
            (
                source,
                f"{role}: " if role else "",
                indent + ("└── " if place == last else "├── "),
                indent + ("    " if place == last else "│   "),
            )
            for place, (source, role) in enumerate(box.sources.items())
        ]
        stack.extend(reversed(children))
    return "\n".join(lines)


def mermaid(boxes: Sketch) -> str:
    """Draw as a mermaid flowchart, left to right."""
    ids = {name: f"n{place}" for place, name in enumerate(boxes)}
    lines = ["flowchart LR"]
    lines += [f'    {ids[name]}["{_escape(box.text)}"]' for name, box in boxes.items()]
    for name, box in boxes.items():
        for source, role in box.sources.items():
            label = f'|"{_escape(role)}"|' if role else ""
            lines.append(f"    {ids[source]} -->{label} {ids[name]}")
    for state, colour in COLOURS.items():
        members = ",".join(ids[name] for name, box in boxes.items() if box.state is state)
        if members:
            lines += [f"    classDef {state.value} fill:{colour},stroke:#555"]
            lines += [f"    class {members} {state.value}"]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    """Mermaid reads `#quot;` and friends inside quotes; angle brackets would be HTML."""
    return (
        text.replace("#", "#35;")
        .replace('"', "#quot;")
        .replace("<", "#lt;")
        .replace(">", "#gt;")
        .replace("`", "#96;")
    )


def dot(boxes: Sketch) -> str:
    """Draw in graphviz' language, left to right."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'

    ids = {name: f"n{place}" for place, name in enumerate(boxes)}
    lines = [
        "digraph provenance {",
        '  rankdir=LR; node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for name, box in boxes.items():
        style = ', style="rounded,filled,dashed"' if box.state is not State.FRESH else ""
        fill = quoted(COLOURS[box.state])
        lines.append(f"  {ids[name]} [label={quoted(box.text)}, fillcolor={fill}{style}];")
        lines += [
            f"  {ids[source]} -> {ids[name]} [label={quoted(role)}];"
            for source, role in box.sources.items()
        ]
    return "\n".join([*lines, "}", ""])


def svg(source: str, path: str | Path | None) -> str:
    """Run graphviz' `dot` on `source`.

    Raises
    ------
    MissingLibraryError
        When `dot` is not on the PATH.
    """
    program = shutil.which("dot")
    if program is None:
        raise MissingLibraryError(
            "graph.svg(): graphviz' program `dot` is not installed; install graphviz, "
            "or use graph.mermaid() or graph.text(), which need nothing"
        )
    done = subprocess.run(  # noqa: S603  # a fixed program found on the PATH, our own text on stdin
        [program, "-Tsvg"], input=source, capture_output=True, text=True, check=True
    )
    if path is not None:
        Path(path).write_text(done.stdout, encoding="utf-8")
    return done.stdout
