"""Serializers: the JSON representation of each resource."""
