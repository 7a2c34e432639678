"""har-bridge: a virtual device, a look at what is on a line, and a serial device passed on to a broker."""
