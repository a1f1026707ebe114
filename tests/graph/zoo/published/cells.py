"""Published figures of the networks of searched cells: NASNet-A and DARTS."""

from __future__ import annotations

from tests.graph.zoo.published.conventions import macs_and_elements, with_statistics
from tests.graph.zoo.published.record import macs, parameters

NASNET_PAPER = "Zoph et al., Tables 2 and 3; tf.keras.applications.nasnet, table of the module"
NASNET_KERAS = "Keras Applications, table of models"

TABLE = (
    macs("nasnet_a_mobile", "564 M", NASNET_PAPER),
    parameters(
        "nasnet_a_mobile",
        *("5,326,716", NASNET_KERAS),
        "Keras counts the mean and variance of each BatchNorm. The paper rounds to 5.3 M.",
        convention=with_statistics,
    ),
    macs(
        "nasnet_a_large",
        *("23.8 G", NASNET_PAPER),
        "timm's model card gives 23.9 G, 0.5 % more, by a counter it does not name.",
    ),
    parameters(
        "nasnet_a_large",
        *("88,949,818", NASNET_KERAS),
        "Keras counts the mean and variance of each BatchNorm. The paper rounds to 88.9 M.",
        convention=with_statistics,
    ),
    macs(
        "darts_imagenet",
        *("574 M", "Liu et al., DARTS, Table 3"),
        "Nobody reproduces 574 M from the published network: issue 46 of quark0/darts reports "
        "523 M and 544.59 M, osmr/imgclsmob 539.86 M; the repository itself counts only "
        "parameters. What does not make 574 M, in millions: the cells of first order (DARTS_V1, "
        "505.9), 52 channels at first (618.8), inputs of 256 (691.9), the auxiliary head (+ 1.6), "
        "5×5 in place of 3×3 in every depthwise convolution (576.3, at 4.96 M parameters), one "
        "operation for each element of BatchNorm, ReLU, Add and max pooling (541.6).",
        counted=529_911_552,
        explained=False,
    ),
    macs(
        "darts_imagenet",
        *("544.59 M", "issue 46 of quark0/darts, by ptflops"),
        "ptflops counts BatchNorm, two per element, and ReLU and pooling too.",
        convention=macs_and_elements(BatchNormalization=2, Relu=1, MaxPool=1, GlobalAveragePool=1),
    ),
    parameters(
        "darts_imagenet",
        *("4,718,752", "osmr/imgclsmob, table of models"),
        "README of quark0/darts: 4.719 M, later rounded to 4.7 M.",
    ),
)
