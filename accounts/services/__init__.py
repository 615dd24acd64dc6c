"""Services that write accounts, tokens and usage."""
