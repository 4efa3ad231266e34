"""What users' code may write under ``mypy --strict``. ``nox -s types`` reads these modules; nothing runs them."""
