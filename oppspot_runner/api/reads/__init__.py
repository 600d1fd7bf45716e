"""What people ask for by HTTP, where the layers below have no function for it yet."""
