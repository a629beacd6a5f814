"""The command ``dumbo``: questions about a store, from a terminal.

Law: a thin shell over the verbs; it writes to standard output what a verb returns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import dumbo
from dumbo import session as sessions
from dumbo import upkeep
from dumbo.config import load_config
from dumbo.errors import DumboError, StoreUnavailableError
from dumbo.session import Session
from dumbo.storage import is_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 1 where the answer is an error, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    # Where sources are looked for. Last, so that nothing installed is taken from here instead.
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        folder = load_config(options.store).folder
        makes_one = options.command == "import" and Path(options.file).is_file()
        if options.command == "import" and not makes_one:
            raise StoreUnavailableError(f"there is no file {options.file} to import; name another")
        if not makes_one and not is_store(folder):
            raise StoreUnavailableError(f"there is no store in {folder}; name one with --store")
        if options.command == "repair":  # a store in need of it may not open
            text = str(upkeep.repair(folder, older_than=options.older_than))
        else:
            with sessions.open_session(options.store) as session, sessions.using(session):
                text = _COMMANDS[options.command](session, options)
    except DumboError as error:
        sys.stderr.write(_shown(f"dumbo {options.command}: {error}") + "\n")
        return 1
    finally:
        sys.path.remove(here)
    sys.stdout.write(_shown(text.rstrip("\n")) + "\n")
    return 0


def _shown(text: str) -> str:
    """Escape what would move the cursor or hide: names come from whoever wrote the store."""
    return "\n".join(map(_line, text.split("\n")))


def _line(text: object) -> str:
    """One line, whatever is in it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dumbo", description="Ask a dumbo store.")
    parser.add_argument("--store", metavar="FOLDER", help="the store (default: as for a script)")
    parser.add_argument("--version", action="version", version=f"dumbo {dumbo.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ls = commands.add_parser("ls", help="list results, newest first")
    ls.add_argument(
        "function", nargs="?", help="only those of this function (module:qualname, or its end)"
    )
    ls.add_argument("--limit", type=int, default=50)
    commands.add_parser("stats", help="hits, seconds saved, bytes held")
    commands.add_parser("tags", help="list tags")
    commands.add_parser("stale", help="what does not hold, by function, with reasons")
    commands.add_parser("verify", help="digest every value and compare it with its record")
    repair = commands.add_parser("repair", help="drop broken values, remove what nothing names")
    repair.add_argument("--older-than", type=float, default=3600.0, metavar="SECONDS")
    export = commands.add_parser("export", help="write results into one file")
    export.add_argument("file")
    export.add_argument("result", nargs="+", help="a tag or a CID")
    export.add_argument("--cone", action="store_true", help="with all values they were made from")
    commands.add_parser("import", help="take the results of such a file in").add_argument("file")
    for name, text in (
        ("why", "why a result is stale"),
        ("graph", "draw what a result is made of"),
        ("forget", "drop a result, in all its versions"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("result", help="a tag or a CID")
    commands.choices["graph"].add_argument("--mermaid", action="store_true")
    commands.choices["graph"].add_argument("--collapse", action="store_true")
    return parser


def _ls(session: Session, options: argparse.Namespace) -> str:
    wanted = options.function
    if wanted is not None:
        known = session.store.catalog.functions()
        ends = [
            name for name in known if name == wanted or name.endswith((":" + wanted, "." + wanted))
        ]
        rows = [row for name in ends for row in session.inspect.values(name, options.limit)]
    else:
        rows = session.inspect.values(None, options.limit)
    lines = [
        f"{row.state.value:8} {row.seconds:9.3g} s {row.nbytes:>12,} B  "
        f"{'kept' if row.kept else '-':5} {_line(row.cid)}  {_line(row.call)}"
        + (f"  [{_line(row.tag)}]" if row.tag else "")
        for row in rows
    ]
    return "\n".join(lines) or f"no results in {session.config.folder}"


def _stats(session: Session, _: argparse.Namespace) -> str:
    return str(session.inspect.stats())


def _tags(session: Session, _: argparse.Namespace) -> str:
    tags = session.store.catalog.tags()
    return (
        "\n".join(f"{_line(name)}  {_line(cid)}" for name, cid in sorted(tags.items())) or "no tags"
    )


def _why(session: Session, options: argparse.Namespace) -> str:
    return str(session.inspect.why(options.result))


def _graph(session: Session, options: argparse.Namespace) -> str:
    graph = session.inspect.graph(options.result)
    if options.mermaid:
        return graph.mermaid(collapse=options.collapse)
    return graph.text(collapse=options.collapse)


def _stale(session: Session, _: argparse.Namespace) -> str:
    return str(session.inspect.stale())


def _forget(session: Session, options: argparse.Namespace) -> str:
    cid = session.inspect.record(options.result).cid.parent
    session.inspect.forget(cid)
    return f"forgotten: {cid}"


def _verify(_: Session, __: argparse.Namespace) -> str:
    return str(upkeep.verify_store())


def _export(_: Session, options: argparse.Namespace) -> str:
    scope = "cone" if options.cone else "values"
    return str(upkeep.export(list(options.result), options.file, scope=scope))


def _import(_: Session, options: argparse.Namespace) -> str:
    return str(upkeep.import_(options.file))


_COMMANDS = {
    "stale": _stale,
    "forget": _forget,
    "verify": _verify,
    "export": _export,
    "import": _import,
    "ls": _ls,
    "stats": _stats,
    "tags": _tags,
    "why": _why,
    "graph": _graph,
}
