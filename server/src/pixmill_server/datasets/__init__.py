"""Datasets, DatasetVersions, Revisions, assets, annotations, Labels and tags: schemas, the commit, and the reads.

Reading order: `tables.py`, `schemas.py`, `versions.py`, `commit.py`, `read.py`.
"""
