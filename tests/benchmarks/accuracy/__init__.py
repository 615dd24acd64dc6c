"""Our mattes and cut-outs beside those of the real rembg package: `python -m tests.benchmarks.accuracy`.

`contenders` has both make their PNGs from the same pictures with the same weights, `edges`, `whole` and
`colours` judge them, `times` measures, `options` puts the three beside each other, `shrinking` compares ways
to 320×320, `page` lays them side by side, `document` writes the tables into docs/accuracy.md.
"""
