"""Operations: health, probes, schedules, retention, row level security, system checks."""
