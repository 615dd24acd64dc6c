"""Recorded ranges of the published networks' activations; data, made by `weights calibrate`."""
