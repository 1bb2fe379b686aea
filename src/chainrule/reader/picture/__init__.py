"""From a picture to the crop that the network sees, and from its frames to boxes."""
