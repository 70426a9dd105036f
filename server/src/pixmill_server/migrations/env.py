"""What Alembic runs: on the connection it is given, never on one of its own."""

from alembic import context

from pixmill_server.migrations.rendering import render_item

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    render_item=render_item,
    render_as_batch=True,
    compare_type=True,
)
# No begin_transaction(): the connection's own transaction, opened by `db.schema`, is the one that commits.
context.run_migrations()
