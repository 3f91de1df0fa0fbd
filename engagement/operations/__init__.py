"""What keeps a scheduled installation healthy: checks, notifications, schedules."""
