"""`make demo`: every finished app at work on this machine, with simulated far sides."""
