"""How Chromium is started for tests: by itself, and asking nobody for anything."""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    # What it asks all the same goes to a port of this machine where nobody answers.
    "--component-updater=url-source=http://127.0.0.1:9/",
    "--disable-sync",
]
