"""Files and folders as results: what a memoized function returns for what it wrote to disk.

Law: a file is its content and whether it may be executed, a folder is its files by name; where they
lie does not count.
"""

from __future__ import annotations

from dumbo.artifacts.files import Content, File
from dumbo.artifacts.folders import Directory

__all__ = ["Content", "Directory", "File"]
