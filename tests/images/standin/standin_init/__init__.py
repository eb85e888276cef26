"""A small /init for the stand-in base image: the part of s6-overlay 3.2.3 the apps rely on."""
