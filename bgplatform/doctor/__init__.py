"""`manage.py doctor`: checks everything that this process depends on, and says what to do."""
