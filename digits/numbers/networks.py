"""What numbers are read with, beside the recognizer."""

from dataclasses import dataclass

from digits.numbers.decoding import Decoding
from digits.numbers.decoding_file import shipped_decoding
from digits.numbers.lines.network import LineNetwork, shipped_line_network
from digits.numbers.window_network import Shipped, WindowNetwork, shipped_network
from digits.recognizer import Recognizer


@dataclass(frozen=True)
class Networks:
    """The networks, and the parameters by which their answers are combined.

    Args:
        segments: tells whole digits from pieces.
        signs: tells digits and signs apart.
        lines: reads whole lines.
        decoding: the parameters.
    """

    segments: WindowNetwork
    signs: WindowNetwork
    lines: LineNetwork
    decoding: Decoding


def shipped_networks(recognizer: Recognizer) -> Networks:
    """Returns the networks that ship with Digits, with the parameters for a recognizer.

    Raises:
        ModelFileError: a file is missing or damaged.
    """
    decoding = shipped_decoding().decoding_for(recognizer.card.onnx_sha256)
    return Networks(shipped_network(Shipped.SEGMENTS), shipped_network(Shipped.SIGNS), shipped_line_network(), decoding)
