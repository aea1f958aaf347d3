"""What Alembic runs: on the connection that `storage.migrate` opened, inside its transaction."""

from __future__ import annotations

from alembic import context

from callclock_server.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
