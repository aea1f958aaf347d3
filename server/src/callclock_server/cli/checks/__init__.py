"""What `callclock doctor` looks at: real attempts, each with a finding and, where needed, how to mend it.

One module per subject. A check raises nothing that can be foreseen, and leaves nothing behind.
"""

from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.cli.checks.round import look_at_everything

__all__ = ["Finding", "Level", "look_at_everything"]
