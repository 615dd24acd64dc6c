"""Training U²-Net: data, augmentation, losses, the loop, checkpoints, and the way back to a served model.

Read `loop.py` first: it is the whole story, and every other module is one step of it.
"""
