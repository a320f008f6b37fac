from pathlib import Path

from numpy.testing import assert_allclose

from plb_ablate.models.plb.layers import CBAM, ChannelGate, SpatialGate
from tests.models.layer_contract import check_contract, draw, randomise

WEIGHTS = {
    "channel/squeeze/kernel": (8, 8),
    "channel/squeeze/bias": (8,),
    "channel/excite/kernel": (8, 8),
    "channel/excite/bias": (8,),
    "spatial/conv/kernel": (3, 3, 2, 1),
    "spatial/bn/gamma": (1,),
    "spatial/bn/beta": (1,),
    "spatial/bn/moving_mean": (1,),
    "spatial/bn/moving_variance": (1,),
}


def test_contract(tmp_path: Path) -> None:
    layer = CBAM(reduction=1, kernel_size=3, constant=True, name="cbam")
    check_contract(layer, ((9, 5, 8),), (9, 5, 8), WEIGHTS, tmp_path)


def test_is_channel_gate_then_spatial_gate_plus_the_input() -> None:
    layer, x = CBAM(), draw((3, 9, 7, 64))
    layer.build(x.shape)
    randomise(layer)
    channel, spatial = ChannelGate(), SpatialGate()
    for gate, own in ((channel, layer.channel), (spatial, layer.spatial)):
        gate.build(x.shape)
        gate.set_weights(own.get_weights())
    for training in (True, False):
        assert_allclose(layer(x, training=training), x + spatial(channel(x), training=training), atol=1e-5)
    assert_allclose(layer.spatial.bn.moving_variance, spatial.bn.moving_variance, rtol=1e-5)


def test_has_the_published_number_of_parameters() -> None:
    layer = CBAM()
    layer.build((None, 97, 18, 64))
    assert layer.count_params() == 4294
