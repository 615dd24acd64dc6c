"""What every room stands on. It imports nothing of ours and knows nothing of pictures."""
