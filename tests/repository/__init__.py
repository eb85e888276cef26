"""The repository as a whole, as the Supervisor, its linter and Home Assistant see it."""
