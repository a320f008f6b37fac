"""The layers of the Pattern Learning Block network, one per file.

In: the shapes and settings of a layer. Out: Keras layers that can be saved and loaded.
"""

from plb_ablate.models.plb.layers.attention import ScaledAttention, UniformAttention
from plb_ablate.models.plb.layers.capsules import ToCapsules, squash
from plb_ablate.models.plb.layers.cbam import CBAM
from plb_ablate.models.plb.layers.channel_gate import ChannelGate
from plb_ablate.models.plb.layers.conv_block import ConvBlock
from plb_ablate.models.plb.layers.dwscnn import DWSCNN
from plb_ablate.models.plb.layers.reverse import Reverse
from plb_ablate.models.plb.layers.routing import DynamicRouting
from plb_ablate.models.plb.layers.spatial_gate import SpatialGate

__all__ = [
    "CBAM",
    "DWSCNN",
    "ChannelGate",
    "ConvBlock",
    "DynamicRouting",
    "Reverse",
    "ScaledAttention",
    "SpatialGate",
    "ToCapsules",
    "UniformAttention",
    "squash",
]
