"""The local run: everything that one machine needs, started, watched and stopped by one command.

`python -m bgplatform.local` (that is what `make run` calls) prepares the state folder, starts what the
`Procfile` names, greets, and takes every process that it started with it when it goes.
"""
