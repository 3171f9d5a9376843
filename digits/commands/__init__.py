"""The subcommands of `digits`, a module each: `add` declares its arguments, `run` does it.

Each imports what it runs with only when it runs: `digits --help` answers at once, and serving never loads training.
"""
