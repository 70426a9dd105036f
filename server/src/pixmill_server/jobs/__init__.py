"""Jobs and their Runs: launch, queue, ledger, staging, log, finish.

Reading order: `lifecycle.py` (what may follow what), `tables.py`, `launch.py`, `queue.py`, `ledger.py`, `logs.py`,
`finish.py`. The Run protocol's endpoints are in `api/runtime.py`; what places Runs is the worker.
"""
