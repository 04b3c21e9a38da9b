from __future__ import annotations

from arguments import whole_number
from tandem import Request, Response

ITERATIONS = 50


def shade(real: float, imaginary: float) -> int:
    """The order of the operations is the C++ endpoint's too: both round alike."""
    x = y = 0.0
    for i in range(ITERATIONS):
        xx = x * x
        yy = y * y
        if xx + yy > 4.0:
            return 255 - 5 * i
        y = 2.0 * x * y + imaginary
        x = xx - yy + real
    return 0


def handle(request: Request) -> Response:
    size = whole_number(request.path_params["size"], "size", 1, 1024)
    image = bytearray(b"P5\n%d %d\n255\n" % (size, size))
    for row in range(size):
        imaginary = 2.0 * row / size - 1.0
        image.extend(shade(2.0 * column / size - 1.5, imaginary) for column in range(size))
    return Response(bytes(image), content_type="image/x-portable-graymap")
