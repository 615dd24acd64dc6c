"""Trains U²-Net: data, augmentation, losses, the loop, checkpoints, and the export to a served model.

Start with `loop.py`: it shows the whole process, and every other module is one step of it.
"""
