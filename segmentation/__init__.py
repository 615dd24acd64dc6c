"""Background removal with U²-Net: network, weights, image decoding, mattes. Does not depend on Django."""
