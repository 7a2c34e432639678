"""Several processes on one machine, each with its share of the devices, that look like one from outside."""
