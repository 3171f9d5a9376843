"""The `digits` command: one module for each subcommand."""
