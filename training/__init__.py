"""Training: data sets to windows, architectures, fit, evaluation, export. Imports har_stream, never the reverse."""
