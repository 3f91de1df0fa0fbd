-- One row per fact that is dated to the end of a day that is not over: it was known when it was loaded, so by now.
update learner_facts
set observed_at = $now
where observed_at > $now and observed_at <= $now + interval 25 hours;
