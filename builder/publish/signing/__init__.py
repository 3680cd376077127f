"""Signatures and statements: made, attached, and audited."""
