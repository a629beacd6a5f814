"""Tokenizers of the standard library and of the libraries that dumbo's users work with.

Law: a module here is imported when a value of its library is met, never before; it reaches the
library through the values or ``sys.modules`` and so never is what loads it.
"""
