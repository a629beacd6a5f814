"""The command ``dumbo``: questions about a store, from a terminal.

Law: a thin shell over `dumbo.inspecting`; it writes to standard output what a verb returns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dumbo import session as sessions
from dumbo.config import load_config
from dumbo.errors import DumboError, StoreUnavailableError
from dumbo.session import Session
from dumbo.storage import is_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 1 where the answer is an error, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        folder = load_config(options.store).folder
        if not is_store(folder):
            raise StoreUnavailableError(f"there is no store in {folder}; name one with --store")
        with sessions.open_session(options.store) as session:
            text = _COMMANDS[options.command](session, options)
    except DumboError as error:
        sys.stderr.write(f"dumbo {options.command}: {error}\n")
        return 1
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dumbo", description="Ask a dumbo store.")
    parser.add_argument("--store", metavar="FOLDER", help="the store (default: as for a script)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ls = commands.add_parser("ls", help="list results, newest first")
    ls.add_argument("function", nargs="?", help="only those of this function (module:qualname)")
    ls.add_argument("--limit", type=int, default=50)
    commands.add_parser("stats", help="hits, seconds saved, bytes held")
    commands.add_parser("tags", help="list tags")
    for name, text in (
        ("why", "why a result is stale"),
        ("graph", "draw what a result is made of"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("result", help="a tag or a CID")
    commands.choices["graph"].add_argument("--mermaid", action="store_true")
    commands.choices["graph"].add_argument("--collapse", action="store_true")
    return parser


def _ls(session: Session, options: argparse.Namespace) -> str:
    rows = session.inspect.values(options.function, options.limit)
    lines = [
        f"{row.state.value:8} {row.seconds:9.3g} s {row.nbytes:>12,} B  "
        f"{'kept' if row.kept else '-':5} {row.cid}  {row.call}"
        + (f"  [{row.tag}]" if row.tag else "")
        for row in rows
    ]
    return "\n".join(lines) or f"no results in {session.config.folder}"


def _stats(session: Session, _: argparse.Namespace) -> str:
    return str(session.inspect.stats())


def _tags(session: Session, _: argparse.Namespace) -> str:
    tags = session.store.catalog.tags()
    return "\n".join(f"{name}  {cid}" for name, cid in sorted(tags.items())) or "no tags"


def _why(session: Session, options: argparse.Namespace) -> str:
    return str(session.inspect.why(options.result))


def _graph(session: Session, options: argparse.Namespace) -> str:
    graph = session.inspect.graph(options.result)
    if options.mermaid:
        return graph.mermaid(collapse=options.collapse)
    return graph.text(collapse=options.collapse)


_COMMANDS = {"ls": _ls, "stats": _stats, "tags": _tags, "why": _why, "graph": _graph}
