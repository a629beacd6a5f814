"""Tables of cases are read by the tests beside them; pytest need not import them for doctests."""

collect_ignore = ["change_language.py"]
