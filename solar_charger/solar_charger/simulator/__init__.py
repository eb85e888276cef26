"""A day in a house with sun, loads and a car, to try controllers on: no I/O, same seed same day."""
