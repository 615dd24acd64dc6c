"""Background removal with U²-Net: network, weights, pictures, mattes. Knows nothing of Django."""
