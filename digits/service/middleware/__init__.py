"""What surrounds each request: access log, keys, hosts, rates, traces."""
