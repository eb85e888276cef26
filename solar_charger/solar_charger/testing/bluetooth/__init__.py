"""A Bluetooth car without a radio: Tesla's signed sessions over a GATT service that a stand-in for
BlueZ shows on a private system bus.

`python -m solar_charger.testing.bluetooth --help` is the program; `neighbourhood.py` starts it
together with its bus.
"""
