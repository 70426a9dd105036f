"""The control plane's database: SQLite or PostgreSQL behind one `Database`; knows no noun of the product."""
