"""OCPP proxy: lets wallboxes that evcc refuses talk OCPP 1.6-J to it."""

__version__ = "0.1.0"
