"""What every test may ask for: real services, and the tests' data."""

pytest_plugins = [
    "tests.real_services",
    "tests.running_server",
    "tests.processing_environments",
    "tests.podman",
    "tests.registry",
]
