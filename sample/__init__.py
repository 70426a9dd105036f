"""The sample that comes with Pixmill: drawn street scenes and a small detector trained on other ones."""
