"""Draws street scenes and knows the truth about them: `scene.draw_scene` is the way in."""
