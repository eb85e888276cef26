"""Home Assistant as a source: its entities (`entity`), asked (`rest`) or told (`live`)."""
