"""What the instrument is tried on: thirty configurations from about 0.05 to 20 ms."""

from __future__ import annotations

from opscope.core.configuration import Workload

TEXTS = (
    "conv:h=14,cin=64,cout=64,k=3",
    "conv:h=28,cin=64,cout=96,k=1",
    "dwconv:h=56,c=64,k=3",
    "pool:max,h=56,c=96,k=3",
    "fc:cin=1024,cout=1000",
    "dwconv:h=56,c=96,k=5",
    "conv:h=28,cin=128,cout=128,k=1",
    "conv:h=14,cin=128,cout=128,k=3",
    "conv:h=28,cin=64,cout=64,k=3",
    "act:hard_swish,h=56,c=240",
    "conv:h=56,cin=128,cout=64,k=1",
    "conv:h=56,cin=256,cout=64,k=1",
    "block:mobilenet_v2,h=56,cin=32",
    "conv:h=56,cin=64,cout=64,k=3",
    "conv:h=7,cin=512,cout=512,k=3",
    "conv:h=28,cin=320,cout=64,k=3",
    "block:mobilenet_v2,h=28,cin=96",
    "zoo:mobilenet_v2,width=0.5",
    "conv:h=28,cin=192,cout=160,k=3",
    "zoo:mobilenet_v3_small",
    "zoo:shufflenet_v2",
    "conv:h=28,cin=192,cout=256,k=3",
    "conv:h=56,cin=128,cout=128,k=3",
    "zoo:squeezenet1_1",
    "zoo:mobilenet_v2",
    "conv:h=112,cin=64,cout=64,k=3",
    "zoo:squeezenet",
    "zoo:mobilenet_v1",
    "conv:h=112,cin=64,cout=64,k=5",
    "conv:h=56,cin=256,cout=256,k=3",
)

WORKLOADS = tuple(Workload.parse(text) for text in TEXTS)
