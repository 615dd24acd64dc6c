"""Throughput of the synchronous endpoints and rembg's own server: concurrent clients, the same weights, the
same cores.
"""
