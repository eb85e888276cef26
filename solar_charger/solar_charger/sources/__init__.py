"""Readers of the house: each turns one device's or service's answers into readings with age."""
