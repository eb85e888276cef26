"""Solar charger: charges a Tesla from solar surplus over Bluetooth, and says why."""

__version__ = "0.1.0"
