"""How the buildings of the street templates look."""

from __future__ import annotations

from sample.street.buildings import Style
from sample.street.moods import Colour

BRICK: tuple[Colour, ...] = ((168, 92, 74), (186, 116, 88), (148, 84, 76), (202, 168, 138), (128, 88, 84))
PASTEL: tuple[Colour, ...] = (
    (232, 206, 164),
    (214, 178, 164),
    (196, 210, 200),
    (236, 226, 204),
    (190, 204, 218),
    (228, 190, 128),
)
STONE: tuple[Colour, ...] = ((206, 198, 184), (186, 180, 172), (222, 212, 194), (170, 164, 160), (198, 184, 162))
MODERN: tuple[Colour, ...] = ((150, 164, 178), (196, 204, 210), (112, 126, 144), (174, 178, 178), (134, 122, 116))
EARTHY: tuple[Colour, ...] = ((204, 142, 96), (222, 182, 128), (178, 122, 92), (232, 214, 178), (190, 164, 128))

OLD_TOWN = Style(PASTEL, (3, 4), 2.3, (0.42, 0.56), gables=0.55, shops=0.5, shutters=True)
CITY = Style(STONE, (4, 7), 2.6, (0.48, 0.6), shops=0.75, balconies=0.4)
GLASS_TOWERS = Style(MODERN, (7, 14), 2.2, (0.82, 0.72), shops=0.4)
BRICK_ROW = Style(BRICK, (3, 5), 2.7, (0.46, 0.54), shops=0.6, roof=(96, 92, 96))
COTTAGES = Style(EARTHY, (1, 2), 3.0, (0.45, 0.5), gables=1.0, shops=0.0, gap=5.0)
VILLAGE = Style(PASTEL, (2, 3), 2.8, (0.42, 0.5), gables=0.9, shops=0.25, gap=2.4, roof=(168, 88, 60))
BLOCKS = Style(MODERN, (4, 8), 3.1, (0.6, 0.52), shops=0.15, balconies=0.8, gap=6.0)
SHEDS = Style((*MODERN, *BRICK), (2, 3), 4.2, (0.6, 0.4), shops=0.2, gap=3.0)
