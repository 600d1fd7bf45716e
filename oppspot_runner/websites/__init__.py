"""What a web page says of the company behind it: technologies, links, contact, head count.

Pure functions over pages that somebody else fetched; no network and no database.
"""
