"""The sub-commands of `python -m segmentation`; each loads what is heavy only when it runs."""
