"""The local run: one command starts, supervises and stops everything on one machine.

`python -m bgplatform.local` (which `make run` calls) prepares the state folder, starts the processes of the
`Procfile`, prints the address, and ends every process that it started when it stops.
"""
