"""Measurements that print the project's claims: quality, speed."""
