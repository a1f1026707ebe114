"""Published figures of the older networks: ResNets, Inceptions, SqueezeNet, DenseNet, Caffe's."""

from __future__ import annotations

from tests.graph.zoo.published.conventions import (
    batch_norm_folded,
    two_per_mac,
    with_statistics,
    with_statistics_without_scales,
)
from tests.graph.zoo.published.record import Published, macs, parameters

TORCHVISION = "torchvision 0.29.2, documentation of the weights (GFLOPS, Num of params)"
TABLE_4 = "behaviour study, Table 4 (OPs)"
KERAS = "Keras documentation of 2020, Available models, Parameters"
MODEL_ZOO = "Open Model Zoo, googlenet-v1-tf (GFLOPs at 2 per MAC, MParams)"
CAFFE = "Caffe, examples/cifar10"
STATISTICS = "Keras counts the mean and variance of each BatchNorm."


def torchvision(
    network: str, figure: str, parameter_figure: str, why: str = ""
) -> tuple[Published, ...]:
    return (
        macs(network, figure, TORCHVISION, why),
        parameters(network, parameter_figure, TORCHVISION),
    )


RESNET = (
    *torchvision("resnet18", "1.814 G", "11,689,512"),
    *torchvision("resnet34", "3.664 G", "21,797,672"),
    *torchvision(
        "resnet50",
        *("4.089 G", "25,557,032"),
        "The 3×3 convolution strides; where the first 1×1 does, as published, it is 3.8 G "
        "(He et al., Table 1).",
    ),
    *torchvision("resnet101", "7.801 G", "44,549,160", "7.6 G as published, as for resnet50."),
    *torchvision("resnet152", "11.514 G", "60,192,808", "11.3 G as published, as for resnet50."),
    *torchvision("resnext50_32x4d", "4.230 G", "25,028,904"),
    *torchvision("resnext101_32x8d", "16.414 G", "88,791,336"),
    macs(
        "resnet50_v1",
        *("3485 M", TABLE_4),
        "The study has TF-slim's network, which strides in the last unit of a stage, not in the "
        "first of the next, and so runs it on fewer pixels: 15 % fewer MACs than resnet50.",
    ),
    parameters("resnet50_v1", "25,557,032", f"{TORCHVISION}, resnet50: strides move no parameter"),
    macs(
        "resnet50_v2",
        *("6548 M", TABLE_4),
        "TF-slim's weights are for an input of 299: 1.88 times the MACs at 224, which are exactly "
        "resnet50_v1's.",
    ),
    parameters(
        "resnet50_v2",
        *("25,613,800", f"{KERAS}, ResNet50V2", STATISTICS),
        convention=with_statistics,
    ),
)

INCEPTION = (
    macs("inception_v1", "1.498 G", TORCHVISION),
    macs(
        "inception_v1",
        *("1448 M", TABLE_4),
        "TF-slim's network, whose accuracy the study's table states, has the MACs that torchvision "
        "and the Open Model Zoo agree on. What does not make 1448 M, in millions: 5×5 in place of "
        "3×3 (1582.7), 1001 classes (1498.4), biases, BatchNorm, ReLU, pooling and auxiliary "
        "heads, which only add; leaving out, for no reason that is known, the 3×3 in place of 5×5 "
        "(1451.0), what reduces for it (1473.4), the projections after pooling (1431.7), the 1×1 "
        "of the stem (1485.5) or any other one convolution; an unpadded first convolution (1449.2 "
        "at best); "
        "inputs of 220 to 227 with convolution and poolings rounding up, down or padded, in any "
        "combination with 3×3 or 5×5 (nearest 1447.2 and 1448.5, at 225 and 227). Half an "
        "operation for each element of biases, additions and pooling windows and of the last mean "
        "makes the table's 3485 M and 6548 M of the two ResNets (3485.6, 6548.6) and would make "
        "1504.7 M of this network: the figure does not follow from the study's own counter.",
        counted=1_498_376_192,
        explained=False,
    ),
    parameters("inception_v1", "6,624,904", TORCHVISION),
    macs(
        "inception_v1,classes=1001",
        *("3.016 G", MODEL_ZOO),
        "Two operations for each MAC, and element-wise ones, which are left out here.",
        convention=two_per_mac,
    ),
    parameters(
        "inception_v1,classes=1001",
        *("6.619 M", MODEL_ZOO),
        "BatchNorm is folded into one bias per channel: 1,025 more than 6,624,904 for a 1001st "
        "class, 7,280 fewer for the channels.",
        convention=batch_norm_folded,
    ),
    macs("inception_v3", "5.713 G", TORCHVISION),
    parameters(
        "inception_v3",
        *("23,851,784", f"{KERAS}, InceptionV3"),
        f"{STATISTICS} Its network has no BatchNorm scales, 17,216. torchvision's 27,161,264 "
        "parameters include the auxiliary head's 3,326,696, which inference drops; its MACs do "
        "not.",
        convention=with_statistics_without_scales,
    ),
)

OTHERS = (
    *torchvision("squeezenet", "0.819 G", "1,248,424"),
    *torchvision("squeezenet1_1", "0.349 G", "1,235,496"),
    *torchvision("densenet121", "2.834 G", "7,978,856"),
    parameters(
        "densenet121",
        *("8,062,504", f"{KERAS}, DenseNet121", STATISTICS),
        convention=with_statistics,
    ),
)

CIFAR = (
    macs(
        "cifar10_full",
        "24.7 M",
        "CMSIS-NN (Lai et al., 2018), Table 1 (MOps); not verified against the source",
        "Two operations for each MAC; 0.1 MOps of the 24.7 are the comparisons of pooling.",
        convention=two_per_mac,
    ),
    parameters(
        "cifar10_full",
        f"{32 * (75 + 1) + 32 * (800 + 1) + 64 * (800 + 1) + 10 * (1024 + 1):,}",
        f"{CAFFE}/cifar10_full.prototxt, layer by layer",
    ),
    macs(
        "cifar10_quick",
        f"{32**2 * 32 * 75 + 16**2 * 32 * 800 + 8**2 * 64 * 800 + 64 * 1024 + 10 * 64:,}",
        f"{CAFFE}/cifar10_quick.prototxt, layer by layer",
    ),
    parameters(
        "cifar10_quick",
        f"{32 * (75 + 1) + 32 * (800 + 1) + 64 * (800 + 1) + 64 * (1024 + 1) + 10 * (64 + 1):,}",
        f"{CAFFE}/cifar10_quick.prototxt, layer by layer",
    ),
)

TABLE = (*RESNET, *INCEPTION, *OTHERS, *CIFAR)
