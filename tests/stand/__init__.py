"""The one test stand: containers as the Supervisor would run them, for tests, demo and home."""
