"""Compares our mattes and cut-outs with those of the real rembg package: `python -m
tests.benchmarks.accuracy`.

`contenders` has both make PNGs from the same pictures with the same weights. `edges`, `whole` and `colours`
score them, `times` measures speed, `options` tabulates all three, `shrinking` compares downscaling methods to
320×320, `page` shows the cut-outs side by side, `document` writes the tables into docs/accuracy.md.
"""
