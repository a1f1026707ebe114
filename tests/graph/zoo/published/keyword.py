"""Published figures of the keyword spotting networks."""

from __future__ import annotations

from tests.graph.zoo.published.conventions import (
    Convention,
    one_gru_bias,
    trainable,
    two_per_mac_and_biases,
    with_statistics,
)
from tests.graph.zoo.published.record import Published, macs, parameters

QUOTED = "Zhang et al., Hello Edge, table by budget, as quoted by others"
UNVERIFIED = (
    "Zhang et al., Hello Edge, table by budget; not verified against the source, whose repository "
    "(ML-KWS-for-MCU, README) has the table as a picture only"
)
RELEASED = "tensors of the released models (ML-KWS-for-MCU, Pretrained_models)"
NONE = "none"

OPERATIONS_NOTE = "Two operations for each MAC and one for each bias added."
STATISTICS = "The released graphs hold scale, shift, mean and variance of each BatchNorm."
GRU = "An ONNX GRU has two biases for each gate, TensorFlow's has one."
CHOSEN = (
    "not-all-ops compares five DS-CNNs without stating their dimensions or counts; the dimensions "
    "are chosen here, those of ds_cnn_c to be kws_ds_cnn's."
)


def hello_edge(
    network: str,
    figure: str,
    parameter_figure: str,
    explanation: str = "",
    *,
    source: str = UNVERIFIED,
    convention: Convention = trainable,
) -> tuple[Published, ...]:
    return (
        macs(network, figure, source, OPERATIONS_NOTE, convention=two_per_mac_and_biases),
        parameters(network, parameter_figure, RELEASED, explanation, convention=convention),
    )


def cnn(network: str, figure: str, parameter_figure: str) -> tuple[Published, ...]:
    return hello_edge(network, figure, parameter_figure, STATISTICS, convention=with_statistics)


def crnn(network: str, figure: str, parameter_figure: str) -> tuple[Published, ...]:
    return hello_edge(network, figure, parameter_figure, GRU, convention=one_gru_bias)


def ds_cnn(network: str, figure: str, parameter_figure: str) -> tuple[Published, ...]:
    return hello_edge(
        *(network, figure, parameter_figure, STATISTICS),
        source=QUOTED,
        convention=with_statistics,
    )


def unpublished(network: str) -> tuple[Published, ...]:
    return macs(network, "", NONE, CHOSEN), parameters(network, "", NONE, CHOSEN)


TABLE = (
    *hello_edge("kws_dnn", "158.8 K", "79,644"),
    *hello_edge("kws_dnn,size=medium", "397 K", "198,924"),
    *hello_edge("kws_dnn,size=large", "990.2 K", "495,744"),
    *cnn("kws_cnn", "5.0 M", "69,982"),
    *cnn("kws_cnn,size=medium", "17.3 M", "179,404"),
    *cnn("kws_cnn,size=large", "25.3 M", "477,262"),
    *crnn("kws_crnn", "3.0 M", "75,432"),
    *crnn("kws_crnn,size=medium", "7.6 M", "189,032"),
    *crnn("kws_crnn,size=large", "19.3 M", "485,004"),
    *ds_cnn("kws_ds_cnn", "5.4 M", "24,908"),
    *ds_cnn("kws_ds_cnn,size=medium", "19.8 M", "141,224"),
    *ds_cnn("kws_ds_cnn,size=large", "56.9 M", "422,844"),
    *ds_cnn("ds_cnn_c", "5.4 M", "24,908"),
    *(row for letter in "abde" for row in unpublished(f"ds_cnn_{letter}")),
)
