"""Measures the quality of mattes: published metrics, data sets of pictures with ground truth, and reports.

`binary`, `structure` and `boundary` score against a binary truth, `soft` and `band` against a real alpha,
`colour` scores the colours of a cut-out. `dataset` reads folders, `scores` scores pairs and averages them,
`report` prints them.
"""
