"""Makes picture files for tests, byte by byte where no library writes that kind. None is committed."""
