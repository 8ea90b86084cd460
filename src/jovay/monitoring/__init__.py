"""What a node tells of itself: metrics, log lines, the live view."""
