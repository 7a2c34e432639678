"""Devices and their labels as Home Assistant finds them by itself over MQTT (its MQTT device discovery)."""
