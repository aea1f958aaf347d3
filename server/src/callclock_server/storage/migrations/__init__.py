"""The way of every database to the schema of `storage.tables`, step by step. Run by `storage.migrate`."""
