"""What kills, reloads, overload and long use do to the service, on one machine and on a Ray cluster."""
