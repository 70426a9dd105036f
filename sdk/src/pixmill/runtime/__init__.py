"""A Run, as it happens on a machine: the supervisor (`python -m pixmill.runtime`) and its child.

The supervisor is trusted: it holds the Run's token and speaks HTTP. The child (`python -m pixmill.runtime.child`) holds
user code: it is shut in, and knows nothing but two pipes and what came through them. Trust ends between the two, so
nothing that the child says is believed beyond its own assets and its own log.
"""
