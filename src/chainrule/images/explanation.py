"""Which pixels decided: the input's derivative, and Grad-CAM, through our own backward."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image

from chainrule.chain import Chain
from chainrule.images.classifier import Classifier, check_networks
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

    def derivative(scores: torch.Tensor) -> tuple[int, torch.Tensor]:
        chosen = int(scores.argmax()) if class_index is None else class_index
        ds = torch.zeros_like(scores)
        ds[0, chosen] = 1.0
        return chosen, ds

    return _explained(network, network.chain, image, derivative)


def explain_own_class(
    network: Network, classifier: Classifier, image: Image.Image, class_index: int | None = None
) -> Explanation:
    """As `explain`, of the score of a class of one's own on this network's features.

    The score is s = w . u + b of the features f brought to length 1, u = f / |f|. By the quotient
    rule du_i/df_j = (1 if i = j, else 0) / |f| - f_i f_j / |f|^3, so that

        ds/df = (w - (w . u) u) / |f|

    Only what turns f moves the score, not what makes it longer. Raises InputError if the classifier
    was not trained on this network's features.
    """
    check_networks(classifier, [network.name], [network.key])
    weight, bias = (torch.from_numpy(a).double() for a in (classifier.weight, classifier.bias))

    def derivative(features: torch.Tensor) -> tuple[int, torch.Tensor]:
        f = features[0].double()
        length = f.norm().clamp(min=1e-30)
        u = f / length
        scores = weight @ u + bias
        chosen = int(scores.argmax()) if class_index is None else class_index
        w = weight[chosen]
        return chosen, ((w - (w @ u) * u) / length).to(features.dtype)[None]

    return _explained(network, network.body, image, derivative)


def _explained(
    network: Network,
    chain: Chain,
    image: Image.Image,
    derivative: Callable[[torch.Tensor], tuple[int, torch.Tensor]],
) -> Explanation:
    """`derivative` gives the class, and the derivative of its score by the chain's output."""
    cut = network.last_convolution
    below, above = chain.until(cut), chain.after(cut)
    with torch.no_grad():
        x = network.preprocessing.input(image)
        A, saved_below = below.forward(x, network.params)
        output, saved_above = above.forward(A, network.params)
        chosen, ds = derivative(output.flatten(1))
        dA, _ = above.backward(ds.reshape(output.shape), network.params, saved_above)
        dx, _ = below.backward(dA, network.params, saved_below)
        cam = (dA.mean((2, 3), keepdim=True) * A).sum(1, keepdim=True).clamp(min=0)
        size = network.preprocessing.size
        cam = torch.nn.functional.interpolate(cam, (size, size), mode="bilinear")[0, 0]
        steepest = dx[0].abs().amax(0)
    return Explanation(chosen, _to_unit(steepest), _to_unit(cam))


def _to_unit(map_: torch.Tensor) -> Float[np.ndarray, "size size"]:
    return np.asarray((map_ / map_.max().clamp(min=1e-30)).numpy())
