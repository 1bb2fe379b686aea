"""Which pixels decided: the input's derivative, and Grad-CAM, through our own backward."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image

from chainrule.images.network import Network


@dataclass(frozen=True)
class Explanation:
    """Two maps over the square that the network saw, both from 0 to 1."""

    class_index: int
    derivative: Float[np.ndarray, "size size"]
    grad_cam: Float[np.ndarray, "size size"]


def explain(network: Network, image: Image.Image, class_index: int | None = None) -> Explanation:
    """Say what moves the score of a class (the best one by default) in an RGB picture.

    - The derivative of the score with respect to every pixel, its largest size over the three
      colours: where a small change would matter most.
    - Grad-CAM: the last convolution's channels A_k, each weighted by the mean of the score's
      derivative with respect to it, summed, and what speaks against the class dropped:
      max(0, sum_k mean(ds/dA_k) A_k), brought up to the picture's size.

    Source: Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks, 2014; Selvaraju et
    al., Grad-CAM, 2017.
    """
    cut = network.last_convolution
    below, above = network.chain.until(cut), network.chain.after(cut)
    with torch.no_grad():
        x = network.preprocessing.input(image)
        A, saved_below = below.forward(x, network.params)
        logits, saved_above = above.forward(A, network.params)
        scores = logits.flatten(1)
        chosen = int(scores.argmax()) if class_index is None else class_index
        ds = torch.zeros_like(scores)
        ds[0, chosen] = 1.0
        dA, _ = above.backward(ds.reshape(logits.shape), network.params, saved_above)
        dx, _ = below.backward(dA, network.params, saved_below)
        cam = (dA.mean((2, 3), keepdim=True) * A).sum(1, keepdim=True).clamp(min=0)
        size = network.preprocessing.size
        cam = torch.nn.functional.interpolate(cam, (size, size), mode="bilinear")[0, 0]
        steepest = dx[0].abs().amax(0)
    return Explanation(chosen, _to_unit(steepest), _to_unit(cam))


def _to_unit(map_: torch.Tensor) -> Float[np.ndarray, "size size"]:
    return np.asarray((map_ / map_.max().clamp(min=1e-30)).numpy())
