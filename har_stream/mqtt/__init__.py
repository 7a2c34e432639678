"""What sources, sinks and har-bridge share of MQTT: a connection that comes back, and messages that arrive in order."""
