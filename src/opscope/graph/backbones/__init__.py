"""Backbones: whole networks without a head, as the papers scale them. One file per paper."""

from opscope.graph.backbones import patterns, resnet_skeleton, scaled_resnet
from opscope.graph.design import Design

DESIGNS: tuple[type[Design], ...] = (
    *resnet_skeleton.DESIGNS,
    *patterns.DESIGNS,
    *scaled_resnet.DESIGNS,
)
