"""The real Home Assistant is asked which entities the apps gave it."""
