"""What the daemon tells over HTTP: whether it lives, whether it is ready, and its books as Prometheus' metrics."""
