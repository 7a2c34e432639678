"""Bytes as devices and apps send them, to readings in the devices' own units; one module a format."""
