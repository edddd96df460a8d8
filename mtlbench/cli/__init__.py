"""The command line: one module a command; heavy imports stand inside commands."""
