"""Ways to the car: one interface (`link`), one driver per module."""
