"""The families of detector heads, one file each: the file's name is the family's name.

To add one, write a module with `create() -> Family` (see `contract.py`); it is found by its name, offered by
`--family`, and recognised from its shapes. `tests/inference/test_heads.py` runs every family through its contract.
"""
