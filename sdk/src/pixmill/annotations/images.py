"""An image in memory, as all code of Pixmill sees it."""

import numpy as np
from numpy.typing import NDArray

RgbImage = NDArray[np.uint8]
"""(height, width, 3), red first, as displayed: EXIF orientation is applied."""
