"""Attacks against a running copy on 127.0.0.1: `make attack`."""
