-- One row per learner whose entry is dated to the end of a day that is not over: it was known when it was loaded.
update learners
set
    seen_at = least(seen_at, $now),
    inactive_since = least(inactive_since, $now),
    consents_at = least(consents_at, $now)
where
    greatest(seen_at, inactive_since, consents_at) > $now
    and greatest(seen_at, inactive_since, consents_at) <= $now + interval 25 hours;
