"""The command line: `callclock`.

It speaks in sentences. What goes to standard output is the answer, everything else goes to standard error;
whatever can be foreseen to go wrong is told with how to mend it, and without a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from callclock_server.cli.trouble import as_trouble


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; ends the process with status 0, 1 (trouble) or 2 (wrong usage)."""
    from callclock_server.cli.commands import app

    try:
        app(args=None if arguments is None else list(arguments), prog_name="callclock")
    except Exception as exc:
        trouble = as_trouble(exc)
        if trouble is None:
            raise
        sys.stderr.write(f"{trouble.sentence}\n{trouble.remedy}\n")
        sys.exit(1)
