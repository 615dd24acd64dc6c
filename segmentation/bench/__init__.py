"""What `python -m segmentation bench` measures, each part beside rembg in the same run."""
