"""The bridge to firmware: the frame on the wire between a sensor and har-stream. Imports neither of its neighbours."""
