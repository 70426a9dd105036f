"""The detector never saw the sample: not its seeds, not its street templates, not its pictures."""

import hashlib
from itertools import combinations
from pathlib import Path

from PIL import Image

from sample.draw import shots
from sample.street.layouts import SAMPLE_LAYOUTS, TRAIN_LAYOUTS, Split, seeds_of
from sample.street.scene import draw_scene


def test_no_street_template_serves_the_sample_and_training() -> None:
    sample, train = ({layout.name for layout in layouts} for layouts in (SAMPLE_LAYOUTS, TRAIN_LAYOUTS))
    assert len(sample) == len(SAMPLE_LAYOUTS)
    assert len(train) == len(TRAIN_LAYOUTS)
    assert sample.isdisjoint(train)


def test_no_two_templates_are_the_same_street_by_another_name() -> None:
    for a, b in combinations((*SAMPLE_LAYOUTS, *TRAIN_LAYOUTS), 2):
        assert (a.road_half, a.walk, a.lanes, a.left, a.right) != (b.road_half, b.walk, b.lanes, b.left, b.right)


def test_no_two_splits_share_a_seed() -> None:
    for a, b in combinations(Split, 2):
        assert max(seeds_of(a)[0], seeds_of(b)[0]) > min(seeds_of(a)[-1], seeds_of(b)[-1])


def test_every_shot_keeps_to_the_seeds_and_the_templates_of_its_split() -> None:
    for split, layouts in ((Split.SAMPLE, SAMPLE_LAYOUTS), (Split.TRAIN, TRAIN_LAYOUTS), (Split.VAL, TRAIN_LAYOUTS)):
        for shot in shots(split, 500):
            assert shot.seed in seeds_of(split)
            assert shot.layout in layouts


def test_no_picture_of_the_sample_is_one_to_learn_from(drawn_sample: Path) -> None:
    def digest(image: Image.Image) -> str:
        return hashlib.sha256(image.convert("RGB").resize((16, 12)).tobytes()).hexdigest()

    sample = set()
    for path in (drawn_sample / "images").iterdir():
        with Image.open(path) as image:
            sample.add(digest(image))
    learned_from = {digest(draw_scene(shot.seed, shot.layout).image) for shot in shots(Split.TRAIN, 22)}
    assert len(learned_from) == 22
    assert sample.isdisjoint(learned_from)
