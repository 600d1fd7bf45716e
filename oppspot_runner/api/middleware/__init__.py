"""What stands in front of all requests. Plain ASGI, each a thin layer round the next."""
