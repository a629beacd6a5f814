"""``python -m dumbo``: the command line; nothing lives here."""

from dumbo.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
