"""The benchmarks of `python -m segmentation bench`, each beside rembg in the same run."""
