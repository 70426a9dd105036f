"""Benchmarks: each module beside this one measures one thing, beside a baseline from the same run.

A benchmark is one file with `measure() -> Iterable[Figure]`; `python -m bench` finds it by its name.
"""
