"""Generates picture files for tests, byte by byte if no library writes that kind. None is committed."""
