"""Tests of the repository; a package so that its parts can import each other by name."""
