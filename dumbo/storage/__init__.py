"""Catalog, objects, codecs and memory: where results and their records live."""
