"""What is said in JSON between client and server. Values only; a released model only gains optional fields.

Only `pixmill.client` and the server's `api` import it: whoever else needs what is here asks one of these two.
"""
