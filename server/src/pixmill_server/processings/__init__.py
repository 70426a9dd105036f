"""Processings as the server knows them: their code, locks and schemas, and each Organization's defaults."""
