"""From an executed block to a durable, visible one."""
