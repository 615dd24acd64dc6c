"""How good a matte is: the published metrics, data sets of pictures with their truth, and reports.

`binary`, `structure` and `boundary` judge against a yes-or-no truth, `soft` and `band` against a real
alpha, `colour` judges the colours of a cut-out; `dataset` reads folders, `scores` judges pairs and averages
them, `report` prints them.
"""
