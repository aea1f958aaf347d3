"""All commands, put together."""

from __future__ import annotations

import typer

from callclock_server.cli import backup, calls, credentials, demo, doctor, records, serve

app = typer.Typer(
    name="callclock",
    help="Video calls that end on time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("migrate")(serve.migrate)
app.command("backup")(backup.backup)
app.add_typer(credentials.keys, name="keys")
app.command("token")(credentials.token)
app.add_typer(calls.calls, name="calls")
app.add_typer(records.records, name="records")
app.command("doctor")(doctor.doctor)
