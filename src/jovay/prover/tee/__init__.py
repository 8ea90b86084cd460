"""The TEE: platforms that attest what runs in them, their quotes, and how those are verified."""
