"""What attackers send, against a running copy on 127.0.0.1: `make attack`."""
