"""What the scenarios in Python share."""

import re
import sys


def check(name, action):
    """Does something and prints what came of it, errors as well."""
    try:
        result = action()
        text = result if isinstance(result, str) else repr(result)
    except Exception as error:  # The scenario goes on: each check stands for itself.
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
        text = f"{type(error).__name__} {code}: {error}"
        # Where in PostgreSQL's source an error was raised, as pg8000 shows it.
        text = re.sub(r", '[FLR]': '[^']*'", "", text)
    print(f"{name}\t{' | '.join(text.splitlines())}")
    sys.stdout.flush()
